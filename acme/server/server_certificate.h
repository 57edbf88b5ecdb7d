// The server's own TLS certificate, from its own CA, for the host of server.url. The key is made at each start and
// reload and never leaves memory. Renewed while serving, when a third of the lifetime is
// left or when it was revoked.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "acme/server/front.h"
#include "base/time.h"
#include "ca/authority.h"

namespace lenscap::acme {

class ServerCertificate {
 public:
  // Its profile; offered to accounts only where the settings say so.
  static constexpr char const* kProfile = "server";

  // Issues the first one, and lets `front` show it. Both are borrowed. Blocks. Refuses when the CA may not name the
  // host.
  static Result<std::unique_ptr<ServerCertificate>> make(ca::Authority const& authority, Urls const& urls, Front& front,
                                                         Time now);

  Time due() const { return due_; }
  std::string const& serial_hex() const { return serial_hex_; }  // for the one who renews
  // A new key and certificate if it is time, or if the one that is shown `is_revoked`; true when it was renewed. After
  // a refusal the old one goes on. Blocks.
  Result<bool> renew_if_due(Time now, bool is_revoked);

 private:
  struct Identity;
  ServerCertificate(ca::Authority const& authority, x509::NameSet names, Front& front)
      : authority_(authority), names_(std::move(names)), front_(front) {}
  Result<Identity> issue(Time now) const;
  Result<> renew(Time now);

  ca::Authority const& authority_;
  x509::NameSet names_;
  Front& front_;
  std::string serial_hex_;
  std::atomic<Time> due_{};  // read by others than the one who renews
};

}  // namespace lenscap::acme
