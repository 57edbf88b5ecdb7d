// Messages between front end and signer: what is written reads back, and there is one spelling of each.
#include "ca/issuer_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

CertificateWanted wanted() {
  static GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  auto asked = request(names({"cam1.cams.example", "cam2.cams.example"}, {"10.20.0.1", "fd00::1"}));
  asked.common_name = "cam2.cams.example";
  asked.not_after = kNow + kDay;
  return ask(ca, asked, kNow).wanted;
}

TEST(Messages, ReadBackAsWritten) {
  auto const sent = wanted();
  auto const read = std::get<CertificateWanted>(decode_wanted(message_of(encode(sent))).value());
  EXPECT_EQ(read.id, sent.id);
  EXPECT_EQ(read.issuer, sent.issuer);
  EXPECT_EQ(read.request.profile, sent.request.profile);
  EXPECT_EQ(read.request.key, sent.request.key);
  EXPECT_EQ(read.request.names, sent.request.names);
  EXPECT_EQ(read.request.common_name, sent.request.common_name);
  EXPECT_EQ(read.request.not_before, std::nullopt);
  EXPECT_EQ(read.request.not_after, sent.request.not_after);
  EXPECT_EQ(read.serial, sent.serial);
  EXPECT_EQ(read.prepared_at, sent.prepared_at);
  EXPECT_EQ(read.tbs_hash, sent.tbs_hash);
  EXPECT_EQ(encode(read), encode(sent));

  auto const opening = decode_opening(message_of(encode(Opening{SecretBytes(std::string_view("words"))}))).value();
  EXPECT_EQ(opening.passphrase.text(), "words");
  Error capped(Errc::unavailable, "come later");
  capped.retry_after = Seconds(12);
  auto const refused = std::get<Refused>(decode_answer(message_of(encode(Answer(Refused{4, capped})))).value());
  EXPECT_EQ(refused.id, 4U);
  EXPECT_EQ(refused.error, capped);
  auto const ready =
      std::get<Ready>(decode_answer(message_of(encode(Answer(Ready{{{1, 2}, {3}}, true, false, "no"})))).value());
  EXPECT_TRUE(ready.calls_filtered && !ready.files_walled);
  EXPECT_EQ(ready.spkis, (std::vector<Bytes>{{1, 2}, {3}}));
  EXPECT_EQ(ready.why, "no");
}

// Cut anywhere, longer by one, or with another octet: refused, or a message that is spelled just so.
TEST(Messages, HaveOneSpelling) {
  auto const good = message_of(encode(wanted()));
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decode_wanted(ByteView(good).first(length))) << length;
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_wanted(longer));
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int const change : {0x01, 0x20, 0x80}) {
      auto bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ change);
      auto const read = decode_wanted(bad);
      if (!read || std::holds_alternative<CrlWanted>(*read)) continue;
      EXPECT_EQ(message_of(encode(std::get<CertificateWanted>(*read))), bad) << i;
    }
}

TEST(Messages, NamesStandInTheirOrder) {
  auto message = message_of(encode(wanted()));
  auto const text = as_text(message);
  auto const first = text.find("cam1");
  message[first + 3] = '2';  // twice the same
  EXPECT_THAT(decode_wanted(message).error().detail(), HasSubstr("out of order"));
  message[first + 3] = '1';
  message[first] = 'C';  // the same name in another spelling
  EXPECT_THAT(decode_wanted(message).error().detail(), HasSubstr("a DNS name that is none"));
}

TEST(Frames, ComeInPiecesAndTogether) {
  auto const one = encode(wanted());
  auto const two = encode_crl_wanted(1, as_bytes("issuer"), as_bytes("list"));
  Bytes all = one;
  all.insert(all.end(), two.begin(), two.end());
  for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, all.size()}) {
    Frames frames;
    std::vector<Bytes> found;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      frames.feed(ByteView(all).subspan(at, std::min(piece, all.size() - at)));
      while (auto next = frames.next().value()) found.push_back(*next);
    }
    ASSERT_EQ(found.size(), 2U) << piece;
    EXPECT_EQ(found[0], message_of(one));
    EXPECT_EQ(found[1], message_of(two));
  }
}

