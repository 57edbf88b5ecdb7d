// DNS for validation: libunbound as a stub of the resolvers in the settings, or of the system's. Answers are asked for
// anew each time a name is validated; nothing here decides whether an address may be contacted (validation does).
// One thread owns libunbound; the functions may be awaited from any io context, which must outlive the Resolver.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/net/awaitable.h"
#include "base/time.h"
#include "base/x509/name.h"

namespace lenscap::acme {

class Resolver {
 public:
  // "10.0.0.53" or "127.0.0.1@8053"; an empty list means /etc/resolv.conf and /etc/hosts. Throws on a text that
  // libunbound refuses.
  explicit Resolver(std::vector<std::string> const& servers);
  ~Resolver();
  Resolver(Resolver const&) = delete;
  Resolver& operator=(Resolver const&) = delete;

  // Is this a text the constructor accepts? (for the settings)
  static bool is_server(std::string_view text);

  // IPv6 addresses first, then IPv4 (8555-8.3-1). Errc::dns: no such name, no address, no answer in time.
  net::Awaitable<Result<std::vector<x509::IpAddress>>> addresses(x509::DnsName name, Seconds deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lenscap::acme
