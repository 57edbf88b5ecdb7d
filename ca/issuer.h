// The issuing CA: turns a request into a draft, and a draft into a certificate; and signs its revocation lists.
// prepare() never touches the key; between the two calls the caller makes the intent durable (ledger.h), so that no
// signature exists without a record. It does NOT know stores, orders or accounts.
#pragma once

#include <atomic>
#include <memory>

#include "ca/crl_places.h"
#include "ca/key_holder.h"
#include "ca/name_limits.h"
#include "ca/signer.h"
#include "ca/template.h"

namespace lenscap::ca {

class CrlDraft;  // crl.h

// Octets that passed every check and wait for their signature. Can be signed once: sign() takes it.
class Draft {
 public:
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&&) noexcept = default;
  Draft(Draft const&) = delete;
  Draft& operator=(Draft const&) = delete;

  Template const& what() const { return what_; }
  IssueRequest const& request() const { return request_; }
  Bytes const& tbs() const { return tbs_; }
  std::string serial_hex() const { return to_hex(what_.serial); }
  Bytes const& issuer_key_id() const { return what_.authority_key_id; }
  std::string const& profile() const { return profile_; }
  Sha256 const& profile_hash() const { return profile_hash_; }
  Time prepared_at() const { return prepared_at_; }
  // Will the signer that signs it write that into a ledger of its own?
  bool is_for_signer() const { return is_for_signer_; }

 private:
  friend class Issuer;
  Draft(Template what, IssueRequest request, Bytes tbs, std::string profile, Sha256 profile_hash, Time prepared_at)
      : what_(std::move(what)),
        request_(std::move(request)),
        tbs_(std::move(tbs)),
        profile_(std::move(profile)),
        profile_hash_(profile_hash),
        prepared_at_(prepared_at) {}
  Template what_;
  IssueRequest request_;
  Bytes tbs_;  // empty once signed or moved from
  std::string profile_;
  Sha256 profile_hash_;
  Time prepared_at_;
  bool is_for_signer_ = false;
};

// Safe from any thread.
class Issuer {
 public:
  // `above`: the certificates from the issuer's own issuer up to the root, in this order. Refuses (Errc::settings) when
  // the key is not the certificate's, the certificate is no CA, or the chain does not hold together. `further` limits
  // what it names beyond what the chain says.
  static Result<std::unique_ptr<Issuer>> make(x509::Certificate certificate, std::vector<x509::Certificate> above,
                                              std::unique_ptr<KeyHolder> key, std::string ca_issuers_url,
                                              CrlPlaces crl_places = {}, std::vector<NameLimit> further = {},
                                              std::string ocsp_url = {});
  static Result<std::unique_ptr<Issuer>> make(x509::Certificate certificate, std::vector<x509::Certificate> above,
                                              std::shared_ptr<Signer> signer, std::string ca_issuers_url,
                                              CrlPlaces crl_places = {}, std::vector<NameLimit> further = {},
                                              std::string ocsp_url = {});

  // May every name stand in a certificate of this issuer: its own constraints, those of every certificate above, and
  // the further ones?
  // Errc::rejected_identifier with one sub-error for each refused name.
  Result<> test_names(x509::NameSet const& names) const;

  // May certificates of the profile be good for what it says, by the extended key usage of every certificate of the
  // chain? Errc::invalid_profile, naming the one that forbids it.
  Result<> test_usage(Profile const& profile) const;

  // Checks the profile's usage, names, key (Errc::bad_public_key), a validity that was asked for (Errc::malformed
  // unless it is inside the chain's and no longer than the profile's) and clock (Errc::unavailable outside the chain's
  // own validity), builds the octets and lints them. The key is not touched.
  Result<Draft> prepare(Profile const& profile, IssueRequest const& request, Time now) const;
  // The same under a serial number of somebody else's choice: equal requests then give equal octets.
  Result<Draft> prepare(Profile const& profile, IssueRequest const& request, Bytes const& serial, Time now) const;

  // Uses the key once. Compares what was signed with the draft and verifies the signature; a difference is
  // Errc::internal and nothing is handed out.
  Result<x509::Certificate> sign(Draft&& draft) const;

  // Uses the key once for a CRL of this issuer, gives the list's DER. Errc::internal when the signature does not
  // verify.
  Result<Bytes> sign_crl(CrlDraft&& draft) const;

  // See signer.h.
  bool signs_at_once() const { return signer_->signs_at_once(); }
  bool signs_elsewhere() const { return signer_->is_elsewhere(); }
  Result<> check_ready() const { return signer_->check_ready(); }
  // The last signature of this key that was tried could not be made, or was wrong: the key cannot be reached, or its
  // holder is broken. For who watches; no reason to refuse, since only the next one tells whether that is over. What
  // was refused to who asked, and a cap that is reached, are no failures.
  bool last_signature_failed() const { return last_failed_; }

  SignatureAlgorithm const& algorithm() const { return algorithm_; }
  x509::Certificate const& certificate() const { return certificate_; }
  std::vector<x509::Certificate> const& above() const { return above_; }
  std::string const& ca_issuers_url() const { return ca_issuers_url_; }
  CrlPlaces const& crl_places() const { return crl_places_; }
  std::string const& ocsp_url() const { return ocsp_url_; }  // that new certificates name; empty: none
  std::vector<NameLimit> const& limits() const { return limits_; }
  // When every certificate of the chain is valid; both ends are included.
  Time begins() const { return begins_; }
  Time ends() const { return ends_; }

 private:
  Issuer(x509::Certificate certificate, std::vector<x509::Certificate> above, std::shared_ptr<Signer> signer,
         std::string ca_issuers_url, CrlPlaces crl_places, SignatureAlgorithm algorithm, std::vector<NameLimit> limits,
         std::string ocsp_url);

  Result<x509::Certificate> sign_once(Draft&& draft) const;
  Result<Bytes> sign_once(CrlDraft&& draft) const;
  template <class T>
  Result<T> remember(Result<T> outcome) const;

  x509::Certificate certificate_;
  std::vector<x509::Certificate> above_;
  std::shared_ptr<Signer> signer_;  // it may hold the keys of several issuers
  std::string ca_issuers_url_;
  CrlPlaces crl_places_;
  std::string ocsp_url_;
  SignatureAlgorithm algorithm_;
  std::vector<NameLimit> limits_;
  Time begins_, ends_;
  mutable std::atomic<bool> last_failed_ = false;
};

}  // namespace lenscap::ca
