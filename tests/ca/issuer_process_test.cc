// The signer's own judgement, without a socket: what it signs, what it refuses, and that all of it is on record first.
#include "ca/issuer_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/crl.h"
#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct IssuerProcessTest : ::testing::Test {
  fakes::TempDir dir;
  GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  std::string const ledger = dir.path("ledger");
  MemoryKey* key = nullptr;
  SigningCaps caps;
  std::unique_ptr<IssuerProcess> signer = open_signer(ca, ledger, kNow, caps, false, &key);

  void restart(Time now, bool accept_clock = false) {
    signer.reset();
    signer = open_signer(ca, ledger, now, caps, accept_clock, &key);
  }
  Asked asked(Time now = kNow, std::vector<std::string> const& dns = {"cam1.cams.example"}) const {
    return ask(ca, request(names(dns)), now);
  }
  std::string refused(CertificateWanted const& wanted, Time now = kNow) {
    return refusal(answer(*signer, encode(wanted), now));
  }
  bool verifies(Answer const& given, ByteView tbs) const {
    auto const* signature = std::get_if<Signature>(&given);
    return signature != nullptr && ca.issuing.key().verify(HashAlgorithm::sha256, tbs, signature->octets);
  }
  Bytes crl(std::uint64_t number, Time now = kNow) const {
    CrlBuilder builder(ca.issuing, {.number = number, .this_update = now, .next_update = now + 7 * kDay}, 1);
    builder.add({.serial_hex = "0102", .not_after = now + kDay, .revoked_at = now - kDay, .reason = {}});
    return encode_crl_wanted(9, ca.issuing.subject_key_id(), std::move(builder).finish().tbs());
  }
};

TEST_F(IssuerProcessTest, SignsWhatIsInsideTheRulesAndPutsItOnRecordFirst) {
  auto const want = asked();
  std::size_t on_record = 0;
  key->before = [&](ByteView) { on_record = entries_of(ledger).size(); };
  auto const given = answer(*signer, encode(want.wanted), kNow);
  EXPECT_TRUE(verifies(given, want.tbs)) << refusal(given);
  EXPECT_EQ(std::get<Signature>(given).id, 7U);
  EXPECT_EQ(on_record, 1U) << "the key was used before the ledger was written";
  auto const entries = entries_of(ledger);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].serial_hex, to_hex(want.wanted.serial));
  EXPECT_EQ(entries[0].tbs_hash, to_hex(sha256(want.tbs)));
  EXPECT_EQ(entries[0].at, kNow);
}

TEST_F(IssuerProcessTest, WhatTheFrontEndPutOnRecordMustBeWhatTheSignerBuilds) {
  auto want = asked();
  auto const other = asked(kNow, {"cam1.cams.example", "cam2.cams.example"});
  want.wanted.tbs_hash = sha256(other.tbs);
  EXPECT_THAT(refused(want.wanted), HasSubstr("another certificate than the one on record"));
  EXPECT_EQ(key->signatures, 0);
  EXPECT_THAT(entries_of(ledger), IsEmpty());
}

TEST_F(IssuerProcessTest, RefusesWhatTheRulesForbidThoughTheFrontEndAsks) {
  auto const at = [&](IssueRequest const& wanted) { return refused(ask(ca, wanted, kNow).wanted); };
  EXPECT_THAT(at(request(names({"cam1.evil.example"}))), HasSubstr("evil.example"));
  EXPECT_THAT(at(request(names({}, {"192.0.2.1"}))), HasSubstr("192.0.2.1"));
  auto own = request(names({"cam1.cams.example"}));
  own.key = ca.issuing.key();
  EXPECT_THAT(at(own), HasSubstr("the CA's own key"));
  auto weak = request(names({"cam1.cams.example"}));
  weak.key = x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key();
  EXPECT_THAT(at(weak), HasSubstr("1024"));
  auto longer = request(names({"cam1.cams.example"}));
  longer.not_after = kNow + 900 * kDay;
  EXPECT_THAT(at(longer), HasSubstr("longer than profile"));

  auto want = asked();
  want.wanted.request.profile = "everything";
  EXPECT_THAT(refused(want.wanted), HasSubstr("no profile"));
  want = asked();
  want.wanted.profile_hash = profile("server").hash();
  EXPECT_THAT(refused(want.wanted), HasSubstr("is another one"));
  EXPECT_EQ(key->signatures, 0);
  EXPECT_THAT(entries_of(ledger), IsEmpty());
}

