// A camera in memory behind DeviceAccess: it makes keys, keeps certificates, switches what it serves and restarts its
// web server, and judges trust by the agent's own rule, so that a runner that would talk to the wrong peer fails here
// as well. It can be told to fail any call, and to misbehave after the switch:
//   FakeDevice camera(clock);
//   camera.fail("install_certificate", DeviceError(DeviceErrc::store_full, "no room"));
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "agent/device.h"
#include "agent/devices/shared/axis_auth.h"
#include "agent/verify_served.h"
#include "tests/base/x509/chain_maker.h"
#include "tests/fakes/fake_clock.h"

namespace lenscap::fakes {

class FakeDevice final : public agent::DeviceAccess {
 public:
  explicit FakeDevice(FakeClock& clock) : clock_(clock) {
    Held factory{x509::PrivateKey::generate(x509::KeyType::ec_p256), {}, std::nullopt};
    auto const self_signed =
        x509::testing::build({.common_name = "axis-accc8e68d4d2"}, factory.key.native(), factory.key.native(), nullptr);
    factory.certificate = x509::testing::to_certificate(self_signed);
    held.emplace("factory", std::move(factory));
    https.enabled = true;
    https.policies = {{"Admin", agent::HttpsPolicy::http_and_https}};
    https.ciphers = {"ECDHE-ECDSA-AES128-GCM-SHA256"};
    https.certificate_ids = {"factory"};
    serves = "factory";
  }

  struct Held {
    x509::PrivateKey key;
    Bytes csr;
    std::optional<x509::Certificate> certificate;
  };
  enum class AfterSwitch { serves_it, serves_the_former, serves_the_factorys, answers_on_plain_http_only };

  // --- what a test may change ---

  std::string serial = "ACCC8E68D4D2";
  std::string password = "pass";
  agent::Capabilities capabilities{.driver = "fake", .key_types = {}, .keystores = {}, .csr_san = true};
  bool http_open = true;
  std::optional<Seconds> clock_offset = Seconds(0);
  AfterSwitch after_switch = AfterSwitch::serves_it;  // to a certificate made in this test
  bool stays_dead = false;                            // ... and a restored configuration does not help
  Seconds restart{0};                                 // how long nothing answers after a change of the settings
  Seconds restart_begins{0};                          // until then it goes on as if nothing had been changed
  bool dies_when_restored = false;                    // TLS does not answer after the restart with former settings
  std::vector<std::string> ca_ids;                    // that an installation says it has added

  // The call fails so many times; the `after`-th and those behind it. Calls are named as in device.h.
  void fail(std::string call, agent::DeviceError error, int times = 1'000'000, int after = 1) {
    faults_.insert_or_assign(std::move(call), Fault{std::move(error), times, after});
  }
  void heal() { faults_.clear(); }
  void forget_history() { first_ids_.clear(); }          // what is served now counts as the former certificate
  std::function<void(std::string const& call)> on_call;  // may change things, or throw to stop the world

  // --- what a test may look at ---

  agent::HttpsConfig https;
  std::optional<std::string> serves;  // the id of the certificate shown on TLS; nothing: TLS does not answer
  std::map<std::string, Held> held;   // by id
  std::vector<std::string> calls;
  int logins_over_http = 0;
  int wrong_logins = 0;
  std::string asked_key_type;
  std::set<std::string> held_cas;  // ids of the issuing certificates that were added

  Sha256 pin(std::string const& id) const { return held.at(id).key.public_key().spki_hash(); }
  x509::Certificate const& served() const { return *held.at(*serves).certificate; }
  int count(std::string_view call) const { return static_cast<int>(std::count(calls.begin(), calls.end(), call)); }
  // Without the factory's.
  std::vector<std::string> our_ids() const {
    std::vector<std::string> ids;
    for (auto const& [id, entry] : held) {
      if (agent::is_our_id(id)) ids.push_back(id);
    }
    return ids;
  }

  // --- DeviceAccess ---

  net::Awaitable<agent::DeviceResult<agent::FirstLook>> look(agent::Endpoint) override {
    if (auto failed = begin("look")) co_return *failed;
    agent::FirstLook look;
    look.http.open = http_open;
    if (serves) {
      look.https.open = true;
      look.peer = {served()};
    }
    look.serial = serial;
    co_return look;
  }

  net::Awaitable<agent::DeviceResult<agent::Identity>> identify(agent::Endpoint, agent::Login& login,
                                                                agent::Trust trust) override {
    if (auto failed = begin("identify")) co_return *failed;
    auto const tls = reach(trust, login);
    if (!tls.ok()) co_return tls.error();
    co_return identity(*tls);
  }

