#include "base/net/accept.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lenscap::net {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr bool is_token_char(char c) {  // RFC 9110 5.6.2
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Parameter {
  std::string name;   // lower case
  std::string value;  // lower case, quotes removed
};

struct MediaRange {
  std::string type;  // "application", or "*"
  std::string subtype;
  std::vector<Parameter> parameters;  // up to q
  int quality = 1000;                 // thousandths
};

// Walks over one field value. Each reading function stays where it is when what it reads is not there.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string token() {
    std::string out;
    while (!rest_.empty() && is_token_char(rest_.front())) {
      out += lower(rest_.front());
      rest_.remove_prefix(1);
    }
    return out;
  }
  // Nothing when the quotes never close.
  std::optional<std::string> quoted_string() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      out += lower(c);
    }
    return std::nullopt;
  }
  // To behind the next comma that stands in no quotes.
  void next_element() {
    while (!rest_.empty() && !take(',')) {
      if (rest_.front() == '"')
        (void)quoted_string();
      else
        rest_.remove_prefix(1);
    }
  }

 private:
  std::string_view rest_;
};

// qvalue = 0[.ddd] or 1[.000] (RFC 9110 12.4.2), in thousandths.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int place = 100;
  for (char const c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return std::nullopt;
    thousandths += (c - '0') * place;
    place /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

// type "/" subtype *( OWS ";" OWS name "=" value ); what comes after q belongs to no type any more.
std::optional<MediaRange> read_range(Cursor& at) {
  MediaRange range;
  range.type = at.token();
  if (range.type.empty() || !at.take('/')) return std::nullopt;
  range.subtype = at.token();
  if (range.subtype.empty() || (range.type == "*" && range.subtype != "*")) return std::nullopt;
  bool has_quality = false;
  for (at.skip_blanks(); at.take(';'); at.skip_blanks()) {
    at.skip_blanks();
    Parameter parameter{at.token(), {}};
    if (parameter.name.empty()) continue;  // ";;" and a last ";" are allowed
    if (!at.take('=')) {
      if (!has_quality) return std::nullopt;
      continue;  // an extension of Accept, which may be a name alone
    }
    if (auto quoted = at.quoted_string())
      parameter.value = *std::move(quoted);
    else if (parameter.value = at.token(); parameter.value.empty())
      return std::nullopt;
    if (has_quality) continue;
    if (parameter.name != "q") {
      range.parameters.push_back(std::move(parameter));
      continue;
    }
    auto const quality = parse_quality(parameter.value);
    if (!quality) return std::nullopt;
    range.quality = *quality;
    has_quality = true;
  }
  return range;
}

std::vector<MediaRange> read_ranges(std::string_view accept) {
  std::vector<MediaRange> ranges;
  Cursor at(accept);
  for (std::size_t looked_at = 0; looked_at < kMediaRangesMax; ++looked_at) {
    at.skip_blanks();
    while (at.take(',')) at.skip_blanks();  // an empty element is allowed, and counts for nothing
    if (at.at_end()) break;
    auto range = read_range(at);
    at.skip_blanks();
    bool const is_whole = at.at_end() || at.take(',');
    if (range && is_whole) ranges.push_back(*std::move(range));
    if (!is_whole) at.next_element();
  }
  return ranges;
}

// How closely the range describes the offer: 0 not at all, 1 "*/*", 2 "type/*", 3 "type/subtype", 4 with its parameter.
int closeness(MediaRange const& range, MediaType const& offer) {
  auto const slash = offer.type.find('/');
  if (range.type == "*") return range.parameters.empty() ? 1 : 0;
  if (range.type != offer.type.substr(0, slash)) return 0;
  if (range.subtype == "*") return range.parameters.empty() ? 2 : 0;
  if (range.subtype != offer.type.substr(slash + 1)) return 0;
  if (range.parameters.empty()) return 3;
  auto const is_its_own = [&](Parameter const& p) {
    return p.name == offer.parameter && p.value == offer.parameter_value;
  };
  return std::ranges::all_of(range.parameters, is_its_own) ? 4 : 0;
}

// By the closest range (RFC 9110 12.5.1); 0 when none describes the offer.
int quality_of(MediaType const& offer, std::vector<MediaRange> const& ranges) {
  int closest = 0;
  int quality = 0;
  for (auto const& range : ranges) {
    auto const close = closeness(range, offer);
    if (close <= closest) continue;
    closest = close;
    quality = range.quality;
  }
  return quality;
}

}  // namespace

std::optional<std::size_t> choose_media_type(std::string_view accept, std::span<MediaType const> offers) {
  auto const ranges = read_ranges(accept);
  if (ranges.empty()) return offers.empty() || !accept.empty() ? std::nullopt : std::optional<std::size_t>(0);
  std::optional<std::size_t> best;
  int best_quality = 0;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    auto const quality = quality_of(offers[i], ranges);
    if (quality <= best_quality) continue;
    best_quality = quality;
    best = i;
  }
  return best;
}

}  // namespace lenscap::net
