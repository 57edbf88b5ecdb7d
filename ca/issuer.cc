#include "ca/issuer.h"

#include <algorithm>

#include "base/limits.h"
#include "ca/crl.h"
#include "ca/issued_by.h"
#include "ca/key_signer.h"
#include "ca/lint.h"

namespace lenscap::ca {
namespace {

Result<> check_ca(x509::Certificate const& certificate) {
  if (!certificate.is_ca())
    return Error(Errc::settings, "the certificate of " + certificate.subject() + " is not that of a CA");
  // Unreadable constraints must never pass for none.
  if (X509_get_ext_by_NID(certificate.native(), NID_name_constraints, -1) >= 0 && !certificate.name_constraints())
    return Error(Errc::settings, "the name constraints of " + certificate.subject() + " cannot be read");
  return {};
}

}  // namespace

Result<std::unique_ptr<Issuer>> Issuer::make(x509::Certificate certificate, std::vector<x509::Certificate> above,
                                             std::unique_ptr<KeyHolder> key, std::string ca_issuers_url,
                                             CrlPlaces crl_places, std::vector<NameLimit> further,
                                             std::string ocsp_url) {
  std::shared_ptr<Signer> signer = std::make_shared<KeySigner>(std::move(key));
  return make(std::move(certificate), std::move(above), std::move(signer), std::move(ca_issuers_url),
              std::move(crl_places), std::move(further), std::move(ocsp_url));
}

Result<std::unique_ptr<Issuer>> Issuer::make(x509::Certificate certificate, std::vector<x509::Certificate> above,
                                             std::shared_ptr<Signer> signer, std::string ca_issuers_url,
                                             CrlPlaces crl_places, std::vector<NameLimit> further,
                                             std::string ocsp_url) {
  if (crl_places.parts < 1 || crl_places.parts > kCrlPartsMax) bug("a division of certificates that is none");
  if (above.empty()) return Error(Errc::settings, "the issuing certificate comes without its root");
  if (!signer->has_key(certificate.key()))
    return Error(Errc::settings, "the key does not belong to the certificate of " + certificate.subject() +
                                     "; where the signer has a user of its own, lenscap-ca signer split moves a new "
                                     "issuer's key to it");
  CHECK_OK(check_ca(certificate));
  // What it issues points to it.
  if (certificate.subject_key_id().empty())
    return Error(Errc::settings, "the certificate of " + certificate.subject() + " has no subject key identifier");
  x509::Certificate const* below = &certificate;
  for (x509::Certificate const& next : above) {
    CHECK_OK(check_ca(next));
    if (!is_issued_by(*below, next))
      return Error(Errc::settings, "the certificate of " + below->subject() + " was not issued by " + next.subject());
    below = &next;
  }
  if (!is_issued_by(*below, *below))
    return Error(Errc::settings, "the chain ends with " + below->subject() + ", which is not a root");
  CHECK_OK(check_chain_names(certificate, above));

  auto limits = limits_of(certificate, above);
  limits.insert(limits.end(), std::make_move_iterator(further.begin()), std::make_move_iterator(further.end()));
  auto algorithm = signature_algorithm(certificate.key());
  return std::unique_ptr<Issuer>(new Issuer(std::move(certificate), std::move(above), std::move(signer),
                                            std::move(ca_issuers_url), std::move(crl_places), std::move(algorithm),
                                            std::move(limits), std::move(ocsp_url)));
}

Issuer::Issuer(x509::Certificate certificate, std::vector<x509::Certificate> above, std::shared_ptr<Signer> signer,
               std::string ca_issuers_url, CrlPlaces crl_places, SignatureAlgorithm algorithm,
               std::vector<NameLimit> limits, std::string ocsp_url)
    : certificate_(std::move(certificate)),
      above_(std::move(above)),
      signer_(std::move(signer)),
      ca_issuers_url_(std::move(ca_issuers_url)),
      crl_places_(std::move(crl_places)),
      ocsp_url_(std::move(ocsp_url)),
      algorithm_(std::move(algorithm)),
      limits_(std::move(limits)),
      begins_(certificate_.not_before()),
      ends_(certificate_.not_after()) {
  for (x509::Certificate const& each : above_) {
    begins_ = std::max(begins_, each.not_before());
    ends_ = std::min(ends_, each.not_after());
  }
}

Result<> Issuer::test_names(x509::NameSet const& names) const { return ca::test_names(limits_, names); }

Result<> Issuer::test_usage(Profile const& profile) const {
  for (ExtendedKeyUsage usage : profile.extended_key_usage)
    if (auto const* forbidding = who_forbids(certificate_, above_, usage))
      return Error(Errc::invalid_profile, "profile " + profile.name + " is for " + std::string(to_string(usage)) +
                                              ", which the extended key usage of the certificate of " +
                                              forbidding->subject() +
                                              " does not allow; offer it by an issuing certificate that does");
  return {};
}

namespace {

bool limits_subjects(std::vector<NameLimit> const& limits) {
  return std::ranges::any_of(limits, [](NameLimit const& limit) { return limit.constraints.limits_directory(); });
}

// The common name is a directory name, too. A chain that does not permit it gets a certificate without: its names are
// in the subjectAltName all the same.
void leave_out_forbidden_subject(std::vector<NameLimit> const& limits, Template& what) {
  auto const forbids = [&](NameLimit const& limit) {
    if (!limit.constraints.limits_directory()) return false;
    auto const subject = x509::DirectoryName::from_der(what.subject_name);
    return !subject.ok() || !limit.constraints.test(*subject).ok();
  };
  if (what.has_empty_subject() || std::ranges::none_of(limits, forbids)) return;
  what.common_name.clear();
  what.subject_name = encode_name({}, {});
}

Result<> check_request(Profile const& profile, IssueRequest const& request) {
  if (request.profile != profile.name) bug("a request for one profile, prepared under another");
  if (profile.signs_ocsp() && !request.names.empty())
    return Error(Errc::bad_csr, "what signs OCSP answers has no names");
  if (!profile.signs_ocsp() && request.names.empty())
    return Error(Errc::bad_csr, "a certificate needs at least one DNS name or IP address");
  if (request.names.size() > limits::kNamesPerOrder)
    return Error(Errc::bad_csr, "more than " + std::to_string(limits::kNamesPerOrder) + " names in one certificate");
  CHECK_OK(x509::check_key(request.key, /*allow_ed25519=*/false));
  if (!profile.allows(request.key.type()))
    return Error(Errc::bad_public_key, "profile " + profile.name + " does not take keys of type " +
                                           std::string(to_string(request.key.type())));
  return {};
}

// The chain ends with the first of its certificates that ends.
Result<> check_validity(Issuer const& issuer, Time now) {
  if (now < issuer.begins())
    return Error(Errc::unavailable, "this machine's clock says " + to_rfc3339(now) +
                                        ", but the chain of the issuing certificate begins at " +
                                        to_rfc3339(issuer.begins()) + "; set the clock");
  if (now >= issuer.ends())
    return Error(Errc::unavailable, "the chain of the issuing certificate ended at " + to_rfc3339(issuer.ends()) +
                                        " by this machine's clock (" + to_rfc3339(now) +
                                        "); it must be replaced before anything can be issued");
  return {};
}

// What is asked for can be had to the second, or not at all (8555-7.4-2).
Result<> check_asked_validity(Profile const& profile, IssueRequest const& request, Issuer const& issuer, Time now) {
  if (!request.not_before && !request.not_after) return {};
  // Nobody asks whether such a certificate was revoked: it must not be had for a later time.
  if (profile.signs_ocsp())
    return Error(Errc::malformed, "the validity of an OCSP signer's certificate is the profile's");
  Time const begin = request.not_before.value_or(now - profile.backdate);
  Time const end = request.not_after.value_or(begin + Seconds(1));
  if (request.not_before && begin < issuer.begins())
    return Error(Errc::malformed,
                 "notBefore lies before the issuing certificate's own, " + to_rfc3339(issuer.begins()));
  if (std::max(begin, end) > issuer.ends())
    return Error(Errc::malformed,
                 "the validity asked for does not end with the issuing certificate's, at " + to_rfc3339(issuer.ends()));
  if (begin > now + profile.lifetime)
    return Error(Errc::malformed,
                 "the validity asked for begins only when that of profile " + profile.name + " is over");
  if (end <= begin || end <= now)
    return Error(Errc::malformed, "the validity asked for, until " + to_rfc3339(end) + ", is over before it begins");
  if (end - begin + Seconds(1) > profile.lifetime)
    return Error(Errc::malformed, "the validity asked for is longer than profile " + profile.name + " allows");
  return {};
}

}  // namespace

Result<Draft> Issuer::prepare(Profile const& profile, IssueRequest const& request, Time now) const {
  return prepare(profile, request, new_serial(now), now);
}

Result<Draft> Issuer::prepare(Profile const& profile, IssueRequest const& request, Bytes const& serial,
                              Time now) const {
  CHECK_OK(check_validity(*this, now));
  CHECK_OK(check_request(profile, request));
  CHECK_OK(test_usage(profile));
  CHECK_OK(check_asked_validity(profile, request, *this, now));
  auto is_ours = [&](x509::Certificate const& ca) { return ca.key() == request.key; };
  if (is_ours(certificate_) || std::ranges::any_of(above_, is_ours))
    return Error(Errc::bad_public_key, "this is the CA's own key");
  CHECK_OK(test_names(request.names));

  IssuerView const view{certificate_, ca_issuers_url_, begins_, ends_, crl_places_.url_for(serial), ocsp_url_};
  Template what = build_template(profile, request, view, serial, now);
  leave_out_forbidden_subject(limits_, what);
  Bytes tbs = encode_tbs(what, algorithm_);
  CHECK_OK(lint(tbs, LintContext{profile, request, certificate_, above_, ca_issuers_url_, crl_places_, serial, now,
                                 ocsp_url_, limits_subjects(limits_)}));
  Draft draft(std::move(what), request, std::move(tbs), profile.name, profile.hash(), now);
  draft.is_for_signer_ = signer_->is_elsewhere();
  return draft;
}

template <class T>
Result<T> Issuer::remember(Result<T> outcome) const {
  if (outcome.ok()) {
    last_failed_ = false;
    return outcome;
  }
  // Of a refusal that says when it is over nobody has to be told.
  auto const& error = outcome.error();
  bool const is_ours =
      error.code() == Errc::unavailable || error.code() == Errc::no_issuer || error.code() == Errc::internal;
  if (is_ours && !error.retry_after) last_failed_ = true;
  return outcome;
}

Result<x509::Certificate> Issuer::sign(Draft&& draft) const { return remember(sign_once(std::move(draft))); }

Result<Bytes> Issuer::sign_crl(CrlDraft&& draft) const { return remember(sign_once(std::move(draft))); }

Result<x509::Certificate> Issuer::sign_once(Draft&& draft) const {
  Draft const taken = std::move(draft);
  Bytes const& tbs = taken.tbs();
  if (tbs.empty()) bug("a draft can be signed once");
  TRY(auto signature, signer_->sign(taken, algorithm_.hash));
  auto certificate = x509::Certificate::of_ours(assemble_certificate(tbs, algorithm_, signature));
  if (!certificate.ok())
    return Error(Errc::internal, "what was signed cannot be read back: " + certificate.error().detail());
  if (certificate->tbs() != tbs) return Error(Errc::internal, "what was signed differs from what was recorded");
  // The linter has had OpenSSL read the very octets; what is new is the signature.
  if (!certificate_.key().verify(algorithm_.hash, tbs, signature))
    return Error(Errc::internal, "the key made a signature that does not verify; look at the key's holder");
  return *std::move(certificate);
}

Result<Bytes> Issuer::sign_once(CrlDraft&& draft) const {
  if (draft.octets_.empty()) bug("a revocation list can be signed once");
  if (draft.issuer_key_id_ != certificate_.subject_key_id()) bug("the revocation list of another issuer");
  TRY(auto signature, signer_->sign(draft, algorithm_.hash));
  if (!certificate_.key().verify(algorithm_.hash, draft.tbs(), signature))
    return Error(Errc::internal, "the key made a signature that does not verify; look at the key's holder");
  return assemble_crl(std::exchange(draft.octets_, {}), draft.begin_, algorithm_, signature);
}

}  // namespace lenscap::ca
