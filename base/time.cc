#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace lenscap {
namespace {

// Reads exactly `width` digits at `at`; -1 if there is anything else.
int digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Time SystemClock::now() const { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }

std::string to_rfc3339(Time time) {
  auto const day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

Result<Time> parse_rfc3339(std::string_view text) {
  Error const refusal(Errc::malformed, "not an RFC 3339 time such as 2026-01-02T03:04:05Z");
  int const year = digits(text, 0, 4);
  int const month = digits(text, 5, 2);
  int const day = digits(text, 8, 2);
  int const hour = digits(text, 11, 2);
  int const minute = digits(text, 14, 2);
  int const second = digits(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return refusal;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
    return refusal;
  if (hour > 23 || minute > 59 || second > 60) return refusal;
  std::chrono::year_month_day const date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return refusal;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::size_t const first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first) return refusal;
  }
  Seconds offset{0};
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  } else {
    if (at + 6 != text.size() || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':') return refusal;
    int const off_hour = digits(text, at + 1, 2);
    int const off_minute = digits(text, at + 4, 2);
    if (off_hour < 0 || off_hour > 23 || off_minute < 0 || off_minute > 59) return refusal;
    offset = off_hour * kHour + off_minute * kMinute;
    if (text[at] == '-') offset = -offset;
    at += 6;
  }
  if (at != text.size()) return refusal;
  return Time(std::chrono::sys_days(date)) + hour * kHour + minute * kMinute + Seconds(second) - offset;
}

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string to_http_date(Time time) {
  auto const day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(std::chrono::weekday(day).c_encoding()),
                     static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1),
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

Result<Time> parse_http_date(std::string_view text) {
  Error const refusal(Errc::malformed, "not a time such as Sun, 06 Nov 1994 08:49:37 GMT");
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return refusal;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') return refusal;
  auto const month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  int const day = digits(text, 5, 2);
  int const year = digits(text, 12, 4);
  int const hour = digits(text, 17, 2);
  int const minute = digits(text, 20, 2);
  int const second = digits(text, 23, 2);
  if (month == kMonths.end() || day < 0 || year < 0 || hour < 0 || minute < 0 || second < 0) return refusal;
  if (hour > 23 || minute > 59 || second > 60) return refusal;
  std::chrono::year_month_day const date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return refusal;
  return Time(std::chrono::sys_days(date)) + hour * kHour + minute * kMinute + Seconds(second);
}

Result<Seconds> parse_duration(std::string_view text) {
  Error const refusal(Errc::malformed, "not a duration: write a number and one of s, m, h or d, such as 90d");
  long long count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count < 0 || count > 100'000'000 || end + 1 != text.data() + text.size()) return refusal;
  switch (*end) {
    case 's':
      return Seconds(count);
    case 'm':
      return count * kMinute;
    case 'h':
      return count * kHour;
    case 'd':
      return count * kDay;
    default:
      return refusal;
  }
}

}  // namespace lenscap
