// What the journal keeps, what it replaces, and the four flags.
#include "tests/camsim/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedactBody, SecretsOfEveryForm) {
  struct {
    char const* name;
    std::string body;
    char const* kept;
  } const cases[] = {
      {"form", "action=add&user=joe&pwd=HUSH&grp=users", "user=joe"},
      {"JSON", R"({"data":{"alias":"a","private_key":"HUSH","passphrase":"HUSH","pkcs12":"HUSH"}})", R"("alias":"a")"},
      {"nested JSON", R"({"a":[{"password":"HUSH"}],"b":1})", R"("b":1)"},
      {"SOAP key", "<x:E xmlns:x='u'><x:PrivateKey><x:Data>HUSH</x:Data></x:PrivateKey><x:Id>1</x:Id></x:E>", "1"},
      {"SOAP PFX",
       "<E><Pkcs12><a:Id>keep</a:Id><a:Certificate>HUSH</a:Certificate><a:Password>HUSH</a:Password>"
       "</Pkcs12></E>",
       "keep"},
      {"key under a harmless name", R"({"note":"-----BEGIN PRIVATE KEY-----HUSH"})", "octets not shown"},
      {"unreadable XML", "<a>HUSH", "octets not shown"},
      {"unreadable JSON", R"({"password":"HUSH)", "octets not shown"},
      {"anything else", "HUSH", "octets not shown"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_THAT(redact_body(c.body), Not(HasSubstr("HUSH")));
    EXPECT_THAT(redact_body(c.body), HasSubstr(c.kept));
  }
}

TEST(Journal, OneEntryPerRequestWithItsLogin) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  curl({"-k", "--anyauth", "-u", "root:pass", "--resolve",
        "cam.example:" + std::to_string(camera.https_port) + ":" + camera.address},
       "https://cam.example:" + std::to_string(camera.https_port) + "/axis-cgi/param.cgi?action=list&group=Brand");
  json::Object const journal = camsim.journal(camera.serial);
  json::Array const entries = *journal.find("entries")->as_array();
  ASSERT_EQ(entries.size(), 2U);
  json::Object const first = *entries[0].as_object();
  json::Object const second = *entries[1].as_object();
  EXPECT_EQ(json_text(first, "status"), "401");
  EXPECT_EQ(json_text(first, "auth_offered"), "basic");
  EXPECT_EQ(json_text(first, "user"), "");
  EXPECT_EQ(json_text(second, "status"), "200");
  EXPECT_EQ(json_text(second, "auth_used"), "basic");
  EXPECT_EQ(json_text(second, "user"), "root");
  EXPECT_EQ(json_text(second, "listener"), "https");
  EXPECT_EQ(json_text(second, "tls_version"), "TLSv1.3");
  EXPECT_EQ(json_text(second, "sni"), "cam.example");
  EXPECT_EQ(json_text(second, "operation"), "param.list");
  EXPECT_EQ(json_text(second, "n"), "2");
  EXPECT_EQ(camsim.operations(camera.serial), std::vector<std::string>{"param.list"});
  camsim.clear_journal(camera.serial);
  EXPECT_TRUE(camsim.operations(camera.serial).empty());
}

TEST(Flags, EachIsSeen) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  curl({"--basic", "-u", "root:pass"}, camera.http_url + "/");
  EXPECT_EQ(camsim.flags(camera.serial), (Flags{.basic_over_http = 1}));
  Client const client(camera.https_url);
  client.get("/axis-cgi/pwdgrp.cgi?action=update&user=root&pwd=pass");
  EXPECT_GE(camsim.flags(camera.serial).password_in_url, 1);
  EXPECT_THAT(json::write(camsim.journal(camera.serial)), HasSubstr("pwd=[secret]"));
  client.soap("<tds:NoSuchThing/>");
  EXPECT_EQ(camsim.flags(camera.serial).unknown_element, 1);
  client.post("/config/rest/cert/v1/certificates", R"({"data":{}})");
  EXPECT_GE(camsim.flags(camera.serial).private_key_received, 1);
  EXPECT_THAT(json::write(camsim.journal(camera.serial)), Not(HasSubstr("cm9vdDpwYXNz"))) << "the login itself";
}

// Counted on arrival: neither an old request nor one that never gets an answer is missing.
TEST(Flags, AreCountedOnArrival) {
  Journal journal;
  journal.raise(&JournalFlags::basic_over_http);
  for (int i = 0; i < 6000; ++i) journal.add({});
  EXPECT_EQ(json_text(journal.flags(), "basic_over_http"), "1");
  journal.clear();
  EXPECT_EQ(json_text(journal.flags(), "basic_over_http"), "0");

  Process camsim({.time_scale = 1});
  DeviceInfo const camera =
      camsim.add({.generation = "G7", .switches = {{"auth_policy", "basic"}, {"keygen_ec_ms", 600'000}}});
  WebAnswer const waiting = curl({"--basic", "-u", "root:pass", "--max-time", "1"},
                                 camera.http_url + "/config/rest/cert/v1/create_certificate",
                                 R"({"data":{"alias":"a","subject":"CN=a","key_type":"EC-P256"}})");
  EXPECT_EQ(waiting.status, 0) << "the key is still being made";
  EXPECT_TRUE(camsim.journal(camera.serial).find("entries")->as_array()->empty());
  EXPECT_EQ(camsim.flags(camera.serial).basic_over_http, 1);
}

TEST(Journal, TellsTheFaultThatStruckAfterTheAnswer) {
  Journal journal;
  for (char const* operation : {"a", "b", "a", "c"}) {
    JournalEntry entry;
    entry.operation = operation;
    journal.add(std::move(entry));
  }
  journal.note_fault("a", "F25");
  json::Array const entries = *journal.to_json().find("entries")->as_array();
  std::string faults;
  for (json::Value const& entry : entries) faults += json_text(*entry.as_object(), "fault") + ",";
  EXPECT_EQ(faults, ",,F25,,");
}

}  // namespace
}  // namespace lenscap::camsim
