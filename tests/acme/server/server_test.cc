// The server behind real sockets: TLS with its own certificate, renewal while serving, nonces over a restart, the admin
// socket.
#include "acme/server/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "acme/server/audit_changes.h"
#include "acme/server/operations.h"
#include "acme/server/store_sealer.h"
#include "acme/wire/join.h"
#include "base/file.h"
#include "base/net/http_client.h"
#include "ca/audit.h"
#include "ca/audit_head.h"
#include "ca/ceremony.h"
#include "ca/crl_places.h"
#include "ca/ledger_visits.h"
#include "tests/base/net/raw_peer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme {
namespace {

// A whole state directory as `init` makes it, once for all tests (scrypt takes its time); each test copies it.
class StateTemplate {
 public:
  StateTemplate() {
    ca::CeremonySettings settings{.name = "Example Cameras",
                                  .permit_dns = {"localhost", "cams.example"},
                                  .permit_ip = {"127.0.0.0/8", "10.20.0.0/15"},
                                  .url = "https://localhost",
                                  .state_dir = dir.path()};
    ca::CeremonyPassphrases passphrases{SecretBytes(std::string_view(kIssuing)),
                                        SecretBytes(std::string_view("the root's passphrase"))};
    auto const made = ca::make_ca(settings, passphrases, SystemClock().now());
    if (!made) throw std::runtime_error(made.error().detail());
    std::filesystem::copy(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles", dir.path("profiles"));
  }
  static constexpr char const* kIssuing = "the issuing key's passphrase";
  fakes::TempDir dir;
};

StateTemplate& state_template() {
  static StateTemplate state;
  return state;
}

class ServerOnSockets : public ::testing::Test {
 protected:
  fakes::TempDir dir;
  fakes::FakeClock clock{SystemClock().now()};
  net::IoThreads threads{1};
  net::HttpClient http{threads.executor(0)};
  std::unique_ptr<Front> front;  // ends last; whatever it shows is behind it
  std::unique_ptr<App> app;
  std::unique_ptr<Server> server;

  ServerOnSockets() {
    std::filesystem::copy(state_template().dir.path(), dir.path(), std::filesystem::copy_options::recursive);
    start();
  }
  ~ServerOnSockets() override {
    stop_serving();
    threads.stop();
    threads.join();
  }

  void open(std::string const& more = "") {
    auto reader = config::Reader::parse(
        "[server]\nurl = \"https://localhost:8443\"\nlisten = [\"127.0.0.1:0\"]\nhttp = \"127.0.0.1:0\"\n" + more,
        "ca.toml");
    auto settings = read_settings(*std::move(reader), dir.path());
    SecretBytes const passphrase{std::string_view(StateTemplate::kIssuing)};
    auto opened = open_app(*std::move(settings), passphrase, clock, Log::nowhere());
    ASSERT_TRUE(opened.ok()) << opened.error().detail();
    app = *std::move(opened);
  }
  void start(std::chrono::milliseconds chores_every = Server::kChoresEvery, std::string const& more = "") {
    open(more);
    front = std::make_unique<Front>(Log::nowhere());
    auto started = Server::start(*app, *front, std::nullopt, chores_every);
    ASSERT_TRUE(started.ok()) << started.error().detail();
    server = *std::move(started);
  }
  // As `serve` does it: the front stays.
  void reload(std::function<void()> const& meanwhile = [] {}) {
    ASSERT_TRUE(front->close(std::chrono::seconds(10)));
    server.reset();
    auto settings = app->settings;
    auto store = App::end(std::move(app));
    meanwhile();
    SecretBytes const passphrase{std::string_view(StateTemplate::kIssuing)};
    auto opened = open_app(std::move(settings), std::move(store), passphrase, clock, Log::nowhere());
    ASSERT_TRUE(opened.ok()) << opened.error().detail();
    app = *std::move(opened);
    auto started = Server::start(*app, *front, std::nullopt);
    ASSERT_TRUE(started.ok()) << started.error().detail();
    server = *std::move(started);
  }
  void stop() {
    stop_serving();
    app.reset();
    front.reset();  // with the admin socket
  }
  void stop_serving() {
    if (front) front->stop();
    server.reset();
  }

