// One ACME client of the load (RFC 8555): an account and its complete orders, from newOrder to the certificate.
// Whatever is not as it should be is an exception with what the server said.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/x509/key.h"
#include "tests/bench/connection.h"
#include "tests/bench/responder.h"

namespace lenscap::bench {

struct Directory {
  std::string new_nonce, new_account, new_order;
};
Directory read_directory(Connection& connection, std::string const& url);

struct Eab {
  std::string kid;  // empty: no external account binding
  SecretBytes mac_key;
};

// How long each kind of request took.
using Times = std::map<std::string, std::vector<std::chrono::nanoseconds>>;

class Client {
 public:
  // All is borrowed. Clients with one key are one account.
  Client(Connection& connection, Directory const& directory, Responder& responder, x509::PrivateKey const& account_key)
      : connection_(connection), directory_(directory), responder_(responder), key_(account_key) {}

  void new_account(Eab const& eab);
  // newOrder, and no more.
  void leave_pending(std::vector<std::string> const& addresses);
  // Names are addresses. With `fresh`, a TLS connection of its own, and a newNonce.
  void order(std::vector<std::string> const& addresses, bool fresh, x509::PrivateKey const& certificate_key);

  Times const& times() const { return times_; }

 private:
  Answer new_order(std::vector<std::string> const& addresses);
  Answer post(std::string const& what, std::string const& url, std::string const& payload, bool with_kid = true);
  void prove(std::string const& authorization_url);

  Connection& connection_;
  Directory const& directory_;
  Responder& responder_;
  x509::PrivateKey const& key_;
  std::string kid_;
  std::string nonce_;
  Times times_;
};

}  // namespace lenscap::bench
