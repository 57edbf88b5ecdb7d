// The page docs/become-an-intermediate.md: an administrator copies its blocks one after the other, and they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/machine.h"
#include "tests/e2e/page.h"
#include "tests/fakes/corporation.h"

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kPage = "become-an-intermediate.md";

class BecomeAnIntermediate : public ::testing::Test {
 protected:
  void SetUp() override {
    corporation_.shell("cp root.pem '" + machine_.path("corporate-root.pem") + "'");
    corporation_.shell("cp root.key '" + machine_.path("corporate-root.key") + "'");
  }

  fakes::Corporation corporation_;
  e2e::Machine machine_{"the issuing key's words\n"};
};

TEST_F(BecomeAnIntermediate, ByARequestThatTheCorporationSigns) {
  auto const script = e2e::script_of_sections(kPage, {"Have a request signed", "Ask what it would issue"});
  ASSERT_THAT(script, HasSubstr("issuer install"));
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));  // the directory, by TLS that the corporate root vouches for
  EXPECT_THAT(ran.out, HasSubstr("www.bank.example would not be issued"));
  EXPECT_THAT(ran.err, Not(HasSubstr("warning")));
}

TEST_F(BecomeAnIntermediate, ByAKeyThatTheCorporationMade) {
  auto const script = e2e::script_of_sections(kPage, {"Work with a key that the corporation made"});
  ASSERT_THAT(script, HasSubstr("issuer import"));
  machine_.write_private("words", "words of another house\n");
  corporation_.issue_with_key();
  corporation_.shell("openssl pkcs12 -export -inkey issuing.key -in issuing.pem -passout file:" +
                     machine_.path("words") + " -out '" + machine_.path("issuing.pfx") + "'");
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.err, HasSubstr("no certificate of the chain has name constraints"));
}

TEST_F(BecomeAnIntermediate, ByAKeyThatSignsOnce) {
  auto const script = e2e::script_of_sections(kPage, {"Have a key sign that you hold yourself"});
  ASSERT_THAT(script, HasSubstr("root import"));
  auto const ran = machine_.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.err, Not(HasSubstr("warning")));
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));
}

}  // namespace
}  // namespace lenscap
