// The audit trail from outside: what was done is in it, a head that was signed fits, and what somebody with the store
// in his hands changes afterwards is named.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "ca/audit.h"
#include "store/store.h"
#include "tests/e2e/page.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr store::Table kTable{"ca_audit"};
constexpr store::Table kHeads{"ca_audit_heads"};

struct Audit : ::testing::Test {
  fakes::CaProcess ca;
  std::string operator_ = "operator uid " + std::to_string(::geteuid());

  std::string events() {
    auto const listed = ca.run({"--output", "json", "audit", "list"});
    EXPECT_EQ(listed.code, 0) << listed.all();
    std::string words;
    auto const object = json::parse_object(listed.out).value();
    for (auto const& entry : *object.find("entries")->as_array())
      words += json::need_string(*entry.as_object(), "event").value() + " ";
    return words;
  }
  // Of the first such entry.
  std::uint64_t number_of(std::string const& event) {
    auto const listed = ca.run({"--output", "json", "audit", "list"});
    auto const object = json::parse_object(listed.out).value();
    for (auto const& each : *object.find("entries")->as_array())
      if (json::need_string(*each.as_object(), "event").value() == event)
        return static_cast<std::uint64_t>(json::need_int(*each.as_object(), "number").value());
    ADD_FAILURE() << "no " << event << " in " << listed.all();
    return 0;
  }
  static std::string key_of(std::uint64_t number) { return fmt::format("{:016x}", number); }
  void with_the_store(std::function<void(store::WriteTxn&)> const& change) {
    auto const store = store::open("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    (*store)->write([&](store::WriteTxn& txn) {
      change(txn);
      return true;
    });
  }
  void cut_off_from(std::string const& number, store::Table table) {
    with_the_store([&](store::WriteTxn& txn) {
      std::vector<std::string> keys;
      txn.scan(table, number, [&](std::string_view at, std::string_view) {
        keys.emplace_back(at);
        return true;
      });
      for (auto const& at : keys) txn.erase(table, at);
    });
  }
};

TEST_F(Audit, TellsWhatWasDoneAndWhatWasDoneToIt) {
  ca.serve();
  auto const key = ca.run({"--output", "json", "eab", "create", "--grant-dns", "cams.example"});
  ASSERT_EQ(key.code, 0) << key.all();
  auto const kid = json::need_string(json::parse_object(key.out).value(), "kid").value();
  ASSERT_EQ(ca.run({"eab", "revoke", kid}).code, 0);
  EXPECT_THAT(events(), EndsWith("policy_changed service_started certificate_issued eab_created eab_revoked "));
  auto const number = number_of("eab_revoked");

  auto const head = ca.path("head.json");
  auto const made = ca.run({"audit", "head", "--out", head});
  ASSERT_EQ(made.code, 0) << made.all();
  ASSERT_EQ(ca.stop(), 0);
  ca.serve();  // goes on where it ended
  EXPECT_THAT(events(), HasSubstr("eab_revoked service_started certificate_issued"));
  auto const good = ca.run({"audit", "verify", "--head", head});
  EXPECT_EQ(good.code, 0) << good.all();
  EXPECT_THAT(good.out, HasSubstr("fit what was kept"));

  auto const lines = ca.run({"audit", "export"});
  EXPECT_THAT(lines.out,
              HasSubstr("\"event\":\"eab_revoked\",\"actor\":\"" + operator_ + "\",\"subject\":\"" + kid + "\""));
  auto const cells = ca.run({"audit", "export", "--format", "csv"});
  EXPECT_THAT(cells.out, HasSubstr(",eab_revoked," + operator_ + "," + kid + ","));
  auto const secret = json::need_string(json::parse_object(key.out).value(), "mac_key").value();
  EXPECT_THAT(lines.out, Not(HasSubstr(secret)));
  ASSERT_EQ(ca.stop(), 0);

  // Somebody takes the revocation back in the record of it.
  with_the_store([&](store::WriteTxn& txn) {
    auto row = txn.get(kTable, key_of(number)).value();
    row.replace(row.find("operator"), 8, "nobody!!");
    txn.put(kTable, key_of(number), row);
  });
  auto const changed = ca.run({"audit", "verify"});
  EXPECT_EQ(changed.code, 6);
  EXPECT_THAT(changed.out, HasSubstr(fmt::format("entry {} was changed", number)));
  EXPECT_THAT(changed.out, HasSubstr(fmt::format("({} entries)", number - 1)));

  // Or cuts it off, with all that came later: the heads that the service signed by itself tell.
  cut_off_from(key_of(number), kTable);
  auto const missing = fmt::format("entry {} is missing", number);
  auto const shorter = ca.run({"audit", "verify"});
  EXPECT_EQ(shorter.code, 6);
  EXPECT_THAT(shorter.out, HasSubstr(missing));
  // Who takes these out too makes a trail that looks whole, and only what is kept elsewhere tells.
  cut_off_from(key_of(number), kHeads);
  EXPECT_EQ(ca.run({"audit", "verify"}).code, 0);
  auto const cut = ca.run({"--output", "json", "audit", "verify", "--head", head});
  EXPECT_EQ(cut.code, 6);
  EXPECT_THAT(cut.out, HasSubstr(missing));
}

