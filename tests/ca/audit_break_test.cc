// A break of the audit trail: what finds it, what it stops, and the chain that begins when somebody accepts it.
#include "ca/audit_break.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/backends.h"

namespace lenscap::ca {
namespace {

using ::testing::HasSubstr;

constexpr store::Table kTable{"ca_audit"};
Time const kNow = from_unix(1'790'000'000);

std::string key_of(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

AuditEntry entry(std::string subject, AuditEvent event = AuditEvent::certificate_issued) {
  return {.at = kNow, .event = event, .actor = "account 7", .subject = std::move(subject), .rule = "", .detail = ""};
}

struct Break : ::testing::Test {
  std::unique_ptr<store::Store> store = store::make_memory_store();
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PublicKey own = key.public_key();

  void write(std::function<void(store::WriteTxn&)> const& body) {
    store->write([&](store::WriteTxn& txn) {
      body(txn);
      return true;
    });
  }
  void append(int count) {
    for (int i = 0; i < count; ++i) write([](store::WriteTxn& txn) { append_audit(txn, entry("0a")); });
  }
  SignedAuditHead sign(x509::PrivateKey const& by) {
    std::optional<SignedAuditHead> head;
    write([&](store::WriteTxn& txn) {
      head = sign_audit_head(by, find_audit_head(txn).value(), kNow);
      keep_audit_head(txn, *head);
    });
    return *head;
  }
  void erase(std::uint64_t number) {
    write([&](store::WriteTxn& txn) { txn.erase(kTable, key_of(number)); });
  }
  SignedAuditHead accept() {
    std::optional<SignedAuditHead> head;
    write([&](store::WriteTxn& txn) {
      head = accept_audit_break(txn, key, entry("audit trail", AuditEvent::audit_break_accepted));
    });
    return *head;
  }
  AuditVerdict whole(std::vector<SignedAuditHead> const& elsewhere = {}) {
    AuditVerdict verdict;
    store->read([&](store::ReadTxn& txn) { verdict = verify_audit_trail(txn, own, elsewhere); });
    return verdict;
  }
  std::string since_head() {
    std::string fault;
    store->read([&](store::ReadTxn& txn) { fault = verify_audit_since_head(txn, own).fault; });
    return fault;
  }
  std::string part(AuditHead const& after, std::size_t most, std::uint64_t ends_at) {
    AuditVerdict verdict;
    store->read([&](store::ReadTxn& txn) { verdict = verify_audit_trail(txn, own, {}, {after, most}); });
    if (verdict.fault.empty()) {
      EXPECT_EQ(verdict.last.number, ends_at);
    }
    return verdict.fault;
  }
};

TEST_F(Break, IsFoundSinceTheLastHeadWhateverWasDoneThere) {
  append(6);
  sign(key);
  append(4);
  EXPECT_EQ(since_head(), "");
  struct Case {
    char const* name;
    std::uint64_t erased;
    char const* says;
  };
  Case const cases[] = {{"behind the head", 8, "entry 8 is missing"}, {"what it is of", 6, "entry 6 is missing"}};
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto former = std::string();
    write([&](store::WriteTxn& txn) { former = txn.get(kTable, key_of(c.erased)).value(); });
    erase(c.erased);
    EXPECT_THAT(since_head(), HasSubstr(c.says));
    write([&](store::WriteTxn& txn) { txn.put(kTable, key_of(c.erased), former); });
    EXPECT_EQ(since_head(), "");
  }
  erase(3);
  EXPECT_EQ(since_head(), "") << "that is for the walk over all of it";
  EXPECT_THAT(whole().fault, HasSubstr("entry 3 is missing"));
}

TEST_F(Break, IsFoundByAWalkInPieces) {
  append(10);
  auto const head = sign(key);
  EXPECT_EQ(part({}, 4, 4), "");
  AuditHead fourth{4, {}};
  store->read([&](store::ReadTxn& txn) { fourth.hash = find_audit_hash(txn, 4).value(); });
  EXPECT_EQ(part(fourth, 100, 10), "");
  EXPECT_EQ(part(head.head, 100, 10), "");
  erase(7);
  EXPECT_EQ(part(fourth, 2, 6), "");
  EXPECT_THAT(part(fourth, 100, 0), HasSubstr("entry 7 is missing"));
  erase(4);
  EXPECT_THAT(part(fourth, 2, 0), HasSubstr("entry 4 is missing"));
}

TEST_F(Break, AHeadOfAnotherKeyIsOne) {
  append(3);
  sign(x509::PrivateKey::generate(x509::KeyType::ec_p256));
  EXPECT_THAT(whole().fault, HasSubstr("another key"));
}

TEST_F(Break, TheFirstStaysOnRecordAndRefusesToIssue) {
  store->read([](store::ReadTxn& txn) { EXPECT_TRUE(check_no_audit_break(txn).ok()); });
  write([](store::WriteTxn& txn) {
    note_audit_break(txn, {kNow, "entry 3 is missing"});
    note_audit_break(txn, {kNow + kHour, "entry 9 is missing"});
  });
  store->read([](store::ReadTxn& txn) {
    EXPECT_EQ(find_audit_break(txn), (AuditBreak{kNow, "entry 3 is missing"}));
    auto const refused = check_no_audit_break(txn);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::unavailable);
    EXPECT_TRUE(refused.error().retry_after.has_value());
  });
}

TEST_F(Break, AcceptedANewChainBeginsBehindEverythingThatWasSigned) {
  append(10);
  auto const old = sign(key);
  for (std::uint64_t number = 5; number <= 10; ++number) erase(number);
  write([](store::WriteTxn& txn) { note_audit_break(txn, {kNow, "entry 5 is missing"}); });
  auto const begin = accept();
  EXPECT_EQ(begin.head.number, 11U) << "no head of the old chain may speak of the new one";
  store->read([](store::ReadTxn& txn) { EXPECT_FALSE(find_audit_break(txn)); });
  append(3);
  EXPECT_EQ(whole().fault, "");
  EXPECT_EQ(whole().last.number, 14U);
  EXPECT_EQ(since_head(), "");
  EXPECT_EQ(whole({old, begin}).fault, "");

  // And is watched like the first.
  erase(12);
  EXPECT_THAT(whole().fault, HasSubstr("entry 12 is missing"));
  EXPECT_THAT(since_head(), HasSubstr("entry 12 is missing"));
}

TEST_F(Break, TheBeginOfANewChainIsKept) {
  append(4);
  sign(key);
  erase(2);
  auto const begin = accept();
  append(2);
  ASSERT_EQ(whole().fault, "");
  erase(begin.head.number);
  EXPECT_THAT(whole().fault, HasSubstr("entry 5 is missing"));
}

// Whatever somebody wrote at the very end: it is found, what happens after it is on record all the same, and a person
// can go on.
TEST_F(Break, RowsAtTheEndThatAreNoEntries) {
  struct Case {
    char const* name;
    std::string key, value;
    std::uint64_t next;  // of what is appended then
    char const* fault;
  };
  for (auto const& c : {
           Case{"a name", "zzz", "garbage", 5, "no entry"},
           Case{"no number of ours", "ffffffffffffffff", std::string(40, 'x'), 5, "no entry"},
           Case{"a number in capitals", "000000000000000A", std::string(40, 'x'), 5, "no entry"},
           Case{"the next entry, cut off", key_of(5), "short", 6, "entry 5 cannot be read"},
           Case{"the last entry, emptied", key_of(4), "", 5, "entry 4 cannot be read"},
           Case{"an entry far away", "00000000ffffffff", std::string(40, 'x'), 0x100000000, "entry 5 is missing"},
       }) {
    SCOPED_TRACE(c.name);
    store = store::make_memory_store();
    append(4);
    write([&](store::WriteTxn& txn) { txn.put(kTable, c.key, c.value); });
    EXPECT_THAT(whole().fault, HasSubstr(c.fault));
    EXPECT_THAT(since_head(), HasSubstr(c.fault));
    write([&](store::WriteTxn& txn) { EXPECT_EQ(append_audit(txn, entry("0b")), c.next); });
    EXPECT_THAT(whole().fault, HasSubstr(c.fault)) << "it is not written over";
    auto const begin = accept();
    EXPECT_GT(begin.head.number, c.next);
    append(2);
    EXPECT_EQ(whole().fault, "");
    EXPECT_EQ(whole({begin}).last.number, begin.head.number + 2);
  }
}

TEST_F(Break, TheEntryTellsOfRowsThatWereTakenAway) {
  append(2);
  write([](store::WriteTxn& txn) {
    for (char c = 'a'; c < 'm'; ++c) txn.put(kTable, std::string("z") + c, "garbage");
  });
  auto const begin = accept();
  store->read([&](store::ReadTxn& txn) {
    visit_audit(txn, begin.head.number, [](std::uint64_t, AuditEntry const& first) {
      EXPECT_THAT(first.detail, HasSubstr("taken away: 12 rows that were no entries, of the keys (in hex) 7a61, 7a62"));
      return true;
    });
  });
}

// Who can write the store, and has no key, cannot make a break good by a note of his own.
TEST_F(Break, ANewChainThatSomebodyElseSignedIsNone) {
  append(4);
  erase(2);
  auto const stranger = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  write([&](store::WriteTxn& txn) { accept_audit_break(txn, stranger, entry("audit trail")); });
  EXPECT_THAT(whole().fault, HasSubstr("another key"));
}

}  // namespace
}  // namespace lenscap::ca
