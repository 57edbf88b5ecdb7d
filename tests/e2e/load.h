// The load of the tests that break the CA: clients who make accounts, order, finalize, revoke and change their keys,
// all mixed by chance, and who remember what they were told. Whatever a client was told has to be true afterwards,
// however the server ended.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/x509/certificate.h"
#include "base/x509/key.h"
#include "store/store.h"
#include "tests/bench/connection.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {

struct Eab {
  std::string kid;
  SecretBytes mac_key;
};

// Seals an issuing key so that opening it costs nothing: each start does that, and it takes a second as `init` and
// `issuer roll-over` do it. `key`: its file in the state directory.
void seal_lightly(fakes::CaProcess& ca, std::string const& key = "keys/issuing.key");
// For many accounts, which may have any name below cams.example; `scope`: as options of `eab create`.
Eab make_eab_key(fakes::CaProcess& ca, std::vector<std::string> const& scope = {"--grant-dns", "cams.example"});
// Settings without limits and with a revocation list after each revocation, for the end of ca.toml.
extern char const* const kLoadSettings;
// `store verify` of a state directory with these settings, and with an hour for the list of a revocation: what a fault,
// a cut or a back-up caught before its list is a finding after two minutes, and a slow machine takes as long to ask.
Ran verify_later(fakes::CaProcess& ca, std::string const& state);

// What clients were told, and when. From any thread.
class Told {
 public:
  // When a thing was told, in whatever the test counts in; the default counts nothing.
  using Moment = std::uint64_t;
  std::function<Moment()> now = [] { return Moment{0}; };

  // False: another certificate bears this number.
  bool certificate(x509::Certificate const& certificate);
  void revocation(std::string const& serial);
  void account(std::string const& url, x509::PublicKey const& key);
  // A change of its key was asked for, and nobody knows yet whether it was made.
  void account_key_unknown(std::string const& url);
  // For who waits for the next moment to do something.
  void answer();
  void wait_for_answers(int more);
  int answers() const;

  std::size_t certificates() const { return certificates_.size(); }
  std::size_t revoked() const { return revoked_.size(); }
  std::size_t accounts() const { return accounts_.size(); }
  std::size_t changed_keys() const { return changed_keys_; }
  // The certificates by number that were told up to this moment.
  std::vector<std::string> serials(Moment until) const;

  // What was told up to `until`, and is not so in this store. While no client is at work.
  std::vector<std::string> missing_in(store::Store& store, Moment until = ~Moment{0}) const;

 private:
  struct Issued {
    x509::Certificate certificate;
    Moment at;
  };
  struct Key {
    std::optional<x509::PublicKey> key;
    Moment at;
  };
  struct AccountTold {
    Moment at;
    std::vector<Key> keys;  // in order of time
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Issued> certificates_;
  std::map<std::string, Moment> revoked_;
  std::map<std::string, AccountTold> accounts_;
  std::size_t changed_keys_ = 0;
  int answers_ = 0;
};

// The server said something else than it should: a failure. That it is gone is none.
class Wrong : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Is the server allowed to refuse what it would grant when all is well? With a problem document, for a reason of its
// own (status 5xx); the client ends then.
enum class Refusals { wrong, proper };

class Worker {
 public:
  Worker(int number, unsigned long long seed, fakes::CaProcess const& ca, Eab const& eab, Told& told,
         Refusals refusals = Refusals::wrong)
      : number_(number),
        random_(seed),
        base_(ca.base()),
        root_(ca.root()),
        eab_(eab),
        told_(told),
        refusals_(refusals) {}

  // So many orders, with what goes with them, or until the server is gone or refuses. Gives what was wrong, or nothing.
  std::string work(int orders = 1'000'000'000);
  // Made and not refused, over all calls.
  int orders() const { return orders_; }
  bool was_refused() const { return was_refused_; }
  std::string const& refusal() const { return refusal_; }  // the last one, with its problem document
  void forget_refusal() { was_refused_ = false; }

  // One by one, for tests that want a certain thing: inside of what `with_connection` is given.
  std::string with_connection(std::function<void()> const& what);
  void order();
  void revoke();  // the last certificate, unless it is revoked
  void change_key();

 private:
  class Refused : public std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  struct Account {
    x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    std::string url;
  };

  void step();
  bench::Answer post(std::string const& url, std::string const& payload, int expected);
  void make_account();

  int number_;
  std::mt19937_64 random_;
  std::string base_, root_;
  Eab const& eab_;
  Told& told_;
  Refusals refusals_;
  bench::Connection* connection_ = nullptr;
  std::string nonce_;
  Account account_;
  std::optional<x509::Certificate> last_;
  std::string last_of_account_;
  int orders_ = 0;
  bool was_refused_ = false;
  std::string refusal_;
};

}  // namespace lenscap::e2e
