// The front door of the CA: issuers, profiles and ledger behind one object that lives as long as the program.
// Everything is safe from any thread; what blocks says so. It does NOT know ACME or HTTP.
//
// The issuance cycle, which the ACME server walks step by step so that its order moves in the same transactions:
//   auto draft = authority.prepare(request, now);          // chooses the issuer, checks and lints; no key is touched
//   store.write: ca::record_intent(txn, *draft, order_id); // durable before anything is signed
//   auto issued = authority.sign(std::move(*draft));       // the key, once
//   store.write: ca::record_issued(txn, *issued, now);     // then answer the client
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ca/chain.h"
#include "ca/installed_issuers.h"
#include "ca/issuer.h"
#include "ca/known_roots.h"
#include "ca/ledger.h"
#include "ca/name_rules.h"
#include "ca/profile.h"
#include "ca/root_crl.h"
#include "store/store.h"

namespace lenscap::ca {

struct AuthoritySettings {
  std::string state_dir;                      // see installed_issuers.h
  std::string key = "file:keys/issuing.key";  // of the default issuer, see key_holder.h
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

// One that issues: what it is, and when and for what it is chosen.
struct KnownIssuer {
  std::unique_ptr<Issuer> issuer;
  IssuerRule rule;
  std::vector<std::vector<x509::Certificate>> ways = {};  // see ways_up(); none: the issuer's own is the only one

  std::string id() const { return to_hex(issuer->certificate().subject_key_id()); }
  // Is there anything left that it has to do? Not when its time is over; of the first one, when another has its place.
  bool is_over(Time now) const {
    return state_at(rule, now) == IssuerState::ended && (rule.retired_from <= now || rule.name != kDefaultIssuer);
  }
};

// What issues by these settings: the issuers, the profiles, and whoever signs.
struct Issuing {
  std::vector<KnownIssuer> issuers;  // the default first
  std::vector<Profile> profiles;     // never empty; the first is the default
  KnownRoots roots = {};             // none: the default's root is the only one
  // In the order of the roots; none below a parent, and nothing for one that has no list.
  std::vector<std::optional<RootCrl>> root_crls = {};

  KnownIssuer const* find(ByteView key_id) const;  // nullptr when there is none
  // No certificate of a subscriber may have the key of an issuer, whichever, or of anything above one.
  // Errc::bad_public_key.
  Result<> check_is_not_ours(x509::PublicKey const& key) const;
};
// A CA of one issuer.
Issuing issuing_by(std::unique_ptr<Issuer> issuer, std::vector<Profile> profiles);

// Whoever signs for this issuer; one signer may do it for all.
using OpenSigner = std::function<Result<std::shared_ptr<Signer>>(InstalledIssuer const& issuer)>;
// Reads the chains and the profiles, and then asks for the signers. Blocks. Errc::settings (a parent's chain that is
// still to come among them, and a profile that no issuer can serve) or file, saying what and what to do.
Result<Issuing> open_issuing(AuthoritySettings const& settings, OpenSigner const& open_signer);
// Opens the key of an issuer. Blocks. Errc::settings, also where some keys are in files and others in tokens; file,
// wrong_passphrase.
Result<std::unique_ptr<KeyHolder>> open_issuer_key(AuthoritySettings const& settings, InstalledIssuer const& issuer,
                                                   SecretBytes const& passphrase);

class Authority {
 public:
  // As open_issuing(), with the keys in this process, or with `signer` where there is one. `store` is borrowed. Blocks.
  // Also Errc::settings for a store of another form, and wrong_passphrase.
  static Result<std::unique_ptr<Authority>> open(AuthoritySettings const& settings, store::Store& store,
                                                 SecretBytes const& passphrase,
                                                 std::shared_ptr<Signer> signer = nullptr);
  // From parts, for tests.
  Authority(Issuing issuing, store::Store& store);
  Authority(std::unique_ptr<Issuer> issuer, std::vector<Profile> profiles, store::Store& store)
      : Authority(issuing_by(std::move(issuer), std::move(profiles)), store) {}

