// lenscap-ca issuer create|list: several issuers below the own root, or, under a parent, below the issuing certificate
// of this CA.
#include "acme/server/commands/issuers.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuer_making.h"
#include "acme/server/commands/issuer_roll_over.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "acme/server/server.h"
#include "base/text_table.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/further_issuer.h"
#include "ca/pending_issuer.h"

namespace lenscap::acme {
namespace {

// --- create ---

struct CreateOptions {
  std::string site;
  std::vector<std::string> permit_dns, permit_ip, profiles;
  std::vector<std::string> usages;  // empty: all that the chain allows
  IssuerKeyOptions keys;
};

std::vector<ca::ExtendedKeyUsage> usages_of(std::vector<std::string> const& asked, ca::InstalledChain const& own) {
  std::vector<ca::ExtendedKeyUsage> usages;
  for (auto const usage : {ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth}) {
    bool const is_asked = std::ranges::find(asked, to_string(usage)) != asked.end();
    // Of an own root the issuing certificate is a sister, and says nothing of this one.
    bool const is_left = !own.has_parent || ca::who_forbids(own.issuing, own.above, usage) == nullptr;
    if (asked.empty() ? is_left : is_asked) usages.push_back(usage);
  }
  return usages;
}

// What the new issuer may name, by what it stands below.
Result<x509::NameConstraints> constraints_for(Settings const& settings, ca::InstalledChain const& own,
                                              CreateOptions const& options) {
  if (!own.has_parent) return ca::constraints_below(own.root(), options.permit_dns, options.permit_ip);
  TRY(auto const limits, ca::own_limits(own, settings.permit_dns, settings.permit_ip, settings.name_rules));
  return ca::constraints_below(own, limits.front(), options.permit_dns, options.permit_ip, settings.name_rules);
}

// Each has to be one that the server offers, and good for no more than the issuer will be.
Result<> check_profiles(Settings const& settings, std::vector<std::string> const& names,
                        std::vector<ca::ExtendedKeyUsage> const& usages) {
  std::vector<ca::Profile> known;
  for (auto const& path : authority_settings(settings).profile_files) {
    TRY(auto profile, ca::load_profile(path));
    known.push_back(std::move(profile));
  }
  for (auto const& name : names) {
    auto const found = std::ranges::find(known, name, &ca::Profile::name);
    if (found == known.end())
      return Error(Errc::usage, "there is no profile \"" + name +
                                    "\" among ca.profiles of ca.toml; name it there first, and its file in profiles/");
    for (auto const usage : found->extended_key_usage)
      if (std::ranges::find(usages, usage) == usages.end())
        return Error(Errc::usage, "profile " + name + " is for " + std::string(to_string(usage)) + ": give --usage " +
                                      std::string(to_string(usage)) + ", too");
  }
  return {};
}

Result<ExitCode> create(CommandLine const& line, CreateOptions const& options) {
  CHECK_OK(check_restore_confirmed(line));
  CHECK_OK(ca::check_issuer_name(options.site));
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const now = SystemClock().now();
  auto const& own = signer_of(issuers, now).chain;
  WantedIssuer wanted{.name = options.site,
                      .common_name = ca::issuer_common_name(settings.ca_name, options.site, 1),
                      .constraints = {},
                      .usages = usages_of(options.usages, own),
                      .note = {.profiles = options.profiles}};
  CHECK_OK(check_profiles(settings, options.profiles, wanted.usages));
  TRY(wanted.constraints, constraints_for(settings, own, options));
  TRY(auto const made, make_issuer(line, settings, options.keys, issuers, std::move(wanted), now));
  ca::CeremonySettings permitted;
  permitted.permit_dns = options.permit_dns;
  permitted.permit_ip = options.permit_ip;
  print_made(line, made, ca::ceremony_warnings(permitted), !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

// --- list ---

constexpr char const* kSendRequest =
    "have the parent sign what lenscap-ca issuer csr prints, and give what comes back to lenscap-ca issuer install";

Result<ExitCode> list(CommandLine const& line) {
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  auto const rules = ca::rules_of(issuers, {});
  auto const now = SystemClock().now();
  json::Array rows;
  for (std::size_t i = 0; i < issuers.size(); ++i) rows.emplace_back(to_json(issuers[i], rules[i], now));
  TRY(auto const pending, ca::load_pending(line.state));
  json::Object object{{"issuers", std::move(rows)}};
  if (pending) object.set("requested", json::Object{{"name", pending->name}, {"replaces", pending->replaces}});
  if (line.wants_json())
    print_json(object);
  else
    print_table(object, "issuers",
                {{"Issuer", "name"},
                 {"State", "state"},
                 {"Permits", "permits"},
                 {"Good for", "usages"},
                 {"Profiles", "profiles"},
                 {"Valid until", "valid_until"},
                 {"Signs from", "active_from"},
                 {"Retired from", "retired_from"},
                 {"Revoked", "revoked_at"}});
  if (pending && !line.wants_json()) fmt::print("\n{} waits for its certificate: {}\n", pending->name, kSendRequest);
  return ExitCode::done;
}

}  // namespace

void add_issuers(CLI::App& issuer, CommandLine& line) {
  auto made = std::make_shared<CreateOptions>();
  auto* created = issuer.add_subcommand("create", "Make a further issuer, for a site or for profiles");
  created->add_option("--site", made->site, "Its name: lower-case letters, digits and hyphens")->required();
  created->add_option("--permit-dns", made->permit_dns,
                      "DNS suffixes that it may name; inside what root or parents permit");
  created->add_option("--permit-ip", made->permit_ip,
                      "Networks (CIDR) that it may name; inside what root or parents permit");
  created->add_option("--profile", made->profiles, "Profiles that it serves; without it all");
  created
      ->add_option("--usage", made->usages,
                   "What its certificates may be good for; without it both, where the chain does")
      ->check(CLI::IsMember({"serverAuth", "clientAuth"}));
  add_key_options(*created, made->keys);
  created->footer(
      "Examples:\n"
      "  lenscap-ca issuer create --site plant4 --permit-ip 10.20.4.0/24\n"
      "  lenscap-ca issuer create --site dot1x --profile dot1x --usage clientAuth --root-key /media/usb/root.key\n"
      "  lenscap-ca issuer create --site cams --key 'pkcs11:token=ca;object=cams'");
  created->callback([&line, made] {
    line.run = [&line, made] { return on_record(line, "issuer create", [&] { return create(line, *made); }); };
  });

  auto* listed = issuer.add_subcommand("list", "The issuers, and which of them sign");
  listed->footer("Examples:\n  lenscap-ca issuer list\n  lenscap-ca issuer list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });

  add_issuer_roll_over(issuer, line);
}

}  // namespace lenscap::acme
