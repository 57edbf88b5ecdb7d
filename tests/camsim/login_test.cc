// Logins: the challenge per port, Digest without qop, stale nonces, wrong passwords, roles, the first account.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr char const* kList = "/axis-cgi/param.cgi?action=list&group=Brand";

TEST(Challenge, SchemePerPolicyAndPort) {
  struct {
    char const* policy;
    char const* http;
    char const* https;
  } const cases[] = {{"basic", "Basic", "Basic"},
                     {"digest", "Digest", "Digest"},
                     {"basic_digest", "Digest", "Digest"},
                     {"recommended", "Digest", "Basic"}};
  Process camsim;
  for (auto const& c : cases) {
    SCOPED_TRACE(c.policy);
    DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"auth_policy", c.policy}}});
    EXPECT_THAT(curl({}, camera.http_url + kList).headers["www-authenticate"], StartsWith(c.http));
    EXPECT_THAT(curl({"-k"}, camera.https_url + kList).headers["www-authenticate"], StartsWith(c.https));
    EXPECT_EQ(Client(camera.https_url).get(kList).status, 200) << "curl --anyauth finds its way";
  }
}

TEST(Challenge, SpellingOfOldAndNewFirmware) {
  Process camsim;
  DeviceInfo const old = camsim.add({.generation = "G3"});
  EXPECT_THAT(
      curl({}, old.http_url + kList).headers["www-authenticate"],
      MatchesRegex("Digest realm=\"AXIS_" + old.serial + "\", nonce=\"[0-9a-f]{8}Y[0-9a-f]{32}\", stale=FALSE"));
  DeviceInfo const young = camsim.add({.generation = "G7"});
  auto const form = [&](char const* stale) {
    return MatchesRegex("Digest realm=\"AXIS_" + young.serial +
                        "\", nonce=\"[A-Za-z0-9+/]+=[0-9a-f]{40}\", algorithm=MD5, stale=" + stale + ", qop=\"auth\"");
  };
  EXPECT_THAT(curl({}, young.http_url + kList).headers["www-authenticate"], form("true")) << "the very first one";
  EXPECT_THAT(curl({}, young.http_url + kList).headers["www-authenticate"], form("false"));
}

TEST(Digest, WithAndWithoutQop) {
  Process camsim;
  for (bool const qop : {false, true}) {
    DeviceInfo const camera = camsim.add({.generation = "G4", .switches = {{"digest_qop", qop}}});
    EXPECT_EQ(curl({"--digest", "-u", "root:pass"}, camera.http_url + kList).status, 200);
    json::Object const journal = camsim.journal(camera.serial);
    EXPECT_EQ(json_text(*journal.find("entries")->as_array()->back().as_object(), "auth_qop"), qop ? "true" : "false");
    EXPECT_EQ(curl({"--digest", "-u", "root:wrong"}, camera.http_url + kList).status, 401);
    EXPECT_EQ(curl({"--digest", "-u", "nobody:pass"}, camera.http_url + kList).status, 401);
  }
}

TEST(Digest, RefusedOnAPortThatWantsBasic) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  WebAnswer const answer = curl({"-k", "--digest", "-u", "root:pass"}, camera.https_url + kList);
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.headers.at("www-authenticate"), StartsWith("Basic"));
}

// A nonce by hand: used again it is stale, and so is an old one; a right password with it is never "wrong".
TEST(Digest, NoncesEnd) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G4"});
  std::string const url = camera.http_url + kList;
  auto const md5 = [](std::string const& text) {
    std::string const out = run_tool({"openssl", "md5", "-r"}, text).out;
    return out.substr(0, 32);
  };
  std::string const realm = "AXIS_" + camera.serial;
  auto const authorization = [&](std::string const& nonce, std::string const& count) {
    std::string const ha1 = md5("root:" + realm + ":pass");
    std::string const ha2 = md5("GET:" + std::string(kList));
    std::string const response = md5(ha1 + ":" + nonce + ":" + count + ":c:auth:" + ha2);
    return "Authorization: Digest username=\"root\", realm=\"" + realm + "\", nonce=\"" + nonce + "\", uri=\"" + kList +
           "\", cnonce=\"c\", nc=" + count + ", qop=auth, response=\"" + response + "\"";
  };
  std::string const nonce = between(curl({}, url).headers["www-authenticate"], "nonce=\"", "\"");
  EXPECT_EQ(curl({"-H", authorization(nonce, "00000001")}, url).status, 200);
  WebAnswer const again = curl({"-H", authorization(nonce, "00000001")}, url);
  EXPECT_EQ(again.status, 401);
  EXPECT_THAT(again.headers.at("www-authenticate"), HasSubstr("stale=true"));
  EXPECT_EQ(curl({"-H", authorization(nonce, "00000002")}, url).status, 200);
  camsim.clock(camera.serial, 61);
  EXPECT_EQ(curl({"-H", authorization(nonce, "00000003")}, url).status, 401) << "older than a minute";
  camsim.switches(camera.serial, {{"nonce_count", false}, {"nonce_lifetime_s", 3600}});
  EXPECT_EQ(curl({"-H", authorization(nonce, "00000002")}, url).status, 200);
}

