// Keys, roots, issuers, back-ups and rules: whatever changes of them, by a command or by hand, is an entry of the audit
// trail as soon as the server sees it.
#include "acme/server/audit_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "acme/server/backup_note.h"
#include "ca/audit.h"
#include "ca/known_roots.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ca::AuditEntry;
using ca::AuditEvent;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

auto entry(AuditEvent event, std::string const& subject, std::string const& detail) {
  return AllOf(Field(&AuditEntry::event, event), Field(&AuditEntry::subject, HasSubstr(subject)),
               Field(&AuditEntry::detail, HasSubstr(detail)));
}

class Changes : public ::testing::Test {
 protected:
  fakes::TempDir dir;
  std::unique_ptr<store::Store> store = store::make_memory_store();
  std::uint64_t seen = 0;

  std::unique_ptr<TestServer> a_server(std::string settings = "", std::string ca_settings = "",
                                       std::optional<ca::test::TestCa> ca = std::nullopt) {
    ServerOptions options;
    options.settings = std::move(settings);
    options.ca_settings = std::move(ca_settings);
    options.ca = std::move(ca);
    options.state_dir = dir.path();
    return std::make_unique<TestServer>(std::move(options));
  }
  // What a look adds.
  std::vector<AuditEntry> look(TestServer const& server) {
    note_changes(*store, server.app->settings, *server.app->authority, kNow);
    std::vector<AuditEntry> added;
    store->read([&](store::ReadTxn& txn) {
      ca::visit_audit(txn, seen + 1, [&](std::uint64_t number, AuditEntry const& each) {
        added.push_back(each);
        seen = number;
        return true;
      });
      EXPECT_EQ(ca::verify_audit(txn).fault, "");
    });
    return added;
  }
};

TEST_F(Changes, TheFirstLookTellsEverythingAndTheNextNothing) {
  auto const server = a_server();
  auto const& authority = *server->app->authority;
  auto const first = look(*server);
  EXPECT_THAT(first, Contains(entry(AuditEvent::issuer_changed, "issuer default",
                                    to_hex(authority.issuing_certificate().fingerprint()))));
  EXPECT_THAT(first, Contains(entry(AuditEvent::root_changed, to_hex(authority.root_certificate().fingerprint()), "")));
  EXPECT_THAT(first, Contains(entry(AuditEvent::key_moved, "key of issuer default", "file:keys/issuing.key")));
  EXPECT_THAT(first, Contains(entry(AuditEvent::policy_changed, "", "acme.eab_required: new: yes")));
  for (auto const& each : first) EXPECT_EQ(each.actor, "server");
  EXPECT_THAT(look(*server), SizeIs(0));
}

