#include "acme/server/audit_inventory.h"

#include <vector>

#include "acme/server/backup_note.h"
#include "base/file.h"
#include "ca/installed_issuers.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

std::string joined(std::vector<std::string> const& all) {
  std::string text;
  for (auto const& each : all) text += (text.empty() ? "" : ", ") + each;
  return text.empty() ? "none" : text;
}

template <class Item>
std::string texts_of(std::vector<Item> const& all) {
  std::vector<std::string> texts;
  texts.reserve(all.size());
  for (auto const& each : all) texts.push_back(each.text());
  return joined(texts);
}

std::string yes_or_no(bool is_so) { return is_so ? "yes" : "no"; }

}  // namespace

// --- what is installed ---

namespace {

// Issuers and roots: as a server has taken them, or as they lie in the state directory.
struct Installed {
  struct Issuer {
    ca::IssuerRule rule;
    x509::Certificate certificate;
    std::string key;  // where it is: a file, or the URI of a token
  };
  std::vector<Issuer> issuers;
  std::vector<x509::Certificate> roots;
  std::vector<std::optional<ca::RootCrl>> lists;  // of the roots; empty where they are a parent's
  x509::Certificate leader;                       // the root that chains lead to
};

std::map<std::string, std::string> places_of_keys(Settings const& settings) {
  std::map<std::string, std::string> places{{ca::kDefaultIssuer, settings.ca_key}};
  if (auto const issuers = ca::load_issuers(settings.state_dir); issuers.ok())
    for (auto const& each : *issuers)
      if (each.name != ca::kDefaultIssuer) places[each.name] = each.key;
  return places;
}

Installed taken_by(ca::Authority const& authority, Settings const& settings) {
  Installed all{{}, authority.roots().roots, authority.root_crls(), authority.root_certificate()};
  auto keys = places_of_keys(settings);
  for (auto const& each : authority.issuers()) {
    auto const& key = keys[each.rule.name];
    all.issuers.push_back({each.rule, each.issuer->certificate(), key.empty() ? "unknown" : key});
  }
  if (all.roots.empty()) all.roots.push_back(all.leader);
  return all;
}

Result<Installed> lying_in(Settings const& settings) {
  TRY(auto installed, ca::load_issuers(settings.state_dir));
  TRY(auto const roots, ca::load_known_roots(settings.state_dir, installed.front().chain.root()));
  std::vector<std::optional<ca::RootCrl>> lists;
  if (!installed.front().chain.has_parent) {
    TRY(lists, ca::load_root_crls(settings.state_dir, roots));
  }
  installed = ca::as_chains_lead(std::move(installed), roots);
  Installed all{{}, roots.roots, std::move(lists), installed.front().chain.root()};
  auto rules = ca::rules_of(installed, {});
  for (std::size_t i = 0; i < rules.size(); ++i)
    all.issuers.push_back({std::move(rules[i]), installed[i].chain.issuing,
                           installed[i].name == ca::kDefaultIssuer ? settings.ca_key : installed[i].key});
  return all;
}

std::string text_of_place(Settings const& settings, std::string const& place) {
  if (settings.signer.socket.empty()) return place;
  auto text = "with the signer at " + settings.signer.socket;
  constexpr std::string_view kFile = "file:";
  if (!place.starts_with(kFile)) return text;
  auto const file = place.substr(kFile.size());
  auto const path = file.starts_with("/") ? file : settings.state_dir + "/" + file;
  return file_exists(path) ? text + ", and still here: " + place : text;
}

Inventory inventory_of(Settings const& settings, Installed const& installed) {
  Inventory all;
  for (auto const& [rule, certificate, key] : installed.issuers) {
    auto& text = all["issuer " + rule.name];
    text = "certificate " + certificate.serial_hex() + " of \"" + certificate.subject() + "\", SHA-256 " +
           to_hex(certificate.fingerprint());
    if (rule.revoked_at) text += ", revoked since " + to_rfc3339(*rule.revoked_at);
    all["key of issuer " + rule.name] = text_of_place(settings, key);
  }
  for (std::size_t i = 0; i < installed.roots.size(); ++i) {
    auto const name = to_hex(installed.roots[i].fingerprint());
    all["root " + name] = "\"" + installed.roots[i].subject() + "\"";
    if (file_exists(ca::root_directory(settings.state_dir, i) + "/root.key"))
      all["key of root " + name] = "on this machine";
    if (i >= installed.lists.size() || !installed.lists[i]) continue;
    auto const& list = *installed.lists[i];
    all["list of root " + name] = "number " + std::to_string(list.number) + ", good until " +
                                  to_rfc3339(list.next_update) + ", " + std::to_string(list.revoked.size()) +
                                  " revoked";
  }
  all["root of chains"] = to_hex(installed.leader.fingerprint());
  return all;
}

}  // namespace

