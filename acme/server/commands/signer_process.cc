#include "acme/server/commands/signer_process.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "acme/server/server.h"
#include "base/file.h"
#include "base/local_socket.h"
#include "ca/installed_issuers.h"
#include "ca/ledger.h"
#include "ca/rehearsal.h"
#include "ca/signing_ledger_check.h"

namespace lenscap::acme {
namespace {

Result<ChildProcess> start_child(CommandLine const& line, char const* more) {
  std::vector<std::string> words{"--state", line.state, "--config", line.config_file(), "signer"};
  if (more != nullptr) words.emplace_back(more);
  return ChildProcess::start_self(std::move(words));
}

}  // namespace

Result<SignerProcess> SignerProcess::start(CommandLine const& line, SecretBytes const& passphrase, bool accept_clock) {
  SignerProcess process;
  TRY(auto child, start_child(line, accept_clock ? "--accept-clock" : nullptr));
  process.child_.emplace(std::move(child));
  TRY(process.signer_, ca::RemoteSigner::open(process.child_->take_socket(), passphrase));
  return process;
}

// It has the passphrase of its key from elsewhere; ours opens our own secrets alone.
Result<SignerProcess> SignerProcess::connect(std::string const& path, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{50};
  SignerProcess process;
  process.connection_ended_ = std::make_unique<std::atomic<bool>>(false);
  auto const on_end = [flag = process.connection_ended_.get()] {
    *flag = true;
    ::kill(::getpid(), SIGCHLD);  // as the end of a child would wake who waits for it
  };
  auto const until = std::chrono::steady_clock::now() + patience;
  auto socket = connect_to(path);
  while (!socket && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kPause);
    socket = connect_to(path);
  }
  if (!socket) return Error(socket.error()).with_context("the signer's socket ");
  TRY(process.signer_, ca::RemoteSigner::open(*socket, SecretBytes(), on_end));
  return process;
}

Result<SignerProcess> SignerProcess::reach(CommandLine const& line, Settings const& settings,
                                           SecretBytes const& passphrase, bool accept_clock,
                                           std::chrono::milliseconds patience, Log const& log) {
  auto const& socket = settings.signer.socket;
  auto reached = socket.empty() ? start(line, passphrase, accept_clock) : connect(socket, patience);
  if (!reached) return reached;
  auto const& ready = reached->signer_->ready();
  auto const where = reached->child_ ? Log::Field{"pid", static_cast<long long>(reached->child_->pid())}
                                     : Log::Field{"socket", socket};
  log.info("signer.ready", {where, {"calls_filtered", ready.calls_filtered}, {"files_walled", ready.files_walled}});
  if (!ready.why.empty()) log.warning("signer.not_confined", {{"why", ready.why}});
  return reached;
}

Result<ca::Issuing> SignerProcess::rehearse(CommandLine const& line, Settings const& settings,
                                            SecretBytes const& passphrase) {
  TRY(auto child, start_child(line, "--rehearse"));
  TRY(std::shared_ptr<ca::Signer> const signer, ca::RemoteSigner::open(child.take_socket(), passphrase));
  return ca::rehearse(authority_settings(settings), signer);
}

Result<ca::RecentlySigned> SignerProcess::compare_with(App& app, Log const& log) const {
  TRY(auto recent, signer_->recently_signed());
  auto const look = [&](store::ReadTxn& txn) {
    for (auto const& entry : recent.certificates)
      if (!ca::is_known(txn, entry))
        log.error("signer.unknown_certificate", {{"serial", entry.serial_hex},
                                                 {"signed_at", to_rfc3339(entry.at)},
                                                 {"why", "the signer's ledger has it and the store has not"},
                                                 {"what_to_do", "see docs/when-something-is-wrong.md"}});
    if (auto const missing = ca::find_missing_of_late(txn, recent, app.clock.now()); missing.count != 0)
      log.error("signer.ledger_lacks", {{"count", missing.count},
                                        {"serial", missing.first.front().serial_hex},
                                        {"why", "the store has certificates that the signer's ledger has not"},
                                        {"what_to_do", "see docs/when-something-is-wrong.md"}});
    return true;
  };
  app.db.read_blocking(look);
  auto const lift = [&](store::WriteTxn& txn) -> Result<> {
    for (auto const& issuer : app.authority->issuers())
      for (auto const& [place, entry] : recent.lists)
        if (place.first == issuer.id()) ca::note_signed_crl(txn, place.first, place.second, entry.number, entry.at);
    return {};
  };
  CHECK_OK(app.db.write_blocking(lift));
  return recent;
}

void look_for_a_key_here(Settings const& settings, Log const& log) {
  if (settings.signer.socket.empty()) return;
  std::vector<std::string> files{settings.state_dir + "/keys/issuing.key"};
  if (auto const issuers = ca::load_issuers(settings.state_dir); issuers.ok())
    for (auto const& each : *issuers) files.push_back(settings.state_dir + "/issuers/" + each.name + "/issuing.key");
  for (auto const& file : files) {
    if (!file_exists(file)) continue;
    log.warning("signer.key_left_here",
                {{"file", file},
                 {"what_to_do", "run lenscap-ca signer split, which moves it; see docs/when-something-is-wrong.md"}});
  }
}

}  // namespace lenscap::acme
