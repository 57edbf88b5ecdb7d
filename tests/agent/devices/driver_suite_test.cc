// Every driver against every firmware generation of the simulator, and with every trap set. A new driver is finished
// when this passes, and switch_suite_test.cc.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/agent/devices/bench.h"

namespace lenscap::agent {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

camsim::NewDevice device_of(std::string generation, json::Object switches = {}) {
  camsim::NewDevice device;
  device.generation = std::move(generation);
  device.switches = std::move(switches);
  return device;
}

std::vector<std::string> certificate_ids(Driver& driver, Bench& bench) {
  auto const entries = bench.wait(driver.list_certificates());
  EXPECT_TRUE(entries.ok()) << (entries.ok() ? "" : entries.error().text);
  std::vector<std::string> ids;
  if (entries.ok())
    for (auto const& entry : *entries) ids.push_back(entry.id);
  return ids;
}

// A refused look is over at once, so what a camera may take is no number of looks.
std::chrono::steady_clock::time_point after_a_minute() {
  return std::chrono::steady_clock::now() + std::chrono::minutes(1);
}

// The configuration, as soon as the web server answers again after its restart.
DeviceResult<HttpsConfig> once_back(Bench& bench, Driver& driver) {
  auto config = bench.wait(driver.get_https());
  for (auto const end = after_a_minute(); !config.ok() && std::chrono::steady_clock::now() < end;) {
    bench.wait_for(std::chrono::milliseconds(10));
    config = bench.wait(driver.get_https());
  }
  return config;
}

// ---- the whole way, for each generation ----------------------------------------------------------------------------

class DriverSuite : public testing::TestWithParam<char const*> {};
INSTANTIATE_TEST_SUITE_P(Generations, DriverSuite, testing::Values("G1", "G2", "G3", "G4", "G6", "G7"),
                         [](auto const& param) { return std::string(param.param); });

bool is_rest(std::string_view generation) { return generation == "G6" || generation == "G7"; }

TEST_P(DriverSuite, EnrolsRenewsAndCleansUp) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  EXPECT_EQ((*driver)->identity().serial, camera.info.serial);
  EXPECT_EQ((*driver)->identity().firmware, camera.info.firmware);
  EXPECT_EQ((*driver)->identity().vendor, "AXIS");
  EXPECT_FALSE((*driver)->identity().model.empty());
  EXPECT_EQ((*driver)->capabilities().driver, is_rest(GetParam()) ? "axis_rest" : "axis_soap");
  EXPECT_EQ((*driver)->capabilities().three_policies, std::string_view(GetParam()) == "G1");

  auto const first_spec = camera.spec();
  auto const first = enrol(camera, **driver, first_spec);
  ASSERT_TRUE(first.good()) << first.text();
  EXPECT_EQ(first.outcome, SwitchOutcome::accepted);
  EXPECT_TRUE(first.served->serial_checked);
  bool const leaf_only = std::string_view(GetParam()) <= "G3";
  EXPECT_EQ(first.served->chain_state, leaf_only ? ServedChain::incomplete : ServedChain::complete);
  if (is_rest(GetParam())) {
    EXPECT_EQ(first.key->csr.names, camera.names);
    EXPECT_EQ(first.installed->chain, ChainUpload::complete);
    EXPECT_EQ(first.key->csr.key.type(), x509::KeyType::ec_p256);
  } else {
    EXPECT_FALSE(first.key->csr.has_subject_alt_name);
    EXPECT_EQ(first.key->csr.key.type(), x509::KeyType::rsa);
  }

  // The old pin is void; from here on only our own roots.
  (*driver)->set_trust(camera.our_trust());
  auto const second = enrol(camera, **driver, camera.spec());
  ASSERT_TRUE(second.good()) << second.text();
  EXPECT_EQ(second.before->certificate_id(), first.installed->id);
  EXPECT_NE(second.installed->id, first.installed->id);

