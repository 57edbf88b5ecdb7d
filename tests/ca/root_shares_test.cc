// The passphrase of a root's key in shares: which sets of them give it, and what is said of the others. That other
// people's programs combine them alike is judged in root_seal_test.cc.
#include "ca/root_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

x509::Certificate const& root() {
  static auto const made = generate_ca(ceremony_settings(), kNow).value().root;
  return made;
}

RootShare copy_of(RootShare const& share) { return {share.sealing, share.number, share.octets.clone()}; }
// Those of these numbers.
std::vector<RootShare> pick(SplitPassphrase const& split, std::vector<unsigned> const& numbers) {
  std::vector<RootShare> picked;
  for (auto const number : numbers) picked.push_back(copy_of(split.shares.at(number - 1)));
  return picked;
}

TEST(ParseShareCount, TakesWhatMakesSense) {
  for (auto const& [text, count] : std::vector<std::pair<char const*, ShareCount>>{
           {"2-of-2", {2, 2}}, {"3-of-5", {3, 5}}, {"2-of-16", {2, 16}}, {"16-of-16", {16, 16}}})
    EXPECT_EQ(parse_share_count(text).value(), count) << text;
  for (auto const* bad : {"", "3", "3of5", "3-of-", "-of-5", "1-of-5", "0-of-5", "6-of-5", "2-of-17", "3-of-5 ",
                          " 3-of-5", "3-of-5-of-7", "+3-of-5", "258-of-261", "a-of-b", "3/5"}) {
    auto const refused = parse_share_count(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code(), Errc::usage);
    EXPECT_THAT(refused.error().detail(), HasSubstr("K-of-N"));
  }
}

TEST(NewSealing, IsOfTheRootAndOfItsOwn) {
  auto const one = new_sealing(root(), {3, 5}), other = new_sealing(root(), {3, 5});
  EXPECT_EQ(one.root, root().fingerprint());
  EXPECT_EQ(one.subject, root().subject());
  EXPECT_EQ(one.id.size(), kSealingIdCharacters);
  EXPECT_NE(one.id, other.id);
}

TEST(Combine, EverySetOfEnoughSharesGivesThePassphraseAndNoOther) {
  for (ShareCount const count :
       {ShareCount{2, 2}, ShareCount{2, 3}, ShareCount{3, 5}, ShareCount{7, 7}, ShareCount{4, 8}}) {
    auto const split = split_new_passphrase(new_sealing(root(), count));
    ASSERT_EQ(split.shares.size(), count.made);
    EXPECT_EQ(split.passphrase.size(), 32U);
    for (unsigned set = 1; set < 1U << count.made; ++set) {
      std::vector<unsigned> numbers;
      for (unsigned number = 1; number <= count.made; ++number)
        if ((set >> (number - 1) & 1) != 0) numbers.push_back(number);
      auto const combined = combine(split.shares.front().sealing, pick(split, numbers));
      EXPECT_EQ(combined.ok(), numbers.size() >= count.needed) << set;
      if (combined.ok()) {
        EXPECT_EQ(combined->text(), split.passphrase.text()) << set;
      }
    }
  }
}

TEST(Combine, TheGreatestNumberOfShares) {
  auto const split = split_new_passphrase(new_sealing(root(), {16, 16}));
  EXPECT_EQ(combine(split.shares.front().sealing, split.shares).value().text(), split.passphrase.text());
}

TEST(Combine, TheOrderOfPeopleDoesNotMatter) {
  auto const split = split_new_passphrase(new_sealing(root(), {3, 5}));
  EXPECT_EQ(combine(split.shares.front().sealing, pick(split, {5, 1, 3})).value().text(), split.passphrase.text());
}

// Fewer shares than are needed go with any passphrase: what they would give if that were enough is not it, and each
// octet of a share is as random as the next.
TEST(Split, FewerSharesSayNothing) {
  std::set<std::string> passphrases, firsts;
  constexpr int kTimes = 300;
  int right = 0;
  for (int i = 0; i < kTimes; ++i) {
    auto const split = split_new_passphrase(new_sealing(root(), {3, 3}));
    passphrases.emplace(split.passphrase.text());
    firsts.emplace(as_text(split.shares.front().octets.view()));
    auto two = pick(split, {1, 2});
    for (auto& share : two) share.sealing.count = {2, 3};
    right += combine(two.front().sealing, two).value().text() == split.passphrase.text() ? 1 : 0;
  }
  EXPECT_EQ(passphrases.size(), kTimes);
  EXPECT_EQ(firsts.size(), kTimes);
  EXPECT_EQ(right, 0);
}

// One bit in any share changes what comes out: nothing of a share is without effect.
TEST(Combine, AWrongBitGivesSomethingElse) {
  auto const split = split_new_passphrase(new_sealing(root(), {2, 3}));
  for (std::size_t bit = 0; bit < kShareOctets * 8; ++bit) {
    auto two = pick(split, {1, 3});
    auto octets = to_bytes(two[1].octets.view());
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] ^ 1U << bit % 8);
    two[1].octets = SecretBytes(std::move(octets));
    EXPECT_NE(combine(two[0].sealing, two).value().text(), split.passphrase.text()) << bit;
  }
}

TEST(Combine, Refuses) {
  auto const sealing = new_sealing(root(), {3, 5});
  auto const split = split_new_passphrase(sealing);
  auto const again = split_new_passphrase(new_sealing(root(), {3, 5}));
  auto foreign = sealing;
  foreign.root[0] ^= 1;
  foreign.subject = "CN=Another Root";
  auto const of_another = split_new_passphrase(foreign);
  auto mixed = pick(split, {1, 2});
  mixed.push_back(copy_of(again.shares[2]));
  auto strange = pick(split, {1, 2});
  strange.push_back(copy_of(of_another.shares[2]));
  struct Case {
    char const* name;
    std::vector<RootShare> shares;
    std::string says;
  };
  std::vector<Case> cases;
  cases.push_back(
      {"none", {}, "3 of the 5 shares of sealing " + sealing.id + " are needed to open the key, and 0 are"});
  cases.push_back({"one", pick(split, {4}), "and 1 is given"});
  cases.push_back({"too few", pick(split, {1, 5}), "and 2 are given"});
  cases.push_back({"twice", pick(split, {1, 5, 1}), "share 1 is given twice"});
  cases.push_back({"twice among enough", pick(split, {1, 2, 5, 2}), "share 2 is given twice"});
  cases.push_back(
      {"another sealing", std::move(mixed), "share 3: this is a share of sealing " + again.shares[0].sealing.id});
  cases.push_back(
      {"another CA", std::move(strange), "share 3: this is a share of another root's key, CN=Another Root"});
  for (auto const& [name, shares, says] : cases) {
    auto const refused = combine(sealing, shares);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code(), Errc::usage) << name;
    EXPECT_THAT(refused.error().detail(), HasSubstr(says)) << name;
  }
}

}  // namespace
}  // namespace lenscap::ca::test
