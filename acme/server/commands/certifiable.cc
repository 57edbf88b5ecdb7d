#include "acme/server/commands/certifiable.h"

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/installation.h"
#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/issuer_request.h"

namespace lenscap::acme {

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

namespace {

Result<ExitCode> install_first(CommandLine const& line, Settings const& settings, x509::PublicKey const& key,
                               ca::ParentVerdict verdict) {
  TRY(auto made, judge_installation(std::move(verdict), settings));
  TRY(auto warning, check_key_is_here(settings, key));
  if (!warning.empty()) made.warnings.push_back(std::move(warning));
  CHECK_OK(ca::install_chain(line.state, made.verdict.issuing, made.verdict.above));
  print_installation(line, made);
  return ExitCode::done;
}

// For the key of an issuer that has taken the first one's place already.
Result<ExitCode> install_again(CommandLine const& line, Settings const& settings, ca::InstalledIssuer const& issuer,
                               ca::ParentVerdict verdict) {
  auto const& before = issuer.chain.issuing;
  auto next = issuer;
  next.chain = {verdict.issuing, verdict.above, true};
  TRY(auto made, judge_installation(std::move(verdict), settings, std::move(next), before));
  CHECK_OK(ca::renew_issuer(line.state, issuer.name, made.verdict.issuing, made.verdict.above));
  print_installation(line, made, {{"issuer", issuer.name}});
  return ExitCode::done;
}

// The end of a roll-over below a parent: from now on there is another issuer.
Result<ExitCode> install_next(CommandLine const& line, Settings const& settings, ca::PendingIssuer const& pending,
                              x509::PublicKey const& key, ca::ParentVerdict verdict) {
  auto const now = SystemClock().now();
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

}  // namespace

Result<ExitCode> install_chain_of(CommandLine const& line, Settings const& settings, Certifiable const& whose,
                                  ca::ParentVerdict verdict) {
  if (whose.pending) return install_next(line, settings, *whose.pending, whose.key, std::move(verdict));
  if (whose.installed) return install_again(line, settings, *whose.installed, std::move(verdict));
  return install_first(line, settings, whose.key, std::move(verdict));
}

}  // namespace lenscap::acme
