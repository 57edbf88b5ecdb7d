#include "ca/authority.h"

#include <algorithm>

#include "ca/clock_mark.h"
#include "ca/installed_chain.h"
#include "ca/key_signer.h"
#include "ca/root_crl_file.h"

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

// Of each issuer, whether or not it is active: a profile that nobody serves would be offered in vain.
Result<> check_profiles(Issuing const& issuing) {
  for (Profile const& profile : issuing.profiles) {
    std::optional<Error> why;
    bool is_served = false;
    for (KnownIssuer const& each : issuing.issuers) {
      auto fits = each.issuer->test_usage(profile);
      auto const& listed = each.rule.profiles;
      bool const lists = listed.empty() || std::ranges::find(listed, profile.name) != listed.end();
      is_served = is_served || (fits.ok() && lists);
      if (!why && !fits.ok()) why = fits.error();
    }
    if (is_served) continue;
    return Error(Errc::settings, why ? why->detail() : "no issuer serves the profile " + profile.name);
  }
  return {};
}

// In issuer.toml: a word that is misspelt would shut the issuer off.
Result<> check_listed(InstalledIssuer const& issuer, std::vector<Profile> const& profiles) {
  for (auto const& name : issuer.note.profiles)
    if (std::ranges::find(profiles, name, &Profile::name) == profiles.end())
      return Error(Errc::settings, "issuers/" + issuer.name + "/issuer.toml names the profile \"" + name +
                                       "\", which ca.profiles of ca.toml does not");
  return {};
}

Result<std::unique_ptr<Issuer>> open_issuer(AuthoritySettings const& settings, InstalledIssuer const& installed,
                                            std::vector<NameLimit> further, OpenSigner const& open_signer) {
  auto chain = installed.chain;
  std::string const url = settings.http_url.empty() ? "" : settings.http_url + ca::aia_path(chain.issuing);
  TRY(auto signer, open_signer(installed));
  CrlPlaces crl;
  if (!settings.http_url.empty() && settings.crl_parts != 0)
    crl = {.base = settings.http_url + crl_path(chain.issuing), .parts = settings.crl_parts};
  return Issuer::make(std::move(chain.issuing), std::move(chain.above), std::move(signer), url, std::move(crl),
                      std::move(further),
                      serves_ocsp(settings) ? settings.http_url + std::string(kOcspPath) : std::string());
}

}  // namespace

KnownIssuer const* Issuing::find(ByteView key_id) const {
  auto const is_it = [&](KnownIssuer const& each) {
    return std::ranges::equal(each.issuer->certificate().subject_key_id(), key_id);
  };
  auto const found = std::ranges::find_if(issuers, is_it);
  return found == issuers.end() ? nullptr : &*found;
}

Result<> Issuing::check_is_not_ours(x509::PublicKey const& key) const {
  auto const has_it = [&](x509::Certificate const& ca) { return ca.key() == key; };
  auto const is_in_chain = [&](KnownIssuer const& each) {
    return has_it(each.issuer->certificate()) || std::ranges::any_of(each.issuer->above(), has_it);
  };
  if (std::ranges::none_of(issuers, is_in_chain) && std::ranges::none_of(roots.roots, has_it)) return {};
  return Error(Errc::bad_public_key, "this is the CA's own key");
}

Issuing issuing_by(std::unique_ptr<Issuer> issuer, std::vector<Profile> profiles) {
  InstalledIssuer const installed{
      kDefaultIssuer, {.issuing = issuer->certificate(), .above = issuer->above(), .has_parent = false}, "", {}};
  auto rule = rules_of({installed}, {}).front();
  rule.limits = issuer->limits();
  Issuing issuing;
  issuing.issuers.push_back({std::move(issuer), std::move(rule)});
  issuing.profiles = std::move(profiles);
  return issuing;
}

