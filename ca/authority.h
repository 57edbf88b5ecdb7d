// The front door of the CA: issuer, profiles and ledger behind one object that lives as long as the program. Everything
// is safe from any thread; what blocks says so. It does NOT know ACME or HTTP.
//
// The issuance cycle, which the ACME server walks step by step so that its order moves in the same transactions:
//   auto draft = authority.prepare(request, now);          // checks and lints; the key is not touched
//   store.write: ca::record_intent(txn, *draft, order_id); // durable before anything is signed
//   auto issued = authority.sign(std::move(*draft));       // the key, once
//   store.write: ca::record_issued(txn, *issued, now);     // then answer the client
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ca/chain.h"
#include "ca/issuer.h"
#include "ca/ledger.h"
#include "ca/name_rules.h"
#include "ca/profile.h"
#include "store/store.h"

namespace lenscap::ca {

struct AuthoritySettings {
  std::string state_dir;                      // see installed_chain.h
  std::string key = "file:keys/issuing.key";  // see key_holder.h
  // Base of the plain HTTP URLs in certificates, such as "http://pki.cams.example"; the issuing certificate is expected
  // to be served at aia_path() below it. Empty: certificates carry no such URL.
  std::string http_url;
  // The revocation lists are expected below it, too: so many parts, or the whole list (1). 0, or without http_url: no
  // lists are served, and certificates name none.
  unsigned crl_parts = 0;
  // OCSP answers are expected at kOcspPath below it, too: certificates name it, and there is a profile for what signs
  // the answers. Without http_url: never.
  bool ocsp_is_served = false;
  std::vector<std::string> profile_files;  // the first is the default
  // What may be named at most, where a parent's chain alone does not say it: see name_limits() of installed_chain.h.
  std::vector<std::string> permit_dns = {};
  std::vector<std::string> permit_ip = {};
  NameRules name_rules = {};
};

// What issues by these settings: the chain, the profiles, and whoever signs.
struct Issuing {
  std::unique_ptr<Issuer> issuer;
  std::vector<Profile> profiles;  // never empty; the first is the default
};
using OpenSigner = std::function<Result<std::unique_ptr<Signer>>()>;
// Reads the chain and the profiles, and then asks for the signer. Blocks. Errc::settings (a parent's chain that is
// still to come among them) or file, saying what and what to do.
Result<Issuing> open_issuing(AuthoritySettings const& settings, OpenSigner const& open_signer);

class Authority {
 public:
  // As open_issuing(), with the key in this process, or with `signer` where there is one. `store` is borrowed. Blocks.
  // Also Errc::settings for a store of another form, and wrong_passphrase.
  static Result<std::unique_ptr<Authority>> open(AuthoritySettings const& settings, store::Store& store,
                                                 SecretBytes const& passphrase,
                                                 std::unique_ptr<Signer> signer = nullptr);
  // From parts, for tests. `profiles` must not be empty; the first is the default.
  Authority(std::unique_ptr<Issuer> issuer, std::vector<Profile> profiles, store::Store& store);

  // In the order of the settings; the first is the default.
  std::vector<Profile> const& profiles() const { return profiles_; }
  Profile const& default_profile() const { return profiles_.front(); }
  Profile const* find_profile(std::string_view name) const;  // nullptr when there is none

  // Would these names be issued under this profile? For newOrder: so that nobody proves control over a name that can
  // never be in a certificate. Errc::invalid_profile; Errc::rejected_identifier with a sub-error for each such name.
  Result<> admit(std::string_view profile, x509::NameSet const& names) const;

  // As Issuer::prepare, with the profile by name and the clock's high-water mark. Reads the store: may block.
  Result<Draft> prepare(IssueRequest const& request, Time now) const;
  // As Issuer::sign. Refuses (Errc::internal) unless the store holds exactly this draft's intent, without certificate.
  // Reads the store and uses the key: may block.
  Result<x509::Certificate> sign(Draft&& draft) const;
  // The whole cycle in two durable transactions of its own: for the server's own certificate and for commands. Blocks.
  Result<x509::Certificate> issue(IssueRequest const& request, std::string_view reference, Time now) const;

  x509::Certificate const& issuing_certificate() const { return issuer_->certificate(); }
  x509::Certificate const& root_certificate() const { return issuer_->above().back(); }
  IssuerChain const& chain() const { return chain_; }
  // Path of the issuing certificate below http_url: "/aia/<hex key id>.cer"; served as DER, application/pkix-cert.
  std::string aia_path() const;
  Issuer const& issuer() const { return *issuer_; }

 private:
  std::unique_ptr<Issuer> issuer_;
  IssuerChain chain_;
  std::vector<Profile> profiles_;
  store::Store& store_;
};

// Where OCSP requests go, of whatever issuer. Short, since a request follows it and RFC 5019 5 wants all of the URL to
// have less than 255 characters.
constexpr std::string_view kOcspPath = "/ocsp";

// "/aia/<hex key id>.cer" of a CA certificate.
std::string aia_path(x509::Certificate const& issuer);

}  // namespace lenscap::ca
