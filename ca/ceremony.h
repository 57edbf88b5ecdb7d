// Making a CA: a P-384 root with its revocation list, and a P-256 issuing CA under it, each key under its own
// passphrase, both certificates with the same critical name constraints; or an issuing key alone, for a parent's root.
// Run once, by a person, before the server ever starts. It does NOT open a store and never touches an existing CA.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/x509/certificate.h"
#include "ca/key_holder.h"
#include "ca/name_rules.h"
#include "ca/profile.h"
#include "ca/root_crl.h"

namespace lenscap::ca {

constexpr Seconds kIssuerLifetime{(20L * 365 * 24 * 3600) / 3};  // at most a third of the root's

struct CeremonySettings {
  std::string name;                     // "Example Cameras": organization, and first words of both common names
  std::vector<std::string> permit_dns;  // suffixes: "cams.example" permits itself and everything below
  std::vector<std::string> permit_ip;   // blocks: "10.20.0.0/15"
  std::string url;                      // of the ACME server: its host must lie inside the constraints
  std::string state_dir;                // made with mode 0700 when absent; the files go to STATE/keys
  NameRules rules = {};                 // what else limits names
  // Base of the plain HTTP URLs at which revocation lists are served, such as "http://pki.cams.example": the issuing
  // certificate then names the root's, see crl_path(). Empty: it names none.
  std::string lists_url = {};
  // What certificates of the issuing CA may be good for. It shuts off mail and code signing for everything below;
  // clientAuth is there for 802.1X.
  std::vector<ExtendedKeyUsage> extended_key_usage = {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
  int path_length = 0;  // that a parent is asked for; below a root of our own further issuers stand beside the first
};

// Each of at least kPassphraseCharactersMin characters, and not the same.
struct CeremonyPassphrases {
  SecretBytes issuing;  // the server needs it at every start
  SecretBytes root;     // needed again only for a new issuing CA: keep it elsewhere
};
constexpr std::size_t kPassphraseCharactersMin = 12;

// What a passphrase file of two lines says: the issuing key's on the first line, the root's on the second. Errc::usage.
Result<CeremonyPassphrases> split_passphrases(SecretBytes const& two_lines);
// The first line of a passphrase file: what the server needs, whether or not the root's line was removed.
SecretBytes first_line(SecretBytes const& passphrase_file);

struct CeremonyResult {
  x509::Certificate root;
  x509::Certificate issuing;
  RootCrl root_crl;
  // root.pem root.key root.crl issuing.pem issuing.key; the directory 0700, keys 0600, what is public 0644
  std::string keys_dir;
};

// The constraints that the settings ask for. Errc::usage for a bad suffix or block, or when nothing is permitted.
Result<x509::NameConstraints> constraints_of(CeremonySettings const& settings);

// What a careful person should think about before: whole private ranges, bare top-level suffixes. Empty when nothing.
std::vector<std::string> ceremony_warnings(CeremonySettings const& settings);

struct GeneratedCa {
  x509::PrivateKey root_key;
  x509::Certificate root;
  RootCrl root_crl;
  x509::PrivateKey issuing_key;
  x509::Certificate issuing;
};
// The keys and certificates alone, nothing written. Errc::usage for settings that make no CA, such as a server name
// outside its own constraints.
Result<GeneratedCa> generate_ca(CeremonySettings const& settings, Time now);

struct CertifiedCa {
  x509::PrivateKey root_key;
  x509::Certificate root;
  RootCrl root_crl;
  x509::Certificate issuing;
};
// The same for an issuing key that somebody else made and holds. Errc::usage also for a key that is not good enough.
Result<CertifiedCa> certify_ca(CeremonySettings const& settings, x509::PublicKey const& issuing_key, Time now);

// generate_ca() into STATE/keys. All files appear at once or not at all. Refuses (Errc::conflict) when STATE/keys
// exists with anything in it. `prepare` is called when nothing but the disk can refuse any more, and STATE is there;
// what it refuses ends all, before any key appears. With `issuing_key` that key is certified and there is no
// issuing.key; passphrases.issuing is then what its holder wants, of any length. Takes about 3 s: scrypt.
Result<CeremonyResult> make_ca(CeremonySettings const& settings, CeremonyPassphrases const& passphrases, Time now,
                               std::function<Result<>()> const& prepare = {},
                               std::optional<x509::PublicKey> const& issuing_key = {});

// For a CA under somebody else's root: an issuing key alone, and the request for the parent (see issuer_request.h), as
// STATE/keys/issuing.key and issuing.csr. With `holder`, which may be nullptr, its key is the issuing key, and there is
// no issuing.key. Otherwise like make_ca. The PEM of the request.
Result<std::string> make_intermediate(CeremonySettings const& settings, SecretBytes const& passphrase,
                                      std::function<Result<>()> const& prepare = {}, KeyHolder* holder = nullptr);

// "SHA-256 12AB 34CD ..." in groups of four, as the trust page and the card show it.
std::string fingerprint_text(x509::Certificate const& certificate);

}  // namespace lenscap::ca