Result<Issuing> open_issuing(AuthoritySettings const& settings, OpenSigner const& open_signer) {
  CHECK_OK(check_http_url(settings.http_url));
  Issuing issuing;
  TRY(issuing.profiles, load_profiles(settings));
  TRY(auto installed, load_issuers(settings.state_dir));
  TRY(issuing.roots, load_known_roots(settings.state_dir, installed.front().chain.root()));
  if (!installed.front().chain.has_parent) {
    TRY(issuing.root_crls, load_root_crls(settings.state_dir, issuing.roots));
  }
  std::vector<std::vector<std::vector<x509::Certificate>>> ways;
  for (auto const& each : installed) ways.push_back(ways_up(each.chain.above, issuing.roots));
  installed = as_chains_lead(std::move(installed), issuing.roots);
  TRY(auto const further,
      own_limits(installed.front().chain, settings.permit_dns, settings.permit_ip, settings.name_rules));
  auto rules = rules_of(installed, further);
  for (std::size_t i = 0; i < installed.size(); ++i) {
    CHECK_OK(check_listed(installed[i], issuing.profiles));
    TRY(auto issuer, open_issuer(settings, installed[i], further, open_signer));
    issuing.issuers.push_back({std::move(issuer), std::move(rules[i]), std::move(ways[i])});
  }
  CHECK_OK(check_profiles(issuing));
  return issuing;
}

Result<std::unique_ptr<KeyHolder>> open_issuer_key(AuthoritySettings const& settings, InstalledIssuer const& issuer,
                                                   SecretBytes const& passphrase) {
  if (issuer.key.empty()) return open_key_holder(settings.key, settings.state_dir, passphrase);
  // One passphrase opens all, which for a token is its PIN; and a process with a key in its own memory lets no foreign
  // module in (signing_service.cc).
  if (issuer.key.starts_with("file:") != settings.key.starts_with("file:"))
    return Error(Errc::settings, "the key of the issuer " + issuer.name + " is in a " +
                                     (issuer.key.starts_with("file:") ? "file, and ca.key of ca.toml in a token"
                                                                      : "token, and ca.key of ca.toml in a file") +
                                     ": the keys of all issuers have to be in files, or all in tokens");
  return open_key_holder(issuer.key, settings.state_dir, passphrase);
}

Result<std::unique_ptr<Authority>> Authority::open(AuthoritySettings const& settings, store::Store& store,
                                                   SecretBytes const& passphrase, std::shared_ptr<Signer> signer) {
  Result<> form;
  store.read([&](store::ReadTxn& txn) { form = check_form(txn); });
  CHECK_OK(form);
  auto const open_signer = [&](InstalledIssuer const& issuer) -> Result<std::shared_ptr<Signer>> {
    if (signer) return signer;
    TRY(auto key, open_issuer_key(settings, issuer, passphrase));
    return std::shared_ptr<Signer>(std::make_shared<KeySigner>(std::move(key)));
  };
  TRY(auto issuing, open_issuing(settings, open_signer));
  return std::make_unique<Authority>(std::move(issuing), store);
}

Authority::Authority(Issuing issuing, store::Store& store) : issuing_(std::move(issuing)), store_(store) {
  if (issuing_.profiles.empty()) bug("an Authority without profiles");
  if (issuing_.issuers.empty()) bug("an Authority without issuers");
  if (issuing_.roots.roots.empty()) issuing_.roots.roots.push_back(root_certificate());
  for (KnownIssuer const& each : issuing_.issuers) {
    rules_.push_back(each.rule);
    auto const& certificate = each.issuer->certificate();
    auto& chains = chains_[certificate.subject_key_id()];
    for (auto const& above : each.ways) chains.emplace_back(certificate, above);
    if (chains.empty()) chains.emplace_back(certificate, each.issuer->above());
  }
}

Profile const* Authority::find_profile(std::string_view name) const {
  auto const found = std::ranges::find(issuing_.profiles, name, &Profile::name);
  return found == issuing_.profiles.end() ? nullptr : &*found;
}

namespace {

Error unknown_profile(std::string_view name) {
  return {Errc::invalid_profile, "there is no profile \"" + std::string(name) + "\""};
}

}  // namespace

Result<KnownIssuer const*> Authority::choose(std::string_view name, x509::NameSet const& names, Time now,
                                             std::string_view only) const {
  Profile const* profile = find_profile(name);
  if (profile == nullptr) return unknown_profile(name);
  if (!only.empty()) {
    TRY(auto const heir, choose_heir(rules_, only, *profile, names, now));
    return &issuing_.issuers[heir];
  }
  if (rules_.size() == 1) return &issuing_.issuers.front();
  auto const chosen = choose_issuer(rules_, *profile, names, now);
  return &issuing_.issuers[chosen.value_or(default_at(rules_, now))];
}