TEST_F(IssuerProcessTest, NoSerialNumberIsSignedTwiceAlsoAfterARestart) {
  auto const want = asked();
  EXPECT_EQ(refused(want.wanted), "");
  EXPECT_THAT(refused(want.wanted), HasSubstr("signed before"));
  restart(kNow + kMinute);
  EXPECT_THAT(refused(want.wanted, kNow + kMinute), HasSubstr("signed before"));
  EXPECT_EQ(key->signatures, 0) << "of the key that was opened anew";
  // Also twice in what came together.
  auto const twice = message_of(encode(asked().wanted));
  auto const answers = signer->answer({twice, twice}, kNow);
  EXPECT_EQ(refusal(decode_answer(message_of(answers[0])).value()), "");
  EXPECT_THAT(refusal(decode_answer(message_of(answers[1])).value()), HasSubstr("signed before"));
}

TEST_F(IssuerProcessTest, SerialNumbersAreOfTheFormAndTheTimeThatTheyMustHave) {
  auto const with = [&](Bytes serial) {
    auto want = asked();
    want.wanted.serial = std::move(serial);
    want.wanted.tbs_hash = sha256(build(ca, profile("camera-https"), want.wanted.request, want.wanted.serial, kNow));
    return refused(want.wanted);
  };
  EXPECT_THAT(with({0x01}), HasSubstr("another form"));
  EXPECT_THAT(with(new_serial(kNow - Seconds(1))), HasSubstr("another form or time"));
  auto other_front = new_serial(kNow);
  other_front[0] = 0x02;
  EXPECT_THAT(with(other_front), HasSubstr("another form"));
  EXPECT_EQ(with(new_serial(kNow)), "");
}

TEST_F(IssuerProcessTest, ARequestIsOfNowByTheSignersOwnClock) {
  EXPECT_THAT(refused(asked(kNow - 11 * kMinute).wanted), HasSubstr("whose clock says"));
  EXPECT_THAT(refused(asked(kNow + 6 * kMinute).wanted), HasSubstr("whose clock says"));
  EXPECT_EQ(refused(asked(kNow - 9 * kMinute).wanted), "") << "it may have waited";
}

TEST_F(IssuerProcessTest, AClockThatRanBackIsRefusedUntilAPersonAcceptsIt) {
  EXPECT_EQ(refused(asked().wanted), "");
  auto const before = kNow - kDay;
  restart(before);
  EXPECT_THAT(refused(asked(before).wanted, before), HasSubstr("clock"));
  restart(before, /*accept_clock=*/true);
  EXPECT_EQ(refused(asked(before).wanted, before), "");
  restart(before + kMinute);
  EXPECT_EQ(refused(asked(before + kMinute).wanted, before + kMinute), "") << "that is on record, too";
}

TEST_F(IssuerProcessTest, TheCapsHoldAlsoAfterARestartAndSayHowLongTheyHold) {
  caps = {.per_minute = 3, .per_day = 5};
  restart(kNow);
  auto const ask_at = [&](Time now) { return answer(*signer, encode(asked(now).wanted), now); };
  EXPECT_EQ(std::get<Signature>(ask_at(kNow)).wait, Seconds(0));
  EXPECT_EQ(refusal(ask_at(kNow + Seconds(10))), "");
  EXPECT_EQ(std::get<Signature>(ask_at(kNow + Seconds(20))).wait, Seconds(40)) << "the front end can know beforehand";
  restart(kNow + Seconds(30));
  auto const capped = ask_at(kNow + Seconds(30));
  EXPECT_THAT(refusal(capped), HasSubstr("cap is reached"));
  EXPECT_EQ(std::get<Refused>(capped).error.code(), Errc::unavailable);
  EXPECT_EQ(std::get<Refused>(capped).error.retry_after, Seconds(30));
  EXPECT_EQ(refusal(ask_at(kNow + Seconds(60))), "");
  EXPECT_EQ(refusal(ask_at(kNow + Seconds(80))), "");
  EXPECT_EQ(std::get<Refused>(ask_at(kNow + kHour)).error.retry_after, kDay - kHour);
  EXPECT_EQ(refusal(answer(*signer, crl(1, kNow + kHour), kNow + kHour)), "") << "lists have a cap of their own";
}

