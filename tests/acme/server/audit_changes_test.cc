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
