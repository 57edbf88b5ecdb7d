#include "acme/wire/join.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/json.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kPrefix = "lenscap1.";
constexpr std::size_t kWordMax = 4096;
constexpr std::size_t kMacKeyOctetsMin = 32;  // as strong as the weakest hash that may use it (RFC 7518 3.2)

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  auto const first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_url(std::string_view text, std::string_view scheme) {
  return text.starts_with(scheme) && text.size() > scheme.size() && text[scheme.size()] != '/' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<JoinString> read(json::Object const& object) {
  JoinString join;
  TRY(join.directory, json::need_string(object, "directory"));
  TRY(join.root_url, json::need_string(object, "root_url"));
  TRY(auto const hash_text, json::need_string(object, "root_sha256"));
  TRY(join.eab_kid, json::need_string(object, "eab_kid"));
  TRY(auto mac_key_text, json::need_string(object, "eab_mac_key"));
  auto mac_key = from_base64url(mac_key_text);
  wipe(mac_key_text);
  if (!mac_key.ok()) return std::move(mac_key).error();
  join.eab_mac_key = SecretBytes(std::move(mac_key).value());
  TRY(auto const hash, from_hex(hash_text));
  if (hash.size() != join.root_sha256.size()) return Error(Errc::malformed, "the root's hash has a wrong length");
  std::copy(hash.begin(), hash.end(), join.root_sha256.begin());
  if (object.members().size() != 5) return Error(Errc::malformed, "it holds more than this version knows");
  if (!is_url(join.directory, "https://")) return Error(Errc::malformed, "the directory is no https URL");
  if (!is_url(join.root_url, "https://") && !is_url(join.root_url, "http://")) {
    return Error(Errc::malformed, "the root's place is no URL");
  }
  if (join.eab_kid.empty()) return Error(Errc::malformed, "the key id is empty");
  if (join.eab_mac_key.size() < kMacKeyOctetsMin) return Error(Errc::malformed, "the MAC key is too short");
  return join;
}

}  // namespace

SecretBytes make_join_string(JoinString const& join) {
  auto mac_key = to_base64url(join.eab_mac_key.view());
  auto text = json::write(json::Object{{"directory", join.directory},
                                       {"root_url", join.root_url},
                                       {"root_sha256", to_hex(join.root_sha256)},
                                       {"eab_kid", join.eab_kid},
                                       {"eab_mac_key", mac_key}});
  auto word = std::string(kPrefix) + to_base64url(as_bytes(text));
  SecretBytes secret{std::string_view(word)};
  wipe(mac_key);
  wipe(text);
  wipe(word);
  return secret;
}

Result<JoinString> parse_join_string(std::string_view word) {
  auto const refuse = [](std::string_view why) {
    return Error(Errc::usage, "this is no join string: " + std::string(why) +
                                  "; copy the whole word that `lenscap-ca eab create --join` printed");
  };
  word = trimmed(word);
  if (!word.starts_with(kPrefix)) return refuse("it does not begin with \"lenscap1.\"");
  if (word.size() > kWordMax) return refuse("it is too long");
  auto const octets = from_base64url(word.substr(kPrefix.size()));
  if (!octets.ok()) return refuse("it is damaged");
  SecretBytes const text{Bytes(*octets)};
  auto const object = json::parse_object(text.text());
  if (!object.ok()) return refuse("it is damaged");
  auto join = read(*object);
  if (!join.ok()) return refuse(join.error().detail());
  return join;
}

}  // namespace lenscap::acme
