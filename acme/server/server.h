// The App at work behind a front: the server's own certificate, the admin socket, the metrics, and the chores that come
// by time. From one start or reload to the next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "acme/server/admin.h"
#include "acme/server/app.h"
#include "acme/server/audit_watch.h"
#include "acme/server/front.h"
#include "acme/server/server_certificate.h"
#include "ca/signing_ledger.h"

namespace lenscap::acme {

// Does [acme.open] fit what issues? `issuers`: the default first; `profiles`: in the order of the settings.
// Errc::settings.
Result<> check_open_scope(Settings const& settings, std::vector<ca::KnownIssuer> const& issuers,
                          std::vector<ca::Profile> const& profiles, Time now);

// Opens the CA and the sealer that the settings name, over a store that is open, and takes that; after a refusal it is
// where it was. Blocks. With `signer` the issuing keys stay closed in this process.
Result<std::unique_ptr<App>> open_app(Settings settings, std::unique_ptr<store::Store>&& store,
                                      SecretBytes const& passphrase, Clock const& clock, Log log,
                                      std::shared_ptr<ca::Signer> signer = nullptr);
// With the store that the settings name.
Result<std::unique_ptr<App>> open_app(Settings settings, SecretBytes const& passphrase, Clock const& clock, Log log,
                                      std::shared_ptr<ca::Signer> signer = nullptr);

// What the settings say of the issuer; the signer's process reads the same.
ca::AuthoritySettings authority_settings(Settings const& settings);

class Server {
 public:
  static constexpr std::chrono::milliseconds kChoresEvery{60'000};

  // Recovers what an earlier run left, then serves. Both are borrowed. `of_late`: what a signer that keeps a ledger
  // says that it signed; nothing where there is none.
  static Result<std::unique_ptr<Server>> start(App& app, Front& front, std::optional<ca::RecentlySigned> const& of_late,
                                               std::chrono::milliseconds chores_every = kChoresEvery);
  // The front must be closed or stopped by then: nobody asks any more. Certificates that are being made may be
  // finished, and nonces are kept for the next start.
  ~Server();

  // Blocks until no certificate is being made; false when that lasts longer than `at_most`.
  bool is_idle(std::chrono::milliseconds at_most) const;

 private:
  Server(App& app, Front& front, std::chrono::milliseconds chores_every);
  net::Response metrics();
  void look_after();  // the chores' thread
  bool is_stopping();
  void do_chores();
  void look_after_audit(bool is_last);

  App& app_;
  Front& front_;
  std::chrono::milliseconds const chores_every_;
  std::unique_ptr<ServerCertificate> certificate_;
  net::Router metrics_routes_;
  std::unique_ptr<AdminServer> admin_;
  std::mutex mutex_;
  AuditWatch audit_{app_.db, app_.log};  // of the start, then of the chores' thread
  std::condition_variable wake_;
  bool stopping_ = false;
  bool served_ = false;
  std::thread chores_;
};

}  // namespace lenscap::acme