  std::string port(bool tls) const {
    for (auto const& port : front->ports())
      if (port.tls == tls) return std::to_string(port.port);
    return "";
  }
  // Over TLS under the root alone, and the name of the URL.
  net::ClientResponse fetch(std::string const& path, net::Method method = net::Method::get) {
    net::ClientRequest request;
    request.method = method;
    request.url = "https://localhost:8443" + path;
    request.connect_to = "127.0.0.1:" + port(true);
    request.trust = net::Trust::roots({app->authority->root_certificate()});
    request.fresh_connection = true;
    auto response = net::run(threads.executor(0), http.fetch(std::move(request)));
    EXPECT_TRUE(response.ok()) << response.error().detail();
    return response.ok() ? *std::move(response) : net::ClientResponse();
  }
  // The revocation list, as everybody gets it.
  std::string list() {
    net::ClientRequest request;
    request.url = "http://localhost" + ca::crl_path(app->authority->issuing_certificate()) + ".crl";
    request.connect_to = "127.0.0.1:" + port(false);
    auto response = net::run(threads.executor(0), http.fetch(std::move(request)));
    EXPECT_TRUE(response.ok()) << response.error().detail();
    EXPECT_EQ(response->status, 200);
    return response->body;
  }
  // The certificate that is shown when that is another one, or after a minute. It may begin in the real clock's future:
  // look at it, believe nothing.
  std::optional<x509::Certificate> another_than(x509::Certificate const& before) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      net::ClientRequest request;
      request.url = "https://localhost:8443/health";
      request.connect_to = "127.0.0.1:" + port(true);
      request.trust = net::Trust::anybody();
      request.fresh_connection = true;
      auto response = net::run(threads.executor(0), http.fetch(std::move(request)));
      EXPECT_TRUE(response.ok()) << response.error().detail();
      if (!response.ok()) return std::nullopt;
      if (!(response->peer_chain.front() == before) || std::chrono::steady_clock::now() >= end)
        return response->peer_chain.front();
    }
  }
  Result<json::Object> ask(std::string_view operation, json::Object const& arguments = {}) {
    TRY(auto answer, ask_server(admin_socket_path(dir.path()), operation, arguments));
    if (!answer) return Error(Errc::unreachable, "nobody answers");
    return *std::move(answer);
  }
  // What the audit trail has of refusals.
  std::vector<ca::AuditEntry> refused() {
    std::vector<ca::AuditEntry> found;
    app->store->read([&](store::ReadTxn& txn) {
      found.clear();
      ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
        if (entry.event == ca::AuditEvent::request_refused) found.push_back(entry);
        return true;
      });
    });
    return found;
  }
};

TEST_F(ServerOnSockets, ServesAcmeInsideTlsUnderItsOwnCertificate) {
  auto const response = fetch("/acme/directory");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("https://localhost:8443/acme/new-order"), std::string::npos);
  ASSERT_EQ(response.peer_chain.size(), 2u);
  EXPECT_EQ(response.peer_chain.front().names().text(), "localhost");
  EXPECT_EQ(fetch("/health").status, 200);
  EXPECT_EQ(fetch("/nothing").status, 404);
}

// Nobody waited for it, and it is not lost; the last head tells of all of it.
TEST_F(ServerOnSockets, TheTrailIsCompleteAndSignedAfterTheStop) {
  app->refusals.note(Asker::account("7"), "https://localhost/acme/new-order", Error(Errc::unauthorized, "no"),
                     clock.now());
  stop_serving();
  app->store->read([](store::ReadTxn& txn) {
    std::optional<ca::AuditEntry> last;
    ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
      last = entry;
      return true;
    });
    ASSERT_TRUE(last);
    EXPECT_EQ(last->event, ca::AuditEvent::request_refused);
    EXPECT_EQ(last->actor, "account 7");
    auto const head = ca::last_audit_head(txn);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->head, ca::find_audit_head(txn));
  });
}

