// tls-alpn-01 (RFC 8737, RFC 8738): the host shows a certificate made for this challenge in a handshake for acme-tls/1
// on port 443.
#include "acme/flow/tls_alpn_01_rules.h"
#include "acme/server/target_limits.h"
#include "acme/server/tls_probe.h"
#include "acme/server/validators/targets.h"
#include "base/limits.h"

namespace lenscap::acme {

net::Awaitable<Result<>> validate_tls_alpn_01(ValidationTools& tools, ChallengeToCheck challenge) {
  auto const deadline = Resolver::in(tools.deadline);
  auto const& identifier = challenge.identifier;
  CO_TRY(auto const addresses, co_await find_targets(tools, identifier, deadline));
  Error refusal(Errc::connection, "");
  for (auto const& address : addresses) {
    auto const where = identifier.value() + " (" + address.text() + ", port " + std::to_string(tools.tls_port) + ")";
    CO_TRY(auto const place, tools.targets.enter(address, tools.clock.now()));
    TlsProbe probe{.address = address};
    probe.port = tools.tls_port;
    probe.server_name = tls_alpn_01_server_name(identifier);
    probe.protocol = kAcmeTlsProtocol;
    probe.connect_timeout = time_left(deadline, kConnectTimeout);
    probe.total_timeout = time_left(deadline, limits::kValidationDeadline);
    auto const leaf = co_await probe_tls(std::move(probe));
    if (leaf) co_return judge_tls_alpn_01(*leaf, identifier, challenge.key_authorization, where);
    bool const reached = leaf.error().code() != Errc::unreachable;
    refusal = Error(reached ? leaf.error().code() : Errc::connection, where + ": " + leaf.error().detail());
    if (reached) break;  // the next address has its turn only when this one gives no connection
  }
  co_return refusal;
}

}  // namespace lenscap::acme