  // Nothing but the certificate changed; what was Http became HttpAndHttps with the first switch.
  auto const after = bench.wait((*driver)->get_https());
  ASSERT_TRUE(after.ok()) << after.error().text;
  EXPECT_EQ(after->ciphers, first.before->ciphers);
  EXPECT_EQ(after->policies, first.before->with_certificate("x").policies);

  auto const removed = bench.wait((*driver)->remove(first.installed->id));
  EXPECT_TRUE(removed.ok()) << removed.error().text;
  EXPECT_TRUE(bench.wait((*driver)->remove(first.installed->id)).ok()) << "a second time is success too";
  auto const in_use = bench.wait((*driver)->remove(second.installed->id));
  ASSERT_FALSE(in_use.ok());
  EXPECT_EQ(in_use.error().code, DeviceErrc::id_in_use);
  auto const ids = certificate_ids(**driver, bench);
  EXPECT_THAT(ids, Contains(second.installed->id));
  EXPECT_THAT(ids, Not(Contains(first.installed->id)));
  EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{});
}

TEST_P(DriverSuite, EveryStepMayBeDoneTwice) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  auto const spec = camera.spec();
  auto const key = bench.wait((*driver)->create_key_and_csr(spec));
  ASSERT_TRUE(key.ok()) << key.error().text;
  auto const again = bench.wait((*driver)->create_key_and_csr(spec));
  ASSERT_TRUE(again.ok()) << again.error().text;
  EXPECT_TRUE(key->csr.key == again->csr.key);

  auto const chain = bench.certify(key->csr.key, camera.names);
  auto const installed = bench.wait((*driver)->install_certificate(spec.id, key->csr.key, chain));
  ASSERT_TRUE(installed.ok()) << installed.error().text;
  auto const installed_again = bench.wait((*driver)->install_certificate(spec.id, key->csr.key, chain));
  ASSERT_TRUE(installed_again.ok()) << installed_again.error().text;
  EXPECT_EQ(installed->id, installed_again->id);
  EXPECT_EQ(installed->ca_ids, installed_again->ca_ids);

  auto const before = bench.wait((*driver)->get_https());
  ASSERT_TRUE(before.ok()) << before.error().text;
  auto const next = before->with_certificate(installed->id, installed->ca_ids);
  ASSERT_TRUE(bench.wait((*driver)->set_https(next)).ok());
  auto const expected = camera.expectation(key->csr.key);
  ASSERT_TRUE(bench.wait(bench.devices->verify_served(camera.endpoint, expected, driver->get()))->good(expected));
  (*driver)->set_trust(camera.our_trust());
  ASSERT_TRUE(bench.wait((*driver)->set_https(next)).ok());
  auto const served = bench.wait(bench.devices->verify_served(camera.endpoint, expected, driver->get()));
  ASSERT_TRUE(served.ok());
  EXPECT_TRUE(served->good(expected)) << served->text;
}

TEST_P(DriverSuite, RollsBackToTheSnapshot) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto const first_trust = camera.first_trust();
  auto driver = camera.open(first_trust);
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  auto const done = enrol(camera, **driver, camera.spec());
  ASSERT_TRUE(done.good()) << done.text();

  // The snapshot comes out of the journal.
  auto const snapshot = HttpsConfig::from_text(done.before->to_text());
  ASSERT_TRUE(snapshot.ok());
  (*driver)->set_trust(camera.our_trust());
  auto const back = bench.wait((*driver)->set_https(*snapshot));
  ASSERT_TRUE(back.ok()) << back.error().text;
  (*driver)->set_trust(first_trust);
  auto const now = once_back(bench, **driver);
  ASSERT_TRUE(now.ok()) << now.error().text;
  EXPECT_EQ(bench.camsim.info(camera.info.serial).spki_sha256, camera.info.spki_sha256);
  EXPECT_EQ(*now, *snapshot);
}

