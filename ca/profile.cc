#include "ca/profile.h"

#include <algorithm>
#include <array>

#include "base/config.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

namespace lenscap::ca {
namespace {

constexpr std::array kUsages{ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
constexpr std::array kCommonNames{CommonName::none, CommonName::fqdn};
// No Ed25519: no camera and no browser takes it.
constexpr std::array kKeyTypes{x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::ec_p521,
                               x509::KeyType::rsa};

template <class Values>
std::string spellings(Values const& values) {
  std::string all;
  for (auto value : values) {
    if (!all.empty()) all += ", ";
    all += to_string(value);
  }
  return all;
}

// The enumerator that `text` spells; a word that is none of them is refused at its line.
template <class Value, std::size_t kCount>
void read_word(config::Reader& reader, std::string_view path, std::string_view text,
               std::array<Value, kCount> const& values, std::vector<Value>& out) {
  for (Value value : values)
    if (to_string(value) == text) return out.push_back(value);
  reader.refuse(path, "\"" + std::string(text) + "\" is not one of " + spellings(values));
}

template <class Value, std::size_t kCount>
std::vector<Value> read_words(config::Reader& reader, std::string_view path, std::array<Value, kCount> const& values) {
  std::vector<Value> out;
  for (std::string const& text : reader.strings(path, {})) read_word(reader, path, text, values, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

constexpr std::size_t kProfileFileBytesMax = 64 * 1024;

bool is_profile_name(std::string_view name) {
  constexpr std::size_t kNameCharactersMax = 64;
  return !name.empty() && name.size() <= kNameCharactersMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string_view to_string(ExtendedKeyUsage usage) {
  switch (usage) {
    case ExtendedKeyUsage::server_auth:
      return "serverAuth";
    case ExtendedKeyUsage::client_auth:
      return "clientAuth";
    case ExtendedKeyUsage::ocsp_signing:
      return "OCSPSigning";
  }
  bug("unknown ExtendedKeyUsage");
}

std::string_view to_string(CommonName rule) {
  switch (rule) {
    case CommonName::none:
      return "none";
    case CommonName::fqdn:
      return "fqdn";
  }
  bug("unknown CommonName");
}

bool Profile::allows(x509::KeyType type) const {
  return std::find(key_types.begin(), key_types.end(), type) != key_types.end();
}

bool Profile::signs_ocsp() const {
  return std::ranges::find(extended_key_usage, ExtendedKeyUsage::ocsp_signing) != extended_key_usage.end();
}

Profile ocsp_signer_profile() {
  return {.name = std::string(kOcspSignerProfile),
          .description = "Signs the CA's OCSP answers",
          // Nobody can revoke it in a way that clients see (RFC 6960 4.2.2.2.1), so it is short; it is renewed at half
          // of it, and a CA whose key cannot be had for three days goes on answering.
          .lifetime = 7 * kDay,
          .backdate = limits::kBackdate,
          .extended_key_usage = {ExtendedKeyUsage::ocsp_signing},
          .key_types = {x509::KeyType::ec_p256},
          .common_name = CommonName::none};
}

Sha256 Profile::hash() const {
  json::Array usages;
  for (ExtendedKeyUsage usage : extended_key_usage) usages.emplace_back(to_string(usage));
  json::Array types;
  for (x509::KeyType type : key_types) types.emplace_back(to_string(type));
  json::Object all{{"name", name},
                   {"description", description},
                   {"lifetime", static_cast<long long>(lifetime.count())},
                   {"backdate", static_cast<long long>(backdate.count())},
                   {"extended_key_usage", usages},
                   {"key_types", types},
                   {"common_name", to_string(common_name)},
                   {"names_from_order", names_from_order}};
  // No part of a certificate, but it decides on who gets one, and so on what the audit trail calls the same policy.
  if (one_device_per_key) all.set("one_device_per_key", true);
  return sha256(as_bytes(json::write(all)));
}

Result<Profile> parse_profile(std::string_view toml, std::string_view file_name) {
  TRY(auto reader, config::Reader::parse(toml, file_name));
  Profile profile;
  profile.name = reader.string("name", "");
  if (!is_profile_name(profile.name))
    reader.refuse("name", "a profile needs a name of lower-case letters, digits and hyphens");
  if (profile.name == kOcspSignerProfile)
    reader.refuse("name", "this name is kept for what signs the CA's own OCSP answers");
  profile.description = reader.string("description", "");
  if (profile.description.empty()) reader.refuse("description", "say in one line what the certificates are for");

  profile.lifetime = reader.duration("lifetime", limits::kLeafLifetime);
  if (profile.lifetime < kHour || profile.lifetime > limits::kServerCertificateLifetime)
    reader.refuse("lifetime", "must be between 1h and 825d: longer server certificates are refused by Apple's systems");
  profile.backdate = reader.duration("backdate", limits::kBackdate);
  if (profile.backdate < Seconds(0) || profile.backdate > limits::kBackdate || profile.backdate >= profile.lifetime)
    reader.refuse("backdate", "must be between 0s and 1h, and shorter than the lifetime");

  profile.extended_key_usage = read_words(reader, "extended_key_usage", kUsages);
  if (profile.extended_key_usage.empty())
    reader.refuse("extended_key_usage", "needs at least one of " + spellings(kUsages));
  profile.key_types = read_words(reader, "key_types", kKeyTypes);
  if (profile.key_types.empty()) reader.refuse("key_types", "needs at least one of " + spellings(kKeyTypes));

  std::vector<CommonName> rules;
  read_word(reader, "common_name", reader.string("common_name", to_string(CommonName::fqdn)), kCommonNames, rules);
  if (!rules.empty()) profile.common_name = rules.front();
  profile.names_from_order = reader.boolean("names_from_order", false);
  profile.one_device_per_key = reader.boolean("one_device_per_key", false);
  // Not so early that most of a lifetime is thrown away, not so late that a failure cannot be repaired in time.
  profile.renew_from_percent = static_cast<int>(reader.integer("renew_from_percent", 60, 10, 94));
  profile.renew_until_percent = static_cast<int>(reader.integer("renew_until_percent", 73, 11, 95));
  if (profile.renew_from_percent >= profile.renew_until_percent)
    reader.refuse("renew_until_percent", "must be more than renew_from_percent");
  CHECK_OK(reader.finish());
  return profile;
}

Result<Profile> load_profile(std::string const& path) {
  TRY(auto text, read_file(path, kProfileFileBytesMax));
  TRY(auto profile, parse_profile(text, path));
  std::string_view const file_name = std::string_view(path).substr(path.rfind('/') + 1);
  if (file_name != profile.name + ".toml")
    return Error(Errc::settings, path + ": holds the profile \"" + profile.name + "\", so the file must be called " +
                                     profile.name + ".toml");
  return profile;
}

}  // namespace lenscap::ca
