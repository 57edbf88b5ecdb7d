// What every test of a stock client needs: our server as a process with a root of its own, a DNS server in which hook
// scripts set TXT records, ports for challenges, keys to bind accounts, and judges that do not believe the client.
//
//   class Lego : public interop::ClientTest {};
//   TEST_F(Lego, ...) { LENSCAP_NEED_CLIENT("lego"); site().serve(); ... site().run({"lego", ...}); }
//
// Names below cams.example and addresses of 127.0.0.0/8 are all that the CA can vouch for.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/fakes/ca_process.h"
#include "tests/fakes/dns_server.h"

namespace lenscap::interop {

// Where the server looks for challenges. Zero: a free one. Clients that cannot be told a port want 80 and 443, and a
// network of their own (tests/fakes/own_network.h).
struct ChallengePorts {
  unsigned short http = 0, tls = 0;
};

struct Eab {
  std::string kid, mac_key;
};

// What openssl reads in a certificate.
struct Certificate {
  std::vector<std::string> names;  // "DNS:cam1.cams.example", "IP:127.0.0.1"; sorted
  std::string key;                 // "EC-P256", "EC-P384", "RSA-2048", ...
  std::string issuer;              // "CN = Example Cameras Issuing CA"
  std::string serial;              // hex in small letters
};

class ClientSite {
 public:
  explicit ClientSite(ChallengePorts ports = {}, fakes::Corporation* parent = nullptr);

  fakes::DnsServer& dns() { return dns_; }
  fakes::CaProcess& ca() { return ca_; }
  unsigned short http_port() const { return ports_.http; }
  unsigned short tls_port() const { return ports_.tls; }

  // Starts the server (again) with more lines in [acme] and more tables, such as "[chaos]\nbad_nonce = 100\n". Accounts
  // need an EAB key unless `acme` says otherwise; kOpen is for clients that know nothing of it. `before`: words in
  // front of the program.
  void serve(std::string const& acme = "", std::string const& tables = "", std::vector<std::string> const& before = {});
  void stop();  // the test fails when the server does not leave in good order
  // What makes the server take accounts without EAB key: they may prove every name that the CA can vouch for.
  static constexpr char const* kOpen = "eab_required = false\n";
  static constexpr char const* kOpenTables =
      "[acme.open]\nprove_dns = [\"cams.example\"]\nprove_ip = [\"127.0.0.0/8\"]\n";

  // A key for any number of accounts; `scope` for `eab create`, by default all names to be proved.
  Eab eab(std::vector<std::string> const& scope = {"--prove-dns", "cams.example", "--prove-ip", "127.0.0.0/8"});

  // A folder (made when it is not there) or a file of this site.
  std::string folder(std::string const& name);
  std::string path(std::string const& name) const { return ca_.path(name); }
  // Writes a file there: a configuration, or a script that may be run. Its path.
  std::string write(std::string const& name, std::string const& text, bool script = false);

  // A script: `present NAME VALUE` sets a TXT record in the DNS server, `cleanup NAME VALUE` takes it away. A dot at
  // the end of NAME does not matter. The server remembers how often: see records_set.
  std::string const& txt_hook() const { return txt_hook_; }
  int records_set() const;

  // A folder whose files are served at http_port, for clients that write their http-01 answers into a file:
  // /.well-known/acme-challenge is the folder `challenges()`. Until stop_webroot() or the end.
  void serve_webroot();
  void stop_webroot() { webroot_.reset(); }
  std::string challenges() { return folder("webroot/.well-known/acme-challenge"); }

  e2e::Ran run(std::vector<std::string> words, std::string_view input = {}, int seconds = 120) {
    return ca_.programs().run(std::move(words), input, seconds);
  }
  bool has(std::string const& program);

  // ---- judges: openssl and GnuTLS with the root alone, and the CA's own record

  // The chain in a file, leaf first, as a TLS server would send it; with `more` when the issuing certificate is in a
  // file of its own. Fails the test unless both programs take it for each of `names` ("DNS:..." or "IP:...") and the
  // certificate has these names and no other, that key and our issuer.
  Certificate expect_certificate(std::string const& file, std::vector<std::string> names,
                                 std::string const& key = "EC-P256", std::string const& more = "");
  Certificate read_certificate(std::string const& file);
  // The member `name` of what `lenscap-ca cert show` says of it: "status" is issued or revoked.
  std::string on_record(Certificate const& certificate, std::string_view name = "status");
  // All accounts, as `lenscap-ca account list` tells them.
  std::vector<json::Object> accounts();

 private:
  fakes::DnsServer dns_;
  ChallengePorts ports_;
  fakes::CaProcess ca_;
  std::string settings_;  // ca.toml as it was at first
  std::string txt_hook_;
  std::unique_ptr<e2e::Background> webroot_;
  bool serving_ = false;
};

// ---- chaos: which of the server's switches a client survives

// A column of the table "Stock clients" in docs/conformance.md.
struct ChaosSwitch {
  char const* name;   // as the column is called
  char const* table;  // the lines below [chaos]
};
std::vector<ChaosSwitch> const& chaos_switches();
std::string chaos_table(ChaosSwitch const& one);  // for ClientSite::serve

// What the table says of a client: version, and "yes" or "no" by name of the column. The test fails when it is not
// there.
std::map<std::string, std::string> documented(std::string const& client);

// Tests that share one site, since making a CA costs seconds. The server must leave in good order at the end.
class ClientTest : public ::testing::Test {
 protected:
  static void TearDownTestSuite();
  static ClientSite& site();

  static constexpr char const* kChaosName = "cam1.cams.example";
  // Has the client get a certificate with each switch on, and compares what became of it with the table: a client that
  // survives what it is said not to is news as well. `issue` gets a name to ask for (kChaosName) and returns the file
  // with the chain, which need not be there; it uses a new account each time. `settings` and `tables` as for serve().
  static void expect_as_documented(std::string const& client, std::string const& version,
                                   std::function<std::string(std::string const& name, e2e::Ran& ran)> const& issue,
                                   std::string const& settings = "", std::string const& tables = "");
  // The same for a client that sleeps most of its time: all switches at once, each with a server of its own. `issue`
  // runs in a thread of its own, and must not touch site(). The program has to be in a network of its own, since ports
  // for challenges are counted up from `first_port`.
  static void expect_as_documented_at_once(std::string const& client, std::string const& version,
                                           std::function<std::string(ClientSite&, e2e::Ran& ran)> const& issue,
                                           unsigned short first_port, std::string const& settings = "",
                                           std::string const& tables = "");
  static std::string debian_version(std::string const& package);

 private:
  static std::unique_ptr<ClientSite> site_;
};

// Without the client nothing is shown: a skipped test is fine on a desk, and a lie in CI.
#define LENSCAP_NEED(is_there, program)                                                                               \
  if (!(is_there)) {                                                                                                  \
    auto const* ci = std::getenv("CI");                                                                               \
    ASSERT_FALSE(ci != nullptr && std::string_view(ci) == "true") << "CI must have " << (program) << ": ./dev setup"; \
    GTEST_SKIP() << (program) << " is not installed (./dev setup)";                                                   \
  }
#define LENSCAP_NEED_CLIENT(program) LENSCAP_NEED(site().has(program), program)

}  // namespace lenscap::interop
