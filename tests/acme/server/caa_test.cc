// CAA (RFC 8659, 8657) over the wire: after validation, and at issuance when that is long ago.
#include "tests/acme/server/proving.h"

namespace lenscap::acme::test {
namespace {

using fakes::dns_caa;
using fakes::kDnsCaa;

class CaaStrict : public Proving {
 protected:
  explicit CaaStrict(std::string const& mode = "strict") : Proving("caa = \"" + mode + "\"\n") {
    dns.set("cam1.cams.example", {"127.0.0.1"});
    failures = 0;
  }
  void set_caa(std::string const& name, std::vector<std::string> records) {
    dns.set_records(name, kDnsCaa, std::move(records));
  }
  // Proves the name anew by http-01; "valid", or the type of the problem.
  std::string prove(std::string const& host = "cam1.cams.example") {
    auto const order = client.new_order({host});
    auto const url = first_text(order.object(), "authorizations");
    auto const challenge_url = challenge_of(url, "http-01");
    client.post(challenge_url, "{}");
    auto const done = wait_for(url);
    if (done.text("status") == "valid") {
      client.post(url, R"({"status":"deactivated"})");  // the next order proves it again
      return "valid";
    }
    auto const challenge = first_challenge(done);
    auto const type = json::need_string(*challenge.find("error")->as_object(), "type").value();
    return type.substr(type.rfind(':') + 1);
  }
  bool is_logged(std::string_view event, std::string_view text) {
    for (auto const& line : server.log_lines())
      if (line.find(event) != line.npos && line.find(text) != line.npos) return true;
    return false;
  }
};
class CaaLenient : public CaaStrict {
 protected:
  CaaLenient() : CaaStrict("lenient") {}
};
class CaaOff : public CaaStrict {
 protected:
  CaaOff() : CaaStrict("off") {}
};

TEST_F(CaaStrict, TheDirectoryNamesTheCa) {  // 8555-7.1.1-2
  auto const directory = server.get(server.app->settings.urls.directory()).object();
  auto const meta = *directory.find("meta")->as_object();
  EXPECT_EQ(json::need_strings(meta, "caaIdentities").value(), std::vector<std::string>{"pki.cams.example"});
}

TEST_F(CaaStrict, AtValidation) {  // 8659-3-1, 8659-4-1, 8657-3-1
  EXPECT_EQ(prove(), "valid");     // no records anywhere
  set_caa("example", {dns_caa("issue", "ca.invalid")});
  EXPECT_EQ(prove(), "caa");
  set_caa("cams.example", {dns_caa("issue", "pki.cams.example")});  // nearer
  EXPECT_EQ(prove(), "valid");
  set_caa("cam1.cams.example", {dns_caa("issue", ";"), dns_caa("iodef", "mailto:owner@cams.example")});
  EXPECT_EQ(prove(), "caa");
  EXPECT_TRUE(is_logged("caa.refused", "mailto:owner@cams.example"));
  set_caa("cam1.cams.example", {dns_caa("issue", "pki.cams.example; accounturi=" + client.kid)});
  EXPECT_EQ(prove(), "valid");
  set_caa("cam1.cams.example", {dns_caa("issue", "pki.cams.example; accounturi=" + client.kid + "0")});
  EXPECT_EQ(prove(), "caa");
  set_caa("cam1.cams.example", {dns_caa("issue", "pki.cams.example; validationmethods=http-01")});
  EXPECT_EQ(prove(), "valid");
  set_caa("cam1.cams.example", {dns_caa("issue", "pki.cams.example; validationmethods=dns-01")});
  EXPECT_EQ(prove(), "caa");
}

TEST_F(CaaStrict, CnameIsFollowed) {  // 8659-3-1
  dns.set("host.other.example", {"127.0.0.1"});
  dns.set_cname("cam2.cams.example", "host.other.example");
  EXPECT_EQ(prove("cam2.cams.example"), "valid");
  set_caa("other.example", {dns_caa("issue", ";")});  // above the target: not on the way up from the name
  EXPECT_EQ(prove("cam2.cams.example"), "valid");
  set_caa("host.other.example", {dns_caa("issue", ";")});
  EXPECT_EQ(prove("cam2.cams.example"), "caa");
}

TEST_F(CaaStrict, ALookUpThatFailsRefuses) {  // B-16
  dns.fail("cams.example", 2);
  EXPECT_EQ(prove(), "caa");
  EXPECT_TRUE(is_logged("caa.not_found_out", "cams.example"));
  // What is nearer decides, and nothing above it is asked for.
  set_caa("cam1.cams.example", {dns_caa("issue", "pki.cams.example")});
  EXPECT_EQ(prove(), "valid");
}

TEST_F(CaaLenient, ALookUpThatFailsPasses) {  // B-16
  dns.fail("cams.example", 2);
  EXPECT_EQ(prove(), "valid");
  EXPECT_TRUE(is_logged("caa.not_found_out", "cams.example"));
  dns.fail("cams.example", 0);
  set_caa("cams.example", {dns_caa("issue", ";")});
  EXPECT_EQ(prove(), "caa");
}

TEST_F(CaaOff, NobodyIsAsked) {
  set_caa("cam1.cams.example", {dns_caa("issue", ";")});
  EXPECT_EQ(prove(), "valid");
  for (auto const& asked : dns.asked()) EXPECT_FALSE(asked.starts_with("257 ")) << asked;
  auto const directory = server.get(server.app->settings.urls.directory()).object();
  EXPECT_EQ(directory.find("meta")->as_object()->find("caaIdentities"), nullptr);
}

TEST_F(CaaStrict, AddressesHaveNone) {
  EXPECT_EQ(prove("127.0.0.1"), "valid");
  EXPECT_EQ(dns.questions(), 0);
}

TEST_F(CaaStrict, AtIssuanceWhenValidationIsLongAgo) {
  auto const order = client.new_order({"cam1.cams.example", "127.0.0.1"});
  auto const urls = json::need_strings(order.object(), "authorizations").value();
  for (auto const& url : urls) {
    client.post(challenge_of(url, "http-01"), "{}");
    EXPECT_EQ(wait_for(url).text("status"), "valid");
  }
  auto const order_url = order.header("Location");
  set_caa("cam1.cams.example", {dns_caa("issue", ";")});
  server.clock.advance(8 * kHour);
  auto const refused = client.finalize(order_url, {"cam1.cams.example", "127.0.0.1"});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.problem(), "caa") << refused.body;
  EXPECT_EQ(client.read(order_url).text("status"), "ready");  // the owner may change his mind
  set_caa("cam1.cams.example", {});
  EXPECT_EQ(client.finalize(order_url, {"cam1.cams.example", "127.0.0.1"}).text("status"), "valid");
}

TEST_F(CaaStrict, NotAtIssuanceWhenItWasJustValidated) {
  auto const order = client.new_order({"cam1.cams.example"});
  auto const url = first_text(order.object(), "authorizations");
  client.post(challenge_of(url, "http-01"), "{}");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  auto const questions = dns.questions();
  server.clock.advance(7 * kHour);
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("status"), "valid");
  EXPECT_EQ(dns.questions(), questions);
}

// Granted names are proved by nobody; their zones are asked at every issuance.
TEST_F(CaaStrict, GrantedNames) {
  auto agent = granted_client(server);
  set_caa("cams.example", {dns_caa("issue", "pki.cams.example; validationmethods=http-01")});
  auto const order = agent.new_order({"cam1.cams.example", "cam2.cams.example"});
  ASSERT_EQ(order.text("status"), "ready") << order.body;
  auto const refused = agent.finalize(order.header("Location"), {"cam1.cams.example", "cam2.cams.example"});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.object().find("subproblems")->as_array()->size(), 2u) << refused.body;
  set_caa("cams.example", {dns_caa("issue", "pki.cams.example; validationmethods=ca-granted")});
  EXPECT_EQ(agent.finalize(order.header("Location"), {"cam1.cams.example", "cam2.cams.example"}).text("status"),
            "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