TEST_P(DriverSuite, NeverRemovesWhatIsNotOurs) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  auto const ids = certificate_ids(**driver, bench);
  for (auto const& id : ids) {
    auto const removed = bench.wait((*driver)->remove(id));
    ASSERT_FALSE(removed.ok()) << id;
    EXPECT_EQ(removed.error().code, DeviceErrc::id_in_use) << id;
  }
  EXPECT_EQ(certificate_ids(**driver, bench), ids);
}

// A certificate of ours that somebody has given to another service stays, until that service has another one.
TEST_P(DriverSuite, KeepsWhatAnotherServiceUses) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  auto const spec = camera.spec();
  ASSERT_TRUE(bench.wait((*driver)->create_key_and_csr(spec)).ok());
  for (char const* set : {"EAPTLS_WIRED", "mqtt_client"}) {
    SCOPED_TRACE(set);
    bench.camsim.cert_set(camera.info.serial, set, {spec.id});
    auto const entries = bench.wait((*driver)->list_certificates());
    ASSERT_TRUE(entries.ok()) << entries.error().text;
    auto const own = std::find_if(entries->begin(), entries->end(), [&](auto const& e) { return e.id == spec.id; });
    ASSERT_NE(own, entries->end());
    EXPECT_THAT(own->used_by, testing::ElementsAre(set));
    auto const kept = bench.wait((*driver)->remove(spec.id));
    ASSERT_FALSE(kept.ok());
    EXPECT_EQ(kept.error().code, DeviceErrc::id_in_use);
    EXPECT_THAT(kept.error().text, HasSubstr(set));
    EXPECT_THAT(certificate_ids(**driver, bench), Contains(spec.id));
    bench.camsim.cert_set(camera.info.serial, set, {});
  }
  auto const removed = bench.wait((*driver)->remove(spec.id));
  EXPECT_TRUE(removed.ok()) << removed.error().text;
  EXPECT_THAT(certificate_ids(**driver, bench), Not(Contains(spec.id)));
}

// ---- firmware of AXIS OS 11.6 to 11.10
// -------------------------------------------------------------------------------

TEST(AxisRest, BetaApiIsChangedByPut) {
  Bench bench;
  json::Object switches;
  switches.set("rest", "v1beta")
      .set("discover", "beta")
      .set("rest_set_verb", "PUT")
      .set("rest_version", "1.0.0-beta.1");
  Camera camera(bench, device_of("G6", switches));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  EXPECT_EQ((*driver)->capabilities().driver, "axis_rest");
  EXPECT_TRUE((*driver)->capabilities().rest_put);
  auto const done = enrol(camera, **driver, camera.spec());
  EXPECT_TRUE(done.good()) << done.text();
  EXPECT_THAT(bench.camsim.operations(camera.info.serial), Contains("PUT certificates/{alias}"));
}

// Announced, and not at work: the key is made over SOAP, and the rest of the way goes on as it should.
TEST(AxisRest, MakesTheKeyOverSoapWhenItCannotOtherwise) {
  Bench bench;
  for (char const* type : {"EC-P256", "RSA-2048"}) {
    json::Object switches;
    switches.set("soap_key_type", type);
    Camera camera(bench, device_of("G7", switches));
    bench.camsim.faults(camera.info.serial, R"([{"id":"F5","status":500,"operation":"POST create_certificate"}])");
    auto const done = enrol(camera);
    ASSERT_TRUE(done.good()) << type << ": " << done.text();
    EXPECT_EQ(done.key->csr.names, camera.names) << type;
    EXPECT_EQ(done.installed->chain, ChainUpload::complete) << type;
    EXPECT_EQ(done.key->csr.key.type() == x509::KeyType::rsa, std::string_view(type) == "RSA-2048");
    auto const seen = bench.camsim.operations(camera.info.serial);
    EXPECT_THAT(seen, Contains("CreateCertificate2"));
    EXPECT_THAT(seen, Contains("POST certificates/{alias}/get_csr"));
    EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{});
  }
}

