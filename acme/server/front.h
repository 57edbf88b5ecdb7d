// What clients hold on to: the sockets that listen, the connections, and the certificate that new ones are shown. It
// stays while the CA behind it is taken down and set up anew (a reload); requests that come meanwhile wait. It knows
// nothing of ACME.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "acme/server/admin.h"
#include "acme/server/settings.h"
#include "base/log.h"
#include "base/net/gate.h"
#include "base/net/io_threads.h"
#include "base/net/listener.h"

namespace lenscap::acme {

// Sockets of a supervisor (sd_listen_fds(3)): taken instead of opening the settings' addresses.
struct InheritedSockets {
  std::vector<int> tls;
  std::vector<int> http;
};

// Who answers; all of them borrowed, until close() or the end.
struct Routes {
  net::Router const& acme;  // behind TLS
  net::Router const& web;   // plain HTTP
  net::Router const& metrics;
};

class Front {
 public:
  explicit Front(Log log, InheritedSockets inherited = {}, std::size_t io_threads = 0);  // 0: one for each core
  ~Front();                                                                              // as stop()

  // What new connections are shown: until it is there, none can be opened.
  Result<> show(std::vector<x509::Certificate> const& chain, x509::PrivateKey const& key);
  // The chain that is shown, leaf first; empty before the first. Of the one thread that calls show().
  std::vector<x509::Certificate> const& shown() const { return shown_; }

  // Lets these answer, and opens the sockets of the settings when none is open yet: Errc::settings when an address
  // cannot be had.
  Result<> open(Settings const& settings, Routes const& routes);
  // Connections stay, and requests wait. False when one is still being answered after this time: then nothing has
  // changed, and those of the last open() go on answering. Blocks.
  bool close(std::chrono::milliseconds at_most);
  // Lets those of the last open() answer again.
  void reopen() { let_in(*routes_); }
  // Where commands of this machine come in; opened at the first call. Those that come while nobody serves it wait.
  Result<AdminSocket const*> admin_socket(std::string const& path);
  // Commands find no server any more. Nobody serves it by then.
  void close_admin_socket() { admin_.reset(); }
  // Closes the ports, lets requests in progress end (as long as net::ServerLimits says), then closes every connection.
  // After it nobody uses the routes any more. For good. Blocks.
  void stop();

  struct Port {
    bool tls;
    bool metrics;
    std::string address;
    std::uint16_t port;
  };
  std::vector<Port> const& ports() const { return ports_; }
  std::size_t connections() const;  // of ACME and plain HTTP, now open

 private:
  enum class Kind { acme, web, metrics };
  Result<> listen(Kind kind, net::ListenerSettings settings);
  Result<> listen(Settings const& settings);
  net::Gate& gate(Kind kind);
  void let_in(Routes const& routes);

  Log const log_;
  InheritedSockets inherited_;
  std::unique_ptr<net::TlsServerContext> tls_;
  std::vector<x509::Certificate> shown_;
  net::Gate acme_, web_, metrics_;
  std::unique_ptr<Routes> routes_;  // of the last open()
  std::unique_ptr<AdminSocket> admin_;
  net::IoThreads threads_;
  std::vector<Port> ports_;
  struct Open {
    Kind kind;
    std::unique_ptr<net::Listener> listener;
  };
  std::vector<Open> listeners_;
};

}  // namespace lenscap::acme
