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
