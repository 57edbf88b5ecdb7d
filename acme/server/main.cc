// lenscap-ca: a private CA for cameras with an ACME server, and the commands that set it up and look after it.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"
#include "base/output.h"
#include "base/private_memory.h"

namespace {

int run(int argc, char** argv) {
  lenscap::acme::CommandLine line;
  CLI::App app("A private certificate authority for cameras, with an ACME server (RFC 8555)", "lenscap-ca");
  app.set_version_flag("--version", LENSCAP_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--state", line.state, "Directory of keys, settings and data")->capture_default_str();
  app.add_option("--config", line.config, "Settings file instead of STATE/ca.toml");
  app.add_option("--output", line.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  lenscap::acme::add_init(app, line);
  lenscap::acme::add_serve(app, line);
  lenscap::acme::add_signer(app, line);
  lenscap::acme::add_explain(app, line);
  lenscap::acme::add_issuer(app, line);
  lenscap::acme::add_root(app, line);
  lenscap::acme::add_eab(app, line);
  lenscap::acme::add_cert(app, line);
  lenscap::acme::add_account(app, line);
  lenscap::acme::add_key(app, line);
  lenscap::acme::add_audit(app, line);
  lenscap::acme::add_store(app, line);
  lenscap::acme::add_doctor(app, line);
  lenscap::acme::add_backup(app, line);
  lenscap::acme::add_restore(app, line);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(lenscap::ExitCode::usage);
  }
  auto const finished = [](lenscap::ExitCode code) -> lenscap::Result<lenscap::ExitCode> {
    CHECK_OK(lenscap::finish_output());
    return code;
  };
  auto result = line.run();
  if (result) result = finished(*result);
  if (result) return static_cast<int>(*result);
  fmt::print(stderr, "lenscap-ca: {} ({})\n", result.error().detail(), error_id(result.error().code()));
  return static_cast<int>(lenscap::exit_code(result.error().code()));
}

}  // namespace

int main(int argc, char** argv) {
  lenscap::keep_memory_private();
  try {
    return run(argc, argv);
  } catch (std::exception const& e) {
    fmt::print(stderr, "lenscap-ca: {}\n", e.what());
    return static_cast<int>(lenscap::ExitCode::failed);
  }
}
