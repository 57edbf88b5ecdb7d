#include "ca/authority.h"

#include <algorithm>

#include "ca/installed_chain.h"
#include "ca/key_signer.h"

namespace lenscap::ca {
namespace {

Result<> check_http_url(std::string const& url) {
  if (url.empty()) return {};
  if (!url.starts_with("http://"))
    return Error(Errc::settings, "\"" + url +
                                     "\" must begin with http://: certificates are fetched without TLS, since "
                                     "who fetches one is about to check TLS with it");
  if (url.ends_with('/')) return Error(Errc::settings, "\"" + url + "\" must not end with a slash");
  return {};
}

}  // namespace

std::string aia_path(x509::Certificate const& issuer) { return "/aia/" + to_hex(issuer.subject_key_id()) + ".cer"; }

namespace {

bool serves_ocsp(AuthoritySettings const& settings) { return settings.ocsp_is_served && !settings.http_url.empty(); }

Result<std::vector<Profile>> load_profiles(AuthoritySettings const& settings) {
  if (settings.profile_files.empty()) return Error(Errc::settings, "the settings name no profile");
  std::vector<Profile> profiles;
  for (std::string const& path : settings.profile_files) {
    TRY(auto profile, load_profile(path));
    auto is_same = [&](Profile const& other) { return other.name == profile.name; };
    if (std::ranges::any_of(profiles, is_same))
      return Error(Errc::settings, "the profile " + profile.name + " is named twice");
    profiles.push_back(std::move(profile));
  }
  if (serves_ocsp(settings)) profiles.push_back(ocsp_signer_profile());
  return profiles;
}

Result<std::unique_ptr<Signer>> open_key(AuthoritySettings const& settings, SecretBytes const& passphrase) {
  TRY(auto key, open_key_holder(settings.key, settings.state_dir, passphrase));
  return std::unique_ptr<Signer>(new KeySigner(std::move(key)));
}

}  // namespace

Result<Issuing> open_issuing(AuthoritySettings const& settings, OpenSigner const& open_signer) {
  CHECK_OK(check_http_url(settings.http_url));
  TRY(auto profiles, load_profiles(settings));
  TRY(auto chain, load_chain(settings.state_dir));
  TRY(auto further, own_limits(chain, settings.permit_dns, settings.permit_ip, settings.name_rules));
  std::string const url = settings.http_url.empty() ? "" : settings.http_url + ca::aia_path(chain.issuing);
  TRY(auto signer, open_signer());
  CrlPlaces crl;
  if (!settings.http_url.empty() && settings.crl_parts != 0)
    crl = {.base = settings.http_url + crl_path(chain.issuing), .parts = settings.crl_parts};
  TRY(auto issuer, Issuer::make(std::move(chain.issuing), std::move(chain.above), std::move(signer), url,
                                std::move(crl), std::move(further),
                                serves_ocsp(settings) ? settings.http_url + std::string(kOcspPath) : std::string()));
  for (Profile const& profile : profiles)
    if (auto fits = issuer->test_usage(profile); !fits.ok()) return Error(Errc::settings, fits.error().detail());
  return Issuing{std::move(issuer), std::move(profiles)};
}

Result<std::unique_ptr<Authority>> Authority::open(AuthoritySettings const& settings, store::Store& store,
                                                   SecretBytes const& passphrase, std::unique_ptr<Signer> signer) {
  Result<> form;
  store.read([&](store::ReadTxn& txn) { form = check_form(txn); });
  CHECK_OK(form);
  auto const open_signer = [&]() -> Result<std::unique_ptr<Signer>> {
    if (signer) return std::move(signer);
    return open_key(settings, passphrase);
  };
  TRY(auto issuing, open_issuing(settings, open_signer));
  return std::make_unique<Authority>(std::move(issuing.issuer), std::move(issuing.profiles), store);
}

Authority::Authority(std::unique_ptr<Issuer> issuer, std::vector<Profile> profiles, store::Store& store)
    : issuer_(std::move(issuer)),
      chain_(issuer_->certificate(), issuer_->above()),
      profiles_(std::move(profiles)),
      store_(store) {
  if (profiles_.empty()) bug("an Authority without profiles");
}

Profile const* Authority::find_profile(std::string_view name) const {
  auto const found = std::ranges::find(profiles_, name, &Profile::name);
  return found == profiles_.end() ? nullptr : &*found;
}

namespace {

Error unknown_profile(std::string_view name) {
  return {Errc::invalid_profile, "there is no profile \"" + std::string(name) + "\""};
}

}  // namespace

Result<> Authority::admit(std::string_view profile, x509::NameSet const& names) const {
  if (find_profile(profile) == nullptr) return unknown_profile(profile);
  return issuer_->test_names(names);
}

Result<Draft> Authority::prepare(IssueRequest const& request, Time now) const {
  Profile const* profile = find_profile(request.profile);
  if (profile == nullptr) return unknown_profile(request.profile);
  std::optional<Time> mark;
  store_.read([&](store::ReadTxn& txn) { mark = clock_mark(txn); });
  CHECK_OK(check_clock(mark, now));
  CHECK_OK(issuer_->check_ready());
  return issuer_->prepare(*profile, request, now);
}

Result<x509::Certificate> Authority::sign(Draft&& draft) const {
  std::optional<Bytes> intent;
  store_.read([&](store::ReadTxn& txn) { intent = find_intent_tbs(txn, draft.serial_hex()); });
  if (intent != draft.tbs())
    return Error(Errc::internal, "nothing was signed: the store does not hold the intent of " + draft.serial_hex());
  return issuer_->sign(std::move(draft));
}

namespace {

// Runs a rule as one durable transaction; a refusal leaves the store as it was.
template <class Body>
Result<> write(store::Store& store, Body const& body) {
  Result<> outcome;
  store.write([&](store::WriteTxn& txn) {
    outcome = body(txn);
    return outcome.ok();
  });
  return outcome;
}

}  // namespace

Result<x509::Certificate> Authority::issue(IssueRequest const& request, std::string_view reference, Time now) const {
  TRY(auto draft, prepare(request, now));
  CHECK_OK(write(store_, [&](store::WriteTxn& txn) { return record_intent(txn, draft, reference); }));
  TRY(auto certificate, sign(std::move(draft)));
  CHECK_OK(write(store_, [&](store::WriteTxn& txn) { return record_issued(txn, certificate, now); }));
  return certificate;
}

std::string Authority::aia_path() const { return ca::aia_path(issuer_->certificate()); }

}  // namespace lenscap::ca