  // In the order of the settings; the first is the default.
  std::vector<Profile> const& profiles() const { return issuing_.profiles; }
  Profile const& default_profile() const { return issuing_.profiles.front(); }
  Profile const* find_profile(std::string_view name) const;  // nullptr when there is none

  // Who would issue these names under this profile now (issuer_choice.h): when nobody may, the one of the default's
  // line whose time it is, which then says why. Errc::invalid_profile. Where `only` names an issuer, nothing but that
  // or what has taken its place: errors as choose_heir().
  Result<KnownIssuer const*> choose(std::string_view profile, x509::NameSet const& names, Time now,
                                    std::string_view only = {}) const;

  // Is there an issuer for these names under this profile that signs, or does the one that would refuse because it is
  // revoked? That alone is asked: Errc::no_issuer.
  Result<> check_not_revoked(std::string_view profile, x509::NameSet const& names, Time now) const;

  // As Issuer::prepare of the issuer that is chosen, with the profile by name and the clock's high-water mark. Reads
  // the store: may block.
  Result<Draft> prepare(IssueRequest const& request, Time now, std::string_view only = {}) const;
  // As Issuer::sign. Refuses unless the store holds exactly this draft's intent (Errc::internal otherwise), and that is
  // open still (check_open_intent). Reads the store and uses the key: may block.
  Result<x509::Certificate> sign(Draft&& draft) const;
  // The whole cycle in two durable transactions of its own: for the server's own certificate and for commands. Blocks.
  Result<x509::Certificate> issue(IssueRequest const& request, std::string_view reference, Time now) const;
  // The same for the certificate that the server itself shows: by one that is revoked, where nobody else may. Without
  // it no client would hear that nothing is issued.
  Result<x509::Certificate> issue_for_server(IssueRequest const& request, Time now) const;
  // The same by this issuer: each answers OCSP requests for its own certificates.
  Result<x509::Certificate> issue_by(KnownIssuer const& issuer, IssueRequest const& request, std::string_view reference,
                                     Time now) const;

  std::vector<KnownIssuer> const& issuers() const { return issuing_.issuers; }  // the default first
  std::vector<IssuerRule> const& rules() const { return rules_; }               // of these, in the same order
  // Who issued this certificate, by its authority key identifier; nullptr: none of these.
  KnownIssuer const* issuer_of(x509::Certificate const& certificate) const;
  // What stands above a certificate of one of these issuers; of anybody else's, what stands above the default's.
  // There is more than one where a root follows another: the first leads to the root that chains are to lead to, and
  // the others to the others.
  std::vector<IssuerChain> const& chains_of(x509::Certificate const& certificate) const;
  IssuerChain const& chain_of(x509::Certificate const& certificate) const { return chains_of(certificate).front(); }
  KnownRoots const& roots() const { return issuing_.roots; }
  std::vector<std::optional<RootCrl>> const& root_crls() const { return issuing_.root_crls; }
  // Of the default issuer; the root is everybody's.
  x509::Certificate const& issuing_certificate() const { return issuer().certificate(); }
  x509::Certificate const& root_certificate() const { return issuer().above().back(); }
  Issuer const& issuer() const { return *issuing_.issuers.front().issuer; }

 private:
  Result<Draft> prepare_by(KnownIssuer const& issuer, Profile const& profile, IssueRequest const& request, Time now,
                           Holder holder = Holder::subscriber) const;
  Result<x509::Certificate> complete(Draft draft, std::string_view reference, Time now) const;

  Issuing issuing_;
  std::vector<IssuerRule> rules_;                     // in the order of the issuers
  std::map<Bytes, std::vector<IssuerChain>> chains_;  // by key id
  store::Store& store_;
};

// Where OCSP requests go, of whatever issuer. Short, since a request follows it and RFC 5019 5 wants all of the URL to
// have less than 255 characters.
constexpr std::string_view kOcspPath = "/ocsp";

// "/aia/<hex key id>.cer" of a CA certificate: below http_url it is served as DER, application/pkix-cert.
std::string aia_path(x509::Certificate const& issuer);

}  // namespace lenscap::ca
