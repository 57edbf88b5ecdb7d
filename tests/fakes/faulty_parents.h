// What a parent, or who holds its key, can get wrong, made by openssl and by GnuTLS's certtool: the cases of the rules
// in the process, and of the commands that go by them.
#pragma once

#include <string>
#include <vector>

#include "tests/fakes/corporation.h"

namespace lenscap::fakes {

struct FaultyParent {
  char const* says;  // part of the refusal
  Corporation::Options corporation = {};
  std::vector<std::string> files = {};                      // in the corporation's folder, to be given
  std::string change = ":";                                 // a command in that folder, after everything was made
  std::string key = "EC -pkeyopt ec_paramgen_curve:P-256";  // of the issuing certificate
  bool is_about_key = false;                                // of no meaning where the key is our own
};

namespace faults {

inline constexpr char const* kRootUse = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
inline constexpr char const* kIssuerUse =
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
inline constexpr char const* kOtherKey =
    "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key";

// "mixed.key": the private number of the P-256 key NAME.key beside the public point of another.
inline std::string mixed_with(std::string const& name) {
  return std::string(kOtherKey) + " && for key in " + name +
         " other; do openssl pkcs8 -topk8 -nocrypt -in $key.key -outform DER -out $key.der; done && { head -c 36 " +
         name + ".der; tail -c +37 other.der | head -c 32; tail -c +69 " + name +
         ".der; } >mixed.der && { echo '-----BEGIN PRIVATE KEY-----'; base64 -w 64 mixed.der; "
         "echo '-----END PRIVATE KEY-----'; } >mixed.key";
}

// The issuing certificate once more, by GnuTLS and this template.
inline std::string by_certtool(std::string const& lines, std::string const& options = "") {
  return "printf '" + lines +
         "' >faulty.tmpl && certtool --generate-certificate --load-request issuing.csr --load-ca-certificate root.pem "
         "--load-ca-privkey root.key --template faulty.tmpl " +
         options + " --outfile issuing.pem";
}
// The root once more.
inline std::string root_by_certtool(std::string const& lines) {
  return "printf 'cn = \"Corporate Root\"\\n" + lines +
         "' >faulty.tmpl && certtool --generate-self-signed --load-privkey root.key --template faulty.tmpl --outfile "
         "root.pem";
}

}  // namespace faults

// Certificates for an issuing key: "issuing.key", where it was made by the parent, and the chain.
inline std::vector<FaultyParent> faulty_issuers() {
  using namespace faults;
  std::string const use = kIssuerUse;
  std::string const root = kRootUse;
  std::string const gnutls = "ca\\ncert_signing_key\\ncrl_signing_key\\n";
  std::vector<FaultyParent> cases{
      {.says = "no private key", .files = {"issuing.pem", "root.pem"}, .is_about_key = true},
      {.says = "no certificate is among", .files = {"issuing.key"}, .is_about_key = true},
      {.says = "several private keys",
       .files = {"issuing.key", "other.key", "issuing.pem", "root.pem"},
       .change = kOtherKey,
       .is_about_key = true},
      {.says = "belongs to none",
       .files = {"other.key", "issuing.pem", "root.pem"},
       .change = kOtherKey,
       .is_about_key = true},
      {.says = "is damaged",
       .files = {"mixed.key", "issuing.pem", "root.pem"},
       .change = mixed_with("issuing"),
       .is_about_key = true},
      {.says = "is a root and no intermediate", .files = {"root.key", "root.pem"}, .is_about_key = true},
      {.says = "ask for basicConstraints with CA:TRUE",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:FALSE\n"}},
      {.says = "ask for the key usage keyCertSign",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n"}},
      {.says = "ask for the key usage cRLSign",
       .corporation = {.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"}},
      {.says = "ask for a path length that leaves room",
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n"}},
      {.says = "ask for a path length that leaves room",  // two CAs below a root that allows one
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign,cRLSign\n",
                       .has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "policy.pem", "root.pem"}},
      {.says = "CN=Corporate Root,O=Example Corporation, which is not among", .files = {"issuing.key", "issuing.pem"}},
      {.says = "Policy CA,O=Example Corporation, which is not among",
       .corporation = {.has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "root.pem"}},
      {.says = "up to the self-signed root",
       .corporation = {.has_policy_ca = true},
       .files = {"issuing.key", "issuing.pem", "policy.pem"}},
      {.says = "signature that does not verify",
       .change = "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out root2.key && "
                 "openssl req -new -key root2.key -subj '/O=Example Corporation/CN=Corporate Root' -out root2.csr && "
                 "openssl x509 -req -in root2.csr -signkey root2.key -days 10 -extfile root.ext -out root.pem"},
      // The same name and key as the signer's, and another key identifier than the one that was signed under.
      {.says = "names its issuer by an authority key identifier that is not that of the certificate",
       .change = "sed -i 's/^subjectKeyIdentifier=.*/subjectKeyIdentifier=0a0b0c0d/' root.ext && openssl x509 -req -in "
                 "root.csr -signkey root.key -days 10 -extfile root.ext -out root.pem"},
      // Octets behind the names, which OpenSSL passes over.
      {.says = "has names that cannot be read",
       .corporation = {.issuer_use = use + "subjectAltName=DER:30038201610500\n"}},
      {.says = "ended at",
       .change = "cp issuing.csr again.csr && faketime '2020-01-01' openssl x509 -req -in again.csr -CA root.pem "
                 "-CAkey root.key -days 365 -extfile issuing.ext -out issuing.pem"},
      {.says = "begins only at",
       .change = "faketime '2035-01-01' openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 365 "
                 "-extfile issuing.ext -out issuing.pem"},
      {.says = "is signed with SHA1", .corporation = {.hash = "sha1"}},
      {.says = "is signed with no hash", .corporation = {.root_key = "ED25519"}},
      {.says = "key that is not good enough", .key = "RSA -pkeyopt rsa_keygen_bits:1024", .is_about_key = true},
      {.says = "key that is not good enough", .key = "ED25519", .is_about_key = true},
      {.says = "key that is not good enough", .corporation = {.root_key = "RSA -pkeyopt rsa_keygen_bits:1024"}},
      {.says = "without serverAuth", .corporation = {.issuer_use = use + "extendedKeyUsage=clientAuth,codeSigning\n"}},
      {.says = "without serverAuth",
       .corporation = {.has_policy_ca = true, .policy_use = root + "extendedKeyUsage=emailProtection\n"},
       .files = {"issuing.key", "issuing.pem", "policy.pem", "root.pem"}},
      {.says = "leave no name",
       .corporation = {.root_use = root + "nameConstraints=critical,permitted;DNS:one.example,excluded;"
                                          "IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n",
                       .issuer_use = use + "nameConstraints=critical,permitted;DNS:two.example\n"}},
      {.says = "names of a type that this program does not know",
       .corporation = {.issuer_use = use + "nameConstraints=critical,permitted;RID:1.2.3.4\n"}},
      {.says = "has the critical extension 1.2.3.4",
       .corporation = {.issuer_use = use + "1.2.3.4=critical,DER:0500\n"}},
      {.says = "critical policy constraints",
       .corporation = {.issuer_use = use + "policyConstraints=critical,requireExplicitPolicy:0\n"}},
      {.says = "demands that certificates name a policy",
       .corporation = {.issuer_use = use + "policyConstraints=requireExplicitPolicy:0\n"}},
      // What no rule of ours is about, and clients refuse: the same policy twice (RFC 5280 4.2.1.4).
      {.says = "is refused by OpenSSL: invalid or inconsistent certificate policy extension",
       .corporation = {.issuer_use = use + "certificatePolicies=1.2.3.4,1.2.3.4\n"}},
      {.says = "'corp_x.example' is not a DNS name",
       .corporation = {.issuer_use = use + "nameConstraints=critical,permitted;DNS:corp_x.example\n"}},
      {.says = "no subject key identifier", .corporation = {.issuer_use = "subjectKeyIdentifier=none\n" + use}},
      {.says = "that the certificate of CN=Corporate Root,O=Example Corporation above it does not permit",
       .corporation = {.root_use = root + "nameConstraints=critical,permitted;dirName:scope\n[scope]\nO=Another\n"}},
      {.says = "two of the certificates are for",
       .files = {"issuing.key", "issuing.pem", "again.pem", "root.pem"},
       .change = "openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 100 -extfile issuing.ext "
                 "-out again.pem"},
      // By GnuTLS, which encodes in other ways.
      {.says = "ask for basicConstraints with CA:TRUE", .change = by_certtool("expiration_days = 100\\n")},
      {.says = "ask for the key usage keyCertSign", .change = by_certtool("ca\\ncrl_signing_key\\n")},
      {.says = "ask for the key usage cRLSign", .change = by_certtool("ca\\ncert_signing_key\\n")},
      {.says = "without serverAuth", .change = by_certtool(gnutls + "tls_www_client\\n")},
      {.says = "'corp_x.example' is not a DNS name",
       .change = by_certtool(gnutls + "nc_permit_dns = \"corp_x.example\"\\n")},
      {.says = "has the critical extension 1.2.3.4",
       .change = by_certtool(gnutls + "add_critical_extension = \"1.2.3.4 0x0500\"\\n")},
      {.says = "is signed with SHA1", .change = by_certtool(gnutls, "--hash SHA1")},
      {.says = "ended at",
       .change = by_certtool(gnutls + "activation_date = \"2019-01-01 00:00:00\"\\n"
                                      "expiration_date = \"2020-01-01 00:00:00\"\\n")},
      {.says = "begins only at",
       .change = by_certtool(gnutls + "activation_date = \"2035-01-01 00:00:00\"\\n"
                                      "expiration_date = \"2036-01-01 00:00:00\"\\n")},
  };
  for (auto& each : cases)
    if (each.files.empty()) each.files = {"issuing.key", "issuing.pem", "root.pem"};
  return cases;
}

// A CA key that is to sign for ours, with what stands above it.
inline std::vector<FaultyParent> faulty_signers() {
  using namespace faults;
  std::string const root = kRootUse;
  std::vector<FaultyParent> cases{
      {.says = "no private key", .files = {"root.pem"}},
      {.says = "several private keys", .files = {"root.key", "other.key", "root.pem"}, .change = kOtherKey},
      {.says = "the private key is damaged",
       .corporation = {.root_key = "EC -pkeyopt ec_paramgen_curve:P-256"},
       .files = {"mixed.key", "root.pem"},
       .change = mixed_with("root")},
      {.says = "belongs to none of the certificates", .files = {"root.key"}},
      {.says = "belongs to none of the certificates", .files = {"other.key", "root.pem"}, .change = kOtherKey},
      {.says = "two of the certificates are for the key",
       .files = {"root.key", "root.pem", "again.pem"},
       .change = "openssl x509 -req -in root.csr -signkey root.key -days 99 -extfile root.ext -out again.pem"},
      {.says = "ask for basicConstraints with CA:TRUE",
       .corporation = {.root_use = "basicConstraints=critical,CA:FALSE\nkeyUsage=keyCertSign,cRLSign\n"}},
      {.says = "ask for the key usage keyCertSign",
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n"}},
      {.says = "ask for a path length that leaves room",
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n"}},
      {.says =
           "ask for a path length that leaves room",  // the root allows one CA below it, and this would be the second
       .corporation = {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign,cRLSign\n",
                       .has_policy_ca = true},
       .files = {"policy.key", "policy.pem", "root.pem"}},
      {.says = "CN=Corporate Root,O=Example Corporation, which is not among",
       .corporation = {.has_policy_ca = true},
       .files = {"policy.key", "policy.pem"}},
      {.says = "ended at",
       .change = "faketime '2020-01-01' openssl x509 -req -in root.csr -signkey root.key -days 365 -extfile root.ext "
                 "-out root.pem"},
      {.says = "begins only at",
       .change = "faketime '2035-01-01' openssl x509 -req -in root.csr -signkey root.key -days 365 -extfile root.ext "
                 "-out root.pem"},
      {.says = "key that is not good enough", .corporation = {.root_key = "RSA -pkeyopt rsa_keygen_bits:1024"}},
      {.says = "without serverAuth", .corporation = {.root_use = root + "extendedKeyUsage=clientAuth,codeSigning\n"}},
      {.says = "leave no name",
       .corporation = {.root_use = root + "nameConstraints=critical,permitted;DNS:other.example,excluded;"
                                          "IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n"}},
      {.says = "the very name", .corporation = {.root_subject = "/O=Example Cameras/CN=Example Cameras Issuing CA"}},
      {.says = "ask for basicConstraints with CA:TRUE", .change = root_by_certtool("expiration_days = 100\\n")},
      {.says = "ask for the key usage keyCertSign", .change = root_by_certtool("ca\\ncrl_signing_key\\n")},
      {.says = "ended at",
       .change = root_by_certtool("ca\\ncert_signing_key\\ncrl_signing_key\\nactivation_date = \"2019-01-01 "
                                  "00:00:00\"\\nexpiration_date = \"2020-01-01 00:00:00\"\\n")},
  };
  for (auto& each : cases)
    if (each.files.empty()) each.files = {"root.key", "root.pem"};
  return cases;
}

}  // namespace lenscap::fakes
