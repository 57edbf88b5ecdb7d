#include "acme/server/commands/installation.h"

#include <fmt/format.h>

#include <optional>

#include "acme/server/scope_check.h"
#include "acme/server/server.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"
#include "ca/installed_issuers.h"
#include "ca/key_holder.h"

namespace lenscap::acme {

Result<> need_intermediate(CommandLine const& line) {
  if (ca::is_intermediate(line.state)) return {};
  if (file_exists(line.state + "/keys/root.pem"))
    return Error(Errc::conflict,
                 "this CA has a root of its own, which agents and browsers trust already; for a parent, make another "
                 "one with lenscap-ca init --intermediate");
  return Error(Errc::file, "there is no CA in " + line.state +
                               "; make one first (lenscap-ca init --intermediate), or give its "
                               "directory with --state");
}

Result<> settle_keys(CommandLine const& line) {
  TRY(auto const settled, ca::settle_chain(line.state));
  if (settled == Settled::nothing) return {};
  fmt::print(stderr, "warning: an earlier command was broken off while it replaced the files of {}/keys, and {}\n",
             line.state,
             settled == Settled::completed ? "had got far enough: what it installed is in place"
                                           : "had not got far enough: the files are again as before it");
  return {};
}

Result<std::string> check_key_is_here(Settings const& settings, x509::PublicKey const& requested) {
  if (!settings.signer.socket.empty()) return std::string();
  return check_key_is_here(settings, settings.ca_key, requested);
}

Result<std::string> check_key_is_here(Settings const& settings, std::string const& key,
                                      x509::PublicKey const& requested) {
  auto const passphrase = read_issuing_passphrase(settings);
  if (!passphrase.ok() && settings.ca_passphrase.starts_with("file:")) return Error(passphrase.error());
  if (!passphrase.ok())
    return "whether " + key +
           " is the key of the request was not looked at, and serve will: " + passphrase.error().detail();
  TRY(auto const holder, ca::open_key_holder(key, settings.state_dir, *passphrase));
  if (holder->public_key() == requested) return std::string();
  return Error(
      Errc::conflict,
      "the key " + key +
          " of this CA is not the one that the request was made for, and so could not work under what the "
          "parent made of it: put back the key (or the request) that belongs to the other; nothing was changed");
}

Result<x509::Bundle> read_bundles(std::vector<std::string> const& files, std::string const& words) {
  auto const source = words.empty() ? "prompt" : words == "-" ? "file:/dev/stdin" : "file:" + words;
  std::optional<SecretBytes> known;
  auto const ask = [&]() -> Result<SecretBytes> {
    if (!known) {
      TRY(auto const given, read_passphrase(source, "passphrase of the files to import"));
      known = ca::first_line(given);
    }
    return known->clone();
  };
  x509::Bundle all;
  for (auto const& file : files) {
    TRY(auto content, read_file(file));
    SecretBytes const held{std::string_view(content)};
    OPENSSL_cleanse(content.data(), content.size());
    auto bundle = x509::read_bundle(held.text(), ask);
    if (!bundle.ok()) return std::move(bundle).error().with_context(file + ": ");
    all.certificates.insert(all.certificates.end(), bundle->certificates.begin(), bundle->certificates.end());
    for (auto& key : bundle->keys) all.keys.push_back(std::move(key));
  }
  return all;
}

Result<std::vector<x509::Certificate>> read_certificates(std::vector<std::string> const& files,
                                                         std::string const& instead) {
  std::vector<x509::Certificate> all;
  for (auto const& file : files) {
    TRY(auto const content, read_file(file));
    auto bundle = x509::read_bundle(
        content, [&]() -> Result<SecretBytes> { return Error(Errc::usage, "it is encrypted: " + instead); });
    if (!bundle.ok()) return std::move(bundle).error().with_context(file + ": ");
    if (!bundle->keys.empty()) return Error(Errc::usage, file + " holds a private key: " + instead);
    all.insert(all.end(), bundle->certificates.begin(), bundle->certificates.end());
  }
  return all;
}

Result<x509::NameConstraints> permitted_by(Settings const& settings) {
  ca::CeremonySettings ceremony;
  ceremony.permit_dns = settings.permit_dns;
  ceremony.permit_ip = settings.permit_ip;
  ceremony.rules = settings.name_rules;
  return ca::constraints_of(ceremony);
}

namespace {

// The server's own certificate comes from this CA: without its name nothing could be served.
Result<> check_own_name(Settings const& settings, std::vector<ca::NameLimit> const& limits) {
  auto const host = settings.urls.host();
  std::vector<ca::Forbidden> forbidden;
  if (settings.urls.host_is_ip()) {
    TRY(auto const address, x509::IpAddress::parse(host));
    forbidden = ca::who_forbids(limits, address);
  } else {
    TRY(auto const name, x509::DnsName::parse(host));
    forbidden = ca::who_forbids(limits, name);
  }
  if (forbidden.empty()) return {};
  return Error(Errc::settings,
               "the name of this server itself could not be certified, and so it could not be served: "
               "by " +
                   forbidden.front().whose + ", " + forbidden.front().why +
                   ". Ask the parent for constraints that permit it, or change server.url");
}

// What the settings permit and the chain does not.
std::vector<std::string> never_issued(Settings const& settings, std::vector<ca::NameLimit> const& of_chain) {
  std::vector<std::string> found;
  auto const note = [&](std::string const& text, Scope const& scope) {
    if (auto const fits = check_names(scope, of_chain); !fits)
      found.push_back(
          text + " is permitted by the settings, but not by the chain, and so never issued: " + fits.error().detail());
  };
  for (auto const& text : settings.permit_dns) {
    Scope scope;
    if (auto name = x509::DnsName::parse(text); name.ok()) scope.grant_dns.push_back(*std::move(name));
    note(text, scope);
  }
  for (auto const& text : settings.permit_ip) {
    Scope scope;
    if (auto block = x509::IpBlock::parse(text); block.ok()) scope.grant_ip.push_back(*std::move(block));
    note(text, scope);
  }
  return found;
}

// Clients hold what the chain forbids by its extended key usage against every certificate below it, and serve does not
// start with a profile that is for nothing else.
void warn_of_profiles(std::vector<ca::InstalledIssuer> const& issuers, Settings const& settings,
                      std::vector<std::string>& warnings) {
  for (auto const& path : authority_settings(settings).profile_files) {
    auto const profile = ca::load_profile(path);
    if (!profile.ok()) continue;  // serve says why
    if (auto const forbidden = who_forbids(issuers, *profile))
      warnings.push_back("of " + forbidden->whose + ", " + forbidden->why +
                         ": the server does not start with it. Ask the parent for it by name (anyExtendedKeyUsage does "
                         "not stand for it), or for no extended key usage; or take the profile out of ca.profiles");
  }
}

}  // namespace

namespace {

Result<Installation> judge_among(ca::ParentVerdict verdict, Settings const& settings, ca::InstalledIssuer place) {
  auto const chain = place.chain;
  auto const further = ca::load_issuers(settings.state_dir, std::move(place));
  if (!further)
    return Error(further.error()).with_context("with this chain the other issuers of this CA could not go on: ");
  TRY(auto limits, ca::name_limits(chain, settings.permit_dns, settings.permit_ip, settings.name_rules));
  CHECK_OK(check_own_name(settings, limits));
  auto warnings = verdict.warnings;
  for (auto& each : never_issued(settings, ca::limits_of(verdict.issuing, verdict.above)))
    warnings.push_back(std::move(each));
  warn_of_profiles(*further, settings, warnings);
  return Installation{std::move(verdict), std::move(limits), std::move(warnings)};
}

// Agents and clients know the root of now.
Result<> check_same_root(ca::InstalledChain const& first, x509::Certificate const& root) {
  if (first.root() == root) return {};
  return Error(Errc::conflict, "this chain leads up to " + root.subject() + " (SHA-256 " + to_hex(root.fingerprint()) +
                                   "), and what is installed to another root, " + first.root().subject() +
                                   " (SHA-256 " + to_hex(first.root().fingerprint()) +
                                   "), which agents and clients know: ask the parent for a chain that ends there; "
                                   "nothing was changed");
}

Result<> check_name_is_new(std::vector<ca::InstalledIssuer> const& issuers, ca::InstalledIssuer const& place) {
  auto const& subject = place.chain.issuing.subject_der();
  for (auto const& each : issuers)
    if (each.name != place.name && each.chain.issuing.subject_der() == subject)
      return Error(Errc::conflict, "the certificate bears the name of the issuer " + each.name + ", " +
                                       each.chain.issuing.subject() +
                                       ", and many clients look for issuers and lists by name alone: ask the parent "
                                       "for the name that the request has; nothing was changed");
  return {};
}

}  // namespace

Result<Installation> judge_installation(ca::ParentVerdict verdict, Settings const& settings) {
  CHECK_OK(ca::check_follows(settings.state_dir, verdict.issuing));
  ca::InstalledIssuer first{ca::kDefaultIssuer, {verdict.issuing, verdict.above, true}, "", {}};
  return judge_among(std::move(verdict), settings, std::move(first));
}

Result<Installation> judge_installation(ca::ParentVerdict verdict, Settings const& settings, ca::InstalledIssuer place,
                                        std::optional<x509::Certificate> const& before) {
  if (before) CHECK_OK(ca::check_follows(*before, verdict.issuing));
  TRY(auto const issuers, ca::load_issuers(settings.state_dir));
  CHECK_OK(check_same_root(issuers.front().chain, verdict.above.back()));
  CHECK_OK(check_name_is_new(issuers, place));
  return judge_among(std::move(verdict), settings, std::move(place));
}

void print_installation(CommandLine const& line, Installation const& made, json::Object const& more) {
  auto const& root = made.verdict.above.back();
  std::vector<std::string> permits;
  permits.reserve(made.limits.size());
  for (auto const& limit : made.limits) permits.push_back(limit.whose + ": " + limit.constraints.text());
  if (line.wants_json()) {
    json::Object object{{"issuing", made.verdict.issuing.subject()},
                        {"issuing_sha256", to_hex(made.verdict.issuing.fingerprint())},
                        {"root", root.subject()},
                        {"root_sha256", to_hex(root.fingerprint())},
                        {"certificates_between", made.verdict.above.size() - 1},
                        {"ends", to_rfc3339(made.verdict.ends)},
                        {"permits", json::Value::strings(permits)},
                        {"warnings", json::Value::strings(made.warnings)}};
    for (auto const& [name, value] : more.members()) object.set(name, value);
    print_json(object);
    return;
  }
  for (auto const& warning : made.warnings) fmt::print(stderr, "warning: {}\n", warning);
  fmt::print("Installed   {}\nRoot        {}\n            {}\n            SHA-256 {}\nEnds        {}\n",
             made.verdict.issuing.subject(), root.subject(), ca::fingerprint_text(root), to_hex(root.fingerprint()),
             to_rfc3339(made.verdict.ends));
  for (auto const& permit : permits) fmt::print("Limited by  {}\n", permit);
  fmt::print(
      "\nCompare the SHA-256 with what the parent publishes. A server that runs takes the chain at its next start or "
      "reload.\n");
}

}  // namespace lenscap::acme
