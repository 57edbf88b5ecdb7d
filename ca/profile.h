// A certificate profile: what certificates of one kind have in common. Read from a TOML file of conf/profiles, checked
// once, then immutable. It does NOT know names or keys of a request, nor who may use it (the ACME server's scopes do).
//
//   name               = "camera-https"      # as in the ACME order's `profile`; the file is NAME.toml
//   description        = "..."               # shown in the ACME directory's meta.profiles
//   lifetime           = "90d"               # notBefore to notAfter, back-dating included; at most 825 days
//   backdate           = "1h"                # how far notBefore lies before now; at most 1 h
//   extended_key_usage = ["serverAuth"]      # serverAuth, clientAuth
//   key_types          = ["EC-P256", "RSA"]  # spelled as x509::to_string(KeyType) does
//   common_name        = "fqdn"              # fqdn: a DNS name of the certificate, if it has one; none: never
//   names_from_order   = false               # true: the order alone decides on the names, the CSR's are not compared
//   one_device_per_key = false               # true: no key that a certificate in use has for other names
//   renew_from_percent  = 60                 # of the lifetime: between these two clients are asked to renew
//   renew_until_percent = 73
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "base/x509/key.h"

namespace lenscap::ca {

// RFC 5280 4.2.1.12. No file gives ocsp_signing: see ocsp_signer_profile().
enum class ExtendedKeyUsage { server_auth, client_auth, ocsp_signing };

enum class CommonName {
  none,  // the subject is empty
  fqdn,  // a DNS name of the subjectAltName when there is one, else the subject is empty
};

struct Profile {
  std::string name;
  std::string description;
  Seconds lifetime{};
  Seconds backdate{};
  std::vector<ExtendedKeyUsage> extended_key_usage;  // sorted, without repeats
  std::vector<x509::KeyType> key_types;              // sorted, without repeats
  CommonName common_name = CommonName::fqdn;
  bool names_from_order = false;
  bool one_device_per_key = false;
  int renew_from_percent = 60;
  int renew_until_percent = 73;

  // SHA-256 over all that decides on certificates: two profiles with one hash issue alike. Stored with every intent.
  Sha256 hash() const;
  bool allows(x509::KeyType type) const;
  // Do its certificates sign OCSP answers (RFC 6960 4.2.2.2)? Then they hold no names, and nothing tells of their
  // revocation.
  bool signs_ocsp() const;
};

std::string_view to_string(ExtendedKeyUsage usage);  // "serverAuth"
std::string_view to_string(CommonName rule);         // "fqdn"

// For the certificate by which this CA answers OCSP requests. Not a file, so that nobody makes one of it that others
// may ask for; no file may have its name.
constexpr std::string_view kOcspSignerProfile = "ocsp-signer";
Profile ocsp_signer_profile();

// Errc::settings with file and line of the first thing that is wrong; unknown keys are wrong.
Result<Profile> parse_profile(std::string_view toml, std::string_view file_name);
// Also refuses a file whose name is not the profile's name followed by ".toml".
Result<Profile> load_profile(std::string const& path);

}  // namespace lenscap::ca