// A list between two other messages, for who does not keep lists: its octets come as they come, and as often as the
// socket likes, and the first of them are enough to know whose list it is.
TEST(Frames, GiveListsInPieces) {
  auto const issuer = Bytes(20, 7);
  Bytes const tbs(5000, 0x30);
  auto const certificate = encode(wanted());
  Bytes all = certificate;
  for (auto const& more :
       {encode_crl_wanted(5, issuer, tbs), encode_crl_wanted(6, issuer, {}), encode(RecentWanted{8})})
    all.insert(all.end(), more.begin(), more.end());
  for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, std::size_t{76}, std::size_t{1000}, all.size()}) {
    SCOPED_TRACE(piece);
    Frames frames;
    std::vector<Bytes> messages;
    std::vector<std::pair<std::uint64_t, Bytes>> lists;
    bool is_whole = true;
    std::size_t in_a_piece_most = 0;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      frames.feed(ByteView(all).subspan(at, std::min(piece, all.size() - at)));
      for (bool more = true; more;) {
        if (auto const part = frames.next_of_list()) {
          in_a_piece_most = std::max(in_a_piece_most, part->octets.size());
          auto octets = part->octets;
          EXPECT_EQ(part->is_first, is_whole);
          if (part->is_first) {
            auto const begin = std::get<CrlWanted>(decode_wanted(octets).value());
            EXPECT_EQ(begin.issuer, issuer);
            lists.emplace_back(begin.id, Bytes());
            octets = begin.tbs;
          }
          lists.back().second.insert(lists.back().second.end(), octets.begin(), octets.end());
          is_whole = part->is_last;
          continue;
        }
        auto next = frames.next().value();
        more = next.has_value();
        if (next) messages.push_back(*std::move(next));
      }
    }
    EXPECT_TRUE(frames.is_empty());
    EXPECT_TRUE(is_whole);
    ASSERT_EQ(lists.size(), 2U);
    EXPECT_EQ(lists[0], (std::pair{std::uint64_t{5}, tbs}));
    EXPECT_EQ(lists[1], (std::pair{std::uint64_t{6}, Bytes()}));
    EXPECT_LE(in_a_piece_most, piece + kCrlFrontOctetsMax);
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0], message_of(certificate));
    EXPECT_EQ(std::get<RecentWanted>(decode_wanted(messages[1]).value()).id, 8U);
  }
}

// What the front end takes for too long is what the signer would hang up at.
TEST(Frames, TakeAListAsLongAsThereIsRoomFor) {
  auto const begins = [](std::size_t tbs_octets) {
    Frames frames;
    auto const key_id = Bytes(64, 1);
    frames.feed(encode_crl_front(1, key_id, tbs_octets));
    bool const is_list = frames.next_of_list().has_value();
    EXPECT_EQ(frames.next().ok(), is_list);
    return is_list;
  };
  std::size_t const most = kCrlMessageBytesMax - kCrlFrontOctetsMax;
  EXPECT_TRUE(has_room_for_crl(most));
  EXPECT_TRUE(begins(most));
  EXPECT_FALSE(has_room_for_crl(most + 1));
  EXPECT_FALSE(begins(most + 1));
  // Five million of the largest that ours are: a serial of 19 octets, a date, a reason.
  EXPECT_TRUE(has_room_for_crl(std::size_t{5'000'000} * (2 + 21 + 15 + 14)));
}

TEST(Frames, AreBounded) {
  auto const refuses = [](Bytes const& octets) {
    Frames frames;
    frames.feed(octets);
    return !frames.next();
  };
  EXPECT_TRUE(refuses({0, 0, 0, 0, 2}));
  EXPECT_TRUE(refuses({0, 4, 0, 1, 2}));
  EXPECT_FALSE(refuses({0, 4, 0, 0, 2})) << "the most that there may be";
  EXPECT_FALSE(refuses({0, 4, 0, 1, 3})) << "lists are longer";
  EXPECT_TRUE(refuses({0x10, 0, 0, 1, 3}));
}

}  // namespace
}  // namespace lenscap::ca::test
