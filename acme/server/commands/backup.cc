// lenscap-ca backup create|verify, restore FILE, restore confirm.
#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "acme/server/backup.h"
#include "acme/server/backup_note.h"
#include "acme/server/commands/commands.h"
#include "acme/server/operations.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/audit.h"
#include "ca/ceremony.h"
#include "ca/gap.h"

namespace lenscap::acme {
namespace {

struct BackupOptions {
  std::string file;
  std::string passphrase_file;
  std::string source() const { return passphrase_file.empty() ? "prompt" : "file:" + passphrase_file; }
};

Result<SecretBytes> read_it(BackupOptions const& options) {
  TRY(auto const passphrase, read_passphrase(options.source(), "passphrase of the back-up"));
  return ca::first_line(passphrase);
}

Result<SecretBytes> new_one(BackupOptions const& options) {
  TRY(auto const text, new_passphrase(options.source(), "passphrase of the back-up"));
  auto passphrase = ca::first_line(text);
  if (passphrase.size() < ca::kPassphraseCharactersMin)
    return Error(Errc::usage,
                 fmt::format("the passphrase of a back-up has at least {} characters", ca::kPassphraseCharactersMin));
  return passphrase;
}

Result<std::ifstream> open_file(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(Errc::file, path + " cannot be read");
  return in;
}

void print(CommandLine const& line, std::string_view what, BackupContent const& content) {
  if (line.wants_json())
    print_json({{"made_at", to_rfc3339(content.made_at)},
                {"root_sha256", content.root_sha256},
                {"files", content.files},
                {"records", content.records},
                {"left_out", json::Value::strings(content.left_out)}});
  else
    fmt::print("{}: of {}, {} files and {} records; root SHA-256 {}\n", what, to_rfc3339(content.made_at),
               content.files, content.records, content.root_sha256);
  for (auto const& path : content.left_out)
    fmt::print(stderr, "warning: {} is not in it: no file of ours has such a name\n", path);
}

// A file that is not there, or whole, and read back: never one that is half.
Result<BackupContent> create_whole(CommandLine const& line, std::string const& temporary, SecretBytes const& passphrase,
                                   Time now) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const store, store::open_read_only(settings.store_url, line.state));
  CHECK_OK(create_file(temporary, "", 0600));
  std::ofstream out(temporary, std::ios::binary);
  if (!out) return Error(Errc::file, temporary + " cannot be written");
  TRY(auto const written, write_backup(out, passphrase, line.state, line.config_file(), *store, now));
  out.close();
  CHECK_OK(make_durable(temporary));
  TRY(auto in, open_file(temporary));
  TRY(auto content, verify_backup(in, passphrase));
  content.left_out = written.left_out;
  return content;
}

// Not when somebody has taken the name meanwhile, as far as the file system knows how to refuse that.
bool take_name(std::string const& from, std::string const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  return (errno == EINVAL || errno == ENOSYS) && !file_exists(to) && std::rename(from.c_str(), to.c_str()) == 0;
}

Result<ExitCode> create(CommandLine const& line, BackupOptions const& options) {
  if (file_exists(options.file))
    return Error(Errc::conflict, options.file + " exists; a back-up never takes the place of another");
  TRY(auto const passphrase, new_one(options));
  auto const temporary = options.file + ".new";
  std::remove(temporary.c_str());  // of one that was broken off
  auto const content = create_whole(line, temporary, passphrase, SystemClock().now());
  if (!content) {
    std::remove(temporary.c_str());
    return content.error();
  }
  if (!take_name(temporary, options.file)) {
    auto const why = std::string(std::strerror(errno));
    std::remove(temporary.c_str());
    return Error(Errc::file, options.file + " cannot be written: " + why);
  }
  if (auto synced = make_durable(parent_directory(options.file)); !synced.ok()) {
    std::remove(options.file.c_str());
    return std::move(synced).error();
  }
  print(line, options.file + " is written and read back", *content);
  if (auto const noted = note_backup(line.state, content->made_at); !noted.ok()) {
    fmt::print(stderr, "warning: the back-up is good, but doctor will not know of it: {}\n", noted.error().detail());
    return ExitCode::attention;
  }
  return ExitCode::done;
}