// Without it a server that was started anew could not even say what is revoked. No front end gets more by it than the
// reserve, whatever it says of its requests.
TEST_F(IssuerProcessTest, AReachedCapLeavesAReserveForTheServersOwnCertificateAlone) {
  auto const own = names({"pki.cams.example"});
  auto const open = [&](Time now) {
    signer.reset();
    signer =
        open_signer(ca, ledger, now, {.per_minute = 0, .per_day = 1}, false, &key, FrontCertificate{"server", own});
  };
  auto const ask_for = [&](x509::NameSet const& wanted, char const* profile, Time now = kNow) {
    return answer(*signer, encode(ask(ca, request(wanted, profile), now).wanted), now);
  };
  open(kNow);
  EXPECT_EQ(refused(asked().wanted), "");
  auto both = own;
  both.dns.merge(names({"cam1.cams.example"}).dns);
  EXPECT_THAT(refusal(ask_for(own, "camera-https")), HasSubstr("cap is reached")) << "the name, of another profile";
  EXPECT_THAT(refusal(ask_for(both, "server")), HasSubstr("cap is reached")) << "the name and another";
  EXPECT_THAT(refusal(ask_for(names({"cam1.cams.example"}), "server")), HasSubstr("cap is reached"));
  auto const given = ask_for(own, "server");
  ASSERT_EQ(refusal(given), "");
  EXPECT_EQ(std::get<Signature>(given).wait, kDay) << "of everybody else";
  for (std::size_t i = 1; i < kOwnReserve.per_day; ++i) ASSERT_EQ(refusal(ask_for(own, "server")), "") << i;
  auto const later = kNow + kHour;
  for (bool const restarted : {false, true}) {
    if (restarted) open(later);
    EXPECT_THAT(refusal(ask_for(own, "server", later)), HasSubstr("cap is reached")) << "the reserve has an end";
  }
  EXPECT_THAT(entries_of(ledger), SizeIs(1 + kOwnReserve.per_day));
}

TEST_F(IssuerProcessTest, ListsHaveACapThatHoldsAfterARestart) {
  std::uint64_t number = 0;
  std::vector<Bytes> many;
  while (many.size() < 2000) many.push_back(message_of(crl(++number, kNow)));
  auto const answers = signer->answer(many, kNow);
  auto const last = decode_answer(message_of(answers.back())).value();
  EXPECT_EQ(refusal(last), "");
  auto const capped = answer(*signer, crl(++number, kNow), kNow);
  EXPECT_THAT(refusal(capped), HasSubstr("as many revocation lists"));
  EXPECT_FALSE(std::get<Refused>(capped).error.retry_after) << "it would hold up certificates";
  EXPECT_EQ(refused(asked().wanted), "");
  restart(kNow + Seconds(59));
  EXPECT_THAT(refusal(answer(*signer, crl(number, kNow + Seconds(59)), kNow + Seconds(59))), HasSubstr("as many"));
  EXPECT_EQ(refusal(answer(*signer, crl(number, kNow + kMinute), kNow + kMinute)), "");
}

TEST_F(IssuerProcessTest, CapsDoNotWaitForTheTimeOfAClockThatRanAhead) {
  caps = {.per_minute = 0, .per_day = 3};
  auto const ahead = kNow + 300 * kDay;
  restart(ahead);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refused(asked(ahead).wanted, ahead), "");
  restart(kNow, /*accept_clock=*/true);
  EXPECT_EQ(refused(asked().wanted), "");
  auto const wait = [&](Time now) {
    auto const given = answer(*signer, encode(asked(now).wanted), now);
    auto const* refused = std::get_if<Refused>(&given);
    return refused == nullptr ? Seconds(0) : refused->error.retry_after.value_or(Seconds(0));
  };
  EXPECT_EQ(wait(kNow + kHour), kDay - kHour);
  restart(kNow + kHour);
  EXPECT_EQ(wait(kNow + kHour), kDay - kHour);
  EXPECT_EQ(wait(kNow + kDay), Seconds(0));
}

