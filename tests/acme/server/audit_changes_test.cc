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
