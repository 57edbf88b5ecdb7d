// An issuer that follows another, and then a root, while a thousand renewals are in flight: in the middle of them the
// server takes up the new issuer, the new root, or chains that lead to it, by a reload behind open connections or by a
// stop and another start. Wherever a renewal stood, ordered, waiting for a proof, ready, issued and not fetched, or in
// the middle of a request, it ends with a certificate under the same order; and each chain and each alternate of it is
// one that OpenSSL and GnuTLS accept from a root that clients trust at that time: what comes first from the root that
// all of them trust, and for each other root there is one.
//
// Under sanitizers there are fewer; LENSCAP_CAMERAS=N asks for another number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "acme/wire/authorization.h"
#include "acme/wire/jws.h"
#include "acme/wire/key_authorization.h"
#include "acme/wire/order.h"
#include "acme/wire/renewal_info.h"
#include "base/x509/csr.h"
#include "tests/ca/gnutls_judge.h"
#include "tests/e2e/load.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::e2e {
namespace {

// Of eleven, one is under way in a client that does not wait for anybody; the other ten stand still.
#ifdef LENSCAP_SANITIZED
constexpr std::size_t kCamerasByDefault = 110;
#else
constexpr std::size_t kCamerasByDefault = 1100;
#endif
std::size_t const kCameras = [] {
  char const* const given = std::getenv("LENSCAP_CAMERAS");
  return given == nullptr ? kCamerasByDefault : std::stoul(given);
}();
constexpr std::size_t kClients = 4;

// --- what is in flight

// Where a renewal stands when the server takes it up.
enum class Phase { unproven, asked, ready, issued, under_way };
constexpr std::string_view kPhaseNames[] = {"ordered and not yet proven", "waiting for another attempt to prove it",
                                            "ready to be finalized", "issued and not yet fetched"};

// A server makes 64 attempts to prove something at once, and one that waits for its answer is one of them.
constexpr std::size_t kAskedMost = 48;

// Two of eleven wait for a proof, in two ways, and the others are granted.
Phase phase_of(std::size_t camera) {
  constexpr Phase kOfEleven[] = {Phase::unproven, Phase::asked,  Phase::ready,    Phase::ready,
                                 Phase::ready,    Phase::ready,  Phase::issued,   Phase::issued,
                                 Phase::issued,   Phase::issued, Phase::under_way};
  auto const phase = kOfEleven[camera / kClients % std::size(kOfEleven)];
  bool const is_one_too_many = camera / kClients / std::size(kOfEleven) >= kAskedMost / kClients;
  return phase == Phase::asked && is_one_too_many ? Phase::unproven : phase;
}
bool is_proven(std::size_t camera) { return phase_of(camera) == Phase::unproven || phase_of(camera) == Phase::asked; }

std::string host_of(std::size_t camera) { return "cam" + std::to_string(camera) + ".cams.example"; }
std::size_t client_of(std::size_t camera) { return camera % kClients; }

// Which roots there are for clients of a time, and which of them they all trust.
struct Era {
  std::vector<x509::Certificate> roots;
  std::size_t leading = 0;
  friend bool operator==(Era const&, Era const&) = default;
};

using Chain = std::vector<x509::Certificate>;

struct Camera {
  std::size_t number = 0;
  std::string order = {};          // URL of the renewal that is under way; empty: none yet
  acme::OrderObject shown = {};    // as it was told last
  std::vector<Chain> chains = {};  // of the last certificate: what came first, and each alternate
  std::optional<Era> era = {};     // when they were fetched
  std::vector<Chain> former = {};  // of the certificate before

  void begin_renewal() {
    former = std::exchange(chains, {});
    order.clear();
  }
};

// --- the clients

// The answer did not come: the server is gone.
class Gone : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An ACME client with a connection of its own and two accounts: one that is granted its cameras' names, and one that
// has to prove them.
class Client {
 public:
  Client(std::string base, Eab const& granting, Eab const& proving, std::atomic<int>& answers)
      : base_(std::move(base)), granted_{granting}, proving_{proving}, answers_(answers) {}

  // From its next connection on it trusts the root of this file alone.
  void trust(std::string const& root_file, Era era) {
    connection_.reset();
    trusted_.emplace(root_file);
    era_ = std::move(era);
  }
  void connect() {
    connection_.emplace(*trusted_, bench::place_of(base_ + "/"));
    nonce_.clear();
  }
  x509::PublicKey proving_key() const { return proving_.key.public_key(); }

