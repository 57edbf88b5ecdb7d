#include "agent/verify_served.h"

#include <algorithm>
#include <chrono>

#include "agent/devices/shared/axis_auth.h"
#include "agent/devices/shared/connection.h"
#include "agent/devices/shared/text.h"
#include "base/net/io_threads.h"

namespace lenscap::agent {

namespace {

// The sentence for the list of results: what is wrong, or that nothing is.
std::string describe(ServedExpectation const& expected, Served const& served, std::string const& why) {
  if (!served.reached) return "nothing answers on TLS";
  auto const& leaf = served.chain.front();
  if (expected.key && !served.key_matches)
    return "serves another certificate than the new one (" + clean_text(leaf.subject(), 80) + ")";
  if (!served.time_valid)
    return "serves a certificate that is valid from " + to_rfc3339(leaf.not_before()) + " to " +
           to_rfc3339(leaf.not_after()) + ", not now";
  if (served.chain_state == ServedChain::untrusted)
    return "serves a certificate that does not chain to our root: " + why;
  if (!served.names_match) return "serves a certificate that does not name " + uncovered(leaf, expected.names).text();
  std::string text = expected.key ? "serves the certificate of the new key" : "serves a certificate of ours";
  if (served.chain_state == ServedChain::incomplete)
    text += "; chain incomplete: the device leaves out the issuing certificate, so clients must have it";
  return text;
}

}  // namespace

Served judge_served(ServedExpectation const& expected, std::vector<x509::Certificate> chain, Time now) {
  Served served;
  served.chain = std::move(chain);
  served.reached = !served.chain.empty();
  if (!served.reached) {
    served.text = describe(expected, served, "");
    return served;
  }
  auto const& leaf = served.chain.front();
  served.key_matches = expected.key && leaf.key() == *expected.key;
  served.time_valid = leaf.not_before() <= now && now <= leaf.not_after();
  served.names_match = !expected.names.empty() && uncovered(leaf, expected.names).empty();

  // Time is judged apart: an expired certificate of ours is still one of ours.
  Time const when = served.time_valid ? now : leaf.not_before();
  std::vector<x509::Certificate> const sent(served.chain.begin() + 1, served.chain.end());
  auto const by_itself = verify_chain(leaf, sent, expected.roots, when);
  std::string why;
  served.chain_state = ServedChain::complete;
  if (!by_itself) {
    std::vector<x509::Certificate> helped = sent;
    helped.insert(helped.end(), expected.intermediates.begin(), expected.intermediates.end());
    auto const with_ours = verify_chain(leaf, helped, expected.roots, when);
    served.chain_state = with_ours ? ServedChain::incomplete : ServedChain::untrusted;
    if (!with_ours) why = clean_text(with_ours.error().detail());
  }
  served.text = describe(expected, served, why);
  return served;
}

bool Patience::is_over(bool reached, std::chrono::milliseconds since_begun) {
  if (!reached) return since_begun >= until_away_;
  if (!first_reached_) first_reached_ = since_begun;
  return since_begun - *first_reached_ >= until_;
}

namespace {

bool is_final(DeviceError const& error) {
  return error.code != DeviceErrc::unreachable && error.code != DeviceErrc::busy_timeout &&
         error.code != DeviceErrc::tls_untrusted;  // the web server may still be changing over
}

// Of another connection than the one that was judged: the very key, where one is expected. A certificate of ours with
// the same names may be held by somebody else, such as a former one.
Trust trust_of(ServedExpectation const& expected) {
  Trust trust;
  if (expected.key) {
    trust.pins = {expected.key->spki_hash()};
    return trust;
  }
  trust.roots = expected.roots;
  trust.intermediates = expected.intermediates;
  trust.names = expected.names;
  return trust;
}

net::Awaitable<> check_serial(Served& served, ServedExpectation const& expected, Driver& driver) {
  auto const serial = co_await driver.read_serial(trust_of(expected));
  if (!serial.ok()) {
    served.serial_error = serial.error();
    served.text += "; its serial number could not be read: " + serial.error().text;
  } else if (*serial != expected.serial) {
    served.serial_error =
        DeviceError(DeviceErrc::wrong_device, "serial number " + *serial + " answers instead of " + expected.serial);
    served.text += "; " + served.serial_error->text;
  } else {
    served.serial_checked = true;
  }
  co_return;
}

}  // namespace

net::Awaitable<DeviceResult<Served>> verify_served(net::HttpClient& http, Clock const& clock, Endpoint endpoint,
                                                   ServedExpectation expected, Driver* driver) {
  if (endpoint.https_port == 0)
    co_return DeviceError(DeviceErrc::unsupported, "the device has no HTTPS port in the inventory");
  auto const start = std::chrono::steady_clock::now();
  Patience patience(expected);
  // Many devices change over in no time: the first looks follow each other closely.
  auto pause = std::min(std::chrono::milliseconds(125), expected.interval);
  for (int tries = 1;; ++tries) {
    Served served;
    std::vector<x509::Certificate> chain;
    auto seen = co_await shake_hands(http, endpoint);
    if (seen.ok()) chain = std::move(seen->chain);
    served = judge_served(expected, std::move(chain), clock.now());
    if (!seen.ok()) served.text += ": " + seen.error().text;

    ServedExpectation tls_only = expected;
    tls_only.serial.clear();
    bool final_answer = false;
    if (served.good(tls_only) && !expected.serial.empty() && driver != nullptr) {
      co_await check_serial(served, expected, *driver);
      final_answer = served.serial_error && is_final(*served.serial_error);
    }
    served.tries = tries;
    auto const so_far = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    bool const out_of_time = patience.is_over(served.reached, so_far);
    if (served.good(expected) || final_answer || out_of_time) co_return served;
    co_await net::sleep_for(pause);
    pause = std::min(pause * 2, expected.interval);
  }
}

}  // namespace lenscap::agent
