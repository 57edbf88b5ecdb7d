#include "acme/flow/rate_limit.h"

#include <algorithm>
#include <charconv>

namespace lenscap::acme {
namespace {

constexpr std::int64_t kCountMax = 1'000'000;
constexpr Seconds kWindowMax = kDay;

std::int64_t full(RateLimit const& limit) { return limit.count * limit.window.count(); }

std::int64_t shares_at(RateLimit const& limit, RateUse const& use, Time now) {
  if (now <= use.at) return use.shares;
  auto const elapsed = std::min(now - use.at, limit.window);  // enough for all to be given back
  return std::max<std::int64_t>(0, use.shares - elapsed.count() * limit.count);
}

}  // namespace

Result<RateLimit> parse_rate_limit(std::string_view text) {
  Error const refusal(Errc::settings, "\"" + std::string(text) +
                                          "\" is not COUNT/TIME, such as \"1000/1h\", of at most 1000000 in at most a "
                                          "day, nor \"none\"");
  RateLimit limit;
  if (text == "none") return limit;
  auto const slash = text.find('/');
  if (slash == text.npos) return refusal;
  auto const count = text.substr(0, slash);
  auto const [end, ec] = std::from_chars(count.data(), count.data() + count.size(), limit.count);
  if (ec != std::errc() || end != count.data() + count.size() || limit.count < 1 || limit.count > kCountMax)
    return refusal;
  auto const window = parse_duration(text.substr(slash + 1));
  if (!window || *window < Seconds(1) || *window > kWindowMax) return refusal;
  limit.window = *window;
  return limit;
}

std::string to_string(RateLimit const& limit) {
  if (limit.is_none()) return "none";
  return std::to_string(limit.count) + " in " + std::to_string(limit.window.count()) + " s";
}

Seconds time_to_wait(RateLimit const& limit, RateUse const& use, Time now) {
  if (limit.is_none()) return Seconds(0);
  auto const beyond = shares_at(limit, use, now) + limit.window.count() - full(limit);
  return beyond <= 0 ? Seconds(0) : Seconds((beyond + limit.count - 1) / limit.count);
}

RateUse count_use(RateLimit const& limit, RateUse const& use, Time now) {
  auto const shares = std::min(shares_at(limit, use, now) + limit.window.count(), full(limit));
  return {shares, std::max(use.at, now)};
}

bool is_forgettable(RateLimit const& limit, RateUse const& use, Time now) { return shares_at(limit, use, now) == 0; }

}  // namespace lenscap::acme