// A refused JWS is an answer like others: the connection stays. What is too large is not read, so its connection ends.
TEST_F(ServerOnSockets, ARefusedJwsKeepsTheConnection) {  // 8555-6.7-1, 8555-6.2-19
  auto const port_number = static_cast<std::uint16_t>(std::stoi(port(true)));
  auto const post = [](std::string const& type, std::string const& body) {
    return "POST /acme/new-order HTTP/1.1\r\nHost: localhost:8443\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  auto connection = net::test::connect_tls(port_number);
  struct Case {
    char const* name;
    std::string request;
    int status;
  };
  Case const cases[] = {
      {"no JWS", post("application/jose+json", "{}"), 400},
      {"no JSON", post("application/jose+json", "\xff\xfe"), 400},
      {"another media type", post("application/json", "{}"), 415},
      {"a GET where none belongs", "GET /acme/new-order HTTP/1.1\r\nHost: localhost:8443\r\n\r\n", 405},
      {"nothing there", "GET /acme/nothing HTTP/1.1\r\nHost: localhost:8443\r\n\r\n", 404},
  };
  for (auto const& c : cases) {
    ASSERT_TRUE(connection.send(c.request)) << c.name;
    auto const answer = connection.read_response();
    EXPECT_EQ(answer.status, c.status) << c.name;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << c.name;
    EXPECT_FALSE(answer.header("Replay-Nonce").empty()) << c.name;
  }
  ASSERT_TRUE(connection.send("GET /acme/directory HTTP/1.1\r\nHost: localhost:8443\r\n\r\n"));
  EXPECT_EQ(connection.read_response().status, 200);

  connection.send(post("application/jose+json", std::string(limits::kRequestBodyBytes + 1, ' ')));
  auto const too_large = connection.read_response();
  EXPECT_EQ(too_large.status, 413);
  EXPECT_EQ(too_large.header("Content-Type"), "application/problem+json");
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(ServerOnSockets, AReloadKeepsTheCertificateThatIsShown) {
  auto const shown = fetch("/health").peer_chain;
  reload();
  EXPECT_EQ(fetch("/health").peer_chain, shown);
  auto const serial = shown.front().serial_hex();
  app->store->write([&](store::WriteTxn& txn) {
    return ca::record_revoked(txn, serial, {.at = clock.now(), .reason = {}, .by = "a test"}).ok();
  });
  reload();
  auto const another = fetch("/health").peer_chain;
  EXPECT_FALSE(another == shown) << "it was revoked";
  clock.advance(kDay * 61);
  reload();
  auto const renewed = another_than(another.front());
  ASSERT_TRUE(renewed);
  EXPECT_FALSE(*renewed == another.front()) << "two thirds of its time were over";
}

TEST_F(ServerOnSockets, AnAdminCommandThatComesDuringAReloadWaitsForItsEnd) {
  std::optional<Result<json::Object>> answer;
  std::thread command;
  reload([&] { command = std::thread([&] { answer.emplace(ask("eab.list")); }); });
  command.join();
  EXPECT_TRUE(answer->ok()) << answer->error().detail();
  front->stop();
  server.reset();
  front->close_admin_socket();
  EXPECT_FALSE(std::filesystem::exists(admin_socket_path(dir.path())));
  EXPECT_EQ(ask("eab.list").error().code(), Errc::unreachable) << "then commands take the store";
}

// Nothing can be signed then. What was signed before is as good as it was.
TEST_F(ServerOnSockets, AClockThatIsWrongForAMomentEndsNothing) {
  auto const shown = fetch("/health").peer_chain;
  auto const listed = list();
  clock.advance(-kHour);
  reload();
  EXPECT_EQ(fetch("/health").peer_chain, shown);
  EXPECT_EQ(list(), listed);
  stop();
  start();
  EXPECT_EQ(fetch("/health").peer_chain, shown) << "its key is kept, sealed";
  EXPECT_EQ(list(), listed);
  EXPECT_EQ(app->crls.condition(clock.now()), CrlCondition::overdue);
  clock.advance(kHour);
  stop();
  start();
  EXPECT_FALSE(fetch("/health").peer_chain == shown);
  EXPECT_FALSE(list() == listed);
  EXPECT_EQ(app->crls.condition(clock.now()), CrlCondition::good);
}

// Clients of ACME refuse it; what is revoked can still be known.
TEST_F(ServerOnSockets, AnEndedCertificateOfItsOwnIsShownForWantOfAnother) {
  auto const shown = front->shown();
  stop();
  clock.advance(100 * kDay);
  open();
  app->crls.make_due();
  app.reset();
  clock.advance(-kHour);  // nothing is signed
  start();
  auto const listed = list();
  EXPECT_TRUE(front->shown() == shown);
  EXPECT_LT(shown.front().not_after(), clock.now());
  reload();
  EXPECT_TRUE(front->shown() == shown);
  EXPECT_EQ(list(), listed);
  clock.advance(kHour);
  reload();
  EXPECT_FALSE(front->shown() == shown);
}

TEST_F(ServerOnSockets, RenewsItsCertificateWhileServing) {
  stop();
  start(std::chrono::milliseconds(20));
  auto const before = fetch("/health").peer_chain.front();
  clock.advance(kDay * 61);
  auto const after = another_than(before);
  ASSERT_TRUE(after);
  EXPECT_FALSE(*after == before);
  EXPECT_FALSE(after->key() == before.key());
  EXPECT_GT(after->not_after(), before.not_after());
}

// Of a mass revocation it is one like others; clients that ask for its state would not come back to renew theirs.
TEST_F(ServerOnSockets, RenewsItsCertificateWhenItWasRevoked) {
  stop();
  start(std::chrono::milliseconds(20));
  auto const before = fetch("/health").peer_chain.front();
  auto const revoked = ask("cert.revoke", {{"serial", before.serial_hex()}, {"reason", "superseded"}});
  ASSERT_TRUE(revoked.ok()) << revoked.error().detail();
  auto const after = another_than(before);
  ASSERT_TRUE(after);
  EXPECT_FALSE(*after == before);
  EXPECT_FALSE(after->key() == before.key());
}

// What signs OCSP answers is there when the server serves, and follows the clock like the rest.
TEST_F(ServerOnSockets, RenewsItsOcspSignerWhileServing) {
  stop();
  start(std::chrono::milliseconds(20), "[ocsp]\nserve = true\n");
  auto const signers = [this] {
    int count = 0;
    app->store->read([&](store::ReadTxn& txn) {
      count = 0;
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) {
        count += record.profile == ca::kOcspSignerProfile ? 1 : 0;
        return true;
      });
    });
    return count;
  };
  EXPECT_EQ(signers(), 1);
  clock.advance(4 * kDay);
  for (auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
       signers() < 2 && std::chrono::steady_clock::now() < end;)
    std::this_thread::yield();
  EXPECT_EQ(signers(), 2);
  EXPECT_EQ(app->ocsp.condition(clock.now()), OcspCondition::good);
}

