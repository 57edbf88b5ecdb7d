// What nobody has published of cameras is a switch of the simulator, and an enrolment has to go well, or be refused
// with nothing changed, in every position of each. A switch says something only where it makes a difference: each
// stands here with the situation in which it does, and the difference is demanded. Those that can make none, because of
// what the agent never does, are the second table; for them it is demanded that there is none.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/agent/devices/bench.h"

namespace lenscap::agent {
namespace {

using testing::Contains;
using testing::Not;

// ---- what can be seen of a walk -----------------------------------------------------------------------------------

// Distinct lines, so that how often something was tried again makes no difference.
using Trace = std::set<std::string>;

std::string text_of(json::Object const& object, std::string_view name) {
  json::Value const* value = object.find(name);
  if (value == nullptr) return {};
  return value->as_string() != nullptr ? *value->as_string() : json::write(*value);
}

std::vector<json::Object> objects_of(json::Object const& object, std::string_view name) {
  std::vector<json::Object> all;
  for (json::Value const& item : *object.find(name)->as_array()) all.push_back(*item.as_object());
  return all;
}

// Our ids differ each time: "ours", "ours-c", "our issuer".
std::string without_digits(std::string const& id) {
  if (id.starts_with("lenscap-ca-")) return "our issuer";
  constexpr std::size_t kLength = std::string_view("lenscap-1f0c9a7e").size();
  return is_our_id(id) ? "ours" + id.substr(std::min(kLength, id.size())) : id;
}

std::multiset<std::string> ids_on(Camera& camera) {
  std::multiset<std::string> ids;
  json::Object const state = camera.bench.camsim.state(camera.info.serial);
  for (char const* list : {"certificates", "ca_certificates"})
    for (json::Object const& entry : objects_of(state, list)) ids.insert(text_of(entry, "alias"));
  return ids;
}

std::string served_by(Camera& camera) { return camera.bench.camsim.info(camera.info.serial).certificate_sha256; }

// ---- walks ----------------------------------------------------------------------------------------------------------

struct Row;

struct Walk {
  Bench& bench;
  Camera camera;
  Row const& row;
  Enrolled done{};  // of the last attempt
  Trace seen{};

  void set_faults();

