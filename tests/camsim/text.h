// Small text work of the HTTP endpoints: percent-encoding, queries, XML escapes, dates.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lenscap::camsim {

std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);
// "a=1&b=2" in order, decoded; a name without '=' has an empty value.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);
std::optional<std::string> find_in_query(std::string_view query, std::string_view name);

std::string xml_escape(std::string_view text);
std::string lower(std::string_view text);
std::string upper(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);  // empty parts are left out
std::string trim(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

std::string http_date(long long unix_seconds);                     // "Sun, 06 Nov 1994 08:49:37 GMT"
std::string iso_date(long long unix_seconds);                      // "1994-11-06T08:49:37Z"
std::optional<long long> parse_local_time(std::string_view text);  // "2020-10-16T04:08:32", a 'Z' allowed

}  // namespace lenscap::camsim