TEST_F(ServerOnSockets, NoncesSurviveAGracefulRestart) {  // 8555-6.5-7
  auto const headers = fetch("/acme/new-nonce", net::Method::head).headers;
  auto const nonce = *headers.find("Replay-Nonce");
  stop();
  EXPECT_TRUE(file_exists(dir.path("nonces")));
  start();
  EXPECT_FALSE(file_exists(dir.path("nonces")));
  EXPECT_TRUE(app->nonces.redeem(nonce).ok());
}

TEST_F(ServerOnSockets, ASecondServerOnTheSameStateIsRefused) {
  auto reader = config::Reader::parse(
      "[server]\nurl = \"https://localhost:8443\"\nlisten = [\"127.0.0.1:0\"]\nhttp = \"\"\n", "ca.toml");
  SecretBytes const passphrase{std::string_view(StateTemplate::kIssuing)};
  auto const second = open_app(*read_settings(*std::move(reader), dir.path()), passphrase, clock, Log::nowhere());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::conflict) << second.error().detail();
}

TEST_F(ServerOnSockets, TheWrongPassphraseOpensNothing) {
  stop();
  auto reader = config::Reader::parse("[server]\nurl = \"https://localhost:8443\"\n", "ca.toml");
  SecretBytes const wrong{std::string_view("not the passphrase")};
  auto const opened = open_app(*read_settings(*std::move(reader), dir.path()), wrong, clock, Log::nowhere());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::wrong_passphrase) << opened.error().detail();
}