  void order(Camera& camera) {
    auto& account = account_of(camera);
    if (account.url.empty()) make_account(account);
    acme::NewOrderRequest request;
    request.identifiers = acme::to_identifiers(names_of(camera));
    bool const says_what_it_replaces = camera.number % 4 != 3 && !camera.former.empty();
    if (says_what_it_replaces) request.replaces = acme::CertificateId::of(camera.former.front().front()).value().text();
    auto made = post(account, base_ + "/acme/new-order", json::write(acme::to_json(request)));
    if (made.status == 409) {  // an order of ours has said so whose answer was lost
      request.replaces.reset();
      made = post(account, base_ + "/acme/new-order", json::write(acme::to_json(request)));
    }
    if (made.status != 201) throw wrong(camera, "newOrder", made);
    camera.order = made.location;
    camera.shown = acme::parse_order(made.body).value();
  }
  // Asks for the proof; it need not succeed.
  void ask_for_proof(Camera& camera) {
    auto& account = account_of(camera);
    for (auto const& url : camera.shown.authorizations) {
      auto const authorization = acme::parse_authorization(read(account, camera, url).body).value();
      for (auto const& challenge : authorization.challenges)
        if (challenge.type == "http-01" && challenge.status == acme::ChallengeStatus::pending)
          if (auto const asked = post(account, challenge.url, "{}"); asked.status != 200)
            throw wrong(camera, "challenge", asked);
    }
  }
  void finalize(Camera& camera) {
    auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names_of(camera));
    auto const done = post(account_of(camera), camera.shown.finalize, json::write(acme::finalize_to_json(csr)));
    if (done.status != 200) throw wrong(camera, "finalize", done);
    camera.shown = acme::parse_order(done.body).value();
  }
  // From wherever it stands to the chains.
  void complete(Camera& camera) {
    if (camera.order.empty())
      order(camera);
    else
      look(camera);
    auto const& status = camera.shown.status;
    auto const look_until_not = [&](acme::OrderStatus former) {
      until([&] { return look(camera), status != former; });
    };
    if (status == acme::OrderStatus::pending) {
      ask_for_proof(camera);
      look_until_not(acme::OrderStatus::pending);
    }
    if (status == acme::OrderStatus::ready) finalize(camera);
    if (status == acme::OrderStatus::processing) look_until_not(acme::OrderStatus::processing);
    if (status != acme::OrderStatus::valid)
      throw Wrong(host_of(camera.number) + ": its order is " + std::string(acme::to_string(status)));
    fetch(camera, camera.shown.certificate);
  }

 private:
  struct Account {
    Eab const& eab;
    x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    std::string url = {};
  };

  static Wrong wrong(Camera const& camera, std::string const& what, bench::Answer const& answer) {
    return Wrong(host_of(camera.number) + ", " + what + ": " + std::to_string(answer.status) + " " + answer.body);
  }
  static x509::NameSet names_of(Camera const& camera) {
    x509::NameSet names;
    names.dns.insert(x509::DnsName::parse(host_of(camera.number)).value());
    return names;
  }
  Account& account_of(Camera const& camera) { return is_proven(camera.number) ? proving_ : granted_; }

  bench::Answer post(Account const& account, std::string const& url, std::string const& payload) try {
    if (nonce_.empty()) nonce_ = connection_->get(base_ + "/acme/new-nonce", true).nonce;
    auto answer =
        connection_->post(url, acme::sign_jws(account.key, {.url = url, .nonce = nonce_, .kid = account.url}, payload));
    nonce_ = answer.nonce;
    if (answer.status == 400 && answer.body.find("badNonce") != std::string::npos) return post(account, url, payload);
    ++answers_;
    return answer;
  } catch (std::exception const& e) {
    throw Gone(e.what());
  }
  bench::Answer read(Account const& account, Camera const& camera, std::string const& url) {
    auto answer = post(account, url, "");
    if (answer.status != 200) throw wrong(camera, url, answer);
    return answer;
  }
  void look(Camera& camera) {
    camera.shown = acme::parse_order(read(account_of(camera), camera, camera.order).body).value();
  }
  void make_account(Account& account) {
    auto const url = base_ + "/acme/new-account";
    json::Object request;
    request.set("externalAccountBinding", acme::make_eab(account.eab.kid, account.eab.mac_key,
                                                         acme::MacAlgorithm::hs256, url, account.key.public_key()));
    auto const made = post(account, url, json::write(request));
    if (made.status != 201) throw Wrong("newAccount: " + made.body);
    account.url = made.location;
  }
  void fetch(Camera& camera, std::string const& certificate) {
    auto const& account = account_of(camera);
    auto const first = read(account, camera, certificate);
    std::vector<Chain> chains{x509::parse_pem_chain(first.body).value()};
    for (auto const& link : first.links)
      if (link.find("rel=\"alternate\"") != link.npos) {
        auto const url = link.substr(1, link.find('>') - 1);
        chains.push_back(x509::parse_pem_chain(read(account, camera, url).body).value());
      }
    camera.chains = std::move(chains);
    camera.era = era_;
  }

