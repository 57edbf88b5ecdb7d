#include "acme/server/target_limits.h"

#include <algorithm>
#include <map>

namespace lenscap::acme {
namespace {

// A place is free again after a few milliseconds, or some seconds when nobody answers.
constexpr Seconds kWaitForPlace{1};

Error busy(std::string const& what, Seconds wait) {
  Error error(Errc::rate_limited, what);
  error.retry_after = wait;
  return error;
}

}  // namespace

struct TargetLimits::State {
  State(std::size_t the_at_once, RateLimit of_network) : at_once(the_at_once), networks(of_network) {}
  std::size_t const at_once;
  UseTable networks;
  std::mutex mutex;
  std::map<x509::IpAddress, std::size_t> taken;  // never more than there are attempts under way
};

TargetLimits::TargetLimits(std::size_t at_once, RateLimit of_network)
    : state_(std::make_shared<State>(at_once, of_network)) {}

TargetLimits::Place::~Place() {
  if (!state_) return;
  std::lock_guard const lock(state_->mutex);
  auto const it = state_->taken.find(address_);
  if (--it->second == 0) state_->taken.erase(it);
}

Result<TargetLimits::Place> TargetLimits::enter(x509::IpAddress const& address, Time now) {
  auto const network = network_of(address);
  std::lock_guard const lock(state_->mutex);
  if (auto const it = state_->taken.find(address); it != state_->taken.end() && it->second >= state_->at_once)
    return busy("as many validations as are allowed at once are asking " + address.text(), kWaitForPlace);
  if (auto const wait = state_->networks.time_to_wait(network, now); wait > Seconds(0))
    return busy("as many validations as are allowed have asked " + network, wait);
  state_->networks.count_use(network, now);
  ++state_->taken[address];
  return Place(state_, address);
}

std::string network_of(x509::IpAddress const& address) {
  auto const octets = address.octets();
  std::size_t const kept = address.is_v6() ? 8 : 3;
  Bytes base(octets.begin(), octets.end());
  std::fill(base.begin() + static_cast<std::ptrdiff_t>(kept), base.end(), std::uint8_t{0});
  return x509::IpAddress::from_octets(base).value().text() + "/" + std::to_string(kept * 8);
}

}  // namespace lenscap::acme
