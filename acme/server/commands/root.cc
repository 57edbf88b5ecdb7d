// lenscap-ca root show|export|seal|import (and what root_roll_over.cc adds): the root, our own or that of the
// corporation that signed this CA; its key is moved off this machine, or comes here once.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "acme/server/commands/certifiable.h"
#include "acme/server/commands/commands.h"
#include "acme/server/commands/installation.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/commands/root_key.h"
#include "acme/server/commands/root_roll_over.h"
#include "base/file.h"
#include "ca/ceremony.h"
#include "ca/certify_below.h"
#include "ca/installed_issuers.h"
#include "ca/issuer_request.h"
#include "ca/known_roots.h"
#include "ca/root_seal.h"

namespace lenscap::acme {
namespace {

// The one that chains lead to, or the newest, which they may lead to one day.
Result<x509::Certificate> find_root(CommandLine const& line, bool newest) {
  TRY(auto const chain, ca::load_chain(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, chain.root()));
  return newest ? known.newest() : known.leader();
}

Result<ExitCode> show(CommandLine const& line, bool newest) {
  TRY(auto const root, find_root(line, newest));
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
Result<std::string> chains_text(CommandLine const& line) {
  TRY(auto const issuers, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, issuers.front().chain.root()));
  std::vector<x509::Certificate> all;
  for (auto const& each : issuers) all.push_back(each.chain.issuing);
  for (auto const& each : issuers) {
    auto const ways = ca::ways_up(each.chain.above, known);
    for (auto const& above : ways.front())
      if (std::ranges::find(all, above) == all.end()) all.push_back(above);
  }
  return x509::to_pem(all);
}

Result<std::string> exported_text(CommandLine const& line, std::string const& form, bool with_issuing, bool newest) {
  TRY(auto const root, find_root(line, newest));
  if (form == "der" && with_issuing) return Error(Errc::usage, "DER holds one certificate; --chain needs --format pem");
  if (form == "der") return std::string(as_text(root.der()));
  if (!with_issuing) return root.pem();
  return chains_text(line);
}

Result<ExitCode> export_root(CommandLine const& line, std::string const& form, std::string const& out,
                             bool with_issuing, bool newest) {
  TRY(auto const content, exported_text(line, form, with_issuing, newest));
  if (line.wants_json()) {
    TRY(auto const root, find_root(line, newest));
    json::Object made{{"sha256", to_hex(root.fingerprint())}};
    made.set(form, form == "der" ? to_base64(as_bytes(content)) : content);
    if (out != "-") {
      CHECK_OK(write_file(out, content, 0644));
      made.set("file", out);
    }
    print_json(made);
    return ExitCode::done;
  }
  if (out == "-") {
    if (std::fwrite(content.data(), 1, content.size(), stdout) != content.size() || std::fflush(stdout) != 0)
      return Error(Errc::file, std::string("cannot write to standard output: ") + std::strerror(errno));
    return ExitCode::done;
  }
  CHECK_OK(write_file(out, content, 0644));
  return ExitCode::done;
}

// --- seal ---

struct SealOptions {
  std::string to;
  RootKeyOptions key;
  std::string shares;     // "3-of-5"; empty: none
  std::string shares_to;  // empty: beside the key
  std::string new_passphrase_file;
};

Result<ca::SealAs> how_to_seal(CommandLine const& line, SealOptions const& options) {
  if (options.shares.empty() && !options.shares_to.empty())
    return Error(Errc::usage, "--shares-to is for --shares K-of-N: without it there are no shares");
  ca::SealAs as;
  as.shares_directory = options.shares_to;
  if (!options.shares.empty()) {
    TRY(as.shares, ca::parse_share_count(options.shares));
  }
  as.key_file = options.key.file;
  if (!as.key_file.empty()) return as;
  TRY(as.key_file, ca::root_key_here(line.state));
  return as;
}

void print_sealed(SealOptions const& options, ca::SealedRoot const& sealed) {
  if (sealed.on_the_same_disk)
    fmt::print(stderr, "warning: {} is on the disk of the state directory: the key has not left this machine yet\n",
               options.to);
  fmt::print("Sealed    {}\n          {}\nKey       {}\n", sealed.root.subject(), ca::fingerprint_text(sealed.root),
             sealed.key_file);
  if (!sealed.sealing) {
    fmt::print(
        "\nThe copy was read back and opens with its passphrase; where it was, the key is gone. The server goes on as "
        "before.\n"
        "Keep the medium and a copy of it in two places, and the passphrase in a third.\n");
    return;
  }
  auto const& [needed, made] = sealed.sealing->count;
  fmt::print("Sealing   {}: {} of {} shares open it\nShares    {}\n          to {}\n", sealed.sealing->id, needed, made,
             sealed.share_files.front(), sealed.share_files.back());
  fmt::print(
      "\nKey and shares were read back, any {0} of the {1} open it, and where it was, the key is gone. No passphrase "
      "of\n"
      "this key is written anywhere. The server goes on as before.\n"
      "Give each of {1} people one share, on paper or on a medium of their own, and remove the files here: whoever "
      "has\n"
      "the key and all of them needs nobody. Keep the medium with the key and a copy of it in two other places.\n"
      "Former copies of the key still open as they did: destroy them.\n",
      needed, made);
}

json::Object to_json(ca::SealedRoot const& sealed) {
  json::Object object{{"root_sha256", to_hex(sealed.root.fingerprint())},
                      {"key", sealed.key_file},
                      {"certificate", sealed.certificate_file},
                      {"on_the_same_disk", sealed.on_the_same_disk}};
  if (!sealed.sealing) return object;
  object.set("sealing", sealed.sealing->id);
  object.set("shares_needed", static_cast<std::int64_t>(sealed.sealing->count.needed));
  object.set("shares", json::Value::strings(sealed.share_files));
  return object;
}

Result<ExitCode> seal(CommandLine const& line, SealOptions const& options) {
  TRY(auto as, how_to_seal(line, options));
  TRY(auto const opened, open_root_key_file(as.key_file, options.key));
  // A passphrase that nobody knows is no good without its shares.
  if (!as.shares && (opened.of_shares || !options.new_passphrase_file.empty())) {
    TRY(auto const settings, load_settings(line));
    TRY(as.new_passphrase, new_root_passphrase(settings, options.new_passphrase_file));
  }
  if (options.key.file.empty()) as.key_file.clear();  // then what was left over beside it goes, too
  TRY(auto const sealed, ca::seal_root(line.state, options.to, opened.passphrase, as));
  if (line.wants_json())
    print_json(to_json(sealed));
  else
    print_sealed(options, sealed);
  return ExitCode::done;
}

// --- import ---

struct ImportOptions {
  std::vector<std::string> files;
  std::string passphrase_file;
  std::string of;  // empty: what waits for its certificate, or the last of the first issuer's line
};

Result<ExitCode> import(CommandLine const& line, ImportOptions const& options) {
  CHECK_OK(check_restore_confirmed(line));
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto constraints, permitted_by(settings));
  TRY(auto const request, find_request(line, options.of));
  TRY(auto const all, certifiable(line));
  auto const whose = std::ranges::find(all, request.issuer, &Certifiable::name);
  if (whose == all.end())
    return Error(Errc::settings, "the issuer " + request.issuer + ", whose request it is, cannot be read");
  TRY(auto name, ca::requested_common_name(request.pem));
  TRY(auto usages, ca::requested_usages(request.pem));  // as `init --usage` said
  TRY(auto const path_length, ca::requested_path_length(request.pem));
  TRY(auto bundle, read_bundles(options.files, options.passphrase_file));
  ca::Below const wanted{settings.ca_name,       std::move(name),   whose->key,
                         std::move(constraints), std::move(usages), path_length};
  TRY(auto verdict, ca::certify_below(std::move(bundle), wanted, SystemClock().now()));
  TRY(auto const done, install_chain_of(line, settings, *whose, std::move(verdict)));
  if (!line.wants_json())
    fmt::print("The key that signed was not kept: remove the files that it came in from this machine.\n");
  return done;
}

}  // namespace