// One entry for all of them, with what it was and what it is.
TEST_F(Changes, RulesThatDifferAreTold) {
  look(*a_server());
  struct Case {
    char const* name;
    char const* acme;
    char const* ca;
    char const* says;
  };
  Case const cases[] = {
      {"a limit", "[acme.limits]\nnew_orders = \"5/1h\"\n", "",
       "acme.limits.new_orders: 5 in 3600 s; it was 20000 in 3600 s"},
      {"a cap", "[signer]\nper_day = 7\n", "", "signer.per_day: 7; it was 100000"},
      {"wildcards", "allow_wildcards = true\n", "", "acme.allow_wildcards: yes; it was no"},
      {"names", "", "exclude_dns = [\"secret.cams.example\"]\n", "ca.exclude_dns: secret.cams.example; it was none"},
      {"who may order", "eab_required = false\n[acme.open]\nprove_dns = [\"cams.example\"]\n", "",
       "acme.eab_required: no; it was yes"},
      {"by which issuer", "eab_required = false\n[acme.open]\nprove_dns = [\"cams.example\"]\nissuer = \"plant4\"\n",
       "", "; by the issuer plant4"},
      {"lists are served", "[crl]\nserve = false\n", "", "crl.serve: no; it was yes"},
      {"OCSP", "[ocsp]\nserve = true\n", "", "ocsp.serve: yes; it was no"},
      {"what was possibly issued", "[crl]\nrevoke_possibly_issued = false\n", "",
       "crl.revoke_possibly_issued: no; it was yes"},
      {"chaos", "[chaos]\nreuse_authorizations = \"always\"\n", "", "chaos.reuse_authorizations: always; it was usual"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const found = look(*a_server(c.acme, c.ca));
    auto const policy = [](AuditEntry const& each) { return each.event == AuditEvent::policy_changed; };
    EXPECT_EQ(std::ranges::count_if(found, policy), 1);
    EXPECT_THAT(found, Contains(entry(AuditEvent::policy_changed, "", c.says)));
    EXPECT_THAT(look(*a_server()), Contains(Field(&AuditEntry::event, AuditEvent::policy_changed))) << "and back";
  }
}

// A new setting has to come here: with a value that is told when it is set, or with why it binds nothing.
struct Setting {
  std::string key;
  std::string value;     // as TOML, and not the default; empty: it is not told
  char const* why = "";  // it is not told
  std::string beside{};  // what it needs to be in force
};
constexpr char const* kOpen = "acme.eab_required = false\n";
std::vector<Setting> all_settings() {
  return {
      {"server.url", "\"https://other.cams.example\""},
      {"server.http", "\"127.0.0.1:8080\""},
      {"server.listen", "", "where clients connect"},
      {"server.metrics", "", "where figures are"},
      {"server.connections", "", "how many connect"},
      {"server.connections_per_address", "", "how many connect"},
      {"server.idle", "", "how long they stay"},
      {"ca.name", "", "of init alone; the certificates say it"},
      {"ca.key", "\"file:keys/other.key\""},
      {"ca.passphrase", "\"file:words\""},
      {"ca.profiles", "[\"server\"]"},
      {"ca.permit_dns", "[\"cams.example\"]"},
      {"ca.permit_ip", "[\"10.20.0.0/16\"]"},
      {"ca.permit_email", "[\"cams.example\"]"},
      {"ca.permit_uri", "[\"cams.example\"]"},
      {"ca.permit_directory", "[\"O=Cams\"]"},
      {"ca.exclude_dns", "[\"cams.example\"]"},
      {"ca.exclude_ip", "[\"10.20.0.0/16\"]"},
      {"ca.exclude_email", "[\"cams.example\"]"},
      {"ca.exclude_uri", "[\"cams.example\"]"},
      {"ca.exclude_directory", "[\"O=Cams\"]"},
      {"acme.eab_required", "false"},
      {"acme.terms_of_service", "\"https://pki.cams.example/terms\""},
      {"acme.challenges", "[\"dns-01\"]"},
      {"acme.allow_wildcards", "true"},
      {"acme.pending_orders", "7"},
      {"acme.replaces", "\"strict\""},
      {"acme.keep_orders", "", "what is over; the trail keeps all"},
      {"acme.keep_unused_accounts", "", "what never came to anything; the trail keeps all"},
      {"acme.finalize_wait", "", "how long a client waits for the answer"},
      {"acme.csr_padding", "\"allow\""},
      {"acme.http_port", "8080"},
      {"acme.tls_port", "8443"},
      {"acme.redirects", "true"},
      {"acme.resolver", "[\"10.0.0.53\"]"},
      {"acme.resolver_tcp", "true"},
      {"acme.dnssec", "\"off\""},
      {"acme.dnssec_anchors", "[\"/usr/share/dns/root.key\"]"},
      {"acme.may_reach", "[\"10.20.0.0/16\"]"},
      {"acme.caa", "\"strict\""},
      {"acme.caa_identities", "[\"cams.example\"]"},
      {"acme.open.grant_dns", "[\"cams.example\"]", "", kOpen},
      {"acme.open.grant_ip", "[\"10.20.0.0/16\"]", "", kOpen},
      {"acme.open.prove_dns", "[\"cams.example\"]", "", kOpen},
      {"acme.open.prove_ip", "[\"10.20.0.0/16\"]", "", kOpen},
      {"acme.open.profiles", "[\"camera-https\"]", "", kOpen},
      {"acme.open.issuer", "\"plant4\"", "", kOpen},
      {"acme.open.live_names", "7", "", kOpen},
      {"acme.root_in_chain", "", "how much of the chain a client is handed"},
      {"acme.help_url", "", "a page for people"},
      {"acme.cors", "", "which web pages may read the answers"},
      {"acme.limits.new_accounts", "\"5/1h\""},
      {"acme.limits.eab_failures", "\"5/1h\""},
      {"acme.limits.account_changes", "\"5/1h\""},
      {"acme.limits.new_orders", "\"5/1h\""},
      {"acme.limits.orders_for_name", "\"5/1h\""},
      {"acme.limits.failed_validations", "\"7/1h\""},
      {"acme.limits.validations_of_network", "\"5/1h\""},
      {"acme.limits.validations_at_host", "5"},
      {"crl.serve", "false"},
      {"crl.shards", "4"},
      {"crl.lifetime", "\"30d\""},
      {"crl.after_revocation", "\"2h\""},
      {"crl.revoke_possibly_issued", "false"},
      {"ocsp.serve", "true"},
      {"ocsp.lifetime", "\"3h\""},
      {"signer.process", "false"},
      {"signer.socket", "\"/run/signer.socket\""},
      {"signer.front_user", "\"lenscap-ca\""},
      {"signer.per_minute", "7"},
      {"signer.per_day", "7"},
      {"store.url", "", "where the record lies, and the trail in it"},
      {"store.size_max", "", "room on the disk"},
      {"store.free_space_min", "", "room on the disk"},
      {"store.ballast", "", "room on the disk"},
      {"chaos.bad_nonce", "7"},
      {"chaos.retry_after", "\"date\""},
      {"chaos.shuffle", "true"},
      {"chaos.slow_validation", "\"7s\""},
      {"chaos.async_finalize", "\"7s\""},
      {"chaos.reuse_authorizations", "\"never\""},
      {"chaos.seed", "", "which requests are refused once"},
  };
}

TEST_F(Changes, EverySettingIsToldOrBindsNothing) {
  auto const server = a_server();
  auto const told = [&](std::string text) {
    if (text.find("server.url") == text.npos) text += "server.url = \"https://pki.cams.example\"\n";
    auto reader = config::Reader::parse(text, "ca.toml");
    if (!reader.ok()) throw std::runtime_error(text + reader.error().detail());
    auto const settings = read_settings(*std::move(reader), dir.path());
    if (!settings.ok()) throw std::runtime_error(text + settings.error().detail());
    auto all = what_is_installed(*settings, *server->app->authority);
    for (auto& [thing, is] : what_binds_issuing(*settings, *server->app->authority)) all["rule " + thing] = is;
    return all;
  };
  std::vector<std::string> keys;
  for (auto const& each : all_settings()) {
    SCOPED_TRACE(each.key);
    keys.push_back(each.key);
    EXPECT_NE(each.value.empty(), std::string_view(each.why).empty()) << "one of the two";
    if (each.value.empty()) continue;
    EXPECT_NE(told(each.beside + each.key + " = " + each.value + "\n"), told(each.beside));
  }
  EXPECT_THAT(keys, ::testing::UnorderedElementsAreArray(known_settings()));
}

TEST_F(Changes, AnotherIssuerAndRootAreTold) {
  auto const former = a_server("", "", ca::test::TestCa());
  auto const next = a_server("", "", ca::test::TestCa());
  look(*former);
  auto const found = look(*next);
  auto const was = to_hex(former->app->authority->issuing_certificate().fingerprint());
  auto const is = to_hex(next->app->authority->issuing_certificate().fingerprint());
  ASSERT_NE(was, is);
  EXPECT_THAT(found, Contains(AllOf(entry(AuditEvent::issuer_changed, "issuer default", is),
                                    Field(&AuditEntry::detail, HasSubstr("it was certificate")))));
  auto const root = to_hex(former->app->authority->root_certificate().fingerprint());
  EXPECT_THAT(found, Contains(entry(AuditEvent::root_changed, root, "gone")));
  EXPECT_THAT(found, Not(Contains(Field(&AuditEntry::event, AuditEvent::policy_changed))));
}

TEST_F(Changes, TheRootsKeyComesAndGoes) {
  auto const server = a_server();
  look(*server);
  std::filesystem::create_directories(ca::root_directory(dir.path(), 0));
  auto const file = ca::root_directory(dir.path(), 0) + "/root.key";
  std::ofstream(file) << "sealed";
  EXPECT_THAT(look(*server), Contains(entry(AuditEvent::key_moved, "key of root", "new: on this machine")));
  std::filesystem::remove(file);
  auto const gone = look(*server);
  EXPECT_THAT(gone, SizeIs(1));
  EXPECT_THAT(gone, Contains(entry(AuditEvent::key_moved, "key of root", "gone")));
}

TEST_F(Changes, TheSignerOfAnotherUserHasTheKey) {
  look(*a_server());
  auto const found = look(*a_server("[signer]\nsocket = \"/run/signer.socket\"\nfront_user = \"lenscap-ca\"\n"));
  EXPECT_THAT(found, Contains(entry(AuditEvent::key_moved, "key of issuer default",
                                    "with the signer at /run/signer.socket; it was file:keys/issuing.key")));
}

// What is not in the state directory of these tests is said as a command would say it.
struct ChangesByCommand : Changes {
  void command(std::string const& name, Changed const& changed) {
    store->write([&](store::WriteTxn& txn) {
      note_changed(txn, changed, "operator uid 1000", name, kNow - kHour);
      return true;
    });
  }
  std::vector<AuditEntry> told() {
    std::vector<AuditEntry> added;
    store->read([&](store::ReadTxn& txn) {
      ca::visit_audit(txn, seen + 1, [&](std::uint64_t number, AuditEntry const& each) {
        added.push_back(each);
        seen = number;
        return true;
      });
    });
    return added;
  }
  static auto by(std::string const& actor, std::string const& command) {
    return AllOf(Field(&AuditEntry::actor, actor), Field(&AuditEntry::rule, command));
  }
};

TEST_F(ChangesByCommand, AreToldAtOnceAndLaidToWhoeverRanIt) {
  auto const former = a_server("", "", ca::test::TestCa());
  auto const next = a_server("", "", ca::test::TestCa());
  look(*former);
  auto const issuer = what_is_installed(next->app->settings, *next->app->authority).at("issuer default");
  command("issuer import", {{{"issuer default", issuer}}, {}});
  auto const at_once = told();
  ASSERT_THAT(at_once, SizeIs(1));
  EXPECT_THAT(at_once, Contains(AllOf(entry(AuditEvent::issuer_changed, "issuer default", issuer),
                                      by("operator uid 1000", "issuer import"))));
  EXPECT_EQ(at_once.front().at, kNow - kHour);
  auto const seen_later = look(*next);
  EXPECT_THAT(seen_later,
              Contains(AllOf(entry(AuditEvent::issuer_changed, "issuer default", issuer),
                             entry(AuditEvent::issuer_changed, "", "by issuer import at " + to_rfc3339(kNow - kHour)),
                             by("operator uid 1000", "issuer import"))));
  EXPECT_THAT(seen_later, Contains(AllOf(entry(AuditEvent::root_changed, "root", "gone"), by("server", ""))))
      << "of which the command said nothing";
  EXPECT_THAT(look(*former), Not(Contains(Field(&AuditEntry::actor, "operator uid 1000")))) << "for once";
}

TEST_F(ChangesByCommand, AnotherChangeOfTheSameThingIsNobodys) {
  auto const server = a_server();
  look(*server);
  auto const key = "key of root " + to_hex(server->app->authority->root_certificate().fingerprint());
  command("root seal", {{{key, ""}}, {}});
  ASSERT_THAT(told(), SizeIs(1));
  std::filesystem::create_directories(ca::root_directory(dir.path(), 0));
  std::ofstream(ca::root_directory(dir.path(), 0) + "/root.key") << "sealed";
  auto const found = look(*server);
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_THAT(found, Contains(AllOf(entry(AuditEvent::key_moved, "key of root", "on this machine"), by("server", ""))));
}

TEST_F(ChangesByCommand, WhatIsGoneIsTold) {
  auto const server = a_server();
  std::filesystem::create_directories(ca::root_directory(dir.path(), 0));
  auto const file = ca::root_directory(dir.path(), 0) + "/root.key";
  std::ofstream(file) << "sealed";
  look(*server);
  auto const key = "key of root " + to_hex(server->app->authority->root_certificate().fingerprint());
  command("root seal", {{{key, ""}}, {}});
  EXPECT_THAT(told(), Contains(entry(AuditEvent::key_moved, key, key + ": gone")));
  EXPECT_THAT(look(*server), SizeIs(0)) << "it is still here";
  std::filesystem::remove(file);
  EXPECT_THAT(look(*server),
              Contains(AllOf(entry(AuditEvent::key_moved, key, "gone"), by("operator uid 1000", "root seal"))));
}

// One entry tells of all rules: it is somebody's when all of it is.
TEST_F(ChangesByCommand, RulesAreSomebodysWhenAllAre) {
  struct Case {
    char const* name;
    Inventory said;
    char const* actor;
  };
  // A limit that an issuer has, and one of ca.toml, as if both were an issuer's.
  Inventory const one{{"signer.per_day", "7"}};
  Inventory const both{{"signer.per_day", "7"}, {"acme.allow_wildcards", "yes"}};
  Case const cases[] = {{"none", {}, "server"}, {"a part", one, "server"}, {"all", both, "operator uid 1000"}};
  auto const settings = "allow_wildcards = true\n[signer]\nper_day = 7\n";
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    look(*a_server());
    command("issuer create", {{}, c.said});
    told();
    EXPECT_THAT(look(*a_server(settings)), Contains(AllOf(Field(&AuditEntry::event, AuditEvent::policy_changed),
                                                          Field(&AuditEntry::actor, c.actor))));
  }
}