// By less than what makes a clock unbelievable, so that signing goes on.
TEST_F(IssuerProcessTest, TheCapsHoldAlsoWhenTheClockIsSetBackALittle) {
  caps = {.per_minute = 2, .per_day = 0};
  restart(kNow);
  EXPECT_EQ(refused(asked().wanted), "");
  EXPECT_EQ(refused(asked().wanted), "");
  auto const back = kNow - Seconds(20);
  for (bool const restarted : {false, true}) {
    if (restarted) restart(back);
    auto const capped = answer(*signer, encode(asked(back).wanted), back);
    EXPECT_THAT(refusal(capped), HasSubstr("cap is reached"));
    EXPECT_EQ(std::get<Refused>(capped).error.retry_after, kMinute) << "and not until the other time has come";
  }
  EXPECT_EQ(refused(asked(back + kMinute).wanted, back + kMinute), "");
}

TEST_F(IssuerProcessTest, ListsAreOfThisIssuerAndNumbersRise) {
  EXPECT_EQ(refusal(answer(*signer, crl(5), kNow)), "");
  EXPECT_THAT(refusal(answer(*signer, crl(5), kNow)), HasSubstr("comes too late"));
  restart(kNow);
  EXPECT_THAT(refusal(answer(*signer, crl(4), kNow)), HasSubstr("comes too late"));
  EXPECT_EQ(refusal(answer(*signer, crl(6), kNow)), "");
  EXPECT_THAT(refusal(answer(*signer, crl(~std::uint64_t{0}), kNow)), HasSubstr("too far ahead"));
  // After a restore numbers go on far above the last: as far as lists can have been made since the issuer began.
  EXPECT_THAT(refusal(answer(*signer, crl(3'000'000), kNow)), HasSubstr("too far ahead"));
  // A certificate does not pass for a list.
  EXPECT_THAT(refusal(answer(*signer, encode_crl_wanted(1, ca.issuing.subject_key_id(), asked().tbs), kNow)),
              HasSubstr("revocation list"));
  EXPECT_THAT(entries_of(ledger), SizeIs(2));
  EXPECT_EQ(refusal(answer(*signer, crl(3'000'000, kNow + 10 * kDay), kNow + 10 * kDay)), "");
}

