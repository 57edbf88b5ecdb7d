#include "ca/root_share_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/base32.h"
#include "base/digest.h"

namespace lenscap::ca {
namespace {

constexpr std::size_t kGroupCharacters = 4, kCheckCharacters = 4, kShareCharacters = kShareOctets * 8 / 5;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What stands behind `name` in its line; none where there is no such line.
std::optional<std::string_view> field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    if (line.starts_with(name) && line.size() > name.size() && is_blank(line[name.size()]))
      return trimmed(line.substr(name.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  auto const* const end = text.data() + text.size();
  auto const [last, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || last != end || number < 1 || number > kSharesMax) return std::nullopt;
  return number;
}

std::string without_blanks(std::string_view text) {
  std::string plain;
  std::ranges::copy_if(text, std::back_inserter(plain), [](char c) { return !is_blank(c); });
  return plain;
}

// --- what is secret: never in a std::string, which leaves copies behind ---

class Writer {
 public:
  explicit Writer(std::size_t bytes_max) { text_.reserve(bytes_max); }
  Writer& operator<<(std::string_view text) {
    if (text_.size() + text.size() > text_.capacity()) bug("a secret text outgrows its room");
    text_.insert(text_.end(), text.begin(), text.end());
    return *this;
  }
  SecretBytes take() { return SecretBytes(std::move(text_)); }

 private:
  Bytes text_;
};

void write_groups(Writer& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += kGroupCharacters)
    out << (at == 0 ? "" : " ") << text.substr(at, kGroupCharacters);
}

std::string count_word(ShareCount count) { return fmt::format("{}-of-{}", count.needed, count.made); }

SecretBytes check_of(Sealing const& sealing, unsigned number, SecretBytes const& octets) {
  Writer out(1024);
  out << to_hex(sealing.root) << " " << sealing.id << " " << count_word(sealing.count) << " " << std::to_string(number)
      << " " << to_base32(octets.view()).text();
  auto const text = out.take();
  auto const whole = to_base32(sha256(text.view()));
  return SecretBytes(whole.text().substr(0, kCheckCharacters));
}

bool fits(Sealing const& sealing, unsigned number, SecretBytes const& octets, std::string_view check) {
  auto const wanted = check_of(sealing, number, octets);
  // Through the same reading as the share, so that case does not count.
  return check.size() == wanted.size() && std::ranges::equal(check, wanted.text(), [](char given, char right) {
           return (given >= 'a' && given <= 'z' ? given - 'a' + 'A' : given) == right;
         });
}

// --- what is not ---

std::string grouped_hex(Sha256 const& hash) {
  std::string text;
  for (char const c : to_hex(hash)) {
    if (text.size() % (kGroupCharacters + 1) == kGroupCharacters) text += ' ';
    text += static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
  }
  return text;
}

std::string sealing_lines(Sealing const& sealing) {
  return fmt::format("Root       {}\nSHA-256    {}\nSealing    {}\nNeeds      {} of {}\n", sealing.subject,
                     grouped_hex(sealing.root), sealing.id, sealing.count.needed, sealing.count.made);
}

std::optional<Sealing> parse_sealing(std::string_view text) {
  auto const root = field(text, "Root"), hash = field(text, "SHA-256"), id = field(text, "Sealing"),
             needs = field(text, "Needs");
  if (!root || !hash || !id || !needs) return std::nullopt;
  Sealing sealing{.subject = std::string(*root), .root = {}, .count = {}, .id = without_blanks(*id)};
  auto const octets = from_hex(without_blanks(*hash));
  if (!octets.ok() || octets->size() != sealing.root.size()) return std::nullopt;
  std::ranges::copy(*octets, sealing.root.begin());
  constexpr std::string_view kOf = " of ";
  auto const of = needs->find(kOf);
  if (of == std::string_view::npos) return std::nullopt;
  auto const needed = number_of(trimmed(needs->substr(0, of))),
             made = number_of(trimmed(needs->substr(of + kOf.size())));
  if (!needed || !made) return std::nullopt;
  sealing.count = {*needed, *made};
  for (char& c : sealing.id) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  bool const is_an_id = sealing.id.size() == kSealingIdCharacters && from_base32(sealing.id).ok();
  if (!is_an_id || !is_good(sealing.count)) return std::nullopt;
  return sealing;
}

}  // namespace

// --- file ---

SecretBytes share_file(RootShare const& share) {
  auto const& [sealing, number, octets] = share;
  auto const [needed, made] = sealing.count;
  auto const subject_room = sealing.subject.size();
  Writer out(4096 + subject_room);
  out << fmt::format("SHARE {} OF {} OF THE KEY OF A CERTIFICATE AUTHORITY. KEEP IT SECRET.\n\n", number, made);
  out << sealing_lines(sealing);
  out << fmt::format("Number     {}\nShare      ", number);
  write_groups(out, to_base32(octets.view()).text());
  out << "\nCheck      " << check_of(sealing, number, octets).text() << "\n\n";
  out << fmt::format(
      "Any {} of the {} shares together open the key in the file root.key; {} say nothing\n"
      "of it. Show yours to nobody, and keep it away from root.key and from the other\n"
      "shares. On paper it is as good as in a file.\n\n"
      "When the key is needed, bring this file (lenscap-ca ... --share FILE), or type\n"
      "the number, the share and the check in one line when lenscap-ca asks for it.\n\n"
      "Lost it, or might somebody have seen it? Say so at once. While {} shares are left,\n"
      "the key can be sealed anew, and this share then opens nothing.\n\n"
      "It goes without lenscap-ca, too. For each of {} shares, its number as NNN:\n"
      "  sed -n 's/^Share //p' FILE | tr -d ' ' | base32 -d > part.NNN\n"
      "  gfcombine -o secret part.*            (Debian: libgfshare-bin)\n"
      "  base32 secret > passphrase\n"
      "  openssl pkey -in root.key -passin file:passphrase -noout -check\n",
      needed, made, needed - 1, needed, needed);
  return out.take();
}

Result<RootShare> parse_share_file(std::string_view text) {
  auto sealing = parse_sealing(text);
  auto const number_text = field(text, "Number"), share = field(text, "Share"), check = field(text, "Check");
  auto const number = number_text ? number_of(*number_text) : std::nullopt;
  if (!sealing || !number || !share || !check || *number > sealing->count.made)
    return Error(Errc::file,
                 "this is no share of a root's key, or damaged: it needs the lines Root, SHA-256, Sealing, Needs, "
                 "Number, Share and Check");
  auto octets = from_base32(*share);
  if (!octets.ok()) return Error(Errc::file, fmt::format("share {} is damaged: {}", *number, octets.error().detail()));
  if (octets->size() != kShareOctets || !fits(*sealing, *number, *octets, *check))
    return Error(Errc::file,
                 fmt::format("share {} is damaged: its check does not fit it. Compare it with the original, "
                             "or take another share",
                             *number));
  return RootShare{*std::move(sealing), *number, *std::move(octets)};
}

// --- typed ---

Result<RootShare> parse_typed_share(Sealing const& sealing, std::string_view line) {
  line = trimmed(line);
  auto const blank = std::min(line.find_first_of(" \t"), line.size());
  auto const number = number_of(line.substr(0, blank));
  if (!number || *number > sealing.count.made)
    return Error(Errc::malformed, fmt::format("the line has to begin with the share's number, 1 to {}, and a blank",
                                              sealing.count.made));
  // Share and check, as one run of characters.
  Writer plain(kShareCharacters + kCheckCharacters);
  std::size_t characters = 0;
  for (char const c : line.substr(blank)) {
    if (is_blank(c) || c == '-') continue;
    if (++characters <= kShareCharacters + kCheckCharacters) plain << std::string_view(&c, 1);
  }
  auto const both = plain.take();
  if (characters != kShareCharacters + kCheckCharacters)
    return Error(Errc::malformed,
                 fmt::format("share {}: behind the number come {} characters of the share and {} of its check, and "
                             "these are {}",
                             *number, kShareCharacters, kCheckCharacters, characters));
  auto octets = from_base32(both.text().substr(0, kShareCharacters));
  if (!octets.ok()) return std::move(octets).error().with_context(fmt::format("share {}: ", *number));
  if (!fits(sealing, *number, *octets, both.text().substr(kShareCharacters)))
    return Error(Errc::malformed, fmt::format("share {}: its check does not fit, so a character is wrong, or it is a "
                                              "share of another sealing than {}",
                                              *number, sealing.id));
  return RootShare{sealing, *number, *std::move(octets)};
}

// --- in front of the key ---

std::string sealing_text(Sealing const& sealing) {
  return fmt::format("The key of a certificate authority, sealed in shares: {} of the {} open it.\n\n{}\n",
                     sealing.count.needed, sealing.count.made, sealing_lines(sealing));
}

Result<std::optional<Sealing>> read_sealing(std::string_view key_file) {
  auto const front = key_file.substr(0, key_file.find("-----BEGIN "));
  if (!field(front, "Sealing")) return std::optional<Sealing>();
  auto sealing = parse_sealing(front);
  if (!sealing)
    return Error(Errc::file,
                 "the lines in front of the key, which say in which shares it is sealed, are damaged: without them "
                 "the shares' files (--share) open it as well");
  return sealing;
}

}  // namespace lenscap::ca
