#include "agent/journal_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/backends.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::camera;
using testing::hash;
using testing::kNow;
using testing::verified;

TEST(JournalRecord, EveryFieldComesBack) {
  auto journal = verified();
  journal.key_type = "EC-P256";
  journal.profile = "camera-https";
  journal.replaces = "aaa.bbb";
  journal.ca_ids = {"ca1", "ca2"};
  journal.held_keys = {hash(8), hash(9)};
  journal.chain_incomplete = true;
  journal.promoted = journal.cleaned = journal.restored = journal.restore_verified = journal.discarded = true;
  journal.waits = journal.turned_back = journal.login_refused = true;
  journal.removed_ids = {"x"};
  journal.step = Step::remove_old;
  journal.tries = 2;
  journal.failure = Failure{"unreachable", Retry::later, "no answer"};
  journal.outcome = Outcome::rollback_failed;
  journal.sentence = "text with \"quotes\" and \n lines";
  auto parsed = parse_journal(json::write(to_json(journal)));
  ASSERT_TRUE(parsed.ok()) << parsed.error().detail();
  EXPECT_EQ(*parsed, journal);

  Journal little = begin_journal(camera(), Purpose::enroll, "", "", kNow);
  EXPECT_EQ(parse_journal(json::write(to_json(little))).value(), little);
}

TEST(JournalRecord, DamageIsBrokenAndNotAGuess) {
  auto store = store::make_memory_store();
  for (auto text : {"", "{}", "[]", "not json", R"({"v":1,"id":"x","serial":"y","purpose":"dance"})"}) {
    store->write([&](store::WriteTxn& txn) {
      txn.put(kJournals, "ACCC8E68D4D2", text);
      return true;
    });
    EXPECT_THROW(store->read([](store::ReadTxn& txn) { load_journal(txn, "ACCC8E68D4D2"); }), store::Broken) << text;
  }
  auto text = json::write(to_json(verified()));
  for (auto [from, to] :
       {std::pair{R"("outcome":"running")", R"("outcome":"unknown")"}, std::pair{R"("orders":1)", R"("orders":-1)"},
        std::pair{R"("csr":"MAA")", R"("csr":"M+A")"}}) {
    auto changed = text;
    auto at = changed.find(from);
    ASSERT_NE(at, changed.npos) << from;
    changed.replace(at, std::string_view(from).size(), to);
    EXPECT_FALSE(parse_journal(changed).ok()) << to;
  }
}

}  // namespace
}  // namespace lenscap::agent
