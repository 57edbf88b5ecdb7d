// A small CA in memory, and other people's programs as judges of what it issues.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/x509/digest_signature.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "store/store.h"
#include "tests/ca/forged.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::ca::test {

inline Time const kNow = parse_rfc3339("2026-06-01T12:00:00Z").value();
inline constexpr char const* kHttpUrl = "http://pki.cams.example";

inline CeremonySettings ceremony_settings() {
  return {.name = "Example Cameras",
          .permit_dns = {"cams.example"},
          .permit_ip = {"10.20.0.0/15"},
          .url = "https://pki.cams.example:8443/acme",
          .state_dir = {}};
}

inline x509::NameSet names(std::vector<std::string> const& dns, std::vector<std::string> const& ip = {}) {
  x509::NameSet set;
  for (auto const& text : dns) set.dns.insert(x509::DnsName::parse(text).value());
  for (auto const& text : ip) set.ip.insert(x509::IpAddress::parse(text).value());
  return set;
}

inline Profile profile(std::string const& name) {
  return load_profile(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/" + name + ".toml").value();
}

// All that are shipped.
inline std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (auto const& file : std::filesystem::directory_iterator(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles"))
    if (file.path().extension() == ".toml") names.push_back(file.path().stem());
  std::ranges::sort(names);
  return names;
}

// Holds a key in memory; may be told to sign something else.
class MemoryKey final : public KeyHolder {
 public:
  explicit MemoryKey(x509::PrivateKey const& key)
      : key_(x509::PrivateKey::from_pem(key.to_pem().text(), SecretBytes()).value()) {}
  x509::PublicKey const& public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(HashAlgorithm hash, ByteView data) override {
    ++signatures;
    if (before) before(data);
    if (instead) return instead(data);
    return key_.sign(hash, data);
  }
  Result<Bytes> sign_digest(HashAlgorithm hash, ByteView digest) override {
    ++signatures;
    if (before) before(digest);
    if (instead) return instead(digest);
    return x509::sign_digest(key_, hash, digest);
  }
  std::function<Result<Bytes>(ByteView)> instead;  // gets the data, or the digest where that is all there is
  std::function<void(ByteView)>
      before;  // each signature: to wait, to count, or to look at what is to be signed; likewise
  std::atomic<int> signatures = 0;

 private:
  x509::PrivateKey key_;
};

// With an issuing key of this type.
inline GeneratedCa generate_ca_with(x509::KeyType type) {
  auto key = x509::PrivateKey::generate(type);
  auto made = certify_ca(ceremony_settings(), key.public_key(), kNow).value();
  return {std::move(made.root_key), std::move(made.root), std::move(made.root_crl), std::move(key),
          std::move(made.issuing)};
}

struct TestCa {
  GeneratedCa ca;
  MemoryKey* key;  // owned by the issuer
  std::unique_ptr<Issuer> issuer;

  // `crl_parts`, `ocsp`: as AuthoritySettings has them.
  explicit TestCa(CeremonySettings const& settings = ceremony_settings(), Time made_at = kNow, unsigned crl_parts = 0,
                  bool ocsp = false)
      : TestCa(generate_ca(settings, made_at).value(), crl_parts, ocsp) {}
  TestCa(GeneratedCa made, unsigned crl_parts, bool ocsp) : ca(std::move(made)) {
    auto holder = std::make_unique<MemoryKey>(ca.issuing_key);
    key = holder.get();
    CrlPlaces crl;
    if (crl_parts != 0) crl = {.base = kHttpUrl + crl_path(ca.issuing), .parts = crl_parts};
    issuer = Issuer::make(ca.issuing, {ca.root}, std::move(holder), kHttpUrl + aia_path(ca.issuing), std::move(crl), {},
                          ocsp ? kHttpUrl + std::string(kOcspPath) : std::string())
                 .value();
  }
};

inline IssueRequest request(x509::NameSet const& wanted, std::string const& profile_name = "camera-https",
                            x509::KeyType type = x509::KeyType::ec_p256) {
  return {.profile = profile_name,
          .key = x509::PrivateKey::generate(type).public_key(),
          .names = wanted,
          .common_name = {}};
}

// By the thief of the issuing key.
inline x509::Certificate forge(GeneratedCa const& ca, Template const& what) { return forge(what, ca.issuing_key); }

struct Outcome {
  int status = -1;
  std::string output;
};

// Runs a command line of the shell; standard error is part of the output.
inline Outcome run(std::string const& command) {
  Outcome outcome;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  while (std::size_t const count = std::fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, count);
  outcome.status = ::pclose(pipe);
  return outcome;
}

inline void put_file(std::string const& path, std::string const& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
}

}  // namespace lenscap::ca::test