// A line of the log is a copy that is elsewhere already.
TEST_F(Audit, TheServiceSignsHeadsByItselfAndTheLogHasThem) {
  ca.serve();
  ASSERT_EQ(ca.run({"eab", "create", "--grant-dns", "cams.example"}).code, 0);
  ASSERT_EQ(ca.stop(), 0);
  auto const log = ca.log();
  auto const event = log.rfind("\"audit.head\"");
  ASSERT_NE(event, log.npos) << log;
  auto const begin = log.rfind('\n', event) + 1;
  auto const head = ca.path("line.json");
  std::ofstream(head) << log.substr(begin, log.find('\n', event) - begin);
  auto const good = ca.run({"audit", "verify", "--head", head});
  EXPECT_EQ(good.code, 0) << good.all();

  // Somebody cuts the trail off, and the service goes on: what it writes now must not make it good.
  cut_off_from("0000000000000003", kTable);
  ca.serve();
  ASSERT_EQ(ca.stop(), 0);
  EXPECT_THAT(ca.log(), HasSubstr("\"audit.trail_changed\""));
  EXPECT_EQ(ca.run({"audit", "verify"}).code, 6);
  cut_off_from("0000000000000003", kHeads);
  EXPECT_EQ(ca.run({"audit", "verify"}).code, 0);
  EXPECT_EQ(ca.run({"audit", "verify", "--head", head}).code, 6);
}

// What commands change in files, beside the server that runs or without one; and what somebody does by hand.
TEST_F(Audit, ACommandBesideTheServerSaysWhoRanIt) {
  std::ofstream(ca.path("root-words")) << "the root's own words\n";
  std::filesystem::permissions(ca.path("root-words"), std::filesystem::perms(0600));
  std::vector<std::string> const crl{"root", "crl", "--passphrase-file", ca.path("root-words")};
  ASSERT_EQ(ca.run(crl).code, 0);
  struct Entry {
    std::string event, actor, subject, rule, detail;
  };
  auto const about = [this](std::string const& thing) {
    std::vector<Entry> found;
    auto const listed = ca.run({"--output", "json", "audit", "list"});
    auto const object = json::parse_object(listed.out).value();
    for (auto const& each : *object.find("entries")->as_array()) {
      auto const word = [&](char const* name) { return json::need_string(*each.as_object(), name).value(); };
      Entry const entry{word("event"), word("actor"), word("subject"), word("rule"), word("detail")};
      if (entry.subject.find(thing) != std::string::npos) found.push_back(entry);
    }
    return found;
  };
  // The last entry about it; `is_seen`: it is of the server, which has taken what the command made.
  auto const expect_last = [&](std::string const& thing, std::string const& command, bool is_seen) {
    SCOPED_TRACE(thing + " by " + command);
    auto const found = about(thing);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.back().actor, operator_);
    EXPECT_EQ(found.back().rule, command);
    EXPECT_EQ(found.back().detail.find("; by " + command + " at ") != std::string::npos, is_seen);
  };
  expect_last("list of root", "root crl", false);
  ca.serve();
  expect_last("list of root", "root crl", true);
  ASSERT_EQ(ca.run(crl).code, 0);
  expect_last("list of root", "root crl", false);
  EXPECT_EQ(about("list of root").back().event, "root_changed");
  ASSERT_EQ(ca.stop(), 0);
  auto const create = ca.run({"issuer", "create", "--site", "plant4", "--permit-ip", "10.20.4.0/24",
                              "--passphrase-file", ca.path("root-words")});
  ASSERT_EQ(create.code, 0) << create.all();
  ASSERT_EQ(about("plant4").size(), 1U);
  expect_last("issuer plant4", "issuer create", false);
  EXPECT_EQ(about("plant4").front().event, "issuer_changed");

  ca.serve();
  for (auto const* thing : {"key of issuer plant4", "list of root"}) expect_last(thing, "issuer create", true);
  auto const all = about("");
  auto const is_policy = [](Entry const& each) { return each.event == "policy_changed"; };
  auto const rules = std::ranges::find_if(all.rbegin(), all.rend(), is_policy);
  ASSERT_NE(rules, all.rend());
  EXPECT_THAT(rules->detail, AllOf(HasSubstr("issuer plant4: new"), HasSubstr("; by issuer create at ")));
  EXPECT_EQ(rules->actor, operator_);
  ASSERT_EQ(ca.stop(), 0);
  std::filesystem::remove(ca.state() + "/keys/root.key");  // by hand
  ca.serve();
  EXPECT_EQ(about("key of root").back().actor, "server");
  EXPECT_THAT(about("key of root").back().detail, HasSubstr("gone"));
  EXPECT_EQ(ca.run({"audit", "verify"}).code, 0);
}