TEST_F(ChangesByCommand, WordsOfACommandAreRead) {
  Changed const changed{{{"issuer plant4", "certificate 01"}, {"key of root 02", ""}}, {{"issuer plant4", "all"}}};
  auto const read = read_changed(to_json(changed));
  ASSERT_TRUE(read.ok()) << read.error().detail();
  EXPECT_EQ(read->installed, changed.installed);
  EXPECT_EQ(read->rules, changed.rules);
  for (auto const* bad : {R"({})", R"({"installed":{},"rules":[]})", R"({"installed":{"issuer x":1},"rules":{}})",
                          R"({"installed":{"nothing of ours":"x"},"rules":{}})"}) {
    auto const refused = read_changed(json::parse_object(bad).value());
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code(), Errc::malformed) << bad;
  }
}

TEST_F(Changes, EachBackUpIsTold) {
  auto const server = a_server();
  look(*server);
  for (auto const at : {kNow, kNow + kDay}) {
    ASSERT_TRUE(note_backup(dir.path(), at).ok());
    auto const found = look(*server);
    EXPECT_THAT(found, SizeIs(1));
    EXPECT_THAT(found, Contains(entry(AuditEvent::backup_made, "back-up", to_rfc3339(at))));
  }
}

}  // namespace
}  // namespace lenscap::acme::test
