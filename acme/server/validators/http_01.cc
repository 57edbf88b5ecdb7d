// http-01 (RFC 8555 8.3): the key authorization stands at a path of port 80 of the name or address.
// DIVERGENCE from 8555-8.3-1: redirects are followed only when the settings say so; cameras and agents need none, and
// each would be another way to aim this server at a third machine (RFC 8555 10.4).
#include "acme/flow/http_01_rules.h"
#include "acme/server/target_limits.h"
#include "acme/server/validators/targets.h"
#include "base/limits.h"

namespace lenscap::acme {
namespace {

Error explain(Error const& error, std::string const& where) {
  if (error.code() == Errc::tls) return Error(Errc::tls, "no TLS connection with " + where);
  if (error.code() == Errc::incorrect_response)
    return Error(Errc::incorrect_response, where + " sent no HTTP answer, or one of more than " +
                                               std::to_string(limits::kValidationBodyBytes) + " octets");
  return Error(Errc::connection, "no answer from " + where + ": no connection, or broken off, or silent for " +
                                     std::to_string(limits::kValidationDeadline.count()) +
                                     " s; is the port open and reachable from this server?");
}

net::ClientRequest make_request(HttpHop const& hop, x509::IpAddress const& address, Resolver::Deadline deadline) {
  net::ClientRequest request;
  request.url = url_of(hop);
  request.connect_to = address.url_host() + ":" + std::to_string(hop.port);
  // After a redirect to https any certificate will do: what is proved is control of the plain port (RFC 8555 8.3).
  request.trust = net::Trust::anybody();
  request.headers.add("Accept-Encoding", "identity");
  request.headers.add("User-Agent", "lenscap-ca (ACME http-01 validation)");
  request.fresh_connection = true;
  request.connect_timeout = time_left(deadline, kConnectTimeout);
  request.total_timeout = time_left(deadline, limits::kValidationDeadline);
  request.body_bytes_max = limits::kValidationBodyBytes;
  return request;
}

struct Fetched {
  net::ClientResponse response;
  std::string where;
};

// The host of a redirect is the other side's text: it is never named (RFC 8555 10.4), nor is its address.
std::string redirected_to(int followed) { return "the host that redirect " + std::to_string(followed) + " leads to"; }

Error not_found(Error error, int followed) {
  if (followed == 0) return error;
  return Error(error.code(),
               redirected_to(followed) + (error.code() == Errc::dns ? " cannot be resolved"
                                                                    : " has no address that this server may contact"));
}

// As many are asking a machine as may; which one is nobody's business when a redirect led to it.
Error without_address(Error const& busy, std::string const& where) {
  Error error(busy.code(), "too many validations ask " + where + " at once, or too often");
  error.retry_after = busy.retry_after;
  return error;
}

// Asks the first of the hop's addresses that gives a connection: IPv6, then IPv4 (8555-8.3-1). `followed`: how many
// redirects led here.
net::Awaitable<Result<Fetched>> fetch(ValidationTools& tools, HttpHop hop, int followed, Resolver::Deadline deadline) {
  auto const addresses = co_await find_targets(tools, hop.host, deadline);
  if (!addresses) co_return not_found(addresses.error(), followed);
  std::optional<Error> refusal;
  for (auto const& address : *addresses) {
    auto const where = followed == 0
                           ? hop.host.value() + " (" + address.text() + ", port " + std::to_string(hop.port) + ")"
                           : redirected_to(followed);
    auto const place = tools.targets.enter(address, tools.clock.now());
    if (!place && followed == 0) co_return place.error();
    if (!place) co_return without_address(place.error(), where);
    auto request = make_request(hop, address, deadline);
    auto response = co_await tools.http.fetch(std::move(request));
    if (response) {
      Fetched fetched{*std::move(response), where};
      co_return fetched;
    }
    refusal = explain(response.error(), where);
    if (response.error().code() != Errc::unreachable) break;
  }
  co_return *std::move(refusal);
}

}  // namespace

net::Awaitable<Result<>> validate_http_01(ValidationTools& tools, ChallengeToCheck challenge) {
  auto const deadline = Resolver::in(tools.deadline);
  std::vector<unsigned short> const ports{80, 443, tools.http_port, tools.tls_port};
  auto hop = first_hop(challenge.identifier, challenge.token, tools.http_port);
  for (int followed = 0; followed <= limits::kValidationRedirects; ++followed) {
    CO_TRY(auto const fetched, co_await fetch(tools, hop, followed, deadline));
    auto const& response = fetched.response;
    if (!tools.redirects || !is_redirect(response.status))
      co_return judge_http_01(response.status, response.body, challenge.key_authorization, fetched.where);
    auto const* location = response.headers.find("Location");
    auto next = next_hop(hop, location == nullptr ? "" : *location, challenge.identifier, ports);
    if (!next) co_return std::move(next).error().with_context(fetched.where + " redirected to ");
    hop = *std::move(next);
  }
  co_return Error(Errc::incorrect_response, challenge.identifier.value() + " redirected more than " +
                                                std::to_string(limits::kValidationRedirects) + " times");
}

}  // namespace lenscap::acme