TEST(AxisRest, TakesTheNextKeyTypeWhenTheKeystoreHasNoEc) {
  Bench bench;
  json::Object switches;
  switches.set("keystores", "TPM0:STRONG:RSA-2048").set("default_keystore", "TPM0");
  Camera camera(bench, device_of("G6", switches));
  auto const done = enrol(camera);
  ASSERT_TRUE(done.good()) << done.text();
  EXPECT_EQ(done.key->csr.key.type(), x509::KeyType::rsa);
}

TEST(AxisRest, AChainThatIsNotTakenWholeIsStoredInParts) {
  Bench bench;
  for (char const* position : {"reject", "accept_leaf_only"}) {
    json::Object switches;
    switches.set("chain_patch", position);
    Camera camera(bench, device_of("G7", switches));
    auto const done = enrol(camera);
    ASSERT_TRUE(done.good()) << position << ": " << done.text();
    EXPECT_EQ(done.installed->chain, ChainUpload::separate) << position;
    EXPECT_EQ(done.installed->ca_ids.size(), 1u) << position;
    EXPECT_EQ(done.served->chain_state, ServedChain::complete) << position << ": sent from the set's CA certificates";
  }
}

TEST(AxisSoap, TakesANewIdWhenTheOldOneIsRefused) {
  Bench bench;
  json::Object switches;
  switches.set("load_certificates", "match_key");
  Camera camera(bench, device_of("G3", switches));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  bench.camsim.faults(camera.info.serial, R"([{"id":"F24","operation":"LoadCertificates","count":1}])");
  auto const done = enrol(camera, **driver, camera.spec());
  ASSERT_TRUE(done.good()) << done.text();
  EXPECT_EQ(done.installed->id, done.key->id + "-c");
  EXPECT_TRUE(is_our_id(done.installed->id));
}

// ---- logins
// ----------------------------------------------------------------------------------------------------------

json::Object user_list(std::string const& password, std::vector<std::string> const& groups) {
  json::Object user;
  user.set("password", password).set("groups", json::Value::strings(groups));
  json::Object users;
  users.set("root", std::move(user));
  return users;
}

// Requests that carried a login.
int logins(Bench& bench, std::string const& serial) {
  auto const journal = bench.camsim.journal(serial);
  int count = 0;
  for (json::Value const& entry : *journal.find("entries")->as_array())
    if (!entry.as_object()->find("auth_used")->as_string()->empty()) ++count;
  return count;
}

TEST_P(DriverSuite, AWrongPasswordIsSentOnce) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto const trust = camera.first_trust();
  camera.login.password = SecretBytes("wrong");
  for (int run = 0; run < 3; ++run) {
    auto const driver = camera.open(trust);
    ASSERT_FALSE(driver.ok());
    EXPECT_EQ(driver.error().code, DeviceErrc::auth_failed);
    EXPECT_EQ(driver.error().retry, Retry::never);
    EXPECT_THAT(driver.error().text, Not(HasSubstr("wrong")));
  }
  EXPECT_EQ(logins(bench, camera.info.serial), 1);
}

TEST_P(DriverSuite, NothingSecretGoesToAnUnknownKey) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  Trust trust;
  trust.pins.push_back(Sha256{});
  auto const driver = camera.open(trust);
  ASSERT_FALSE(driver.ok());
  bool const has_https = std::string_view(GetParam()) != "G1";
  EXPECT_EQ(driver.error().code, has_https ? DeviceErrc::tls_untrusted : DeviceErrc::unreachable);
  EXPECT_EQ(logins(bench, camera.info.serial), 0);
}

TEST_P(DriverSuite, AnotherSerialStopsEverything) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto const trust = camera.first_trust();
  auto const driver = bench.wait(bench.devices->open(camera.endpoint, camera.login, trust, "ACCC8E000000"));
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.error().code, DeviceErrc::wrong_device);
  EXPECT_EQ(driver.error().retry, Retry::never);
  if (std::string_view(GetParam()) == "G1") {
    EXPECT_EQ(logins(bench, camera.info.serial), 0) << "over plain HTTP the realm says so before the login";
  }
}

