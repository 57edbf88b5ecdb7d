// lenscap-ca signer: the process that has the issuing key (ca/signing_service.h). `serve` starts it and talks to it
// over a socket pair; or, with `[signer] socket`, it is a service of its own under a user of its own, at whose socket
// `serve` knocks. For people there is `signer split`, which makes the second of these out of the first.
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/supervisor.h"
#include "acme/server/server.h"
#include "base/child_process.h"
#include "base/local_socket.h"
#include "base/passphrase.h"
#include "ca/ceremony.h"
#include "ca/signer_split.h"
#include "ca/signing_service.h"

namespace lenscap::acme {
namespace {

Result<ca::IssuerProcessSettings> process_settings(Settings const& settings, bool accept_clock) {
  TRY(auto names, ServerCertificate::names(settings.urls));
  return ca::IssuerProcessSettings{
      .authority = authority_settings(settings),
      .caps = settings.signer.caps,
      .front = ca::FrontCertificate{std::string(ServerCertificate::kProfile), std::move(names)},
      .accept_clock = accept_clock};
}

// --- as a child of serve ---

struct SignerOptions {
  bool accept_clock = false;
  bool rehearse = false;
};

Result<ExitCode> be_a_child(Settings const& settings, SignerOptions const& options) {
  struct stat status {};
  if (::fstat(ChildProcess::kSocket, &status) != 0 || !S_ISSOCK(status.st_mode))
    return Error(Errc::usage,
                 "signer is started by serve, and by nobody else, unless it is a service of its own: then "
                 "[signer] of ca.toml says at which socket");
  ::prctl(PR_SET_NAME, "lenscap-signer");  // as people see it among processes; it was started by /proc/self/exe
  // It ends when serve closes the socket, after the last request: not when both are told to stop.
  for (int const each : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(each, SIG_IGN);
  TRY(auto const process, process_settings(settings, options.accept_clock));
  if (options.rehearse)
    ca::rehearse_signing(ChildProcess::kSocket, process, Log::to_stderr());
  else
    ca::serve_signing(ChildProcess::kSocket, process, SystemClock(), Log::to_stderr());
  // What a program does at its end (writing profiles, looking for leaks) is out of reach by now.
  ::_exit(0);
}

// --- as a service ---

// A name or a number; without one the front end is this user, too.
Result<uid_t> front_user(std::string const& text) {
  if (text.empty()) return ::geteuid();
  uid_t uid = 0;
  if (auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), uid);
      ec == std::errc() && end == text.data() + text.size())
    return uid;
  if (auto const* entry = ::getpwnam(text.c_str()); entry != nullptr) return entry->pw_uid;
  return Error(Errc::settings, "signer.front_user: this machine knows no user \"" + text + "\"");
}

Result<int> listening_socket(std::string const& path) {
  auto const inherited = inherited_from_supervisor();
  if (inherited.size() > 1) return Error(Errc::usage, "the supervisor gives more than one socket; the signer has one");
  if (!inherited.empty()) return inherited.front().fd;
  return listen_at(path);
}

Result<ExitCode> be_a_service(Settings const& settings, bool accept_clock) {
  TRY(auto const front, front_user(settings.signer.front_user));
  TRY(auto const process, process_settings(settings, accept_clock));
  TRY(auto passphrase, read_issuing_passphrase(settings));
  TRY(auto const listening, listening_socket(settings.signer.socket));
  ::signal(SIGPIPE, SIG_IGN);
  auto const ended = ca::serve_signing_at(
      listening, front, passphrase, process, [] { notify_supervisor("READY=1"); }, SystemClock(), Log::to_stderr());
  fmt::print(stderr, "lenscap-ca: {} ({})\n", ended.error().detail(), error_id(ended.error().code()));
  ::_exit(static_cast<int>(exit_code(ended.error().code())));  // as above
}

Result<ExitCode> run_signer(CommandLine const& line, SignerOptions const& options) {
  TRY(auto const settings, load_settings(line));
  if (settings.signer.socket.empty()) return be_a_child(settings, options);
  return be_a_service(settings, options.accept_clock);
}

// --- split ---

struct SplitOptions {
  std::string to, passphrase_file, new_passphrase_file;
};

Result<ExitCode> split(CommandLine const& line, SplitOptions const& options) {
  TRY(auto const settings, load_settings(line));
  if (settings.signer.socket.empty())
    return Error(Errc::settings,
                 "[signer] of ca.toml names no socket, by which server and signer would meet; write it there first, "
                 "such as socket = \"/run/lenscap-signer/signer.socket\"");
  auto const words = [&]() -> Result<ca::SplitPassphrases> {
    TRY(auto const now, options.passphrase_file.empty()
                            ? read_issuing_passphrase(settings)
                            : read_passphrase("file:" + options.passphrase_file, "passphrase of the issuing key"));
    TRY(auto later,
        new_passphrase(options.new_passphrase_file.empty() ? "prompt" : "file:" + options.new_passphrase_file,
                       "issuing key's new passphrase"));
    return ca::SplitPassphrases{ca::first_line(now), std::move(later)};
  };
  TRY(auto const done, ca::split_signer({.state_dir = line.state, .config = line.config_file(), .key = settings.ca_key},
                                        options.to, words));
  if (line.wants_json()) {
    print_json({{"key_moved", done.key_moved}, {"ledger_moved", done.ledger_moved}, {"files", done.files}});
    return ExitCode::done;
  }
  if (done.key_moved)
    fmt::print("Key       moved to {}/keys/issuing.key, and sealed under the new passphrase\n", options.to);
  if (done.ledger_moved) fmt::print("Ledger    moved to {}/signer.ledger\n", options.to);
  fmt::print(
      "Copied    {} files: settings, profiles, certificates\n\n"
      "The directory has to belong to the signer's user, and to nobody else. When settings, profiles or certificates "
      "change here, run this again.\n",
      done.files);
  return ExitCode::done;
}

}  // namespace

void add_signer(CLI::App& app, CommandLine& line) {
  auto own = std::make_shared<SignerOptions>();
  auto* signer = app.add_subcommand("signer", "The process that signs, as a service of its own");
  signer->add_flag("--accept-clock", own->accept_clock,
                   "Believe the clock though something was signed at a later time: for once, when it had run ahead");
  signer->add_flag("--rehearse", own->rehearse)->group("");  // what serve has done before a reload
  signer->footer("Started by serve, or by lenscap-signer.service. See docs/operations.md.");

  auto options = std::make_shared<SplitOptions>();
  auto* divide = signer->add_subcommand(
      "split", "Move the issuing key to a directory of the signer's own user, with all that the signer needs");
  divide->add_option("--to", options->to, "The signer's state directory")->required();
  divide->add_option("--passphrase-file", options->passphrase_file, "The issuing key's passphrase of now");
  divide->add_option("--new-passphrase-file", options->new_passphrase_file,
                     "The passphrase under which the key is sealed from now on, which the server never learns");
  divide->footer(
      "The server must be stopped. Once the key has moved, this copies settings, profiles and certificates anew.\n"
      "Example:\n  lenscap-ca signer split --to /var/lib/lenscap-signer");
  divide->callback([&line, options] {
    line.run = [&line, options] { return on_record(line, "signer split", [&] { return split(line, *options); }); };
  });
  // The callback of a command is called after that of the command below it.
  signer->callback([&line, signer, own] {
    if (signer->get_subcommands().empty()) line.run = [&line, own] { return run_signer(line, *own); };
  });
}

}  // namespace lenscap::acme