TEST_F(ServerOnSockets, AnOpenScopeOutsideTheConstraintsIsRefusedAtTheStart) {
  stop();
  SecretBytes const passphrase{std::string_view(StateTemplate::kIssuing)};
  struct Case {
    char const* scope;
    char const* says;  // nullptr: it opens
  };
  for (auto const& c : {Case{"prove_dns = [\"other.example\"]", "other.example"},
                        Case{"grant_ip = [\"192.168.0.0/16\"]", "192.168.0.0/16"},
                        Case{"prove_dns = [\"cams.example\"]\nprove_ip = [\"10.0.0.0/8\"]", nullptr},
                        Case{"prove_dns = [\"cams.example\"]\nissuer = \"default\"", nullptr},
                        Case{"prove_dns = [\"cams.example\"]\nissuer = \"plant4\"", "no issuer \"plant4\""},
                        Case{"prove_dns = [\"other.example\"]\nissuer = \"default\"", "other.example"}}) {
    auto reader = config::Reader::parse(
        "[server]\nurl = \"https://localhost:8443\"\n[acme]\neab_required = false\n[acme.open]\n" +
            std::string(c.scope) + "\n",
        "ca.toml");
    auto const opened = open_app(*read_settings(*std::move(reader), dir.path()), passphrase, clock, Log::nowhere());
    ASSERT_EQ(opened.ok(), c.says == nullptr) << c.scope << (opened.ok() ? "" : opened.error().detail());
    if (c.says == nullptr) continue;
    EXPECT_EQ(opened.error().code(), Errc::settings);
    EXPECT_NE(opened.error().detail().find(c.says), std::string::npos) << opened.error().detail();
  }
}

