// lenscap-ca issuer csr|install: this CA below somebody else's root. Those for several issuers: issuers.cc.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/certifiable.h"
#include "acme/server/commands/commands.h"
#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuer_import.h"
#include "acme/server/commands/issuer_revoke.h"
#include "acme/server/commands/issuers.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "base/file.h"
#include "ca/installed_issuers.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"

namespace lenscap::acme {
namespace {

// --- csr ---

struct CsrOptions {
  std::string of;  // empty: the last of the first issuer's line
  std::string out = "-";
};

Result<ExitCode> csr(CommandLine const& line, CsrOptions const& options) {
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const request, find_request(line, options.of));
  if (auto const key = ca::requested_key(request.pem); !key.ok())
    return Error(key.error())
        .with_context("the request of the issuer " + request.issuer +
                      " is damaged: put its file back from a back-up, or make this CA anew where no "
                      "certificate has come back yet; ");
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

Result<ExitCode> install(CommandLine const& line, std::vector<std::string> const& files) {
  CHECK_OK(check_restore_confirmed(line));
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const given,
      read_certificates(files,
                        "for a key that comes with its certificate use issuer import; a parent that signed our request "
                        "has no key to give"));
  TRY(auto const all, certifiable(line));
  TRY(auto const whose, whose_chain(all, given));
  TRY(auto verdict, ca::judge_parent_chain(given, whose.key, SystemClock().now()));
  return install_chain_of(line, settings, whose, std::move(verdict));
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
