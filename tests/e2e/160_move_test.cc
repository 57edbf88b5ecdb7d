// An agent leaves one CA for another: it keeps its cameras and their passwords, gives each a certificate of the new CA,
// and until a camera has that, the old one goes on being served and being believed. One camera does not take the
// switch at first: it is rolled back to the old CA's certificate, and moved at the next try. Only then is the former
// account forgotten.
#include <gmock/gmock.h>

#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Move, CameraByCameraAndBackWhenItGoesWrong) {
  Site old;
  Site next({}, {}, nullptr, old.network(24));
  Agent agent(old, "plant", "verify_for = \"6s\"\nverify_while_away = \"12s\"\n");
  agent.join();
  auto const good = old.camera("G7");
  auto const stubborn = old.camera("G3");
  ASSERT_EQ(agent.add({good, stubborn}).code, 0);
  ASSERT_EQ(agent.run({"enroll", "--all"}).code, 0);
  auto const first = old.served(stubborn);

  auto const word = next.join_word(Site::whole_scope());
  Ran const plain = agent.join_with(word);
  EXPECT_EQ(plain.code, 5) << "nobody moves by accident: " << plain.all();
  EXPECT_THAT(plain.err, HasSubstr("--replace"));
  Ran const joined = agent.run({"join", "--replace", "-"}, word + "\n");
  ASSERT_EQ(joined.code, 0) << joined.all();
  EXPECT_THAT(joined.out, AllOf(HasSubstr("Joined " + next.url()), HasSubstr("2 cameras")));
  for (auto const& camera : {good, stubborn}) {
    EXPECT_THAT(text(agent.status_of(camera), "moves_from"), HasSubstr(old.url()));
    EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0) << "the old CA is believed meanwhile";
  }

  old.camsim().faults(stubborn.serial, R"([{"id":"F25","operation":"SetWebServerTlsConfiguration","count":1}])");
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 3) << "one of two";
  EXPECT_EQ(next.judge(good, host_name(good), true), "");
  EXPECT_NE(old.judge(good, host_name(good), true), "") << "it is not the old CA's any more";
  EXPECT_EQ(text(agent.status_of(good), "moves_from"), "");
  EXPECT_EQ(old.served(stubborn), first) << "rolled back";
  EXPECT_EQ(old.judge(stubborn, host_name(stubborn), false), "");
  EXPECT_THAT(text(agent.status_of(stubborn), "moves_from"), HasSubstr(old.url()));
  EXPECT_EQ(agent.run({"verify", stubborn.serial}).code, 0);
  Ran const again = agent.run({"join", "--replace", "-"}, old.join_word(Site::whole_scope()) + "\n");
  EXPECT_EQ(again.code, 5) << again.all();
  EXPECT_THAT(again.err, HasSubstr("still to be moved"));

  Ran const moved = agent.run({"enroll", stubborn.serial});
  ASSERT_EQ(moved.code, 0) << moved.all();
  EXPECT_EQ(next.judge(stubborn, host_name(stubborn), false), "");
  EXPECT_EQ(text(agent.status_of(stubborn), "moves_from"), "");
  EXPECT_EQ(old.ours_on(good).size(), 1U) << "the old CA's certificate is removed";
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 0);
  for (auto* site : {&old, &next}) {
    EXPECT_EQ(site->stop_server(), 0) << site->server_log();
    EXPECT_THAT(site->leaks(), IsEmpty());
  }
}

}  // namespace
}  // namespace lenscap::e2e
