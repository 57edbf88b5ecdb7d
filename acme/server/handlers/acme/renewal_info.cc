// When to renew a certificate (RFC 9773 4): for anybody who can name it, without a signature, and fit to be cached. It
// tells nothing of accounts.
#include "acme/wire/renewal_info.h"

#include "acme/flow/renewal_rules.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/renewals.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// A certificate that is revoked is to be renewed soon, whatever stands in a cache on the way.
constexpr Seconds kCacheFor{600};

}  // namespace

net::Response renewal_info(App& app, net::Request const& request) {
  auto const id = CertificateId::parse(request.params.at("certificate"));
  if (!id) return problem_response(id.error());
  std::optional<ca::CertificateRecord> record;
  app.store->read([&](store::ReadTxn& txn) { record = find_issued(txn, *id); });
  if (!record) return problem_response(Error(Errc::not_found, "no such certificate was issued here"));

  auto const* profile = app.policy.find_profile(record->profile);
  auto const window =
      suggested_window(record->not_before, record->not_after, not_trusted_since(*record, *app.authority),
                       profile != nullptr ? profile->renewal : RenewalRule{}, app.clock.now());
  auto response = json_response(200, to_json(RenewalInfoObject{window.start, window.end}));
  // Hours, and not the minutes to which other answers are held: RFC 9773 4.3.
  response.headers.add(std::string(names::kRetryAfter), std::to_string(window.retry_after.count()));
  response.headers.add(std::string(names::kCacheControl), "public, max-age=" + std::to_string(kCacheFor.count()));
  return response;
}

}  // namespace lenscap::acme
