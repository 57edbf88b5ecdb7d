#include "acme/server/validators/targets.h"

#include <algorithm>

#include "acme/flow/reach_rules.h"

namespace lenscap::acme {

net::Awaitable<Result<std::vector<x509::IpAddress>>> find_targets(ValidationTools& tools, Identifier host,
                                                                  Resolver::Deadline deadline) {
  std::vector<x509::IpAddress> addresses;
  if (auto const* ip = host.ip()) {
    addresses.push_back(*ip);
  } else {
    auto found = co_await tools.resolver.addresses(*host.dns(), deadline);
    if (!found) co_return std::move(found).error();
    addresses = *std::move(found);
  }
  std::erase_if(addresses, [&](auto const& address) { return !may_contact(address, tools.may_reach); });
  if (addresses.empty())
    co_return Error(Errc::connection, host.value() +
                                          " has no address that this server may contact; the settings' "
                                          "acme.may_reach lists the networks");
  if (addresses.size() > kTargets) addresses.erase(addresses.begin() + kTargets, addresses.end());
  co_return addresses;
}

std::chrono::milliseconds time_left(Resolver::Deadline deadline, std::chrono::milliseconds most) {
  using std::chrono::milliseconds;
  auto const left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::clamp(left, milliseconds(1), std::max(milliseconds(1), most));
}

}  // namespace lenscap::acme
