#include "agent/renewal.h"

#include <algorithm>

#include "base/digest.h"

namespace lenscap::agent {
namespace {

constexpr std::int64_t kParts = 1'000'000;

// 0 .. kParts, the same for the same serial and purpose for ever.
std::int64_t draw(std::string_view serial, std::string_view purpose) {
  std::string text(purpose);
  text.append(":").append(serial);
  auto hash = sha256(as_bytes(text));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 7; ++i) number = number << 8 | hash[i];
  return static_cast<std::int64_t>(number % (kParts + 1));
}

// `whole` * part / kParts without overflow: a lifetime of centuries times a million still fits, but a hostile window
// may be any number of seconds.
Seconds fraction(Seconds whole, std::int64_t part) {
  auto count = whole.count();
  return Seconds(count / kParts * part + count % kParts * part / kParts);
}

bool is_sane(Time time) {
  constexpr std::int64_t kYear9999 = 253'402'300'799;
  return to_unix(time) >= 0 && to_unix(time) <= kYear9999;
}

}  // namespace

Time due_at(Time now, Validity certificate, std::optional<RenewalWindow> const& window, std::string_view serial) {
  if (!is_sane(certificate.not_before) || !is_sane(certificate.not_after)) return now;
  Seconds const lifetime = certificate.not_after - certificate.not_before;
  if (lifetime <= Seconds(0)) return certificate.not_before;
  Time const latest = certificate.not_after - lifetime / 10;

  bool const fresh = window && is_sane(window->start) && is_sane(window->end) && is_sane(window->fetched) &&
                     window->end > window->start && window->retry_after > Seconds(0) && now >= window->fetched &&
                     now - window->fetched < window->retry_after;
  if (fresh) {
    // RFC 9773 4.2: a moment drawn evenly from the window; one in the past means now.
    return std::min(latest, window->start + fraction(window->end - window->start, draw(serial, "window")));
  }
  Seconds const two_thirds = fraction(lifetime, kParts * 2 / 3);
  Seconds const span = two_thirds / 10;
  return certificate.not_before + two_thirds - span + fraction(2 * span, draw(serial, "lifetime"));
}

bool is_due(Time now, Validity certificate, std::optional<RenewalWindow> const& window, std::string_view serial) {
  return now >= due_at(now, certificate, window, serial);
}

Seconds retry_delay(int failures, std::string_view serial, std::optional<Seconds> left) {
  // Apache's mod_md once overflowed here after a month of failures and then asked without pause: CVE-2025-55753.
  Seconds delay = kRetryFloor;
  for (int i = 1; i < failures && delay < kRetryCeiling; ++i) delay *= 2;
  delay = std::min(delay, kRetryCeiling);
  delay += fraction(delay / 10, draw(serial, "retry"));
  if (left) delay = std::min(delay, *left / 4);
  return std::max(delay, kRetryFloor);
}

}  // namespace lenscap::agent