  // An enrolment. One that is refused leaves the camera as it was, once our unfinished key is removed.
  void attempt(Driver& driver, KeySpec const& spec) {
    auto const ids = ids_on(camera);
    std::string const served = served_by(camera);
    done = enrol(camera, driver, spec);
    if (!done.error) return;
    if (done.step != "get_https") {
      auto const removed = bench.wait(driver.remove(spec.id));
      EXPECT_TRUE(removed.ok()) << removed.error().text;
    }
    EXPECT_EQ(ids_on(camera), ids) << done.text();
    EXPECT_EQ(served_by(camera), served) << done.text();
  }
  std::unique_ptr<Driver> open() {
    auto driver = camera.open(camera.first_trust());
    if (driver.ok()) return *std::move(driver);
    done.step = "open";
    done.error = driver.error();
    return nullptr;
  }
  void see_all();
};

using Way = void (*)(Walk&);

void first_enrolment(Walk& walk) {
  if (auto const driver = walk.open()) walk.attempt(*driver, walk.camera.spec());
}

// A second certificate after the first, which is then removed.
void renewal(Walk& walk) {
  auto const driver = walk.open();
  ASSERT_NE(driver, nullptr) << walk.done.text();
  walk.attempt(*driver, walk.camera.spec());
  ASSERT_TRUE(walk.done.good()) << walk.done.text();
  Enrolled const first = walk.done;
  driver->set_trust(walk.camera.our_trust());
  walk.set_faults();
  walk.attempt(*driver, walk.camera.spec());
  if (walk.done.error) return;
  EXPECT_EQ(walk.done.before->with_certificate("x").policies, first.before->with_certificate("x").policies);
  for (std::string const& id : {first.installed->id, first.key->id}) {
    auto const removed = walk.bench.wait(driver->remove(id));
    EXPECT_TRUE(removed.ok()) << removed.error().text;
    EXPECT_THAT(ids_on(walk.camera), Not(Contains(id)));
  }
}

// Nobody may be locked out: what is served is not removed, whatever the camera would do.
void removal_of_what_is_served(Walk& walk) {
  auto const driver = walk.open();
  ASSERT_NE(driver, nullptr) << walk.done.text();
  walk.attempt(*driver, walk.camera.spec());
  ASSERT_TRUE(walk.done.good()) << walk.done.text();
  driver->set_trust(walk.camera.our_trust());
  auto const ids = ids_on(walk.camera);
  auto const removed = walk.bench.wait(driver->remove(walk.done.installed->id));
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().code, DeviceErrc::id_in_use);
  EXPECT_EQ(ids_on(walk.camera), ids);
  EXPECT_EQ(served_by(walk.camera), to_hex(walk.done.chain.front().fingerprint()));
}

// The camera reboots before the key is made; then everything once more, as the runner does it.
void after_a_reboot(Walk& walk) {
  auto driver = walk.open();
  ASSERT_NE(driver, nullptr) << walk.done.text();
  unsigned const starts = walk.bench.camsim.starts(walk.camera.info.serial);
  auto const key = walk.bench.wait(driver->create_key_and_csr(walk.camera.spec()));
  ASSERT_FALSE(key.ok());
  walk.bench.camsim.wait_for_start(walk.camera.info.serial, starts);
  driver = walk.open();
  ASSERT_NE(driver, nullptr) << walk.done.text();
  auto const offset = driver->identity().clock_offset;
  ASSERT_TRUE(offset);
  walk.seen.insert(*offset < -kDay ? "clock far behind" : "clock right");
  walk.attempt(*driver, walk.camera.spec());
}

void as_viewer(Walk& walk) {
  json::Object user;
  user.set("password", "pass").set("groups", json::Value::strings({"viewer"}));
  json::Object users;
  users.set("root", std::move(user));
  walk.bench.camsim.users(walk.camera.info.serial, users);
  first_enrolment(walk);
}

// ---- the table ------------------------------------------------------------------------------------------------------

struct Refusal {
  std::string_view position;
  DeviceErrc code;
};

struct Row {
  std::string name;
  std::string_view generations;
  Way way = first_enrolment;
  std::vector<std::string> positions{};       // empty: all that the simulator tells
  std::map<std::string, std::string> with{};  // other switches
  std::string_view faults = "[]";
  std::vector<Refusal> refusals{};
  int unknown_elements = 0;  // that are meant, at most
};

constexpr std::string_view kAll = "G1 G2 G3 G4 G6 G7";
constexpr std::string_view kSoap = "G1 G2 G3 G4";
constexpr std::string_view kRest = "G6 G7";
constexpr std::string_view kInstallRefusedOnce = R"([{"id":"F24","operation":"LoadCertificates","count":1}])";
constexpr std::string_view kInstallRefused = R"([{"id":"F24","operation":"PATCH certificates/{alias}"}])";
constexpr std::string_view kKeyLost = R"([{"id":"F28","operation":"POST create_certificate","count":1}])";
constexpr std::string_view kRebootAtSoap =
    R"([{"id":"F33","operation":"CreateCertificate2","when":"before","count":1}])";
constexpr std::string_view kRebootAtRest =
    R"([{"id":"F33","operation":"POST create_certificate","when":"before","count":1}])";

// Each with the situations in which every position makes a difference.
std::vector<Row> const& rows() {
  static std::vector<Row> const all = {
      // roles in the policies, and what a get shows of them
      {.name = "policies_required", .generations = "G1", .with = {{"policies_shown", "admin"}}},
      {.name = "policies_extra",
       .generations = "G2 G3 G4 G6 G7",
       .with = {{"policies_shown", "all"}},
       .unknown_elements = 1},
      {.name = "policies_shown", .generations = "G1", .positions = {"same", "admin"}},
      {.name = "policies_shown", .generations = "G3 G4 G7", .positions = {"same", "all"}, .unknown_elements = 1},
      {.name = "web_server_cas", .generations = kSoap},
      {.name = "web_server_cas", .generations = kRest, .with = {{"chain_patch", "reject"}}},
      // statuses of refusals: only where there is one
      {.name = "soap_fault_status",
       .generations = kSoap,
       .with = {{"load_certificates", "match_key"}},
       .faults = kInstallRefusedOnce},
      {.name = "rest_wrong_verb", .generations = kRest, .with = {{"rest", "v1beta"}, {"discover", "beta"}}},
      {.name = "rest_exists", .generations = kRest, .faults = kKeyLost},
      {.name = "rest_mismatch",
       .generations = kRest,
       .faults = kInstallRefused,
       .refusals = {{"400", DeviceErrc::key_mismatch}, {"409", DeviceErrc::key_mismatch}}},
      {.name = "low_role_status",
       .generations = kAll,
       .way = as_viewer,
       .refusals = {{"401", DeviceErrc::auth_failed}, {"403", DeviceErrc::not_admin}}},
      // what a hardened camera does on its other port
      {.name = "http_under_https",
       .generations = kAll,
       .way = renewal,
       .with = {{"factory_policy", "Https"}, {"https_factory", "on"}, {"factory_certificate", "self_signed"}}},
      {.name = "digest_qop", .generations = kAll, .with = {{"https_factory", "off"}}},
      {.name = "digest_qop", .generations = "G2 G7", .with = {{"auth_policy", "digest"}}},
      // TLS
      {.name = "factory_certificate", .generations = "G4 G6 G7", .with = {{"https_factory", "on"}}},
      {.name = "tls_max", .generations = "G1 G2 G3", .way = renewal, .positions = {"1.0", "1.1", "1.2"}},
      {.name = "tls_max", .generations = "G4 G6 G7", .way = renewal, .positions = {"1.2", "1.3"}},
      {.name = "ca_set_served", .generations = "G4"},
      {.name = "ca_set_served", .generations = kRest, .with = {{"chain_patch", "accept_leaf_only"}}},
      {.name = "ca_store_served", .generations = "G4", .with = {{"ca_set_served", "off"}}},
      {.name = "ca_store_served", .generations = "G4", .with = {{"web_server_cas", "refuse"}}},
      // the store of certificates
      {.name = "soap_key_type", .generations = "G4"},
      {.name = "soap_key_type", .generations = "G1 G2 G3", .refusals = {{"EC-P256", DeviceErrc::keytype_unsupported}}},
      {.name = "id_length_max", .generations = kSoap, .positions = {"32", "16"}},  // 16: no issuer beside it
      {.name = "id_length_max", .generations = kRest, .positions = {"32", "16"}, .with = {{"chain_patch", "reject"}}},
      {.name = "id_length_max",
       .generations = kSoap,
       .positions = {"128", "8"},
       .refusals = {{"8", DeviceErrc::bad_certificate}}},
      {.name = "id_length_max",
       .generations = kRest,
       .positions = {"128", "8"},
       .refusals = {{"8", DeviceErrc::key_generation_failed}}},
      {.name = "max_certificates",
       .generations = "G2 G3",
       .way = renewal,
       .positions = {"3", "2"},
       .refusals = {{"2", DeviceErrc::store_full}}},
      {.name = "max_certificates",
       .generations = "G6",
       .way = renewal,
       .positions = {"5", "4"},
       .refusals = {{"4", DeviceErrc::store_full}}},
      {.name = "load_certificates",
       .generations = kSoap,
       .faults = kInstallRefusedOnce,
       .refusals = {{"same_id", DeviceErrc::key_mismatch}}},
      {.name = "match_key_leaves",
       .generations = kSoap,
       .way = renewal,
       .with = {{"load_certificates", "match_key"}},
       .faults = kInstallRefusedOnce},
      {.name = "chain_patch", .generations = kRest},
      {.name = "csr_digest", .generations = kAll, .refusals = {{"sha1", DeviceErrc::bad_csr}}},
      {.name = "rtc", .generations = kSoap, .way = after_a_reboot, .faults = kRebootAtSoap},
      {.name = "rtc", .generations = kRest, .way = after_a_reboot, .faults = kRebootAtRest},
  };
  return all;
}

// Switches that cannot make a difference, and why.
struct Idle {
  Row row;
  std::string_view because;
};
std::vector<Idle> const& idle_rows() {
  static std::vector<Idle> const all = {
      {{.name = "unknown_element", .generations = kAll}, "the agent sends no element that its operation does not have"},
      {{.name = "rest_unknown_field", .generations = kRest}, "nor a member of JSON"},
      {{.name = "unknown_cipher", .generations = kAll, .way = renewal}, "it sends back the list that it has read"},
      {{.name = "csr_names_copied", .generations = kRest}, "it always says which names the request is to carry"},
      {{.name = "reload_on_patch", .generations = kRest, .way = renewal},
       "it installs under a new id and never over what is served"},
      {{.name = "delete_in_use_soap", .generations = kSoap, .way = removal_of_what_is_served},
       "it looks who uses a certificate before it asks for its removal"},
      {{.name = "delete_in_use_rest", .generations = kRest, .way = removal_of_what_is_served}, "the same"},
      {{.name = "nonce_count", .generations = kAll, .with = {{"https_factory", "off"}}},
       "each request has a nonce of its own"},
      {{.name = "tls_min", .generations = "G1 G2 G3", .positions = {"1.0", "1.1", "1.2"}},
       "both sides agree on the newest version"},
      {{.name = "tls_min", .generations = kRest, .positions = {"1.0", "1.2", "1.3"}}, "the same"},
  };
  return all;
}

// Switches of times, which mean nothing where nothing waits: see the last tests of this file.
std::set<std::string> const kTimes = {"restart_after_ms",  "restart_ms", "keygen_ec_ms", "keygen_rsa2048_ms",
                                      "keygen_rsa4096_ms", "reboot_ms",  "boot_ms",      "throttle_answer"};

void Walk::set_faults() { bench.camsim.faults(camera.info.serial, row.faults); }

void Walk::see_all() {
  json::Object const journal = bench.camsim.journal(camera.info.serial);
  for (json::Object const& entry : objects_of(journal, "entries")) {
    std::string line;
    for (char const* name :
         {"listener", "tls_version", "operation", "auth_used", "auth_qop", "auth_offered", "status", "fault"})
      line += text_of(entry, name) + " ";
    seen.insert(line);
  }
  for (std::string const& id : ids_on(camera)) seen.insert("holds " + without_digits(id));
  seen.insert(done.error ? "refused: " + std::string(to_string(done.error->code)) : "enrolled");
  if (done.served && done.served->chain_state == ServedChain::complete) seen.insert("chain complete");
  if (done.key) seen.insert("key " + std::string(x509::to_string(done.key->csr.key.type())));
}

std::vector<json::Object> simulator_switches(Bench& bench) {
  json::Limits limits;
  limits.bytes = 1024 * 1024;
  limits.members = 10'000;
  auto const all = json::parse_object(bench.camsim.call("GET", "/switches").body, limits);
  EXPECT_TRUE(all.ok());
  return objects_of(*all, "switches");
}

std::vector<std::string> positions_of(Bench& bench, Row const& row) {
  if (!row.positions.empty()) return row.positions;
  std::vector<std::string> positions;
  for (json::Object const& known : simulator_switches(bench)) {
    if (text_of(known, "name") != row.name) continue;
    for (json::Value const& choice : *known.find("choices")->as_array()) {
      bool const* flag = choice.as_bool();
      positions.push_back(flag != nullptr                 ? (*flag ? "on" : "off")
                          : choice.as_string() != nullptr ? *choice.as_string()
                                                          : json::write(choice));
    }
  }
  return positions;
}

Trace walk_in(Bench& bench, Row const& row, std::string const& generation, std::string const& position) {
  camsim::NewDevice device;
  device.generation = generation;
  for (auto const& [name, value] : row.with) device.switches.set(name, value);
  device.switches.set(row.name, position);
  Walk walk{.bench = bench, .camera = Camera(bench, device), .row = row};
  walk.set_faults();
  row.way(walk);
  auto const refusal = std::find_if(row.refusals.begin(), row.refusals.end(),
                                    [&](Refusal const& candidate) { return candidate.position == position; });
  if (refusal == row.refusals.end()) {
    EXPECT_TRUE(walk.done.good()) << walk.done.text();
  } else {
    EXPECT_TRUE(walk.done.error) << walk.done.text();
    if (walk.done.error) {
      EXPECT_EQ(walk.done.error->code, refusal->code) << walk.done.text();
    }
  }
  auto const flags = bench.camsim.flags(walk.camera.info.serial);
  EXPECT_LE(flags.unknown_element, row.unknown_elements);
  EXPECT_EQ(flags, (camsim::Flags{.unknown_element = flags.unknown_element}));
  walk.see_all();
  bench.camsim.remove(walk.camera.info.serial);
  return walk.seen;
}

class Switches : public testing::TestWithParam<char const*> {};
INSTANTIATE_TEST_SUITE_P(Generations, Switches, testing::Values("G1", "G2", "G3", "G4", "G6", "G7"),
                         [](auto const& param) { return std::string(param.param); });

TEST_P(Switches, EveryPositionWhereItMakesADifference) {
  Bench bench;
  for (Row const& row : rows()) {
    if (row.generations.find(GetParam()) == std::string_view::npos) continue;
    std::map<Trace, std::string> seen;
    for (std::string const& position : positions_of(bench, row)) {
      SCOPED_TRACE(row.name + "=" + position);
      auto const [other, is_new] = seen.emplace(walk_in(bench, row, GetParam(), position), position);
      EXPECT_TRUE(is_new) << "no difference to " << other->second;
    }
    EXPECT_GE(seen.size(), 2u) << row.name;
  }
}

TEST_P(Switches, EveryPositionOfThoseThatMakeNone) {
  Bench bench;
  for (auto const& [row, because] : idle_rows()) {
    if (row.generations.find(GetParam()) == std::string_view::npos) continue;
    std::optional<Trace> first;
    for (std::string const& position : positions_of(bench, row)) {
      SCOPED_TRACE(row.name + "=" + position);
      Trace const trace = walk_in(bench, row, GetParam(), position);
      if (!first) first = trace;
      EXPECT_EQ(trace, *first) << "and yet " << because;
    }
    EXPECT_TRUE(first) << row.name;
  }
}

// The column of the simulator's table and the tables here say the same.
TEST(SwitchTable, HasEverySwitchThatEnrolmentTouches) {
  Bench bench;
  std::set<std::string> different = kTimes;
  std::set<std::string> idle;
  for (Row const& row : rows()) different.insert(row.name);
  for (auto const& [row, because] : idle_rows()) idle.insert(row.name);
  std::set<std::string> assumed;
  for (json::Object const& known : simulator_switches(bench)) {
    std::string const name = text_of(known, "name");
    if (text_of(known, "assumed") != "true") continue;
    assumed.insert(name);
    EXPECT_EQ(text_of(known, "enrolment") == "true", different.contains(name)) << name;
  }
  for (std::string const& name : idle) {
    EXPECT_TRUE(assumed.contains(name)) << name;
    EXPECT_FALSE(different.contains(name)) << name;
  }
}

// ---- times ----------------------------------------------------------------------------------------------------------

camsim::NewDevice device_with(std::string const& generation, json::Object switches) {
  camsim::NewDevice device;
  device.generation = generation;
  device.switches = std::move(switches);
  return device;
}

TEST(Times, ARestartOfAnyLengthIsWaitedFor) {
  Bench bench(1);
  for (char const* generation : {"G3", "G7"}) {
    for (int const after : {0, 700}) {
      for (int const gap : {0, 900}) {
        SCOPED_TRACE(std::string(generation) + " " + std::to_string(after) + " " + std::to_string(gap));
        json::Object switches{{"restart_after_ms", after}, {"restart_ms", gap}};
        switches.set("keygen_ec_ms", 0).set("keygen_rsa2048_ms", 0);
        Camera camera(bench, device_with(generation, switches));
        auto const done = enrol(camera);
        ASSERT_TRUE(done.good()) << done.text();
        EXPECT_GE(done.switch_time.count(), after + gap) << "before that the old certificate is served, or none";
      }
    }
  }
}

// Longer than anything else may take, and longer than a Digest nonce lives.
TEST(Times, AKeyMayTakeLong) {
  struct {
    char const* generation;
    char const* kind;
    char const* keystores;  // empty: its own
  } const cases[] = {
      {"G1", "keygen_rsa2048_ms", ""}, {"G7", "keygen_ec_ms", ""}, {"G7", "keygen_rsa4096_ms", "TPM0:STRONG:RSA-4096"}};
  DeviceTimeouts timeouts;
  timeouts.usual = std::chrono::milliseconds(6000);
  constexpr int kLongMs = 7000;
  Bench bench(1, timeouts);
  for (auto const& c : cases) {
    SCOPED_TRACE(std::string(c.generation) + " " + c.kind);
    json::Object switches{{"restart_ms", 0}, {"restart_after_ms", 0}, {"nonce_lifetime_s", 3}};
    switches.set(c.kind, kLongMs);
    if (*c.keystores != 0) switches.set("keystores", c.keystores).set("default_keystore", "TPM0");
    Camera camera(bench, device_with(c.generation, switches));
    auto const done = enrol(camera);
    ASSERT_TRUE(done.good()) << done.text();
    EXPECT_GE(done.key_time.count(), kLongMs);
  }
}

// Somebody else tried passwords from our address. What the camera then says to ours is no word about it.
TEST(Throttle, ABlockIsNoWrongPassword) {
  DeviceTimeouts timeouts;
  timeouts.blocked = std::chrono::seconds(6);
  Bench bench(0, timeouts);
  struct {
    char const* answer;
    int block_ms;
    DeviceErrc code;
  } const cases[] = {{"401", 5000, DeviceErrc::auth_throttled},
                     {"403", 5000, DeviceErrc::auth_throttled},
                     {"drop", 600'000, DeviceErrc::unreachable},
                     {"401", 600'000, DeviceErrc::auth_failed}};  // no block lasts that long
  for (auto const& c : cases) {
    SCOPED_TRACE(std::string(c.answer) + " " + std::to_string(c.block_ms));
    json::Object switches{{"throttle", true}, {"throttle_failures", 0}, {"throttle_block_ms", c.block_ms}};
    switches.set("throttle_answer", c.answer);
    Camera camera(bench, device_with("G7", switches));
    auto const trust = camera.first_trust();
    net::ClientRequest guess;
    guess.url = camera.info.https_url + "/axis-cgi/param.cgi?action=list&group=Brand";
    guess.trust = net::Trust::pin(trust.pins.front());
    guess.allow_weak_tls = true;
    guess.auth = net::HttpAuth::any_but_basic_on_plain;
    guess.user = "root";
    guess.password = SecretBytes("guess");
    auto const guessed = bench.wait(bench.http.fetch(std::move(guess)));
    ASSERT_TRUE(guessed.ok() && guessed->status == 401);

    auto const blocked = camera.open(trust);
    ASSERT_FALSE(blocked.ok());
    EXPECT_EQ(blocked.error().code, c.code) << blocked.error().text;
    bool const judged = c.code == DeviceErrc::auth_failed;
    EXPECT_EQ(camera.login.refused, judged);
    if (judged) continue;
    EXPECT_EQ(blocked.error().retry, Retry::later);
    bench.camsim.clock(camera.info.serial, 3600);  // it is over
    auto const done = enrol(camera);
    EXPECT_TRUE(done.good()) << done.text();
  }
}

TEST(Times, ARebootIsWaitedForUntilTheCameraIsReady) {
  Bench bench(1);
  constexpr int kRebootMs = 600;
  constexpr int kBootMs = 900;
  for (char const* generation : {"G3", "G7"}) {
    SCOPED_TRACE(generation);
    json::Object switches{{"restart_ms", 0}, {"restart_after_ms", 0}, {"reboot_ms", kRebootMs}, {"boot_ms", kBootMs}};
    switches.set("keygen_ec_ms", 0).set("keygen_rsa2048_ms", 0);
    Camera camera(bench, device_with(generation, switches));
    auto const trust = camera.first_trust();
    auto const start = std::chrono::steady_clock::now();
    bench.camsim.action(camera.info.serial, "reboot");
    auto driver = camera.open(trust);
    EXPECT_FALSE(driver.ok());
    for (int i = 0; i < 2000 && !driver.ok(); ++i) {
      EXPECT_THAT(driver.error().code, testing::AnyOf(DeviceErrc::unreachable, DeviceErrc::busy_timeout));
      bench.wait_for(std::chrono::milliseconds(10));
      driver = camera.open(trust);
    }
    ASSERT_TRUE(driver.ok()) << driver.error().text;
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(kRebootMs + kBootMs));
    EXPECT_TRUE(enrol(camera, **driver, camera.spec()).good());
  }
}

}  // namespace
}  // namespace lenscap::agent
