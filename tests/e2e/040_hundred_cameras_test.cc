// A hundred cameras of three generations are added in one command and enrolled in another, eight at a time: each ends
// with a certificate of its own, and what each serves is the certificate that the agent and the CA have for it.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class HundredCameras : public SiteTest {};

TEST_F(HundredCameras, EachGetsItsOwn) {
  Agent agent(site(), "hundred", {}, 8);
  agent.join();
  std::vector<Camera> cameras = site().cameras("G7", 45);
  for (Camera const& camera : site().cameras("G6", 45)) cameras.push_back(camera);
  for (Camera const& camera : site().cameras("G3", 10)) cameras.push_back(camera);
  Ran const added = agent.add(cameras);
  ASSERT_EQ(added.code, 0) << added.err;

  int code = -1;
  auto const results = objects(agent.run_json({"enroll", "--all"}, &code), "results");
  EXPECT_EQ(code, 0);
  ASSERT_THAT(results, SizeIs(100));
  for (json::Object const& result : results) EXPECT_EQ(text(result, "status"), "Finished") << json::write(result);

  Ran const status = agent.run({"status"});
  EXPECT_EQ(status.code, 0);
  EXPECT_THAT(status.out, HasSubstr("100 devices: 100 OK"));
  auto const rows = objects(agent.run_json({"status"}), "devices");
  EXPECT_THAT(objects(site().ca_json({"cert", "list", "--limit", "1000"}), "certificates"), SizeIs(testing::Ge(100)));
  std::set<std::string> keys;
  for (Camera const& camera : cameras) {
    camsim::DeviceInfo const now = site().camsim().info(camera.serial);
    json::Object const* row = find_row(rows, "mac", camera.serial);
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(text(*row, "fingerprint"), now.certificate_sha256);
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
    keys.insert(now.spki_sha256);
  }
  EXPECT_THAT(keys, SizeIs(100)) << "no two share a key";
  // Strangers believe one in ten of them, and the agent itself verifies those anew.
  for (std::size_t i = 0; i < cameras.size(); i += 10) {
    Camera const& camera = cameras[i];
    EXPECT_EQ(site().judge(camera, host_name(camera), camera.generation >= "G4"), "") << camera.generation;
    EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);
    EXPECT_THAT(site().issued_for(host_name(camera)), SizeIs(1));
  }
}

}  // namespace
}  // namespace lenscap::e2e