TEST_P(DriverSuite, AViewerIsRefusedWithoutASecondTry) {
  for (char const* status : {"401", "403"}) {
    Bench bench;
    camsim::NewDevice device = device_of(GetParam());
    device.switches.set("low_role_status", status);
    device.users = user_list("pass", {"viewer"});
    Camera camera(bench, device);
    auto const done = enrol(camera);
    ASSERT_TRUE(done.error) << status << ": " << done.text();
    EXPECT_THAT(done.error->code, testing::AnyOf(DeviceErrc::not_admin, DeviceErrc::auth_failed)) << done.text();
    EXPECT_EQ(done.error->retry, Retry::never);
  }
}

TEST(Login, BasicIsNeverSentOverPlainHttp) {
  Bench bench;
  json::Object switches;
  switches.set("auth_policy", "basic");
  Camera camera(bench, device_of("G1", switches));
  auto const done = enrol(camera);
  ASSERT_TRUE(done.error) << done.text();
  EXPECT_EQ(done.error->code, DeviceErrc::auth_failed);
  EXPECT_THAT(done.error->text, HasSubstr("Basic over plain HTTP; the password was not sent"));
  EXPECT_EQ(logins(bench, camera.info.serial), 0);
  EXPECT_FALSE(camera.login.refused);
  EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{});
}

TEST(Login, EveryPolicyWorksInsideTls) {
  Bench bench;
  for (char const* policy : {"basic", "digest", "basic_digest", "recommended"}) {
    json::Object switches;
    switches.set("auth_policy", policy);
    Camera camera(bench, device_of("G4", switches));
    auto const done = enrol(camera);
    EXPECT_TRUE(done.good()) << policy << ": " << done.text();
    EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{}) << policy;
  }
}

// ---- first looks
// -------------------------------------------------------------------------------------------------------

TEST_P(DriverSuite, ALookSendsNoLoginAndSeesTheCertificate) {
  Bench bench;
  Camera camera(bench, device_of(GetParam()));
  auto const look = bench.wait(bench.devices->look(camera.endpoint));
  ASSERT_TRUE(look.ok()) << look.error().text;
  EXPECT_EQ(look->serial, camera.info.serial);
  EXPECT_TRUE(look->http.open);
  EXPECT_EQ(look->http.scheme, AuthScheme::digest);
  EXPECT_EQ(look->https.open, camera.info.https_on);
  if (camera.info.https_on) {
    ASSERT_FALSE(look->peer.empty());
    EXPECT_EQ(to_hex(look->peer.front().key().spki_hash()), camera.info.spki_sha256);
    EXPECT_EQ(look->https.scheme, AuthScheme::basic);
  }
  ASSERT_TRUE(look->clock_offset);
  EXPECT_LT(std::chrono::abs(*look->clock_offset), Seconds(30));
  EXPECT_EQ(logins(bench, camera.info.serial), 0);
}

TEST(Look, TellsTheClock) {
  Bench bench;
  Camera camera(bench, device_of("G3"));
  bench.camsim.clock(camera.info.serial, 86'400);
  auto const look = bench.wait(bench.devices->look(camera.endpoint));
  ASSERT_TRUE(look.ok() && look->clock_offset);
  EXPECT_LT(std::chrono::abs(*look->clock_offset - kDay), Seconds(30));
}

TEST(Open, OldFirmwareIsKnownButUnsupported) {
  Bench bench;
  Camera camera(bench, device_of("G0"));
  auto const trust = camera.first_trust();
  auto const identity = bench.wait(bench.devices->identify(camera.endpoint, camera.login, trust));
  ASSERT_TRUE(identity.ok()) << identity.error().text;
  EXPECT_EQ(identity->serial, camera.info.serial);
  EXPECT_EQ(identity->firmware, camera.info.firmware);
  auto const driver = camera.open(trust);
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.error().code, DeviceErrc::no_driver);
  EXPECT_THAT(driver.error().text, HasSubstr("5.70"));
}