// An auditor has a file and a head, and neither the store nor, in the end, this program.
struct ExportedAudit : Audit {
  std::string const file = ca.path("trail.jsonl");
  std::string const head = ca.path("head.json");
  std::vector<std::string> lines;

  void SetUp() override {
    ca.serve();
    for (int i = 0; i < 5; ++i) ASSERT_EQ(ca.run({"eab", "create", "--grant-dns", "cams.example"}).code, 0);
    ASSERT_EQ(ca.run({"audit", "head", "--out", head}).code, 0);
    std::istringstream exported(ca.run({"audit", "export"}).out);
    for (std::string line; std::getline(exported, line);) lines.push_back(line);
    ASSERT_EQ(ca.stop(), 0);
    ASSERT_GE(lines.size(), 8U);
  }
  void write(std::vector<std::string> const& all) const {
    std::ofstream out(file, std::ios::binary);
    for (auto const& line : all) out << line << "\n";
  }
  Ran verify(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"audit", "verify", "--export", file});
    return ca.run_on(ca.path("no-state"), more);
  }
  // What docs/operations.md tells to do without this program.
  Ran by_the_recipe() {
    auto script = blocks_of("operations.md").front();
    replace_all(script, "trail.jsonl", file);
    replace_all(script, "head.json", head);
    return ca.programs().run({"sh", "-euc", script});
  }
};

TEST_F(ExportedAudit, IsVerifiedWithoutTheStoreAndByOtherPrograms) {
  write(lines);
  auto const good = verify({"--head", head});
  EXPECT_EQ(good.code, 0) << good.all();
  EXPECT_THAT(good.out, HasSubstr("are as they were written, and fit what was kept"));
  auto const by_others = by_the_recipe();
  EXPECT_EQ(by_others.code, 0) << by_others.all();
  EXPECT_THAT(by_others.out, HasSubstr(fmt::format("{0} of {0} entries fit the head", lines.size())));
  EXPECT_THAT(by_others.out, HasSubstr("Verified OK")) << "the head, by openssl";
  auto const without = verify();
  EXPECT_EQ(without.code, 0) << without.all();
  EXPECT_THAT(without.out, HasSubstr("only a head that was kept elsewhere can tell"));
  // Later ones than the head.
  std::ofstream(file) << ca.run({"audit", "export"}).out;
  EXPECT_EQ(verify({"--head", head}).code, 0);
  // And a part of it.
  std::ofstream(file) << ca.run({"audit", "export", "--from", "4"}).out;
  EXPECT_EQ(verify({"--head", head}).code, 6);
  auto const part = verify({"--head", head, "--from", "4", "--output", "json"});
  EXPECT_EQ(part.code, 0) << part.all();
  auto const object = json::parse_object(part.out).value();
  EXPECT_EQ(json::need_int(object, "begins").value(), 4);
  EXPECT_EQ(json::need_int(object, "kept").value(), static_cast<std::int64_t>(lines.size()));
}

