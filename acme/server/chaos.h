// Chaos, for authors of ACME clients: what RFC 8555 lets a server do and few servers do, so that few clients were ever
// tried against it. Table [chaos] of ca.toml, a switch for each thing, all off by default; never for a CA that matters.
//
// Nothing here bends a rule: a client that keeps to the RFC gets its certificate with every switch on. The normal path
// knows nothing of it but a few hooks of this object, each of which does nothing unless its switch is on.
// Safe from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acme/flow/policy.h"
#include "base/config.h"
#include "base/net/awaitable.h"
#include "base/net/http.h"
#include "base/x509/key.h"

namespace lenscap::acme {

enum class RetryAfterForm { seconds, date, mixed };

struct ChaosSettings {
  int bad_nonce = 0;  // percent of signed requests
  RetryAfterForm retry_after = RetryAfterForm::seconds;
  bool shuffle = false;
  Seconds slow_validation{0};  // before each attempt
  Seconds async_finalize{0};   // from the answer `processing` to the signature; zero: off
  ReusePolicy reuse_authorizations = ReusePolicy::usual;
  std::uint64_t seed = 0;  // zero: another one at each start

  bool operator==(ChaosSettings const&) const = default;
};

// [chaos]
ChaosSettings read_chaos(config::Reader& reader);

class Chaos {
 public:
  explicit Chaos(ChaosSettings settings);

  // What is on, such as "bad_nonce = 20"; empty when nothing is. With the seed, so that a run can be had again.
  std::vector<std::string> switches() const;

  // bad_nonce: Errc::bad_nonce for a request whose nonce was good. Sent again it passes, whatever else the same key
  // sends meanwhile, and so does the next one to the same URL, since what is sent again may be made anew: clients that
  // try once again do all that 8555-6.5 asks of them. With 100 percent every request is refused once.
  Result<> judge_nonce(x509::PublicKey const& signer, std::string_view url, std::string_view payload);

  // retry_after, shuffle: what every answer goes through. `authorizations`, `challenges` and `orders` of an object keep
  // the one order that they have here, since an order's lists never change (8555-7.1.3-3); it follows nothing else.
  void change(net::Response& response, Time now);

  // slow_validation: awaited before each attempt.
  net::Awaitable<> before_attempt();

  // async_finalize: how long finalize may wait for the certificate before it answers `processing`, and what is awaited
  // before the signature.
  std::chrono::milliseconds finalize_wait(std::chrono::milliseconds usual) const;
  net::Awaitable<> before_signature();

 private:
  std::uint64_t draw();  // the next number of the series that the seed begins

  ChaosSettings const settings_;
  std::uint64_t const seed_;
  std::atomic<std::uint64_t> drawn_ = 0;
  // What was refused and is to pass: a bit for some of its hash. Two with one bit only spare each other.
  static constexpr std::size_t kMarks = 4096;
  std::array<std::atomic<bool>, kMarks> refused_{};
};

}  // namespace lenscap::acme