void add_root(CLI::App& app, CommandLine& line) {
  auto* root = app.add_subcommand("root", "Show, export, seal or import the root");
  root->require_subcommand(1);
  add_root_roll_over(*root, line);
  add_root_crl(*root, line);
  auto* shown = root->add_subcommand("show", "What the root is, and its fingerprint");
  shown->footer("Examples:\n  lenscap-ca root show\n  lenscap-ca root show --output json");
  auto newest = std::make_shared<bool>(false);
  constexpr char const* kNewest = "The root that a roll-over has made, also before chains lead to it";
  shown->add_flag("--newest", *newest, kNewest);
  shown->callback([&line, newest] { line.run = [&line, newest] { return show(line, *newest); }; });

  auto form = std::make_shared<std::string>("pem");
  auto out = std::make_shared<std::string>("-");
  auto* exported = root->add_subcommand("export", "The certificate itself, as PEM or DER");
  exported->add_option("--format", *form, "pem or der")->check(CLI::IsMember({"pem", "der"}))->capture_default_str();
  exported->add_option("--out", *out, "File, or - for standard output")->capture_default_str();
  auto chain = std::make_shared<bool>(false);
  exported->add_flag("--chain", *chain,
                     "With what stands below it in front: for clients of cameras before AXIS OS 10.10");
  exported->add_flag("--newest", *newest, kNewest)->excludes("--chain");
  exported->footer(
      "Examples:\n  lenscap-ca root export --out root.pem\n  lenscap-ca root export --format der --out root.cer");
  exported->callback([&line, form, out, chain, newest] {
    line.run = [&line, form, out, chain, newest] { return export_root(line, *form, *out, *chain, *newest); };
  });

  auto options = std::make_shared<SealOptions>();
  auto* sealed = root->add_subcommand("seal", "Move the root's key off this machine; the server never needs it");
  sealed->add_option("--to", options->to, "Directory on a medium that is then taken away")->required();
  add_root_key_options(*sealed, options->key);
  auto* shares = sealed->add_option("--shares", options->shares,
                                    "K-of-N: no passphrase, but a share for each of N people, of whom any K open it");
  sealed->add_option("--shares-to", options->shares_to,
                     "Directory for the shares, best of a file system in memory; without it beside the key");
  sealed
      ->add_option("--new-passphrase-file", options->new_passphrase_file,
                   "File with another passphrase; a key that was in shares gets one, and without it you are asked")
      ->excludes(shares);
  sealed->footer(
      "Examples:\n"
      "  lenscap-ca root seal --to /media/usb/lenscap-root\n"
      "  lenscap-ca root seal --to /media/usb/lenscap-root --shares 3-of-5 --shares-to /dev/shm/shares\n"
      "  lenscap-ca root seal --to /media/usb/new --root-key /media/usb/lenscap-root/root.key \\\n"
      "      --share share-1.txt --share share-2.txt --share share-4.txt --shares 2-of-3");
  sealed->callback([&line, options] {
    line.run = [&line, options] {
      // Also of one that was refused because the former key could not be removed: the new one is good.
      auto const made = options->to + "/root.key";
      bool const was_there = file_exists(made);
      bool is_done = false;
      auto const anew = [&]() -> Inventory {
        if (!is_done && (was_there || !file_exists(made))) return {};
        return {{"key of a root", "sealed anew, to " + options->to}};
      };
      auto const run = [&] {
        auto done = seal(line, *options);
        is_done = done.ok();
        return done;
      };
      return on_record(line, "root seal", run, anew);
    };
  });

  auto given = std::make_shared<ImportOptions>();
  auto* imported = root->add_subcommand("import", "Put this CA below a root, or another CA, whose key you have");
  imported
      ->add_option("FILE", given->files,
                   "The CA's key, its certificate, and all above it: PEM in any order, or PKCS#12")
      ->required();
  imported->add_option("--passphrase-file", given->passphrase_file,
                       "File with the passphrase of these files, or - for standard input; without it you are asked");
  imported->add_option("--of", given->of,
                       "The issuer to certify; without it what a roll-over has made of the first one last, or that");
  imported->footer(
      "Examples:\n  lenscap-ca root import my-root.key my-root.pem\n"
      "  lenscap-ca root import --of default my-root.key my-root.pem");
  imported->callback([&line, given] {
    line.run = [&line, given] { return on_record(line, "root import", [&] { return import(line, *given); }); };
  });
}

}  // namespace lenscap::acme