TEST(Open, AFactoryResetIsSeenBeforeTheLogin) {
  Bench bench;
  Camera camera(bench, device_of("G7"));
  bench.camsim.action(camera.info.serial, "factorydefault");
  // It goes down in its own time, and comes back with another certificate than the one that was looked at just before.
  auto const is_on_its_way = [](DeviceErrc code) {
    return code == DeviceErrc::unreachable || code == DeviceErrc::busy_timeout || code == DeviceErrc::tls_untrusted;
  };
  DeviceErrc code = DeviceErrc::unreachable;
  for (auto const end = after_a_minute(); is_on_its_way(code) && std::chrono::steady_clock::now() < end;) {
    auto const driver = camera.open(camera.first_trust());
    ASSERT_FALSE(driver.ok());
    code = driver.error().code;
    bench.wait_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(code, DeviceErrc::needs_setup);
  EXPECT_FALSE(camera.login.refused);
}

// ---- traps
// -------------------------------------------------------------------------------------------------------------

struct Trap {
  std::string_view name;
  std::string_view fault;  // members of the fault beside "operation"
  std::string_view rest;   // operation on AXIS OS 11.11
  std::string_view soap;   // operation on 9.80
  std::string_view step;   // where it is noticed
  DeviceErrc code;
  bool ends_by_time = false;  // the camera says nothing more
};

Trap const kTraps[] = {
    {"F1 refused", R"("id":"F1")", "", "", "open", DeviceErrc::unreachable},
    {"F2 silent", R"("id":"F2")", "", "", "open", DeviceErrc::unreachable, true},
    {"F2 silent later", R"("id":"F2")", "POST certificates/{alias}/get_csr", "GetPkcs10Request2", "create_key_and_csr",
     DeviceErrc::unreachable, true},
    {"F3 reset", R"("id":"F3","bytes":40)", "PATCH certificates/{alias}", "LoadCertificates", "install_certificate",
     DeviceErrc::unreachable},
    {"F4 drip", R"("id":"F4")", "POST create_certificate", "CreateCertificate2", "create_key_and_csr",
     DeviceErrc::unreachable, true},
    {"F5 500", R"("id":"F5","status":500)", "POST certificates/{alias}/get_csr", "CreateCertificate2",
     "create_key_and_csr", DeviceErrc::busy_timeout},
    {"F5 502", R"("id":"F5","status":502)", "PATCH certificates/{alias}", "LoadCertificates", "install_certificate",
     DeviceErrc::busy_timeout},
    {"F5 503", R"("id":"F5","status":503)", "GET certificates/{alias}", "GetCertificates", "create_key_and_csr",
     DeviceErrc::busy_timeout},
    {"F5 503 at once", R"("id":"F5","status":503)", "", "", "open", DeviceErrc::busy_timeout},
    {"F6 garbage", R"("id":"F6")", "POST certificates/{alias}/get_csr", "GetPkcs10Request2", "create_key_and_csr",
     DeviceErrc::bad_answer},
    {"F6 garbage at the switch", R"("id":"F6")", "SetWebServerTlsConfiguration", "SetWebServerTlsConfiguration",
     "set_https", DeviceErrc::bad_answer},
    {"F7 64 MiB", R"("id":"F7")", "GET certificates/{alias}", "GetCertificates", "create_key_and_csr",
     DeviceErrc::bad_answer},
    {"F8 entities", R"("id":"F8")", "GetWebServerTlsConfiguration", "GetWebServerTlsConfiguration", "get_https",
     DeviceErrc::bad_answer},
    {"F23 stores nothing", R"("id":"F23")", "PATCH certificates/{alias}", "LoadCertificates", "install_certificate",
     DeviceErrc::bad_certificate},
    {"F24 refuses the key", R"("id":"F24")", "PATCH certificates/{alias}", "LoadCertificates", "install_certificate",
     DeviceErrc::key_mismatch},
    {"F25 old one stays", R"("id":"F25")", "SetWebServerTlsConfiguration", "SetWebServerTlsConfiguration",
     "verify_served", DeviceErrc::switched_but_not_served},
    {"F26 never back", R"("id":"F26")", "SetWebServerTlsConfiguration", "SetWebServerTlsConfiguration", "verify_served",
     DeviceErrc::switched_but_not_served},
    {"F27 factory one", R"("id":"F27")", "SetWebServerTlsConfiguration", "SetWebServerTlsConfiguration",
     "verify_served", DeviceErrc::switched_but_not_served},
    {"F33 reboot before", R"("id":"F33","when":"before")", "POST create_certificate", "CreateCertificate2",
     "create_key_and_csr", DeviceErrc::unreachable},
};

TEST(Traps, EachGivesItsError) {
  DeviceTimeouts impatient;
  impatient.look = impatient.usual = impatient.make_key = std::chrono::milliseconds(1500);
  Bench quick(0, impatient);
  Bench usual;
  for (std::string const generation : {"G6", "G3"}) {
    for (Trap const& trap : kTraps) {
      auto& bench = trap.ends_by_time ? quick : usual;
      std::string const what = generation + " " + std::string(trap.name);
      Camera camera(bench, device_of(generation));
      camera.patience = Seconds(1);
      auto const trust = camera.first_trust();
      std::string const operation(generation == "G6" ? trap.rest : trap.soap);
      std::string const fault = "[{" + std::string(trap.fault) + ",\"operation\":\"" + operation + "\"}]";
      Enrolled done;
      done.step = "open";
      if (trap.step == "open") bench.camsim.faults(camera.info.serial, fault);
      auto driver = camera.open(trust);
      if (driver.ok()) {
        bench.camsim.faults(camera.info.serial, fault);
        done = enrol(camera, **driver, camera.spec());
      } else {
        done.error = driver.error();
      }
      ASSERT_TRUE(done.error) << what << ": " << done.text();
      EXPECT_EQ(done.error->code, trap.code) << what << ": " << done.text();
      EXPECT_EQ(done.step, trap.step) << what << ": " << done.text();
      EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{}) << what;
      bench.camsim.remove(camera.info.serial);
    }
  }
}

