// dns-01 (RFC 8555 8.4): a digest of the key authorization stands in a TXT record below the name. The only challenge
// for wildcards; never offered for addresses (8738-7-1).
#include "acme/flow/dns_01_rules.h"
#include "acme/server/resolver.h"
#include "acme/server/validator.h"

namespace lenscap::acme {

net::Awaitable<Result<>> validate_dns_01(ValidationTools& tools, ChallengeToCheck challenge) {
  auto const at = dns_01_name(*challenge.identifier.dns());
  auto const records = co_await tools.resolver.txt(at, Resolver::in(tools.deadline));
  if (!records) co_return records.error();
  co_return judge_dns_01(*records, at, challenge.key_authorization);
}

}  // namespace lenscap::acme