// As a list comes over the socket: what is signed and put on record is the list that the pieces make.
TEST_F(IssuerProcessTest, AListThatComesInPiecesIsSignedAsOne) {
  std::uint64_t number = 0;
  for (std::size_t const piece : {std::size_t{1}, std::size_t{50}, std::size_t{100'000}}) {
    auto const message = message_of(crl(++number));
    auto const begin = std::min(message.size(), kCrlFrontOctetsMax);
    auto list = signer->begin_list(ByteView(message).first(begin));
    for (auto rest = ByteView(message).subspan(begin); !rest.empty();) {
      auto const now = rest.first(std::min(piece, rest.size()));
      list.add(now);
      rest = rest.subspan(now.size());
    }
    std::vector<IssuerProcess::Arrived> arrived;
    arrived.push_back({.message = message_of(encode(asked().wanted))});
    arrived.push_back({.list = std::move(list)});
    auto const answers = signer->answer(std::move(arrived), kNow);
    EXPECT_EQ(refusal(decode_answer(message_of(answers.at(0))).value()), "");
    auto const given = decode_answer(message_of(answers.at(1))).value();
    auto const tbs = std::get<CrlWanted>(decode_wanted(message).value()).tbs;
    EXPECT_TRUE(verifies(given, tbs)) << refusal(given);
    EXPECT_EQ(std::get<Signature>(given).id, 9U);
    EXPECT_EQ(entries_of(ledger).back().tbs_hash, to_hex(sha256(tbs)));
    EXPECT_EQ(entries_of(ledger).back().number, number);
  }
}

TEST_F(IssuerProcessTest, AListThatEndsTooEarlyOrGoesOnIsNotSigned) {
  auto const message = message_of(crl(1));
  auto const answered = [&](ByteView octets) {
    auto const begin = std::min(octets.size(), kCrlFrontOctetsMax);
    auto list = signer->begin_list(octets.first(begin));
    list.add(octets.subspan(begin));
    std::vector<IssuerProcess::Arrived> arrived;
    arrived.push_back({.list = std::move(list)});
    auto const given = decode_answer(message_of(signer->answer(std::move(arrived), kNow).at(0))).value();
    return std::holds_alternative<Signature>(given) ? "signed" : refusal(given);
  };
  for (std::size_t length = 1; length < message.size(); ++length)
    EXPECT_NE(answered(ByteView(message).first(length)), "signed") << length;
  auto longer = message;
  longer.push_back(0);
  EXPECT_THAT(answered(longer), HasSubstr("octets after its end"));
  EXPECT_EQ(key->signatures, 0);
  EXPECT_THAT(entries_of(ledger), IsEmpty());
  EXPECT_EQ(answered(message), "signed");
}

// The clock is asked when the list is there, not when it begins: one that took an hour to come is too old.
TEST_F(IssuerProcessTest, AListIsJudgedByTheTimeOfItsEnd) {
  auto const message = message_of(crl(1));
  std::vector<IssuerProcess::Arrived> arrived;
  arrived.push_back({.list = signer->begin_list(message)});
  auto const answers = signer->answer(std::move(arrived), kNow + kHour);
  EXPECT_THAT(refusal(decode_answer(message_of(answers.at(0))).value()), HasSubstr("and now is"));
}

TEST_F(IssuerProcessTest, TellsWhatItSignedAlsoAfterARestart) {
  auto const want = asked();
  answer(*signer, encode(want.wanted), kNow);
  answer(*signer, crl(7), kNow);
  for (bool const restarted : {false, true}) {
    if (restarted) restart(kNow);
    auto const told = std::get<Recent>(answer(*signer, encode(RecentWanted{5}), kNow));
    EXPECT_EQ(told.id, 5U);
    EXPECT_EQ(told.entries.certificates, std::vector{entries_of(ledger).at(0)});
    ASSERT_EQ(told.entries.lists.size(), 1U);
    EXPECT_EQ(told.entries.lists.begin()->second, entries_of(ledger).at(1));
  }
  EXPECT_EQ(key->signatures, 0) << "telling signs nothing";
}

// One message has room for the most that there may be, and no more is told than that.
TEST_F(IssuerProcessTest, TellsTheLastOnesAlone) {
  signer.reset();
  std::ofstream out(ledger);
  for (std::size_t i = 0; i < kRecent + 1; ++i)
    out << to_line({.issuer = std::string(40, 'a'),
                    .at = kNow + Seconds(static_cast<long>(i)),
                    .serial_hex = std::string(38, '1'),
                    .tbs_hash = std::string(64, 'b')});
  for (std::size_t i = 0; i < 256; ++i)
    out << to_line({.kind = SignedEntry::Kind::crl,
                    .issuer = to_hex(ca.issuing.subject_key_id()),
                    .at = kNow,
                    .scope = "part-" + std::to_string(i),
                    .number = i,
                    .tbs_hash = std::string(64, 'c')});
  out.close();
  auto const later = kNow + kDay;
  restart(later);
  auto const frame = encode(RecentWanted{5});
  auto const answers = signer->answer({message_of(frame)}, later);
  Frames frames;
  frames.feed(answers.at(0));
  auto const told = std::get<Recent>(decode_answer(frames.next().value().value()).value());
  ASSERT_EQ(told.entries.certificates.size(), kRecent);
  EXPECT_EQ(told.entries.certificates.front().at, kNow + Seconds(1));
  EXPECT_EQ(told.entries.lists.size(), 256U);
}

TEST_F(IssuerProcessTest, AWrongSignatureGoesToNobody) {
  key->instead = [this](ByteView) { return ca.issuing_key.sign(HashAlgorithm::sha256, as_bytes("another thing")); };
  EXPECT_THAT(refused(asked().wanted), HasSubstr("does not verify"));
  key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "the token is gone"); };
  EXPECT_THAT(refused(asked().wanted), HasSubstr("the token is gone"));
}

TEST_F(IssuerProcessTest, OneMessageThatCannotBeReadSpoilsNoOther) {
  auto const good = message_of(encode(asked().wanted));
  auto cut = good;
  cut.pop_back();
  auto const answers = signer->answer({cut, {}, good}, kNow);
  ASSERT_THAT(answers, SizeIs(3));
  auto const first = decode_answer(message_of(answers[0])).value();
  EXPECT_EQ(std::get<Refused>(first).id, 7U) << "so that who waits for it hears of it";
  EXPECT_THAT(refusal(decode_answer(message_of(answers[1])).value()), HasSubstr("empty"));
  EXPECT_EQ(refusal(decode_answer(message_of(answers[2])).value()), "");
}

}  // namespace
}  // namespace lenscap::ca::test
