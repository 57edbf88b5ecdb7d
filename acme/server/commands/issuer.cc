// lenscap-ca issuer csr|install: this CA below somebody else's root. Those for several issuers: issuers.cc.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuer_import.h"
#include "acme/server/commands/issuer_revoke.h"
#include "acme/server/commands/issuers.h"
#include "acme/server/commands/on_record.h"
#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"
#include "ca/pending_issuer.h"

namespace lenscap::acme {
namespace {

// --- csr ---

struct CsrOptions {
  std::string of;  // empty: the last of the first issuer's line
  std::string out = "-";
};

struct Request {
  std::string issuer;
  std::string pem;
};

// Of those that a parent certifies: the first, what has taken its place, and what waits for its certificate.
Result<Request> find_request(CommandLine const& line, std::string const& of) {
  TRY(auto pending, ca::load_pending(line.state));
  if (pending && (of.empty() || of == pending->name)) return Request{pending->name, std::move(pending->request)};
  auto name = of;
  // Before a chain is installed there is the first alone.
  if (auto const issuers = ca::load_issuers(line.state))
    for (auto const* each : ca::line_of(*issuers, of.empty() ? ca::kDefaultIssuer : of))
      if (each->is_of_parent() && (of.empty() || of == each->name)) name = each->name;
  if (name.empty()) name = ca::kDefaultIssuer;
  if (name == ca::kDefaultIssuer) {
    TRY(auto pem, read_file(ca::request_file(line.state)));
    return Request{name, std::move(pem)};
  }
  auto pem = ca::request_of(line.state, name);
  if (!pem)
    return Error(Errc::usage, "there is no request of an issuer " + name +
                                  ": the parent certifies the first one and what a roll-over of it has made");
  return Request{name, *std::move(pem)};
}

Result<ExitCode> csr(CommandLine const& line, CsrOptions const& options) {
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const request, find_request(line, options.of));
  auto const& out = options.out;
  if (out != "-") CHECK_OK(write_file(out, request.pem, 0644));
  json::Object made{{"request", request.pem}, {"issuer", request.issuer}};
  if (out != "-") made.set("file", out);
  if (!line.wants_json() && request.issuer != ca::kDefaultIssuer)
    fmt::print(stderr, "The request of the issuer {}; --of {} is for the first one's key.\n", request.issuer,
               ca::kDefaultIssuer);
  if (line.wants_json())
    print_json(made);
  else if (out == "-")
    fmt::print("{}", request.pem);
  return ExitCode::done;
}

// --- install ---

// An issuer that the parent certifies: for its key a certificate may have come.
struct Certifiable {
  std::string name;
  x509::PublicKey key;
  std::optional<ca::InstalledIssuer> installed = {};  // of one that is there, but not of the first
  std::optional<ca::PendingIssuer> pending = {};
};

// The first is the first issuer.
Result<std::vector<Certifiable>> certifiable(CommandLine const& line) {
  TRY(auto const request, read_file(ca::request_file(line.state)));
  TRY(auto key, ca::requested_key(request));
  std::vector<Certifiable> all{{ca::kDefaultIssuer, std::move(key)}};
  // What cannot be loaded may be what another chain of the first one puts right.
  if (auto const issuers = ca::load_issuers(line.state))
    for (auto const& each : *issuers)
      if (each.is_of_parent() && each.name != ca::kDefaultIssuer)
        all.push_back({each.name, each.chain.issuing.key(), each});
  TRY(auto pending, ca::load_pending(line.state));
  if (pending) {
    TRY(auto asked, ca::requested_key(pending->request));
    all.push_back({pending->name, std::move(asked), {}, std::move(pending)});
  }
  return all;
}

// Where nothing that was given is for any of them, the first: the rules for parents say so.
Result<Certifiable> whose_chain(std::vector<Certifiable> const& all, std::vector<x509::Certificate> const& given) {
  Certifiable const* found = nullptr;
  for (auto const& each : all) {
    auto const is_for_it = [&](x509::Certificate const& certificate) { return certificate.key() == each.key; };
    if (std::ranges::none_of(given, is_for_it)) continue;
    if (found != nullptr)
      return Error(Errc::settings, "certificates for the issuer " + found->name + " and for " + each.name +
                                       " are among the files: install one after the other, each with what is above it");
    found = &each;
  }
  return found != nullptr ? *found : all.front();
}

Result<ExitCode> install_first(CommandLine const& line, Settings const& settings, x509::PublicKey const& key,
                               std::vector<x509::Certificate> const& given) {
  TRY(auto verdict, ca::judge_parent_chain(given, key, SystemClock().now()));
  TRY(auto made, judge_installation(std::move(verdict), settings));
  TRY(auto warning, check_key_is_here(settings, key));
  if (!warning.empty()) made.warnings.push_back(std::move(warning));
  CHECK_OK(ca::install_chain(line.state, made.verdict.issuing, made.verdict.above));
  print_installation(line, made);
  return ExitCode::done;
}

// For the key of an issuer that has taken the first one's place already.
Result<ExitCode> install_again(CommandLine const& line, Settings const& settings, ca::InstalledIssuer const& issuer,
                               std::vector<x509::Certificate> const& given) {
  auto const& before = issuer.chain.issuing;
  TRY(auto verdict, ca::judge_parent_chain(given, before.key(), SystemClock().now()));
  auto next = issuer;
  next.chain = {verdict.issuing, verdict.above, true};
  TRY(auto made, judge_installation(std::move(verdict), settings, std::move(next), before));
  CHECK_OK(ca::renew_issuer(line.state, issuer.name, made.verdict.issuing, made.verdict.above));
  print_installation(line, made, {{"issuer", issuer.name}});
  return ExitCode::done;
}

// The end of a roll-over below a parent: from now on there is another issuer.
Result<ExitCode> install_next(CommandLine const& line, Settings const& settings, ca::PendingIssuer const& pending,
                              x509::PublicKey const& key, std::vector<x509::Certificate> const& given) {
  auto const now = SystemClock().now();
  TRY(auto verdict, ca::judge_parent_chain(given, key, now));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const rules = ca::rules_of(issuers, {});
  auto const old = std::ranges::find(rules, pending.replaces, &ca::IssuerRule::name);
  if (old == rules.end())
    return Error(Errc::settings, "the issuer " + pending.replaces + ", whose place this one is to take, is not there");
  auto const from = ca::begin_of(pending, now, old->ends);
  if (from >= verdict.ends)
    return Error(Errc::settings, "the chain that came ends at " + to_rfc3339(verdict.ends) +
                                     ", before the new issuer would sign anything: ask the parent for a longer one");
  ca::IssuerNote const note{.active_from = from, .replaces = pending.replaces, .key = pending.token_key};
  ca::InstalledIssuer place{pending.name, {verdict.issuing, verdict.above, true}, pending.key(), note};
  TRY(auto made, judge_installation(std::move(verdict), settings, std::move(place), {}));
  TRY(auto warning, check_key_is_here(settings, pending.key(), key));
  if (!warning.empty()) made.warnings.push_back(std::move(warning));
  CHECK_OK(ca::install_pending(line.state, pending, made.verdict.issuing, made.verdict.above, note));
  print_installation(line, made,
                     {{"issuer", pending.name}, {"active_from", to_rfc3339(from)}, {"replaces", pending.replaces}});
  if (line.wants_json()) return ExitCode::done;
  fmt::print(
      "Signs       from {} on, in the place of {}\n{}", to_rfc3339(from), pending.replaces,
      from == now && pending.after != Seconds(0) ? "            (at once: the other one would end before)\n" : "");
  if (!settings.signer.socket.empty())
    fmt::print("lenscap-ca signer split takes it over to the signer: do that before the start.\n");
  return ExitCode::done;
}

Result<ExitCode> install(CommandLine const& line, std::vector<std::string> const& files) {
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const given,
      read_certificates(files,
                        "for a key that comes with its certificate use issuer import; a parent that signed our request "
                        "has no key to give"));
  TRY(auto const all, certifiable(line));
  TRY(auto const whose, whose_chain(all, given));
  if (whose.pending) return install_next(line, settings, *whose.pending, whose.key, given);
  if (whose.installed) return install_again(line, settings, *whose.installed, given);
  return install_first(line, settings, whose.key, given);
}

}  // namespace

