// How much validation may ask of one machine and of one network, whatever accounts it is for: so that nobody can aim
// this server at somebody else (RFC 8555 10.3, 8555-10.3-1). Redirects count like any other connection.
#pragma once

#include <memory>

#include "acme/server/use_table.h"
#include "base/x509/name.h"

namespace lenscap::acme {

// Thread-safe.
class TargetLimits {
  struct State;

 public:
  // At most `at_once` attempts at the same time towards one address, and `of_network` towards its network.
  TargetLimits(std::size_t at_once, RateLimit of_network);

  // An attempt's place at an address, for as long as this object lives. It may outlive the TargetLimits.
  class Place {
   public:
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;
    ~Place();

   private:
    friend class TargetLimits;
    Place(std::shared_ptr<State> state, x509::IpAddress address)
        : state_(std::move(state)), address_(std::move(address)) {}
    std::shared_ptr<State> state_;  // null when moved from
    x509::IpAddress address_;
  };

  // Errc::rate_limited with the time to wait: this says nothing of the target, so no challenge may fail by it.
  Result<Place> enter(x509::IpAddress const& address, Time now);

 private:
  std::shared_ptr<State> state_;
};

// "10.20.4.0/24", "2001:db8:1:2::/64".
std::string network_of(x509::IpAddress const& address);

}  // namespace lenscap::acme
