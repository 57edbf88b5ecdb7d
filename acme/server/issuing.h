// The CA's issuer for coroutines. A key that may block, or that takes longer than it takes to hand work over and back
// (RSA), is used on the work pool; a short signature is made in place. For one that is made in another process the pool
// waits, and all the rest is done in place.
#pragma once

#include <algorithm>

#include "base/log.h"
#include "base/net/awaitable.h"
#include "base/net/io_threads.h"
#include "ca/authority.h"

namespace lenscap::acme {

class Issuing {
 public:
  Issuing(ca::Authority const& authority, net::WorkPool& pool, Log log)
      : authority_(authority),
        pool_(pool),
        log_(std::move(log)),
        is_short_(
            std::ranges::all_of(authority.issuers(), [](auto const& each) { return each.issuer->signs_at_once(); })),
        prepares_in_place_(is_short_ || authority.issuer().signs_elsewhere()) {}

  // See ca::Authority. What is thrown comes out: nothing was claimed yet.
  net::Awaitable<Result<ca::Draft>> prepare(ca::IssueRequest request, Time now, std::string only_issuer);
  // See ca::Authority. Does not throw: an intent stands in the store, so the caller has to settle it.
  net::Awaitable<Result<x509::Certificate>> sign(ca::Draft draft);

 private:
  ca::Authority const& authority_;
  net::WorkPool& pool_;
  Log log_;
  bool is_short_;
  bool prepares_in_place_;
};

}  // namespace lenscap::acme
