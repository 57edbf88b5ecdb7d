// An App made of parts: a CA in memory, a store in memory, a clock that stands. Requests go through the router as they
// come from the session, so everything but sockets and TLS is the real thing. Client signs with acme/wire's own signer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acme/server/app.h"
#include "acme/wire/jws.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/fake_clock.h"

namespace lenscap::acme::test {

inline constexpr char const* kBase = "https://pki.cams.example:8443";
inline Time const kNow = ca::test::kNow;

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;

  std::string header(std::string_view name) const;  // empty when absent
  json::Object object() const;                      // of a JSON body; a failed test when it is none
  std::string text(std::string_view member) const;  // a string member of the body, empty when absent
  std::string problem() const;                      // the problem type without its URN, or "" when this is no problem
  std::string detail() const { return text("detail"); }
  bool has_link(std::string_view url, std::string_view relation) const;
};

// A store that outlives the server. As the real one's, its end waits until the writer has handed out every outcome.
class BorrowedStore final : public store::Store {
 public:
  BorrowedStore(store::Store& store, store::Store& real) : store_(store), real_(real) {}
  ~BorrowedStore() override {
    real_.write([](store::WriteTxn&) { return false; });
  }
  void read(store::ReadBody const& body) override { store_.read(body); }
  bool write(store::WriteBody const& body) override { return store_.write(body); }
  void write_async(store::WriteBody body, std::function<void(std::exception_ptr, bool)> done,
                   store::Urgency urgency) override {
    store_.write_async(std::move(body), std::move(done), urgency);
  }

 private:
  store::Store& store_;
  store::Store& real_;
};

struct ServerOptions {
  std::string settings{};                 // more TOML, at the end of the file: begins inside [acme]
  std::string ca_settings{};              // more TOML, inside [ca]
  std::unique_ptr<store::Store> store{};  // default: in memory
  std::vector<std::string> permit_ip{"10.20.0.0/15", "127.0.0.0/8"};
  std::optional<ca::test::TestCa> ca{};  // another CA; that of a former server needs its store as well
  std::string state_dir{"/nonexistent"};
  std::optional<ca::Issuing> issuing{};  // several issuers, instead of a CA of one
  ca::KnownRoots roots{};                // default: the CA's own alone
};

class TestServer {
  // Before `app`, whose threads write to it as long as they live.
  std::mutex log_mutex_;
  std::vector<std::string> log_lines_;

 public:
  explicit TestServer(ServerOptions options = {});

  Answer send(net::Request request);  // to the ACME router
  Answer send_web(net::Request request);
  Answer get(std::string const& url);
  Answer post(std::string const& url, std::string body, std::string content_type = "application/jose+json");
  std::string nonce();

  struct Eab {
    std::string kid;
    SecretBytes mac_key;
  };
  Eab add_eab(Scope scope, EabUse use = EabUse::many, std::optional<Time> bind_by = std::nullopt);
  void revoke_eab(std::string const& kid);
  Scope grant_scope() const;  // cams.example and 10.20.0.0/15
  Scope prove_scope() const;  // the same and 127.0.0.0/8, to be proved

  fakes::FakeClock clock{kNow};
  ca::test::MemoryKey* key = nullptr;  // the issuing key; of several issuers none
  std::unique_ptr<App> app;
  std::vector<std::string> log_lines();

 private:
  Answer run(net::Router const& router, net::Request request);
};

net::Request make_request(net::Method method, std::string const& url);

// A client with a key and, after new_account, a kid.
class Client {
 public:
  explicit Client(TestServer& server, x509::KeyType type = x509::KeyType::ec_p256)
      : server_(server), key(x509::PrivateKey::generate(type)) {}

  Answer post(std::string const& url, std::string const& payload);  // kid when there is one, else jwk
  Answer post_with_jwk(std::string const& url, std::string const& payload);
  Answer read(std::string const& url) { return post(url, ""); }  // POST-as-GET
  std::string sign(std::string const& url, std::string const& payload, std::string const& nonce, bool with_kid = true);

  Answer new_account(TestServer::Eab const* eab, json::Object more = {}, MacAlgorithm mac = MacAlgorithm::hs256);
  Answer new_order(std::vector<std::string> const& hosts, json::Object more = {});
  // Finalizes with a new key's CSR for these hosts.
  Answer finalize(std::string const& order_url, std::vector<std::string> const& hosts);
  Answer finalize_with(std::string const& order_url, ByteView csr);

 private:
  TestServer& server_;

 public:
  x509::PrivateKey key;
  std::string kid;
};

// With an account of its own: granted what grant_scope says, or to prove.
Client granted_client(TestServer& server);
Client proving_client(TestServer& server);

x509::NameSet names_of(std::vector<std::string> const& hosts);
std::string first_text(json::Object const& object, std::string_view array);  // of an array of strings

}  // namespace lenscap::acme::test