void add_issuer(CLI::App& app, CommandLine& line) {
  auto* issuer = app.add_subcommand("issuer", "Put this CA below a parent's root; several issuers, roll-over");
  issuer->require_subcommand(1);
  add_issuers(*issuer, line);
  add_issuer_revoke(*issuer, line);
  add_issuer_import(*issuer, line);

  auto request = std::make_shared<CsrOptions>();
  auto* asked = issuer->add_subcommand("csr", "The request for the parent (PKCS#10)");
  asked->add_option("--out", request->out, "File, or - for standard output")->capture_default_str();
  asked->add_option(
      "--of", request->of,
      "The issuer whose request it is; without it the first one, or what a roll-over has made of it last");
  asked->footer(
      "Examples:\n  lenscap-ca issuer csr --out issuing.csr\n  lenscap-ca issuer csr --of default --out issuing.csr");
  asked->callback([&line, request] { line.run = [&line, request] { return csr(line, *request); }; });

  auto files = std::make_shared<std::vector<std::string>>();
  auto* installed = issuer->add_subcommand("install", "Install what the parent made of the request");
  installed->add_option("CHAIN", *files, "Files with our certificate and all above it up to the root; PEM, DER, PKCS#7")
      ->required();
  installed->footer(
      "Examples:\n  lenscap-ca issuer install issuing.pem corporate-root.pem\n  lenscap-ca issuer install certnew.p7b");
  installed->callback([&line, files] {
    line.run = [&line, files] { return on_record(line, "issuer install", [&] { return install(line, *files); }); };
  });
}

}  // namespace lenscap::acme
