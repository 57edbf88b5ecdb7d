// The server's own TLS certificate, from its own CA, for the host of server.url. Renewed while serving, when a third of
// the lifetime is left or when it was revoked, and at each start, always with a new key.
//
// A server that has no certificate can tell nobody what is revoked. So, where none can be made (a cap is reached, a
// clock is wrong, a token is gone), the one of before is shown: at a reload the one that clients see already, at a
// start the one that is kept in the store, its key sealed as the other secrets there. Also one that has ended: clients
// of ACME refuse it and say so, and over plain HTTP lists and OCSP go on.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "acme/server/app.h"
#include "acme/server/front.h"

namespace lenscap::acme {

class ServerCertificate {
 public:
  // Its profile; offered to accounts only where the settings say so.
  static constexpr std::string_view kProfile = ca::kServerProfile;
  // The host of these URLs. Errc::settings.
  static Result<x509::NameSet> names(Urls const& urls);

  // Lets `front` show one: at a reload the one that it shows, if nothing about it would be another, else a new one, or
  // one of before. Both are borrowed. Blocks. Refuses when there is none, saying why none could be made.
  static Result<std::unique_ptr<ServerCertificate>> make(App& app, Front& front, Time now);

  Time due() const { return due_; }
  std::string const& serial_hex() const { return serial_hex_; }  // for the one who renews
  // A new key and certificate if it is time, or if the one that is shown `is_revoked`; true when it was renewed. After
  // a refusal the old one goes on. Blocks.
  Result<bool> renew_if_due(Time now, bool is_revoked);

 private:
  using Chain = std::vector<x509::Certificate>;
  struct Identity;
  ServerCertificate(App& app, x509::NameSet names, Front& front) : app_(app), names_(std::move(names)), front_(front) {}
  Result<> begin(Time now);
  Result<Identity> issue(Time now) const;
  Result<> renew(Time now);
  Result<> go_on_with_kept(Time now);
  void take(Chain const& chain, Time due);

  Chain chain_of(x509::Certificate leaf) const;
  bool is_ours(Chain const& chain) const;
  bool is_as_a_new_one(Chain const& chain, Time now) const;
  void keep(Identity const& identity) const;
  Result<Identity> find_kept() const;

  App& app_;
  x509::NameSet names_;
  Front& front_;
  std::string serial_hex_;
  std::atomic<Time> due_{};  // read by others than the one who renews
};

}  // namespace lenscap::acme