TEST_F(ServerOnSockets, AdminOperations) {
  struct stat status {};
  ASSERT_EQ(::stat(admin_socket_path(dir.path()).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  auto const made = ask("eab.create", {{"grant_dns", json::Value::strings({"cams.example"})},
                                       {"uses", "many"},
                                       {"bind_by", to_unix(clock.now() + kDay)},
                                       {"join", true}});
  ASSERT_TRUE(made.ok()) << made.error().detail();
  auto const join = parse_join_string(json::need_string(*made, "join").value());
  ASSERT_TRUE(join.ok()) << join.error().detail();
  EXPECT_EQ(join->directory, "https://localhost:8443/acme/directory");
  EXPECT_EQ(join->root_sha256, app->authority->root_certificate().fingerprint());
  EXPECT_EQ(join->eab_kid, json::need_string(*made, "kid").value());

  auto const listed = ask("eab.list");
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(json::write(*listed).find("issuer"), std::string::npos);
  auto const bound = ask("eab.create", {{"grant_dns", json::Value::strings({"cams.example"})}, {"issuer", "default"}});
  ASSERT_TRUE(bound.ok()) << bound.error().detail();
  EXPECT_NE(json::write(*ask("eab.list")).find(R"("issuer":"default")"), std::string::npos);
  EXPECT_EQ(listed->find("keys")->as_array()->size(), 1u);
  EXPECT_EQ(json::write(*listed).find(json::need_string(*made, "mac_key").value()), std::string::npos);
  EXPECT_TRUE(ask("eab.revoke", {{"kid", join->eab_kid}}).ok());
  EXPECT_EQ(ask("eab.revoke", {{"kid", "none"}}).error().code(), Errc::not_found);
  EXPECT_EQ(json::write(*ask("cert.list")).find("possibly"), std::string::npos);
  auto const certificates = ask("cert.list").value();
  auto const first = *certificates.find("certificates")->as_array()->front().as_object();
  EXPECT_EQ(json::need_string(first, "reference").value(), "server");
  auto const shown = ask("cert.show", {{"serial", *first.find("serial")}});
  ASSERT_TRUE(shown.ok());
  EXPECT_TRUE(x509::Certificate::from_pem(json::need_string(*shown, "pem").value()).ok());
  EXPECT_EQ(ask("cert.show", {{"serial", "0100"}}).error().code(), Errc::not_found);
  EXPECT_EQ(ask("account.list")->find("accounts")->as_array()->size(), 0u);
}

// A client that is given one by an argument would take it for an option. One key in 32 would begin so by chance.
TEST_F(ServerOnSockets, NeitherPartOfAnEabKeyBeginsWithADash) {
  for (int i = 0; i < 300; ++i) {
    auto const made = ask("eab.create", {{"grant_dns", json::Value::strings({"cams.example"})}}).value();
    for (auto const* part : {"kid", "mac_key"})
      ASSERT_FALSE(json::need_string(made, part)->starts_with('-')) << json::write(made);
  }
}

TEST_F(ServerOnSockets, AdminRefusals) {
  struct Case {
    char const* name;
    char const* operation;
    json::Object arguments;
    Errc code;
  };
  auto const texts = [](char const* text) { return json::Value::strings({text}); };
  Case const cases[] = {
      {"unknown operation", "eab.destroy", {}, Errc::usage},
      {"no name at all", "eab.create", {}, Errc::usage},
      {"bad suffix", "eab.create", {{"grant_dns", texts("-.-")}}, Errc::usage},
      {"wildcard suffix", "eab.create", {{"grant_dns", texts("*.cams.example")}}, Errc::usage},
      {"bad block", "eab.create", {{"grant_ip", texts("10.0.0.1/8")}}, Errc::usage},
      {"outside the constraints", "eab.create", {{"grant_dns", texts("other.example")}}, Errc::rejected_identifier},
      {"addresses outside", "eab.create", {{"grant_ip", texts("192.168.0.0/16")}}, Errc::rejected_identifier},
      {"unknown issuer", "eab.create", {{"grant_dns", texts("cams.example")}, {"issuer", "plant4"}}, Errc::usage},
      {"outside the issuer's constraints",
       "eab.create",
       {{"grant_dns", texts("other.example")}, {"issuer", "default"}},
       Errc::rejected_identifier},
      {"unknown profile", "eab.create", {{"grant_dns", texts("cams.example")}, {"profiles", texts("x")}}, Errc::usage},
      {"the server's profile",
       "eab.create",
       {{"grant_dns", texts("cams.example")}, {"profiles", texts("server")}},
       Errc::usage},
      {"uses", "eab.create", {{"grant_dns", texts("cams.example")}, {"uses", "twice"}}, Errc::usage},
      {"wrong type", "eab.create", {{"grant_dns", 1}}, Errc::malformed},
  };
  for (auto const& c : cases) {
    auto const before = refused();
    auto const answer = ask(c.operation, c.arguments);
    ASSERT_FALSE(answer.ok()) << c.name;
    EXPECT_EQ(answer.error().code(), c.code) << c.name << ": " << answer.error().detail();
    auto const after = refused();
    if (find_operation(c.operation) == nullptr) {
      EXPECT_EQ(after.size(), before.size()) << c.name;
      continue;
    }
    ASSERT_EQ(after.size(), before.size() + 1) << c.name;
    auto const& entry = after.back();
    EXPECT_EQ(entry.actor, operator_by(::geteuid())) << c.name;
    EXPECT_EQ(entry.subject, c.operation) << c.name;
    EXPECT_EQ(entry.rule.substr(0, 5), error_id(c.code)) << c.name;
    EXPECT_NE(entry.detail.find(answer.error().detail()), std::string::npos) << entry.detail;
    EXPECT_NE(entry.detail.find(json::write(c.arguments)), std::string::npos) << entry.detail;
  }
}

TEST_F(ServerOnSockets, WhatOnlyReadsLeavesNoEntryWhenItIsRefused) {
  EXPECT_FALSE(ask("cert.show", {{"serial", "00"}}).ok());
  EXPECT_FALSE(ask("cert.list", {{"status", 7}}).ok());
  EXPECT_EQ(refused().size(), 0U);
  EXPECT_FALSE(ask("cert.revoke", {{"serial", "4711"}}).ok());
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused().front().rule, "E1018 not_found");
}

// Else no command's word would ever fit what the server sees.
TEST_F(ServerOnSockets, WhatLiesOnDiskReadsAsWhatWasTaken) {
  auto const lies = what_lies_on_disk(app->settings);
  ASSERT_TRUE(lies.ok()) << lies.error().detail();
  EXPECT_EQ(lies->installed, what_is_installed(app->settings, *app->authority));
  auto const binding = what_binds_issuing(app->settings, *app->authority);
  EXPECT_EQ(lies->rules.size(), 1U);
  for (auto const& [thing, is] : lies->rules) EXPECT_EQ(binding.at(thing), is);
  EXPECT_TRUE(
      std::ranges::any_of(lies->installed, [](auto const& each) { return each.first.starts_with("list of root "); }));
}

// He cannot get to the socket, by the modes of the folder and of the socket; when somebody has opened both, the server
// still sends him away, and says who it was.
TEST_F(ServerOnSockets, AnotherUserIsSentAwayAndOnRecord) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  constexpr uid_t kNobody = 65534;
  auto const path = admin_socket_path(dir.path());
  ASSERT_EQ(::chmod(dir.path().c_str(), 0711), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  auto const child = ::fork();
  if (child == 0) {  // nothing but system calls here
    char octet = 0;
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool const is_there = ::setresuid(kNobody, kNobody, kNobody) == 0 &&
                          ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::_exit(is_there && ::recv(fd, &octet, 1, 0) <= 0 ? 0 : 1);  // until the server has closed it
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  stop_serving();  // whichever chore was to write it has
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused().front().actor, "uid 65534");
  EXPECT_EQ(refused().front().subject, path);
  EXPECT_EQ(refused().front().rule, "E1028 unauthorized");
}

TEST_F(ServerOnSockets, AdminSocketSurvivesNonsense) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const path = admin_socket_path(dir.path());
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  for (std::string const line : {"\n", "{}\n", "nonsense\n", "{\"operation\":1,\"arguments\":{}}\n", ""}) {
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd, line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
    ::shutdown(fd, SHUT_WR);
    char buffer[512];
    (void)::recv(fd, buffer, sizeof buffer, 0);
    ::close(fd);
  }
  EXPECT_TRUE(ask("account.list").ok());
  stop();
  EXPECT_FALSE(file_exists(path));
}

TEST_F(ServerOnSockets, AnotherPassphraseThanTheSealsIsTold) {
  auto const other = open_sealer(*app->store, SecretBytes(std::string_view("another")));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), Errc::wrong_passphrase);
  EXPECT_TRUE(open_sealer(*app->store, SecretBytes(std::string_view(StateTemplate::kIssuing))).ok());
}

}  // namespace
}  // namespace lenscap::acme