  std::string const base_;
  Account granted_, proving_;
  std::atomic<int>& answers_;
  std::optional<bench::Trusted> trusted_;
  std::optional<bench::Connection> connection_;
  std::string nonce_;
  Era era_;
};

// --- the judges

bool is_accepted(Chain const& chain, x509::Certificate const& root, Time now) {
  Chain const above{chain.begin() + 1, chain.end()};
  return x509::verify_chain(chain.front(), above, {root}, now).ok() &&
         ca::test::gnutls_accepts(chain.front(), above, root, now);
}

// Looks at what a camera was given. The first chain of each is judged as a whole, by both judges. The others have the
// same leaf and issuer and differ in what stands above: that is judged once for each, with the first leaf that came so.
class Judge {
 public:
  explicit Judge(Time now) : now_(now) {}

  // What is wrong for the clients of the camera's time; empty when nothing is.
  std::string look(Camera const& camera) {
    auto const host = host_of(camera.number);
    if (camera.chains.empty()) return host + " has no certificate";
    auto const& [roots, leading] = *camera.era;
    auto const& first = camera.chains.front();
    if (!is_accepted(first, roots[leading], now_)) return host + ": its first chain does not lead to the root of all";
    for (auto const& root : roots)
      if (std::ranges::none_of(camera.chains, [&](Chain const& chain) { return leads(chain, root); }))
        return host + ": no chain leads to " + root.subject();
    for (auto const& chain : camera.chains) {
      if (chain.size() < 2 || chain[0] != first[0] || chain[1] != first[1]) return host + ": an alternate of another";
      if (std::ranges::none_of(roots, [&](x509::Certificate const& root) { return leads(chain, root); }))
        return host + ": an alternate that leads nowhere";
    }
    return "";
  }

 private:
  bool leads(Chain const& chain, x509::Certificate const& root) {
    std::string way = root.pem();
    for (std::size_t i = 1; i < chain.size(); ++i) way += chain[i].pem();
    auto const known = verdicts_.find(way);
    if (known != verdicts_.end()) return known->second;
    return verdicts_[way] = is_accepted(chain, root, now_);
  }

  Time const now_;
  std::map<std::string, bool> verdicts_;  // by root and everything above the leaf
};

// --- the walk

