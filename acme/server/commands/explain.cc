// lenscap-ca explain NAME: would this CA issue it, by which of its issuers, and which certificate of the chain, or
// which setting, forbids it? With --issuer the same for a scope that names one. It reads certificates and settings
// alone: neither the key nor the store, and it does NOT ask whether some account may have the name.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "acme/server/commands/commands.h"
#include "acme/server/server.h"
#include "base/x509/directory_name.h"
#include "base/x509/subtree.h"
#include "ca/authority.h"

namespace lenscap::acme {
namespace {

// Certificates that are not valid now forbid every name.
std::vector<ca::Forbidden> not_valid(ca::InstalledChain const& chain, Time now) {
  std::vector<ca::Forbidden> found;
  auto const test = [&](x509::Certificate const& certificate) {
    auto const whose = "the certificate of " + certificate.subject();
    if (now < certificate.not_before())
      found.push_back({whose, "it begins at " + to_rfc3339(certificate.not_before())});
    if (now >= certificate.not_after()) found.push_back({whose, "it ended at " + to_rfc3339(certificate.not_after())});
  };
  test(chain.issuing);
  for (auto const& each : chain.above) test(each);
  return found;
}

// Names that no certificate of this CA carries, and that a chain may limit all the same: what a thief of the key could
// make, or another program with it.
std::optional<std::vector<ca::Forbidden>> who_forbids_foreign(std::string const& text,
                                                              std::vector<ca::NameLimit> const& limits) {
  std::function<Result<>(x509::NameConstraints const&)> test;
  auto const directory = x509::DirectoryName::parse(text);
  if (text.find("://") != text.npos)
    test = [&](x509::NameConstraints const& each) { return each.test_uri(text); };
  else if (x509::is_mail_address(text))
    test = [&](x509::NameConstraints const& each) { return each.test_mail(text); };
  else if (directory.ok() && !directory->empty())
    test = [&](x509::NameConstraints const& each) { return each.test(*directory); };
  else
    return std::nullopt;
  std::vector<ca::Forbidden> found;
  for (auto const& limit : limits)
    if (auto const verdict = test(limit.constraints); !verdict.ok())
      found.push_back({limit.whose, verdict.error().detail()});
  return found;
}

Result<std::vector<ca::Forbidden>> who_forbids(std::string const& text, Settings const& settings,
                                               std::vector<ca::NameLimit> const& limits) {
  if (auto const address = x509::IpAddress::parse(text); address.ok()) return ca::who_forbids(limits, *address);
  auto const name = x509::DnsName::parse(text);
  if (!name.ok())
    return Error(Errc::usage, "\"" + text +
                                  "\" is no name: neither of a host (DNS name, IP address), nor a mail address, a URI "
                                  "with ://, or a directory name such as O=Example,C=DE; as a DNS name, " +
                                  name.error().detail());
  auto found = ca::who_forbids(limits, *name);
  if (name->is_wildcard() && !settings.allow_wildcards)
    found.push_back({"acme.allow_wildcards of ca.toml", "wildcard names are not issued here"});
  return found;
}

x509::NameSet only(std::string const& text) {
  x509::NameSet names;
  if (auto address = x509::IpAddress::parse(text); address.ok())
    names.ip.insert(*std::move(address));
  else if (auto name = x509::DnsName::parse(text); name.ok())
    names.dns.insert(*std::move(name));
  return names;
}

// Which issuer would make the certificate, for each profile of the settings that one can serve; where a scope names
// an issuer, that or what has taken its place.
using Issuers = std::vector<std::pair<std::string, std::size_t>>;  // profile, place of the issuer
Result<Issuers> who_issues(std::string const& text, Settings const& settings, std::vector<ca::IssuerRule> const& rules,
                           std::string const& issuer, Time now) {
  Issuers found;
  for (auto const& path : authority_settings(settings).profile_files) {
    TRY(auto const profile, ca::load_profile(path));
    if (!issuer.empty()) {
      if (auto const heir = ca::choose_heir(rules, issuer, profile, only(text), now))
        found.emplace_back(profile.name, *heir);
    } else if (auto const chosen = ca::choose_issuer(rules, profile, only(text), now)) {
      found.emplace_back(profile.name, *chosen);
    }
  }
  return found;
}

// Of the one that makes it, or of the one that would if it might.
Result<std::size_t> whose_limits(Issuers const& by, std::vector<ca::IssuerRule> const& rules, std::string const& issuer,
                                 Time now) {
  if (issuer.empty()) return by.empty() ? ca::default_at(rules, now) : by.front().second;
  auto const heir = ca::find_heir(rules, issuer, now);
  if (!heir) return Error(Errc::usage, "there is no issuer \"" + issuer + "\"; see `lenscap-ca issuer list`");
  return *heir;
}

// Of an issuer that is named: that it signs nothing now, or none of the profiles.
std::vector<ca::Forbidden> who_does_not_sign(Issuers const& by, std::vector<ca::IssuerRule> const& rules,
                                             std::string const& issuer, Time now) {
  if (issuer.empty() || !by.empty()) return {};
  auto const whose = "the issuer " + issuer;
  if (auto const able = ca::heir_at(rules, issuer, now); !able) return {{whose, able.error().detail()}};
  return {{whose, "only that issuer may sign this, and it serves none of the profiles of ca.toml"}};
}

void print_for_people(std::string const& text, std::vector<ca::Forbidden> const& forbidden,
                      std::vector<ca::NameLimit> const& limits, Issuers const& by,
                      std::vector<ca::InstalledIssuer> const& issuers) {
  if (forbidden.empty()) {
    fmt::print("{} would be issued, to an account that may have it.\n", text);
    if (issuers.size() > 1)
      for (auto const& [profile, place] : by)
        fmt::print("  profile {}: by the issuer {}, {}\n", profile, issuers[place].name,
                   issuers[place].chain.issuing.subject());
    for (auto const& limit : limits) fmt::print("  {}: {}\n", limit.whose, limit.constraints.text());
    return;
  }
  fmt::print("{} would not be issued.\n", text);
  for (auto const& each : forbidden) fmt::print("  {}: {}\n", each.whose, each.why);
}

// Profiles of the settings that no issuer may serve, whatever the name.
Result<std::vector<ca::Forbidden>> who_forbids_profiles(Settings const& settings,
                                                        std::vector<ca::InstalledIssuer> const& issuers) {
  std::vector<ca::Forbidden> found;
  for (auto const& path : authority_settings(settings).profile_files) {
    TRY(auto const profile, ca::load_profile(path));
    if (auto forbidden = who_forbids(issuers, profile)) found.push_back(*std::move(forbidden));
  }
  return found;
}

json::Array to_json(std::vector<ca::Forbidden> const& all) {
  json::Array reasons;
  for (auto const& each : all) {
    json::Object reason;
    reason.set("by", each.whose).set("why", each.why);
    reasons.emplace_back(std::move(reason));
  }
  return reasons;
}

Result<ExitCode> explain(CommandLine const& line, std::string const& text, std::string const& issuer) {
  TRY(auto const settings, load_settings(line));
  auto const now = SystemClock().now();
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  TRY(auto const further,
      ca::own_limits(issuers.front().chain, settings.permit_dns, settings.permit_ip, settings.name_rules));
  auto const rules = ca::rules_of(issuers, further);
  TRY(auto const by, who_issues(text, settings, rules, issuer, now));
  TRY(auto const place, whose_limits(by, rules, issuer, now));
  auto const& limits = rules[place].limits;
  auto foreign = who_forbids_foreign(text, limits);
  bool const is_foreign = foreign.has_value();
  using All = Result<std::vector<ca::Forbidden>>;
  TRY(auto forbidden, is_foreign ? All(*std::move(foreign)) : who_forbids(text, settings, limits));
  bool const chain_permits = forbidden.empty();
  if (is_foreign)
    forbidden.push_back({"lenscap", chain_permits
                                        ? "its certificates carry DNS names and IP addresses alone; the chain "
                                          "and the settings would permit this one"
                                        : "its certificates carry DNS names and IP addresses alone"});
  if (forbidden.empty()) forbidden = who_does_not_sign(by, rules, issuer, now);
  TRY(auto const unserved, who_forbids_profiles(settings, issuers));
  if (by.empty() && forbidden.empty()) forbidden = unserved;
  for (auto& each : not_valid(issuers[place].chain, now)) forbidden.push_back(std::move(each));
  if (auto const& at = issuers[place].revoked_at)
    forbidden.push_back({"the certificate of " + issuers[place].chain.issuing.subject(),
                         "it is revoked since " + to_rfc3339(*at) + "; lenscap-ca issuer roll-over makes another"});
  auto const code = forbidden.empty() ? ExitCode::done : ExitCode::refused;
  if (!line.wants_json()) {
    print_for_people(text, forbidden, limits, by, issuers);
    if (forbidden.empty())
      for (auto const& each : unserved) fmt::print("  never by {}: {}\n", each.whose, each.why);
    return code;
  }
  json::Object issued_by;
  if (forbidden.empty())
    for (auto const& [profile, each] : by) issued_by.set(profile, issuers[each].name);
  json::Object answer;
  answer.set("name", text).set("would_issue", forbidden.empty());
  answer.set("issuers", std::move(issued_by));
  answer.set("forbidden", to_json(forbidden));
  if (forbidden.empty() && !unserved.empty()) answer.set("profiles_forbidden", to_json(unserved));
  if (is_foreign) answer.set("chain_permits", chain_permits);
  print_json(answer);
  return code;
}

}  // namespace

void add_explain(CLI::App& app, CommandLine& line) {
  auto name = std::make_shared<std::string>();
  auto issuer = std::make_shared<std::string>();
  auto* command = app.add_subcommand("explain", "Say whether a name would be issued, and who forbids it");
  command
      ->add_option("NAME", *name,
                   "DNS name or IP address; of a mail address, URI or directory name: whether the chain permits it")
      ->required();
  command->add_option("--issuer", *issuer, "For an account whose EAB key names this issuer: nothing else signs for it");
  command->footer(
      "Ends with 5 when it would not be issued.\n"
      "Examples:\n  lenscap-ca explain cam1.plant4.example\n  lenscap-ca explain 10.20.0.7 --output json\n"
      "  lenscap-ca explain cam1.p4.cams.example --issuer plant4");
  command->callback(
      [&line, name, issuer] { line.run = [&line, name, issuer] { return explain(line, *name, *issuer); }; });
}

}  // namespace lenscap::acme