  net::Awaitable<agent::DeviceResult<std::unique_ptr<agent::Driver>>> open(agent::Endpoint, agent::Login& login,
                                                                           agent::Trust trust,
                                                                           std::string expected_serial) override {
    if (auto failed = begin("open")) co_return *failed;
    auto const tls = reach(trust, login);
    if (!tls.ok()) co_return tls.error();
    if (!expected_serial.empty() && expected_serial != serial) {
      co_return agent::DeviceError(agent::DeviceErrc::wrong_device,
                                   "serial number " + serial + " answers instead of " + expected_serial);
    }
    std::unique_ptr<agent::Driver> driver =
        std::make_unique<FakeDriver>(*this, login, std::move(trust), identity(*tls));
    co_return driver;
  }

  net::Awaitable<agent::DeviceResult<agent::Served>> verify_served(agent::Endpoint, agent::ServedExpectation expected,
                                                                   agent::Driver* driver) override {
    if (auto failed = begin("verify_served")) co_return *failed;
    Time const begun = clock_.now();
    agent::Patience patience(expected);
    while (true) {
      std::vector<x509::Certificate> chain;
      bool const is_away = away();
      if (serves && !is_away) chain = {served()};
      auto result = judge_served(expected, std::move(chain), clock_.now());
      auto tls_only = expected;
      tls_only.serial.clear();
      if (result.good(tls_only) && driver != nullptr) {
        agent::Trust trust;
        trust.pins = {expected.key->spki_hash()};
        auto const read = co_await driver->read_serial(std::move(trust));
        result.serial_checked = read.ok() && *read == expected.serial;
      }
      if (result.good(expected) || patience.is_over(result.reached, clock_.now() - begun)) co_return result;
      clock_.advance(Seconds(2));
    }
  }

 private:
  struct Fault {
    agent::DeviceError error;
    int times;
    int after;
  };

  class FakeDriver final : public agent::Driver {
   public:
    FakeDriver(FakeDevice& device, agent::Login& login, agent::Trust trust, agent::Identity identity)
        : device_(device), login_(login), trust_(std::move(trust)), identity_(std::move(identity)) {}

    agent::Identity const& identity() const override { return identity_; }
    agent::Capabilities const& capabilities() const override { return device_.capabilities; }

    net::Awaitable<agent::DeviceResult<std::vector<agent::CertificateEntry>>> list_certificates() override {
      if (auto failed = begin("list_certificates")) co_return *failed;
      std::vector<agent::CertificateEntry> entries;
      for (auto const& [id, entry] : device_.held)
        entries.push_back({.id = id, .certificate = entry.certificate, .keystore = {}, .used_by = {}});
      co_return entries;
    }

    net::Awaitable<agent::DeviceResult<agent::NewKey>> create_key_and_csr(agent::KeySpec spec) override {
      if (auto failed = begin("create_key_and_csr")) co_return *failed;
      device_.asked_key_type = spec.key_type;
      if (!device_.held.contains(spec.id)) {
        Held made{x509::PrivateKey::generate(x509::KeyType::ec_p256), {}, std::nullopt};
        auto const names = device_.capabilities.csr_san ? spec.names : x509::NameSet();
        made.csr = x509::make_csr(made.key, names, spec.common_name);
        device_.held.emplace(spec.id, std::move(made));
      }
      // A fault behind the work: it was done, and nobody learned of it.
      if (auto failed = begin("create_key_and_csr.answer")) co_return *failed;
      co_return agent::NewKey{spec.id, x509::parse_csr(device_.held.at(spec.id).csr).value()};
    }

    net::Awaitable<agent::DeviceResult<agent::Installed>> install_certificate(
        std::string key_id, x509::PublicKey key, std::vector<x509::Certificate> chain) override {
      if (auto failed = begin("install_certificate")) co_return *failed;
      auto const entry = device_.held.find(key_id);
      if (entry == device_.held.end())
        co_return agent::DeviceError(agent::DeviceErrc::bad_certificate, "there is no such key");
      if (!(chain.front().key() == key) || !(entry->second.key.public_key() == key))
        co_return agent::DeviceError(agent::DeviceErrc::key_mismatch, "the certificate is for another key");
      entry->second.certificate = chain.front();
      device_.held_cas.insert(device_.ca_ids.begin(), device_.ca_ids.end());
      if (auto failed = begin("install_certificate.answer")) co_return *failed;
      co_return agent::Installed{.id = key_id, .chain = agent::ChainUpload::leaf_only, .ca_ids = device_.ca_ids};
    }

    net::Awaitable<agent::DeviceResult<agent::HttpsConfig>> get_https() override {
      if (auto failed = begin("get_https")) co_return *failed;
      co_return device_.https;
    }

    net::Awaitable<agent::DeviceResult<agent::SwitchOutcome>> set_https(agent::HttpsConfig config) override {
      if (auto failed = begin("set_https")) co_return *failed;
      device_.apply(std::move(config));
      if (begin("set_https.answer")) co_return agent::SwitchOutcome::answer_lost;
      co_return agent::SwitchOutcome::accepted;
    }