TEST(Traps, ALostAnswerToTheSwitchIsNoFailure) {
  Bench bench;
  for (std::string const generation : {"G6", "G3"}) {
    Camera camera(bench, device_of(generation));
    bench.camsim.faults(camera.info.serial, R"([{"id":"F28","operation":"SetWebServerTlsConfiguration","count":1}])");
    auto const done = enrol(camera);
    ASSERT_TRUE(done.good()) << generation << ": " << done.text();
    EXPECT_EQ(done.outcome, SwitchOutcome::answer_lost) << generation;
  }
}

// The HTTP client asks again, and the repetition is refused because the first was obeyed.
TEST(Traps, ALostAnswerToAnythingStoredIsNoFailure) {
  struct {
    char const* generation;
    char const* operation;
    char const* chain_patch;
  } const cases[] = {{"G3", "CreateCertificate2", "accept_serve"},
                     {"G4", "LoadCACertificates", "accept_serve"},
                     {"G6", "POST create_certificate", "accept_serve"},
                     {"G7", "PATCH certificates/{alias}", "accept_serve"},
                     {"G7", "POST ca_certificates", "accept_leaf_only"}};
  for (auto const& c : cases) {
    SCOPED_TRACE(std::string(c.generation) + " " + c.operation);
    Bench bench;
    json::Object switches;
    switches.set("chain_patch", c.chain_patch).set("rest_exists", "400");
    Camera camera(bench, device_of(c.generation, switches));
    bench.camsim.faults(camera.info.serial,
                        R"([{"id":"F28","count":1,"operation":")" + std::string(c.operation) + "\"}]");
    auto const done = enrol(camera);
    ASSERT_TRUE(done.good()) << done.text();
    bool const sends_chain = std::string_view(c.generation) >= "G4";
    EXPECT_EQ(done.served->chain_state, sends_chain ? ServedChain::complete : ServedChain::incomplete);
    auto const seen = bench.camsim.operations(camera.info.serial);
    EXPECT_GE(std::count(seen.begin(), seen.end(), c.operation), 2) << "asked again";
  }
}