TEST(Throttle, BlocksAfterTwentyFailuresAndForgets) {
  Process camsim;
  DeviceInfo const camera =
      camsim.add({.generation = "G7", .switches = {{"throttle_window_ms", 60'000}}});  // a busy machine is slow
  std::string const url = camera.http_url + kList;
  for (int i = 0; i < 20; ++i) curl({"-H", "Authorization: Digest username=\"root\", response=\"0\""}, url);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200) << "twenty failures are not yet too many";
  curl({"-H", "Authorization: Digest username=\"root\", response=\"0\""}, url);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 401);
  camsim.switches(camera.serial, {{"throttle_answer", "403"}});
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 403);
  camsim.switches(camera.serial, {{"throttle_answer", "drop"}});
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 0);
  camsim.clock(camera.serial, 11);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200);
}

TEST(Throttle, RequestsWithoutCredentialsDoNotCount) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"throttle_failures", 0}}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(curl({}, camera.http_url + kList).status, 401);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200);
}

TEST(Roles, AViewerReadsAndDoesNotWrite) {
  Process camsim;
  json::Object const viewer{{"password", "p"}, {"groups", json::Array{json::Value("viewer")}}};
  for (int const status : {403, 401}) {
    DeviceInfo const camera =
        camsim.add({.generation = "G7", .switches = {{"low_role_status", status}}, .users = {{"eve", viewer}}});
    Client const client(camera.https_url, "eve:p");
    EXPECT_EQ(client.get("/config/rest/cert/v1/certificates").status, 200);
    EXPECT_EQ(client.post("/config/rest/cert/v1/create_certificate", "{}").status, status);
    EXPECT_EQ(client.soap("<tds:GetCertificates/>").status, status);
    EXPECT_EQ(client.get("/axis-cgi/param.cgi?action=update&HTTPS.Enabled=no").status, status);
    EXPECT_EQ(client.get(kList).status, 200);
  }
}

TEST(FirstUser, MadeWithoutALogin) {
  struct {
    char const* generation;
    char const* name;
    int status;
  } const cases[] = {{"G4", "joe", 401}, {"G4", "root", 200}, {"G7", "joe", 200}};
  Process camsim;
  for (auto const& c : cases) {
    SCOPED_TRACE(std::string(c.generation) + " " + c.name);
    DeviceInfo const camera = camsim.add({.generation = c.generation});
    camsim.users(camera.serial, {});
    EXPECT_EQ(curl({}, camera.http_url + kList).status, 401);
    std::string const url = camera.http_url + "/axis-cgi/pwdgrp.cgi";
    WebAnswer const early = curl({"-X", "POST"}, url, "action=get");
    EXPECT_EQ(early.status, 401);
    EXPECT_EQ(early.body, "Error: initial admin user must be created first.\n");
    WebAnswer const made =
        curl({"-X", "POST"}, url,
             "action=add&user=" + std::string(c.name) + "&pwd=secret1&grp=users&sgrp=admin:operator:viewer:ptz");
    EXPECT_EQ(made.status, c.status);
    EXPECT_EQ(made.body, c.status == 200 ? "Created account " + std::string(c.name) + ".\n"
                                         : "Error: not a valid initial admin user.\n");
    if (c.status == 200) {
      EXPECT_EQ(Client(camera.http_url, std::string(c.name) + ":secret1").get(kList).status, 200);
    }
    EXPECT_EQ(json::write(camsim.journal(camera.serial)).find("secret1"), std::string::npos);
  }
}

TEST(Accounts, AddUpdateRemoveList) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  Client const client(camera.http_url);
  auto const call = [&](std::string const& form) {
    return client.post("/axis-cgi/pwdgrp.cgi", form, "application/x-www-form-urlencoded").body;
  };
  EXPECT_EQ(call("action=add&user=joe&pwd=x&grp=users&sgrp=viewer"), "Created account joe.\n");
  EXPECT_EQ(call("action=update&user=joe&pwd=y"), "Modified account joe.\n");
  EXPECT_THAT(call("action=get"), HasSubstr("viewer=\"joe,root\"\n"));
  EXPECT_EQ(call("action=remove&user=joe"), "Removed account joe.\n");
  EXPECT_THAT(call("action=add&user=a-b&pwd=x&grp=users&sgrp=viewer"), StartsWith("Error: "));
}

}  // namespace
}  // namespace lenscap::camsim