Inventory what_is_installed(Settings const& settings, ca::Authority const& authority) {
  auto all = inventory_of(settings, taken_by(authority, settings));
  if (auto const last = last_backup(settings.state_dir); last.ok() && *last) all["back-up"] = to_rfc3339(**last);
  return all;
}

// --- what binds issuing ---

namespace {

std::string text_of(Scope const& scope) {
  return "granted " + texts_of(scope.grant_dns) + ", " + texts_of(scope.grant_ip) + "; to be proved " +
         texts_of(scope.prove_dns) + ", " + texts_of(scope.prove_ip) + "; profiles " + joined(scope.profiles) +
         (scope.issuer.empty() ? std::string() : "; by the issuer " + scope.issuer) +
         (scope.live_names_max ? "; at most " + std::to_string(*scope.live_names_max) + " live names" : "");
}

std::string text_of(CaaMode mode) {
  switch (mode) {
    case CaaMode::off:
      return "off";
    case CaaMode::lenient:
      return "lenient";
    case CaaMode::strict:
      return "strict";
  }
  bug("unknown CaaMode");
}

std::string text_of(Dnssec dnssec) {
  switch (dnssec) {
    case Dnssec::off:
      return "off";
    case Dnssec::if_signed:
      return "if-signed";
    case Dnssec::require:
      return "require";
  }
  bug("unknown Dnssec");
}

std::string text_of(RetryAfterForm form) {
  switch (form) {
    case RetryAfterForm::seconds:
      return "seconds";
    case RetryAfterForm::date:
      return "date";
    case RetryAfterForm::mixed:
      return "mixed";
  }
  bug("unknown RetryAfterForm");
}

std::string text_of(ReusePolicy reuse) {
  switch (reuse) {
    case ReusePolicy::usual:
      return "usual";
    case ReusePolicy::always:
      return "always";
    case ReusePolicy::never:
      return "never";
  }
  bug("unknown ReusePolicy");
}

std::string text_of(Seconds time) { return std::to_string(time.count()) + " s"; }

void add_names(Settings const& settings, Inventory& all) {
  auto const& rules = settings.name_rules;
  std::pair<char const*, std::vector<std::string> const&> const lists[] = {
      {"permit_dns", settings.permit_dns},
      {"permit_ip", settings.permit_ip},
      {"permit_email", rules.permit_email},
      {"permit_uri", rules.permit_uri},
      {"permit_directory", rules.permit_directory},
      {"exclude_dns", rules.exclude_dns},
      {"exclude_ip", rules.exclude_ip},
      {"exclude_email", rules.exclude_email},
      {"exclude_uri", rules.exclude_uri},
      {"exclude_directory", rules.exclude_directory},
  };
  for (auto const& [name, list] : lists) all["ca." + std::string(name)] = joined(list);
}

std::string text_of(ca::IssuerRule const& rule) {
  auto text = "profiles " + (rule.profiles.empty() ? "all" : joined(rule.profiles));
  if (rule.constraints) text += "; names " + rule.constraints->text();
  if (rule.active_from != Time::min()) text += "; from " + to_rfc3339(rule.active_from);
  if (rule.retired_from != Time::max()) text += "; until " + to_rfc3339(rule.retired_from);
  return text;
}

void add_issuers(ca::Authority const& authority, Inventory& all) {
  for (auto const& profile : authority.profiles()) all["profile " + profile.name] = to_hex(profile.hash());
  for (auto const& each : authority.issuers()) all["issuer " + each.rule.name] = text_of(each.rule);
}

void add_proofs(Settings const& settings, Inventory& all) {
  all["acme.challenges"] = joined(settings.challenges);
  all["acme.allow_wildcards"] = yes_or_no(settings.allow_wildcards);
  all["acme.http_port"] = std::to_string(settings.http_port);
  all["acme.tls_port"] = std::to_string(settings.tls_port);
  all["acme.redirects"] = yes_or_no(settings.redirects);
  all["acme.may_reach"] = texts_of(settings.may_reach);
  all["acme.resolver"] = joined(settings.resolver.servers);
  all["acme.resolver_tcp"] = yes_or_no(settings.resolver.tcp);
  all["acme.dnssec"] = text_of(settings.resolver.dnssec);
  all["acme.dnssec_anchors"] = joined(settings.resolver.trust_anchors);
  all["acme.caa"] = text_of(settings.caa);
  all["acme.caa_identities"] = joined(settings.caa_identities);
}

void add_limits(Settings const& settings, Inventory& all) {
  all["signer.per_minute"] = std::to_string(settings.signer.caps.per_minute);
  all["signer.per_day"] = std::to_string(settings.signer.caps.per_day);
  all["signer.process"] = yes_or_no(settings.signer.process);
  all["signer.front_user"] = settings.signer.front_user.empty() ? "the signer's own" : settings.signer.front_user;
  all["acme.pending_orders"] = std::to_string(settings.pending_orders);
  auto const& limits = settings.limits;
  all["acme.limits.new_accounts"] = to_string(limits.new_accounts);
  all["acme.limits.eab_failures"] = to_string(limits.eab_failures);
  all["acme.limits.account_changes"] = to_string(limits.account_changes);
  all["acme.limits.new_orders"] = to_string(limits.new_orders);
  all["acme.limits.orders_for_name"] = to_string(limits.orders_for_name);
  all["acme.limits.failed_validations"] = to_string(limits.failed_validations);
  all["acme.limits.validations_of_network"] = to_string(limits.validations_of_network);
  all["acme.limits.validations_at_host"] = std::to_string(limits.validations_at_host);
}

// Where certificates say that their issuer and its lists are, and what is there to be asked.
void add_revocation(Settings const& settings, Inventory& all) {
  std::vector<std::string> http;
  for (auto const& each : settings.http) http.push_back(to_string(each));
  all["server.url"] = settings.urls.base();
  all["server.http"] = joined(http);
  auto const& crl = settings.crl;
  all["crl.serve"] = yes_or_no(crl.is_served);
  all["crl.shards"] = std::to_string(crl.shards);
  all["crl.lifetime"] = text_of(crl.plan.lifetime);
  all["crl.after_revocation"] = text_of(crl.plan.after_revocation);
  all["crl.revoke_possibly_issued"] = yes_or_no(crl.revokes_possibly_issued);
  all["ocsp.serve"] = yes_or_no(settings.ocsp.is_served);
  all["ocsp.lifetime"] = text_of(settings.ocsp.lifetime);
}

// A CA that matters has none of it on. The seed says which requests are refused, and that binds nothing.
void add_chaos(ChaosSettings const& chaos, Inventory& all) {
  all["chaos.bad_nonce"] = std::to_string(chaos.bad_nonce) + " percent";
  all["chaos.retry_after"] = text_of(chaos.retry_after);
  all["chaos.shuffle"] = yes_or_no(chaos.shuffle);
  all["chaos.slow_validation"] = text_of(chaos.slow_validation);
  all["chaos.async_finalize"] = text_of(chaos.async_finalize);
  all["chaos.reuse_authorizations"] = text_of(chaos.reuse_authorizations);
}

}  // namespace

Inventory what_binds_issuing(Settings const& settings, ca::Authority const& authority) {
  Inventory all;
  add_names(settings, all);
  add_issuers(authority, all);
  add_proofs(settings, all);
  add_limits(settings, all);
  add_revocation(settings, all);
  add_chaos(settings.chaos, all);
  all["ca.passphrase"] = settings.ca_passphrase;
  all["ca.profiles"] = joined(settings.profiles);
  all["acme.eab_required"] = yes_or_no(settings.eab_required);
  if (!settings.eab_required) all["acme.open"] = text_of(settings.open_scope);
  all["acme.csr_padding"] = settings.csr_padding == CsrPadding::allow ? "allow" : "refuse";
  all["acme.replaces"] = settings.replaces == ReplacesPolicy::strict ? "strict" : "lenient";
  all["acme.terms_of_service"] = settings.terms_of_service.empty() ? "none" : settings.terms_of_service;
  return all;
}

Result<OnDisk> what_lies_on_disk(Settings const& settings) {
  TRY(auto const installed, lying_in(settings));
  OnDisk all{inventory_of(settings, installed), {}};
  for (auto const& each : installed.issuers) all.rules["issuer " + each.rule.name] = text_of(each.rule);
  return all;
}

}  // namespace lenscap::acme