Result<ExitCode> verify_file(CommandLine const& line, BackupOptions const& options) {
  TRY(auto in, open_file(options.file));
  TRY(auto const passphrase, read_it(options));
  TRY(auto const content, verify_backup(in, passphrase));
  print(line, options.file + " is whole", content);
  return ExitCode::done;
}

Result<ExitCode> restore(CommandLine const& line, BackupOptions const& options) {
  if (options.file.empty()) return Error(Errc::usage, "restore takes a FILE, or the word confirm");
  TRY(auto in, open_file(options.file));
  TRY(auto const passphrase, read_it(options));
  CHECK_OK(verify_backup(in, passphrase));  // before anything is written
  in.clear();
  in.seekg(0);
  TRY(auto const content, restore_backup(in, passphrase, line.state, SystemClock().now()));
  print(line, line.state + " is restored", content);
  if (!line.wants_json())
    fmt::print(
        "\nWhat happened since {} is not on record: certificates that were issued, revocations, accounts.\n"
        "What to do next:\n"
        "  1. lenscap-ca --state {} store verify\n"
        "  2. lenscap-ca --state {} restore confirm      (nothing is issued before)\n"
        "  3. Start the service, and revoke again what was revoked since.\n",
        to_rfc3339(content.made_at), line.state, line.state);
  return ExitCode::done;
}

Result<ExitCode> confirm(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const store, store::open(settings.store_url, line.state));
  auto const now = SystemClock().now();
  std::optional<ca::Gap> gap;
  store->write([&](store::WriteTxn& txn) {
    gap = ca::close_gap(txn, now);
    if (gap)
      ca::append_audit(
          txn, {.at = now,
                .event = ca::AuditEvent::restored,
                .actor = operator_by(::geteuid()),
                .subject = "store",
                .rule = "restore confirm",
                .detail = "nothing is on record between " + to_rfc3339(gap->from) + " and " + to_rfc3339(gap->until)});
    return gap.has_value();
  });
  if (!gap) return Error(Errc::conflict, "there is no restore that waits to be confirmed");
  if (line.wants_json())
    print_json({{"from", to_rfc3339(gap->from)}, {"until", to_rfc3339(gap->until)}});
  else
    fmt::print("Certificates are issued again. What happened between {} and {} is not on record.\n",
               to_rfc3339(gap->from), to_rfc3339(gap->until));
  return ExitCode::done;
}

void add_passphrase(CLI::App* app, BackupOptions& options) {
  app->add_option("--passphrase-file", options.passphrase_file,
                  "File with the back-up's passphrase in its first line, mode 0600; default: ask");
}

}  // namespace

void add_backup(CLI::App& app, CommandLine& line) {
  auto* backup = app.add_subcommand("backup", "Sealed copies of the whole CA, without the root's key");
  backup->require_subcommand(1);
  auto options = std::make_shared<BackupOptions>();
  auto* created = backup->add_subcommand("create", "Write one and read it back; also beside the running service");
  created->add_option("FILE", options->file, "Where to; must not exist")->required();
  add_passphrase(created, *options);
  created->footer("Examples:\n  lenscap-ca backup create /mnt/backup/ca-monday.backup");
  created->callback([&line, options] { line.run = [&line, options] { return create(line, *options); }; });
  auto* verified = backup->add_subcommand("verify", "Is it whole, and does the passphrase open it? Keeps nothing");
  verified->add_option("FILE", options->file, "A back-up")->required();
  add_passphrase(verified, *options);
  verified->footer("Examples:\n  lenscap-ca backup verify /mnt/backup/ca-monday.backup");
  verified->callback([&line, options] { line.run = [&line, options] { return verify_file(line, *options); }; });
}

void add_restore(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<BackupOptions>();
  auto* restored = app.add_subcommand("restore", "Make the CA again from a back-up, in an empty state directory");
  restored->add_option("FILE", options->file, "A back-up");
  add_passphrase(restored, *options);
  restored->require_subcommand(0, 1);
  restored->footer("Examples:\n  lenscap-ca restore /mnt/backup/ca-monday.backup\n  lenscap-ca restore confirm");
  restored->callback([&line, options] {
    if (!line.run) line.run = [&line, options] { return restore(line, *options); };
  });
  auto* confirmed = restored->add_subcommand(
      "confirm", "Say that you know what is missing since the back-up; nothing is issued before");
  confirmed->callback([&line] { line.run = [&line] { return confirm(line); }; });
}

}  // namespace lenscap::acme