class RenewalsInFlight : public ::testing::Test {
 protected:
  RenewalsInFlight() {
    seal_lightly(ca);
    write_words("root-words", "the root's own words");
    write_words("next-words", "the next root's own words");
    granting = make_eab_key(ca);
    proving = make_eab_key(ca, {"--prove-dns", "cams.example"});
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<Client>(ca.base(), granting, proving, answers));
      proving_keys.push_back(clients.back()->proving_key());
    }
    for (std::size_t i = 0; i < kCameras; ++i) {
      cameras.push_back({.number = i});
      if (is_proven(i)) dns.set(host_of(i), {"127.0.0.1"});
    }
    era.roots = {read_certificate(ca.root())};
    for (auto& client : clients) client->trust(root_file, era);
    ca.serve();
  }

  void write_words(std::string const& name, std::string const& words) {
    std::ofstream(ca.path(name)) << words << "\n";
    std::filesystem::permissions(ca.path(name),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  static x509::Certificate read_certificate(std::string const& file) {
    return x509::Certificate::from_pem(fakes::CaProcess::read(file)).value();
  }
  void must(std::vector<std::string> const& words) {
    auto const ran = ca.run(words);
    ASSERT_EQ(ran.code, 0) << ran.all();
  }
  void answer_rightly() {
    answers_are_right = true;
    device.answer_held();
  }

  // Each client with each of its cameras, all clients at a time, until one of them has something wrong or the server is
  // gone; once, or again and again until it is enough.
  enum class Rounds { one, until_enough };
  void begin(Rounds rounds, std::function<void(Client&, Camera&)> const& what) {
    failures.assign(kClients, "");
    interrupted = 0;
    is_enough = false;
    for (std::size_t i = 0; i < kClients; ++i)
      threads.emplace_back([this, rounds, i, what] {
        try {
          clients[i]->connect();
          do {
            for (auto& camera : cameras)
              if (client_of(camera.number) == i && takes_part(camera) && !is_enough) what(*clients[i], camera);
          } while (rounds == Rounds::until_enough && !is_enough);
        } catch (Gone const&) {
          ++interrupted;
        } catch (std::exception const& e) {
          failures[i] = e.what();
        }
      });
  }
  void end() {
    for (auto& thread : threads) thread.join();
    threads.clear();
    for (auto const& each : failures) EXPECT_EQ(each, "");
  }
  void each(std::function<void(Client&, Camera&)> const& what) {
    begin(Rounds::one, what);
    end();
    EXPECT_EQ(interrupted, 0) << "the server is gone: " << ca.log();
  }

  // How a server comes to serve what commands have made.
  enum class Crossing { reload, stop_and_start };

  // Renewals of all cameras, each brought to its phase; `commands` while the server works, then the crossing, and then
  // clients trust what they trust `from_then_on`.
  void renew_across(
      Crossing crossing, std::function<void()> const& commands, std::function<void()> const& from_then_on = [] {}) {
    for (auto& camera : cameras)
      if (takes_part(camera)) camera.begin_renewal();
    each([](Client& client, Camera& camera) {
      auto const phase = phase_of(camera.number);
      if (phase == Phase::under_way) return;
      client.order(camera);
      if (phase == Phase::issued) client.finalize(camera);
    });
    commands();

    // Last, since a proof whose second and third attempts are not answered fails after 26 seconds.
    wrong_answers_left = count(Phase::asked);
    answers_are_right = false;
    each([](Client& client, Camera& camera) {
      if (phase_of(camera.number) == Phase::asked) client.ask_for_proof(camera);
    });
    ASSERT_TRUE(until([&] { return wrong_answers_left <= 0; })) << "attempts to prove: " << wrong_answers_left;

    begin(Rounds::until_enough, [](Client& client, Camera& camera) {
      if (phase_of(camera.number) != Phase::under_way) return;
      if (!camera.chains.empty()) camera.begin_renewal();
      client.complete(camera);
    });
    wait_for_answers();
    if (crossing == Crossing::reload) {
      EXPECT_EQ(ca.reload(), "reload.done") << ca.log();
      answer_rightly();
      wait_for_answers();
      is_enough = true;
      end();
      EXPECT_EQ(interrupted, 0) << "a connection ended at a reload";
    } else {
      EXPECT_EQ(ca.stop(), 0) << ca.log();
      end();
      EXPECT_EQ(interrupted, int(kClients)) << "nothing was in the middle of a request";
    }
    auto const waiting = std::ranges::count_if(cameras, [](Camera const& camera) { return camera.chains.empty(); });
    EXPECT_GE(waiting, std::ptrdiff_t(taking_part) - count(Phase::under_way));
    in_flight += std::size_t(waiting);

    auto const before = era;
    from_then_on();
    // What was fetched while the server reloaded is of either era.
    if (crossing == Crossing::reload && era != before)
      for (auto& camera : cameras)
        if (takes_part(camera) && phase_of(camera.number) == Phase::under_way) camera.begin_renewal();
    if (crossing == Crossing::stop_and_start) {
      ca.serve();
      answer_rightly();
    }
    for (auto& client : clients) client->trust(root_file, era);
    each([](Client& client, Camera& camera) {
      if (camera.chains.empty()) client.complete(camera);
    });
  }
  void wait_for_answers() {
    auto const before = answers.load();
    EXPECT_TRUE(until([&] { return answers >= before + 20; }));
  }
  bool takes_part(Camera const& camera) const { return camera.number < taking_part; }
  // The first that is wrong, or nothing.
  std::string all_judged() {
    Judge judge(SystemClock().now());
    for (auto const& camera : cameras)
      if (auto bad = takes_part(camera) ? judge.look(camera) : std::string(); !bad.empty()) return bad;
    return "";
  }
  // Which certificate of its issuer a camera's first chain has.
  std::ptrdiff_t count_by(std::string const& issuer_file, Phase phase) {
    auto const issuer = x509::parse_pem_chain(fakes::CaProcess::read(ca.state() + "/" + issuer_file)).value().front();
    return std::ranges::count_if(cameras, [&](Camera const& camera) {
      return phase_of(camera.number) == phase && !camera.chains.empty() && camera.chains.front().at(1) == issuer;
    });
  }
  std::ptrdiff_t count(Phase phase) {
    return std::ranges::count_if(
        cameras, [&](Camera const& camera) { return takes_part(camera) && phase_of(camera.number) == phase; });
  }

  std::atomic<int> answers = 0, interrupted = 0;
  std::atomic<std::ptrdiff_t> wrong_answers_left = 0;
  std::atomic<bool> answers_are_right = true, is_enough = false;
  std::set<std::string> answered_wrongly;     // the device's own, until it answers rightly
  std::vector<x509::PublicKey> proving_keys;  // before the device answers for the first time
  fakes::DnsServer dns;
  // Every camera that has to prove its name: answers for the account that looks after it, or, once for each proof,
  // wrongly, and then not before it may be right.
  fakes::ScriptedServer device{[this](std::string const& request) -> std::optional<std::string> {
    auto const begin = request.find("/.well-known/acme-challenge/") + 28;
    auto const token = request.substr(begin, request.find(' ', begin) - begin);
    if (!answers_are_right && answered_wrongly.insert(token).second) {
      --wrong_answers_left;
      return fakes::http_answer("not yet");
    }
    if (!answers_are_right) return std::nullopt;
    auto const camera = std::stoul(request.substr(request.find("cam", request.find("\r\nHost: ")) + 3));
    return fakes::http_answer(acme::key_authorization(token, proving_keys[client_of(camera)]));
  }};
  fakes::CaProcess ca{"http_port = " + std::to_string(device.port()) + "\nresolver = [\"" + dns.resolver() +
                          "\"]\npending_orders = 1000\n",
                      "[acme.limits]\nnew_accounts = \"none\"\nnew_orders = \"none\"\norders_for_name = \"none\"\n"
                      "failed_validations = \"none\"\nvalidations_of_network = \"none\"\nvalidations_at_host = 64\n"
                      "[signer]\nper_minute = 0\n"
                      "[chaos]\nreuse_authorizations = \"never\"\n"};
  Eab granting, proving;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<Camera> cameras;
  std::string root_file = ca.root();  // that the clients trust
  Era era;
  std::vector<std::string> failures;
  std::vector<std::thread> threads;
  std::size_t taking_part = kCameras;  // the first so many
  std::size_t in_flight = 0;
};

TEST_F(RenewalsInFlight, EndWithChainsThatEveryClientAccepts) {
  each([](Client& client, Camera& camera) { client.complete(camera); });

  {
    SCOPED_TRACE("another issuer");
    renew_across(Crossing::reload, [&] {
      must({"issuer", "roll-over", "--after", "0s", "--passphrase-file", ca.path("root-words")});
      seal_lightly(ca, "issuers/default-2/issuing.key");
    });
    EXPECT_EQ(all_judged(), "");
    EXPECT_EQ(count_by("keys/issuing.pem", Phase::issued), count(Phase::issued));
    for (auto const phase : {Phase::unproven, Phase::asked, Phase::ready})
      EXPECT_EQ(count_by("issuers/default-2/issuing.pem", phase), count(phase)) << kPhaseNames[int(phase)];
  }
  {
    SCOPED_TRACE("another root, and an issuer below it");
    renew_across(
        Crossing::stop_and_start,
        [&] {
          must({"root", "roll-over", "--passphrase-file", ca.path("root-words"), "--new-passphrase-file",
                ca.path("next-words")});
          must({"issuer", "roll-over", "--after", "0s", "--passphrase-file", ca.path("next-words")});
          seal_lightly(ca, "issuers/default-3/issuing.key");
        },
        [&] { era.roots.push_back(read_certificate(ca.state() + "/keys/roots/2/root.pem")); });
    EXPECT_EQ(all_judged(), "");
    EXPECT_EQ(count_by("issuers/default-2/issuing.pem", Phase::issued), count(Phase::issued));
    for (auto const phase : {Phase::unproven, Phase::asked, Phase::ready})
      EXPECT_EQ(count_by("issuers/default-3/issuing.pem", phase), count(phase)) << kPhaseNames[int(phase)];
  }
  std::printf("%zu renewals were in flight at a reload and a start: at each\n", in_flight);
  for (int phase = 0; phase < int(Phase::under_way); ++phase)
    std::printf("  %td %s\n", count(Phase(phase)), std::string(kPhaseNames[phase]).c_str());
  std::printf("and at the start the others in the middle of a request\n");
  {
    // Nothing is signed otherwise than before: fewer are enough.
    SCOPED_TRACE("chains lead to the next root");
    taking_part = std::min<std::size_t>(kCameras, 110);
    renew_across(
        Crossing::reload,
        [&] {
          must({"root", "roll-over", "--lead"});
        },
        [&] {
          era.leading = 1;
          root_file = ca.state() + "/keys/roots/2/root.pem";
        });
    EXPECT_EQ(all_judged(), "");
  }
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  auto const verified = ca.run({"store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
}

}  // namespace
}  // namespace lenscap::e2e
