#include "agent/devices/shared/axis_auth.h"

#include <gtest/gtest.h>

#include "tests/agent/devices/served_data.h"

namespace lenscap::agent {
namespace {

net::Headers challenges(std::vector<std::string> const& values) {
  net::Headers headers;
  for (auto const& value : values) headers.add("www-authenticate", value);
  return headers;
}

TEST(OfferedScheme, DigestBeforeBasic) {
  EXPECT_EQ(offered_scheme(challenges({})), AuthScheme::none);
  EXPECT_EQ(offered_scheme(challenges({R"(Basic realm="AXIS_ACCC8E000001")"})), AuthScheme::basic);
  EXPECT_EQ(offered_scheme(challenges({R"(Basic realm="x")", R"(digest realm="x", nonce="y")"})), AuthScheme::digest);
  EXPECT_EQ(offered_scheme(challenges({R"(Basic realm="x", Digest realm="x", nonce="y")"})), AuthScheme::digest);
  EXPECT_EQ(offered_scheme(challenges({"Negotiate"})), AuthScheme::other);
  EXPECT_EQ(offered_scheme(challenges({"Digestive x"})), AuthScheme::other);
}

TEST(LoginRule, BasicNeverOverPlainHttpWhateverTheDeviceSays) {
  EXPECT_EQ(login_rule(false), net::HttpAuth::digest);
  EXPECT_EQ(login_rule(true), net::HttpAuth::any_but_basic_on_plain);
  EXPECT_FALSE(login_was_sent(false, AuthScheme::basic));
  EXPECT_TRUE(login_was_sent(false, AuthScheme::digest));
  EXPECT_TRUE(login_was_sent(true, AuthScheme::basic));
  EXPECT_FALSE(login_was_sent(true, AuthScheme::other));
}

struct JudgeCase {
  std::string_view name;
  std::vector<std::string> served;
  std::vector<std::string> pins;
  bool roots = false;
  bool issuer = false;
  std::vector<std::string> dns;
  std::string_view refusal;  // part of it; empty: believed
};

TEST(JudgePeer, PinOrChainAndAllNames) {
  JudgeCase const cases[] = {
      {"pinned self-signed", {"self_signed"}, {"self_signed"}, false, false, {}, ""},
      {"one of two pins", {"self_signed"}, {"camera", "self_signed"}, false, false, {}, ""},
      {"pinned although expired", {"expired"}, {"expired"}, false, false, {}, ""},
      {"other key than the pin", {"camera"}, {"self_signed"}, false, false, {}, "another key"},
      {"nothing known", {"self_signed"}, {}, false, false, {}, "none is known"},
      {"full chain", {"camera", "issuer"}, {}, true, false, {"cam.example.test"}, ""},
      {"leaf alone, issuer held", {"camera"}, {}, true, true, {"cam.example.test"}, ""},
      {"leaf alone, issuer unknown", {"camera"}, {}, true, false, {"cam.example.test"}, "not ours"},
      {"other root", {"foreign"}, {}, true, true, {"cam.example.test"}, "not ours"},
      {"expired", {"expired"}, {}, true, true, {"cam.example.test"}, "not ours"},
      {"other name",
       {"camera"},
       {},
       true,
       true,
       {"cam.example.test", "b.example.test"},
       "does not name b.example.test"},
      {"no name expected", {"camera"}, {}, true, true, {}, "no name is expected"},
      {"wrong pin but our chain", {"camera"}, {"self_signed"}, true, true, {"cam.example.test"}, ""},
  };
  for (JudgeCase const& c : cases) {
    Trust trust;
    for (auto const& pin : c.pins) trust.pins.push_back(served_certificate(pin).key().spki_hash());
    if (c.roots) trust.roots.push_back(served_certificate("root"));
    if (c.issuer) trust.intermediates.push_back(served_certificate("issuer"));
    trust.names = names_of(c.dns, {});
    std::vector<x509::Certificate> served;
    for (auto const& name : c.served) served.push_back(served_certificate(name));
    auto const key = judge_peer(trust, served, served.front().key().spki_hash(), kIn2030);
    if (c.refusal.empty()) {
      ASSERT_TRUE(key.ok()) << c.name << ": " << key.error().text;
      EXPECT_EQ(*key, served.front().key().spki_hash()) << c.name;
    } else {
      ASSERT_FALSE(key.ok()) << c.name;
      EXPECT_EQ(key.error().code, DeviceErrc::tls_untrusted) << c.name;
      EXPECT_EQ(key.error().retry, Retry::never) << c.name;
      EXPECT_NE(key.error().text.find(c.refusal), std::string::npos) << c.name << ": " << key.error().text;
    }
  }
}

TEST(JudgePeer, APinNeedsNoCertificateThatParses) {
  Trust trust;
  trust.pins.push_back(served_certificate("camera").key().spki_hash());
  EXPECT_TRUE(judge_peer(trust, {}, trust.pins.front(), kIn2030).ok());
  EXPECT_FALSE(judge_peer(trust, {}, std::nullopt, kIn2030).ok());
}

}  // namespace
}  // namespace lenscap::agent