TEST_F(ExportedAudit, WhatIsDoneToTheFileIsFoundAndNamed) {
  using Lines = std::vector<std::string>;
  struct Case {
    char const* name;
    std::function<void(Lines&)> done;
    char const* says;
  };
  Case const cases[] = {
      {"flipped",
       [](Lines& all) {
         auto& octet = all[4][all[4].find("\"actor\":\"") + 9];
         octet = static_cast<char>(octet ^ 1);
       },
       "entry 5 was changed"},
      {"deleted", [](Lines& all) { all.erase(all.begin() + 2); }, "entry 3 is missing"},
      {"swapped", [](Lines& all) { std::swap(all[3], all[4]); }, "entry 4 is missing"},
      {"truncated", [](Lines& all) { all.resize(6); }, "entry 7 is missing: the file ends before it"},
      {"replayed", [](Lines& all) { all.insert(all.begin() + 5, all[1]); },
       "entry 6 is missing: entry 2 stands in its place"},
      {"a line without end", [](Lines& all) { all[2].append(1'000'000, 'x'); }, "entry 3 cannot be read"},
      {"empty", [](Lines& all) { all.clear(); }, "entry 1 is missing"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto changed = lines;
    c.done(changed);
    write(changed);
    auto const found = verify({"--head", head});
    EXPECT_EQ(found.code, 6) << found.all();
    EXPECT_THAT(found.out, HasSubstr(c.says));
    auto const by_others = by_the_recipe();
    EXPECT_NE(by_others.code, 0) << by_others.all();
  }
  std::filesystem::remove(file);
  EXPECT_EQ(verify({"--head", head}).code, 1);
}

// Whoever can choose a name chooses what stands in a cell. Python reads the table; a spreadsheet sees no formula.
TEST_F(Audit, CellsOfTheTableStayWhatTheyAre) {
  std::vector<std::string> const texts{"=1+1",          "+1",       "-1",  "@SUM(A1)", "\tx", "\rx",
                                       "say \"hello\"", "a\r\nb,c", "a,b", "\u00e4",   ""};
  with_the_store([&](store::WriteTxn& txn) {
    for (auto const& text : texts)
      ca::append_audit(txn, {.at = from_unix(1'790'000'000),
                             .event = ca::AuditEvent::request_refused,
                             .actor = text,
                             .subject = text,
                             .rule = text,
                             .detail = text});
  });
  auto const table = ca.path("trail.csv");
  std::ofstream(table, std::ios::binary) << ca.run({"audit", "export", "--format", "csv"}).out;
  auto const read = ca.programs().run({"python3", "-c",
                                       "import csv, json, sys\n"
                                       "rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))\n"
                                       "print(json.dumps({'rows': rows}))\n",
                                       table});
  ASSERT_EQ(read.code, 0) << read.all();
  auto const object = json::parse_object(read.out).value();
  auto const& rows = *object.find("rows")->as_array();
  ASSERT_EQ(rows.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto const word = [&](char const* name) { return json::need_string(*rows[i].as_object(), name).value(); };
    bool const is_formula = !texts[i].empty() && std::string("=+-@\t\r").find(texts[i].front()) != std::string::npos;
    for (auto const* name : {"actor", "subject", "rule", "detail"})
      EXPECT_EQ(word(name), (is_formula ? "'" : "") + texts[i]) << name;
    EXPECT_EQ(word("number"), std::to_string(i + 1));
    EXPECT_EQ(word("hash").size(), 64U);
  }
}

TEST_F(Audit, ABrokenTrailStopsIssuingUntilSomebodyAcceptsIt) {
  auto const health = [this] {
    return ca.programs().run({"curl", "--silent", "--noproxy", "*", "--include", ca.web() + "/health"}).out;
  };
  ca.serve();
  ASSERT_EQ(ca.run({"eab", "create", "--grant-dns", "cams.example"}).code, 0);
  EXPECT_THAT(health(), HasSubstr(" 200 "));
  ASSERT_EQ(ca.stop(), 0);
  with_the_store([](store::WriteTxn& txn) { txn.erase(kTable, "0000000000000002"); });

  auto const doctor = ca.run({"doctor"});
  EXPECT_EQ(doctor.code, 5);
  EXPECT_THAT(doctor.out, HasSubstr("entry 2 is missing"));
  ca.serve();  // lists and revocation go on
  EXPECT_THAT(ca.log(), HasSubstr("\"audit.trail_changed\""));
  EXPECT_THAT(health(), AllOf(HasSubstr(" 503 "), HasSubstr("audit: the audit trail was changed")));
  auto const head = ca.run({"audit", "head"});
  EXPECT_EQ(head.code, 5) << head.all();
  EXPECT_THAT(head.err, HasSubstr("entry 2 is missing"));
  ASSERT_EQ(ca.stop(), 0);
  EXPECT_EQ(ca.run({"audit", "head"}).code, 5) << "without a server";
  ca.serve();
  EXPECT_THAT(ca.log(), HasSubstr("\"audit.trail_changed\"")) << "a start forgets nothing";

  auto const accepted = ca.run({"--output", "json", "audit", "accept-break"});
  ASSERT_EQ(accepted.code, 0) << accepted.all();
  EXPECT_EQ(json::need_int(json::parse_object(accepted.out).value(), "number").value(),
            static_cast<std::int64_t>(number_of("audit_break_accepted")));
  EXPECT_THAT(health(), HasSubstr(" 200 "));
  EXPECT_EQ(ca.run({"audit", "accept-break"}).code, 5);
  EXPECT_EQ(ca.run({"audit", "head"}).code, 0);
  auto const verified = ca.run({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
  EXPECT_THAT(verified.out, HasSubstr("somebody accepted that"));
  EXPECT_THAT(events(), HasSubstr("audit_break_accepted"));
  ASSERT_EQ(ca.stop(), 0);
}

// Whatever stands at the end of the trail or of its heads, the service serves lists and takes revocations, what is left
// can be exported, and a person can accept it.
TEST_F(Audit, RowsThatAreNoneDoNotEndTheService) {
  struct Last {
    std::string key, value;
  };
  auto const last_of = [](store::ReadTxn& txn, store::Table table) {
    Last last;
    txn.scan_down(table, "", [&](std::string_view key, std::string_view value) {
      last = {std::string(key), std::string(value)};
      return false;
    });
    return last;
  };
  struct Attack {
    char const* name;
    int export_code;
    std::function<void(store::WriteTxn&)> change;
  };
  for (auto const& attack : std::vector<Attack>{
           {"a head that was changed", 0,
            [&](store::WriteTxn& txn) {
              auto last = last_of(txn, kHeads);
              last.value[last.value.size() / 2] = static_cast<char>(last.value[last.value.size() / 2] ^ 1);
              txn.put(kHeads, last.key, last.value);
            }},
           {"a row behind all heads", 0, [](store::WriteTxn& txn) { txn.put(kHeads, "zz", "no head"); }},
           {"a row behind all entries", 6, [](store::WriteTxn& txn) { txn.put(kTable, "zz", "no entry"); }},
           {"a last row that is too short", 6,
            [&](store::WriteTxn& txn) { txn.put(kTable, last_of(txn, kTable).key, "ten octets"); }}}) {
    SCOPED_TRACE(attack.name);
    ca.serve();
    ASSERT_EQ(ca.run({"audit", "head"}).code, 0);
    ASSERT_EQ(ca.stop(), 0);
    with_the_store(attack.change);
    ca.serve();
    EXPECT_THAT(ca.log(), HasSubstr("\"audit.trail_changed\""));
    auto const listed = json::parse_object(ca.run({"--output", "json", "cert", "list"}).out).value();
    auto const serial = json::need_string(*listed.find("certificates")->as_array()->front().as_object(), "serial");
    auto const revoked = ca.run({"cert", "revoke", serial.value()});
    EXPECT_EQ(revoked.code, 0) << revoked.all();
    auto const exported = ca.run({"audit", "export"});
    EXPECT_EQ(exported.code, attack.export_code) << exported.all();
    EXPECT_THAT(exported.out, HasSubstr(serial.value()));
    EXPECT_EQ(ca.run({"audit", "export", "--format", "csv"}).code, attack.export_code);
    auto const accepted = ca.run({"audit", "accept-break"});
    EXPECT_EQ(accepted.code, 0) << accepted.all();
    auto const verified = ca.run({"audit", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
    ASSERT_EQ(ca.stop(), 0) << ca.log();
  }
}

TEST_F(Audit, AHeadOfSomebodyElseFitsNothing) {
  ca.serve();
  fakes::CaProcess other;
  auto const head = ca.path("head.json");
  other.serve();
  ASSERT_EQ(other.run({"audit", "head", "--out", head}).code, 0);
  ASSERT_EQ(ca.run({"audit", "head"}).code, 0);
  auto const judged = ca.run({"audit", "verify", "--head", head});
  EXPECT_EQ(judged.code, 6) << judged.all();
  std::ofstream(head) << "{}";
  EXPECT_EQ(ca.run({"audit", "verify", "--head", head}).code, 1);
  EXPECT_EQ(other.stop(), 0);
  EXPECT_EQ(ca.stop(), 0);
}

}  // namespace
}  // namespace lenscap::e2e