    net::Awaitable<agent::DeviceResult<>> remove(std::string id) override {
      if (auto failed = begin("remove")) co_return *failed;
      auto used = device_.https.certificate_ids;
      used.insert(used.end(), device_.https.ca_ids.begin(), device_.https.ca_ids.end());
      if (!agent::is_our_id(id) || std::find(used.begin(), used.end(), id) != used.end())
        co_return agent::DeviceError(agent::DeviceErrc::id_in_use, "certificate '" + id + "' is in use and stays");
      device_.held.erase(id);
      device_.held_cas.erase(id);
      co_return agent::DeviceResult<>();
    }

    net::Awaitable<agent::DeviceResult<std::string>> read_serial(agent::Trust trust) override {
      device_.calls.emplace_back("read_serial");
      if (auto fault = device_.fault("read_serial")) co_return *fault;
      auto const tls = device_.reach(trust, login_);
      if (!tls.ok()) co_return tls.error();
      co_return device_.serial;
    }

    void set_trust(agent::Trust trust) override { trust_ = std::move(trust); }

   private:
    std::optional<agent::DeviceError> begin(std::string const& call) {
      if (auto failed = device_.begin(call)) return failed;
      if (call.ends_with(".answer")) return std::nullopt;
      auto const tls = device_.reach(trust_, login_);
      if (!tls.ok()) return tls.error();
      return std::nullopt;
    }

    FakeDevice& device_;
    agent::Login& login_;
    agent::Trust trust_;
    agent::Identity identity_;
  };

  std::optional<agent::DeviceError> begin(std::string const& call) {
    if (!call.ends_with(".answer")) calls.push_back(call);
    if (on_call) on_call(call);
    return fault(call);
  }
  std::optional<agent::DeviceError> fault(std::string const& call) {
    auto const found = faults_.find(call);
    if (found == faults_.end() || --found->second.after > 0 || found->second.times-- <= 0) return std::nullopt;
    return found->second.error;
  }

  bool away() {
    if (pending_ && clock_.now() >= pending_->first) {
      serves = pending_->second;
      pending_.reset();
      away_until_ = clock_.now() + restart;
    }
    return clock_.now() < away_until_;
  }

  // Whether it was reached over TLS; by the agent's own rule of whom to believe.
  agent::DeviceResult<bool> reach(agent::Trust const& trust, agent::Login& login) {
    using agent::DeviceErrc;
    using agent::DeviceError;
    if (away()) return DeviceError(DeviceErrc::unreachable, "nothing answers");
    std::optional<DeviceError> refusal;
    bool tls = false;
    if (serves) {
      auto const judged = agent::judge_peer(trust, {served()}, served().key().spki_hash(), clock_.now());
      if (!judged.ok()) return judged.error();
      tls = true;
    } else {
      refusal = DeviceError(DeviceErrc::unreachable, "no TLS connection");
    }
    if (!tls && !(trust.plain_http && http_open)) return *refusal;
    if (login.refused) return DeviceError(DeviceErrc::auth_failed, "the device refused the password before");
    if (!tls) ++logins_over_http;
    if (login.password.text() != password) {
      ++wrong_logins;
      login.refused = true;
      return DeviceError(DeviceErrc::auth_failed, "the device does not accept the user name and password");
    }
    return tls;
  }

  agent::Identity identity(bool tls) const {
    agent::Identity identity;
    identity.vendor = "AXIS";
    identity.serial = serial;
    identity.model = "P1367";
    identity.firmware = "7.30.1";
    identity.clock_offset = clock_offset;
    identity.http.open = http_open;
    identity.https.open = serves.has_value();
    if (tls) identity.peer = {served()};
    return identity;
  }

  void apply(agent::HttpsConfig config) {
    https = std::move(config);
    std::optional<std::string> next = serves;
    std::string const id = https.certificate_id();
    if (first_ids_.empty()) first_ids_ = {"factory", serves.value_or("")};
    bool const fresh = !first_ids_.contains(id);
    if (!https.enabled) {
      next.reset();
    } else if (!fresh) {
      if (!stays_dead) next = id;
      if (dies_when_restored) next.reset();
    } else if (after_switch == AfterSwitch::serves_it) {
      next = id;
    } else if (after_switch == AfterSwitch::serves_the_factorys) {
      next = "factory";
    } else if (after_switch == AfterSwitch::answers_on_plain_http_only) {
      next.reset();
    }
    pending_ = {clock_.now() + restart_begins, next};
    away();
  }

  FakeClock& clock_;
  Time away_until_{};
  std::optional<std::pair<Time, std::optional<std::string>>> pending_;  // what it serves, and since when
  std::map<std::string, Fault> faults_;
  std::set<std::string> first_ids_;  // served before the test switched anything
};

}  // namespace lenscap::fakes
