// A server behind its own TLS listener, and a client that sends signed requests over one connection, which it keeps: a
// refusal that ends the connection fails the test that did not expect it. Octets are written and read by raw_peer.h, so
// nothing of our HTTP client is in between.
#pragma once

#include <gtest/gtest.h>

#include "acme/server/server.h"
#include "tests/acme/server/fixture.h"
#include "tests/base/net/raw_peer.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::hostile {

using acme::test::Answer;
using acme::test::Client;
using acme::test::TestServer;

// "DNS names below example and cams.example, some addresses", and a grant for all of them.
ca::test::TestCa wide_ca();
acme::Scope wide_scope();

class ServerOnWire {
 public:
  explicit ServerOnWire(std::string const& settings = "", std::string const& ca_settings = "");
  ~ServerOnWire() { front_.stop(); }

  TestServer& server() { return server_; }
  acme::Urls const& urls() const { return server_.app->settings.urls; }
  std::uint16_t port() const { return port_of(true); }       // of TLS
  std::uint16_t web_port() const { return port_of(false); }  // plain
  Client client(acme::Scope scope = wide_scope());           // with an account

 private:
  std::uint16_t port_of(bool tls) const;
  fakes::TempDir dir_;
  acme::Front front_{Log::nowhere()};
  TestServer server_;
  std::unique_ptr<acme::Server> sockets_;
};

class Wire {
 public:
  explicit Wire(ServerOnWire& on_wire) : on_wire_(on_wire), connection_(net::test::connect_tls(on_wire.port())) {}

  Answer send(std::string const& octets);  // status 0: the connection has ended
  Answer get(std::string const& url);
  Answer post(std::string const& url, std::string const& body, std::string const& type = "application/jose+json");
  // Signed by `client`, with a nonce of the server's.
  Answer post(Client& client, std::string const& url, std::string const& payload);
  // With `headers` right behind the request line's Host.
  std::string request(std::string const& method, std::string const& url, std::string const& body = "",
                      std::string const& headers = "") const;

  bool is_open();    // does the same connection still answer?
  bool is_closed();  // did the server close it?

 private:
  ServerOnWire& on_wire_;
  net::test::RawConnection connection_;
};

// What every refusal has: the media type, a detail for a person, no `subproblems: null`, a nonce and the link to the
// directory; that this problem type comes with this status.
void expect_problem(Answer const& answer, int status, std::string const& type, std::string const& what);

}  // namespace lenscap::hostile
