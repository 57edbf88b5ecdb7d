// The server's own TLS certificate, from its own CA, for the host of server.url. The key is made at each start and
// never leaves memory. Renewed when a third of the lifetime is left, while serving.
#pragma once

#include <atomic>
#include <memory>

#include "base/net/listener.h"
#include "base/time.h"
#include "ca/authority.h"

namespace lenscap::acme {

class Urls;

class ServerCertificate {
 public:
  // Its profile; offered to accounts only where the settings say so.
  static constexpr char const* kProfile = "server";

  // Issues the first one. Blocks. Refuses when the CA may not name the host.
  static Result<std::unique_ptr<ServerCertificate>> make(ca::Authority const& authority, Urls const& urls, Time now);

  net::TlsServerContext& context() { return *context_; }
  Time due() const { return due_; }
  // A new key and certificate if it is time; true when it was renewed. After a refusal the old one goes on. Blocks.
  Result<bool> renew_if_due(Time now);

 private:
  struct Identity;
  ServerCertificate(ca::Authority const& authority, x509::NameSet names)
      : authority_(authority), names_(std::move(names)) {}
  Result<Identity> issue(Time now) const;

  ca::Authority const& authority_;
  x509::NameSet names_;
  std::atomic<Time> due_{};  // read by others than the one who renews
  std::unique_ptr<net::TlsServerContext> context_;
};

}  // namespace lenscap::acme
