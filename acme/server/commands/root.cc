// lenscap-ca root show|export: the root certificate, for people and for the machines that shall trust it: our own, or
// that of the corporation that signed this CA.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "acme/server/commands/commands.h"
#include "base/file.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"

namespace lenscap::acme {
namespace {

Result<ExitCode> show(CommandLine const& line) {
  TRY(auto const chain, ca::load_chain(line.state));
  auto const& root = chain.root();
  auto const constraints = root.name_constraints();
  auto const permits = constraints ? constraints->text() : std::string("everything");
  if (line.wants_json()) {
    print_json({{"subject", root.subject()},
                {"sha256", to_hex(root.fingerprint())},
                {"not_before", to_rfc3339(root.not_before())},
                {"not_after", to_rfc3339(root.not_after())},
                {"permits", permits},
                {"pem", root.pem()}});
    return ExitCode::done;
  }
  fmt::print("Subject   {}\nValid     {} to {}\nPermits   {}\n{}\nSHA-256   {}\n", root.subject(),
             to_rfc3339(root.not_before()), to_rfc3339(root.not_after()), permits, ca::fingerprint_text(root),
             to_hex(root.fingerprint()));
  return ExitCode::done;
}

// Old cameras send their own certificate alone; whoever checks them needs the issuing certificate beside the root.
Result<std::string> exported_text(CommandLine const& line, std::string const& form, bool with_issuing) {
  TRY(auto const chain, ca::load_chain(line.state));
  auto const& root = chain.root();
  if (form == "der" && with_issuing) return Error(Errc::usage, "DER holds one certificate; --chain needs --format pem");
  if (form == "der") return std::string(as_text(root.der()));
  if (!with_issuing) return root.pem();
  return chain.issuing.pem() + x509::to_pem(chain.above);
}

Result<ExitCode> export_root(CommandLine const& line, std::string const& form, std::string const& out,
                             bool with_issuing) {
  TRY(auto const content, exported_text(line, form, with_issuing));
  if (out == "-") {
    if (std::fwrite(content.data(), 1, content.size(), stdout) != content.size() || std::fflush(stdout) != 0)
      return Error(Errc::file, std::string("cannot write to standard output: ") + std::strerror(errno));
    return ExitCode::done;
  }
  CHECK_OK(write_file(out, content, 0644));
  return ExitCode::done;
}

}  // namespace

void add_root(CLI::App& app, CommandLine& line) {
  auto* root = app.add_subcommand("root", "Show or export the root certificate");
  root->require_subcommand(1);
  auto* shown = root->add_subcommand("show", "What the root is, and its fingerprint");
  shown->footer("Examples:\n  lenscap-ca root show\n  lenscap-ca root show --output json");
  shown->callback([&line] { line.run = [&line] { return show(line); }; });

  auto form = std::make_shared<std::string>("pem");
  auto out = std::make_shared<std::string>("-");
  auto* exported = root->add_subcommand("export", "The certificate itself, as PEM or DER");
  exported->add_option("--format", *form, "pem or der")->check(CLI::IsMember({"pem", "der"}))->capture_default_str();
  exported->add_option("--out", *out, "File, or - for standard output")->capture_default_str();
  auto chain = std::make_shared<bool>(false);
  exported->add_flag("--chain", *chain,
                     "With what stands below it in front: for clients of cameras before AXIS OS 10.10");
  exported->footer(
      "Examples:\n  lenscap-ca root export --out root.pem\n  lenscap-ca root export --format der --out root.cer");
  exported->callback([&line, form, out, chain] {
    line.run = [&line, form, out, chain] { return export_root(line, *form, *out, *chain); };
  });
}

}  // namespace lenscap::acme