Result<> Authority::check_not_revoked(std::string_view name, x509::NameSet const& names, Time now) const {
  auto const chosen = choose(name, names, now);
  if (!chosen || !(*chosen)->rule.revoked_at) return {};
  return check_serves((*chosen)->rule, *find_profile(name), now);
}

Result<Draft> Authority::prepare_by(KnownIssuer const& issuer, Profile const& profile, IssueRequest const& request,
                                    Time now, Holder holder) const {
  std::optional<Time> mark;
  store_.read([&](store::ReadTxn& txn) { mark = clock_mark(txn); });
  CHECK_OK(check_clock(mark, now));
  CHECK_OK(check_serves(issuer.rule, profile, now, holder));
  CHECK_OK(issuing_.check_is_not_ours(request.key));
  return issuer.issuer->prepare(profile, request, now);
}

Result<Draft> Authority::prepare(IssueRequest const& request, Time now, std::string_view only) const {
  TRY(auto const* issuer, choose(request.profile, request.names, now, only));
  CHECK_OK(issuer->issuer->check_ready());
  return prepare_by(*issuer, *find_profile(request.profile), request, now);
}

Result<x509::Certificate> Authority::sign(Draft&& draft) const {
  std::optional<Bytes> intent;
  Result<> open;
  store_.read([&](store::ReadTxn& txn) {
    intent = find_intent_tbs(txn, draft.serial_hex());
    if (intent) open = check_open_intent(txn, draft.serial_hex());
  });
  if (intent != draft.tbs())
    return Error(Errc::internal, "nothing was signed: the store does not hold the intent of " + draft.serial_hex());
  CHECK_OK(std::move(open));
  auto const* issuer = issuing_.find(draft.issuer_key_id());
  if (issuer == nullptr) bug("a draft of no issuer of this authority");
  return issuer->issuer->sign(std::move(draft));
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

// For the CA itself. Where a cap is reached the signer keeps a reserve for some of these, and says itself whether this
// is one of them.
Result<x509::Certificate> Authority::complete(Draft draft, std::string_view reference, Time now) const {
  auto const* issuer = issuing_.find(draft.issuer_key_id());
  if (issuer == nullptr) bug("a draft of no issuer of this authority");
  if (auto const ready = issuer->issuer->check_ready(); !ready && !ready.error().retry_after) return ready.error();
  CHECK_OK(write(store_, [&](store::WriteTxn& txn) { return record_intent(txn, draft, reference); }));
  TRY(auto certificate, sign(std::move(draft)));
  CHECK_OK(write(store_, [&](store::WriteTxn& txn) { return record_issued(txn, certificate, now); }));
  return certificate;
}

Result<x509::Certificate> Authority::issue(IssueRequest const& request, std::string_view reference, Time now) const {
  TRY(auto draft, prepare(request, now));
  return complete(std::move(draft), reference, now);
}

Result<x509::Certificate> Authority::issue_for_server(IssueRequest const& request, Time now) const {
  TRY(auto const* issuer, choose(request.profile, request.names, now));
  TRY(auto draft, prepare_by(*issuer, *find_profile(request.profile), request, now, Holder::server));
  return complete(std::move(draft), "server", now);
}

Result<x509::Certificate> Authority::issue_by(KnownIssuer const& issuer, IssueRequest const& request,
                                              std::string_view reference, Time now) const {
  Profile const* profile = find_profile(request.profile);
  if (profile == nullptr) return unknown_profile(request.profile);
  TRY(auto draft, prepare_by(issuer, *profile, request, now));
  return complete(std::move(draft), reference, now);
}

KnownIssuer const* Authority::issuer_of(x509::Certificate const& certificate) const {
  return issuing_.find(certificate.authority_key_id());
}

std::vector<IssuerChain> const& Authority::chains_of(x509::Certificate const& certificate) const {
  auto const found = chains_.find(certificate.authority_key_id());
  return found != chains_.end() ? found->second : chains_.at(issuing_certificate().subject_key_id());
}

}  // namespace lenscap::ca
