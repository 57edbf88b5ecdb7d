// What an agent needs to go from one root to the next, and which roots it says it trusts (acme/wire/roots.h).
#include "acme/wire/roots.h"

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

std::vector<std::string> hashes_of(TrustReport const& report) {
  std::vector<std::string> hashes;
  for (auto const& hash : report.trusts) hashes.push_back(to_hex(hash));
  return hashes;
}

}  // namespace

net::Awaitable<Result<net::Response>> roots(App& app, SignedRequest const& request) {
  auto const answer = [&app] {
    return bytes_response(200, names::kPemChain, x509::to_pem(app.authority->roots().all()));
  };
  if (request.is_post_as_get()) co_return answer();
  CO_TRY(auto const report, parse_trust_report(request.payload));
  auto const hashes = hashes_of(report);
  if (request.account().trusts == hashes) co_return answer();  // as it is most days: no write
  CO_CHECK_OK(app.limits.may_change_account(request.account().id, request.now));
  auto note = [&](store::WriteTxn& txn) -> Result<> {
    auto account = load_account(txn, request.account().id);
    if (!account) return not_found();
    account->trusts = hashes;
    account->trusts_at = request.now;
    save_account(txn, *account);
    return {};
  };
  CO_CHECK_OK(co_await app.db.write(note));
  app.limits.account_changed(request.account().id, request.now);
  app.log.info("roots.trusted", {{"account", request.account().id}, {"roots", hashes.size()}});
  co_return answer();
}

}  // namespace lenscap::acme
