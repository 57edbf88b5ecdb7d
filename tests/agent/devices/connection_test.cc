// Whom a connection speaks to, against a simulated camera that has HTTPS and plain HTTP.
#include "agent/devices/shared/connection.h"

#include <gtest/gtest.h>

#include "tests/agent/devices/bench.h"

namespace lenscap::agent {
namespace {

// Plain HTTP that was agreed to stands in for TLS that does not answer. It is no way round a key that is not believed:
// whoever sits in between could otherwise show any key and have the login over HTTP.
TEST(Connection, AKeyThatIsNotBelievedIsNoReasonForPlainHttp) {
  Bench bench;
  Camera camera(bench, {.generation = "G7"});
  for (bool const other_key_known : {false, true}) {
    Trust trust;
    trust.plain_http = true;
    if (other_key_known) trust.pins.push_back(Sha256{});
    auto const driver = camera.open(trust);
    ASSERT_FALSE(driver.ok());
    EXPECT_EQ(driver.error().code, DeviceErrc::tls_untrusted);
  }
  json::Object const journal = bench.camsim.journal(camera.info.serial);
  for (json::Value const& entry : *journal.find("entries")->as_array())
    EXPECT_EQ(*entry.as_object()->find("auth_used")->as_string(), "") << "no login at all";

  Trust trust;
  trust.plain_http = true;
  camera.endpoint.https_port = 1;  // where nothing answers
  EXPECT_TRUE(camera.open(trust).ok());
}

}  // namespace
}  // namespace lenscap::agent