TEST(Traps, ALongRestartIsWaitedFor) {
  Bench bench(0.01);  // 120 s become 1.2 s
  Camera camera(bench, device_of("G6"));
  auto driver = camera.open(camera.first_trust());
  ASSERT_TRUE(driver.ok()) << driver.error().text;
  bench.camsim.faults(camera.info.serial,
                      R"([{"id":"F29","operation":"SetWebServerTlsConfiguration","count":1,"seconds":120}])");
  auto const done = enrol(camera, **driver, camera.spec());
  ASSERT_TRUE(done.good()) << done.text();
  EXPECT_GT(done.served->tries, 2) << "it was looked at while nobody answered";
}

TEST(Traps, AfterARebootTheStepIsRepeated) {
  Bench bench;
  for (std::string const generation : {"G6", "G3"}) {
    for (std::string const when : {"before", "after"}) {
      Camera camera(bench, device_of(generation));
      auto driver = camera.open(camera.first_trust());
      ASSERT_TRUE(driver.ok()) << driver.error().text;
      std::string const operation = generation == "G6" ? "POST create_certificate" : "CreateCertificate2";
      bench.camsim.faults(camera.info.serial,
                          R"([{"id":"F33","count":1,"when":")" + when + R"(","operation":")" + operation + "\"}]");
      auto const spec = camera.spec();
      auto key = bench.wait((*driver)->create_key_and_csr(spec));
      for (auto const end = after_a_minute(); !key.ok() && std::chrono::steady_clock::now() < end;) {
        bench.wait_for(std::chrono::milliseconds(10));
        key = bench.wait((*driver)->create_key_and_csr(spec));
      }
      ASSERT_TRUE(key.ok()) << generation << " " << when << ": " << key.error().text;
      auto const done = enrol(camera, **driver, spec);
      EXPECT_TRUE(done.good()) << generation << " " << when << ": " << done.text();
    }
  }
}

// HTTPS is gone: only plain HTTP, to which the operator agreed, leads back.
TEST(Traps, RollsBackThroughHttpWhenHttpsIsGone) {
  Bench bench;
  for (std::string const generation : {"G6", "G3"}) {
    Camera camera(bench, device_of(generation));
    auto const pinned = camera.first_trust();
    auto driver = camera.open(pinned);
    ASSERT_TRUE(driver.ok()) << driver.error().text;
    bench.camsim.faults(camera.info.serial, R"([{"id":"F26","operation":"SetWebServerTlsConfiguration","count":1}])");
    auto const before = bench.wait((*driver)->get_https());
    ASSERT_TRUE(before.ok());
    auto const spec = camera.spec();
    auto const key = bench.wait((*driver)->create_key_and_csr(spec));
    ASSERT_TRUE(key.ok()) << key.error().text;
    ASSERT_TRUE(bench.wait((*driver)->set_https(before->with_certificate(spec.id))).ok());
    auto over_tls = bench.wait((*driver)->get_https());
    for (int i = 0; i < 50 && over_tls.ok(); ++i) over_tls = bench.wait((*driver)->get_https());
    ASSERT_FALSE(over_tls.ok());

    Trust trust = pinned;
    trust.plain_http = true;
    (*driver)->set_trust(trust);
    auto const found = once_back(bench, **driver);
    ASSERT_TRUE(found.ok()) << found.error().text;
    ASSERT_TRUE(bench.wait((*driver)->set_https(*before)).ok());
    (*driver)->set_trust(pinned);
    auto const back = once_back(bench, **driver);
    ASSERT_TRUE(back.ok()) << generation << ": " << back.error().text;
    EXPECT_EQ(*back, *before);
    EXPECT_EQ(bench.camsim.flags(camera.info.serial), camsim::Flags{});
  }
}

}  // namespace
}  // namespace lenscap::agent
