// One run's surroundings: the server under test, the keys for it, the responders, and what checks share because it is
// dear to make (accounts, an issued certificate).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "tests/conformance/dns_server.h"
#include "tests/conformance/http.h"
#include "tests/conformance/http_responder.h"
#include "tests/conformance/tls_alpn_responder.h"

namespace lenscap::conformance {

struct Options {
  std::string directory;
  std::string ca_bundle;
  std::string eab_kid;
  SecretBytes eab_key;

  std::string domain = "cams.example";                       // names below it may be ordered
  std::string refused_name = {};                             // one that its policy refuses; empty: it refuses none
  std::string address = "127.0.0.1";                         // where the responders listen, and what names resolve to
  unsigned short http_port = 0, tls_port = 0, dns_port = 0;  // 0: no such responder
  std::string dns_control;    // URL of a DNS server that takes orders as pebble-challtestsrv does
  int patience_seconds = 40;  // how long something may stay pending or processing
  bool races = true;          // some servers lock up when two requests come at once
};

struct Account {
  x509::PrivateKey key;
  std::string url;
};

struct Issued {
  std::string order_url;
  json::Object order;
  std::string name;  // its one DNS name
  x509::PrivateKey key;
  std::string pem;
  std::vector<x509::Certificate> chain;
};

// Where TXT records go: the server of our own, or one that is told by HTTP.
class Zone {
 public:
  virtual ~Zone() = default;
  virtual void set_txt(std::string const& name, std::vector<std::string> const& values) = 0;
};

class Site {
 public:
  explicit Site(Options options);

  Options options;
  std::vector<x509::Certificate> roots;
  Http http;
  json::Object directory;

  std::unique_ptr<HttpResponder> web;
  std::unique_ptr<TlsAlpnResponder> tls;
  std::unique_ptr<DnsServer> dns;
  std::unique_ptr<Zone> zone;  // null: dns-01 cannot be answered

  // Kept between checks.
  std::string nonce;  // the freshest that we have; empty: ask for one
  std::optional<Account> account, stranger;
  std::optional<Issued> issued;
  int names_made = 0;
  std::string run_id;  // makes names of this run unlike those of others
};

}  // namespace lenscap::conformance
