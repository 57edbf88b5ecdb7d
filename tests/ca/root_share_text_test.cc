// How shares are written: what people may do to a text and still be understood, and that what they get wrong is found.
#include "ca/root_share_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/base32.h"
#include "base/file.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kShare = "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567";

Sealing sealing() {
  Sealing made{
      .subject = "CN=Example Cameras Root CA,O=Example Cameras", .root = {}, .count = {3, 5}, .id = "K7QX2M4D"};
  for (std::size_t i = 0; i < made.root.size(); ++i) made.root[i] = static_cast<std::uint8_t>(i);
  return made;
}
RootShare share() { return {sealing(), 2, from_base32(kShare).value()}; }
std::string file() { return std::string(share_file(share()).text()); }
std::string with(std::string text, std::string const& from, std::string const& to) {
  auto const at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}
std::string field_of(std::string const& text, std::string const& name) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + " ")) return line.substr(line.find_first_not_of(' ', name.size()));
  return "absent";
}
std::string check() { return field_of(file(), "Check"); }

void expect_same(Result<RootShare> const& read) {
  ASSERT_TRUE(read.ok()) << read.error().detail();
  EXPECT_EQ(read->sealing, sealing());
  EXPECT_EQ(read->number, 2U);
  EXPECT_EQ(to_base32(read->octets.view()).text(), to_base32(share().octets.view()).text());
}
void expect_refused(Result<RootShare> const& read, Errc code, std::string const& says, std::string const& name) {
  ASSERT_FALSE(read.ok()) << name;
  EXPECT_EQ(read.error().code(), code) << name;
  EXPECT_THAT(read.error().detail(), AllOf(HasSubstr(says), Not(HasSubstr("ABCD")), Not(HasSubstr("4567")))) << name;
}

TEST(ShareFile, SaysWhatItIsAndWhatToDoWithIt) {
  auto const text = file();
  EXPECT_EQ(field_of(text, "Root"), sealing().subject);
  EXPECT_EQ(field_of(text, "SHA-256"),
            "0001 0203 0405 0607 0809 0A0B 0C0D 0E0F 1011 1213 1415 1617 1819 1A1B 1C1D 1E1F");
  EXPECT_EQ(field_of(text, "Sealing"), "K7QX2M4D");
  EXPECT_EQ(field_of(text, "Needs"), "3 of 5");
  EXPECT_EQ(field_of(text, "Number"), "2");
  EXPECT_EQ(field_of(text, "Share"), kShare);
  for (auto const* what : {"SHARE 2 OF 5", "--share FILE", "gfcombine", "base32 -d", "openssl pkey", "Lost it"})
    EXPECT_THAT(text, HasSubstr(what));
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) EXPECT_LE(line.size(), 90U) << line;
}

// The recipe of the header, by other people's programs: a check can be recomputed by hand.
TEST(ShareFile, TheCheckIsThatOfTheRecipe) {
  auto const by_hand =
      run("printf '%s' '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f K7QX2M4D 3-of-5 2 "
          "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567' | openssl dgst -sha256 -binary | base32 | cut -c 1-4");
  EXPECT_EQ(by_hand.output, check() + "\n");
}

// The recipe that stands in the file.
TEST(ShareFile, ItsOctetsComeOutByStockTools) {
  fakes::TempDir dir;
  put_file(dir.path("FILE"), file());
  auto const ran = run("sed -n 's/^Share //p' " + dir.path("FILE") + " | tr -d ' ' | base32 -d | base32");
  EXPECT_EQ(ran.output, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567\n");
}

TEST(ParseShareFile, ReadsWhatIsWritten) { expect_same(parse_share_file(file())); }

TEST(ParseShareFile, TheLargestOneHasRoom) {
  auto large = share();
  large.sealing.subject = "CN=" + std::string(2000, 'x');
  large.sealing.count = {16, 16};
  large.number = 16;
  auto const text = share_file(large);
  EXPECT_LT(text.size(), kShareFileBytesMax);
  EXPECT_EQ(parse_share_file(text.text()).value().sealing, large.sealing);
}

// As somebody copies it by hand, or a mail program sends it.
TEST(ParseShareFile, WhatIsNotSaidByTheLinesDoesNotMatter) {
  std::string crlf;
  for (char const c : file()) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect_same(parse_share_file(crlf));
  std::string copied =
      "Sealing k7qx 2m4d\nNumber 2\nNeeds 3 of 5\nRoot\tCN=Example Cameras Root CA,O=Example Cameras\n";
  copied += "SHA-256 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
  copied += "Share abcd-efgh-ijkl-mnop-qrst-uvwx-yz23-4567\nCheck " + check();
  expect_same(parse_share_file(copied));
}

TEST(ParseShareFile, Refuses) {
  auto const good = file();
  struct Case {
    std::string name, text, says;
  };
  for (auto const& [name, text, says] : std::vector<Case>{
           {"nothing", "", "no share of a root's key"},
           {"something else", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "no share of a root's key"},
           {"no share", with(good, "Share ", "Shore "), "needs the lines"},
           {"no check", with(good, "Check ", "Chuck "), "needs the lines"},
           {"no number", with(good, "Number     2", "Number     "), "needs the lines"},
           {"a number of none", with(good, "Number     2", "Number     6"), "needs the lines"},
           {"another number", with(good, "Number     2", "Number     3"), "share 3 is damaged: its check"},
           {"another count", with(good, "Needs      3 of 5", "Needs      2 of 5"), "share 2 is damaged: its check"},
           {"no count", with(good, "Needs      3 of 5", "Needs      1 of 5"), "needs the lines"},
           {"another root", with(good, "0001 0203", "0001 0204"), "share 2 is damaged: its check"},
           {"half a root", with(good, "0001 0203", ""), "needs the lines"},
           {"another sealing", with(good, "K7QX2M4D", "K7QX2M4E"), "share 2 is damaged: its check"},
           {"half a sealing", with(good, "K7QX2M4D", "K7QX"), "needs the lines"},
           {"a character", with(good, "QRST", "QRSU"), "share 2 is damaged: its check"},
           {"no such character", with(good, "QRST", "QRS1"), "neither a letter nor a digit"},
           {"a group is missing", with(good, "QRST ", ""), "share 2 is damaged"},
           {"a group twice", with(good, "QRST ", "QRST QRST "), "share 2 is damaged"},
           {"its end", good.substr(0, good.find("Check") + 14), "share 2 is damaged"},
       })
    expect_refused(parse_share_file(text), Errc::file, says, name);
}

TEST(ParseTypedShare, TakesTheLineAsPeopleTypeIt) {
  auto const right = std::string(kShare) + " " + check();
  std::string lower;
  for (char const c : right) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string run_together;
  for (char const c : right)
    if (c != ' ') run_together += c;
  for (auto const& line : {"2 " + right, " 2   " + right + "  ", "2\t" + right + "\r", "2 " + lower,
                           "2 " + run_together, "02 " + right, "2 ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567-" + check()})
    expect_same(parse_typed_share(sealing(), line));
}

TEST(ParseTypedShare, Refuses) {
  auto const right = std::string(kShare) + " " + check();
  struct Case {
    std::string line, says;
  };
  for (auto const& [line, says] : std::vector<Case>{
           {"", "begin with the share's number"},
           {right, "begin with the share's number"},
           {"2" + right, "begin with the share's number"},
           {"0 " + right, "1 to 5"},
           {"6 " + right, "1 to 5"},
           {"99999999999999999999 " + right, "1 to 5"},
           {"2", "these are 0"},
           {"2 " + std::string(kShare), "these are 32"},
           {"2 " + right + "A", "these are 37"},
           {"2 " + std::string(1000, 'A'), "these are 1000"},
           {"3 " + right, "share 3: its check does not fit"},
           {"2 0" + right.substr(1), "neither a letter nor a digit"},
           {"2 " + std::string(kShare) + " 0000", "its check does not fit"},
       })
    expect_refused(parse_typed_share(sealing(), line), Errc::malformed, says, line);
  auto other = sealing();
  other.id = "AAAAAAAA";
  expect_refused(parse_typed_share(other, "2 " + right), Errc::malformed, "another sealing than AAAAAAAA", "sealing");
}

// What fingers do: another character, two that change places, one too few with another too many.
TEST(ParseTypedShare, FindsEverySlipOfTheFinger) {
  std::string right;
  for (char const c : std::string(kShare) + check())
    if (c != ' ') right += c;
  int tried = 0;
  auto const expect_found = [&](std::string const& typed) {
    if (typed == right) return;
    ++tried;
    EXPECT_FALSE(parse_typed_share(sealing(), "2 " + typed).ok()) << typed;
  };
  for (std::size_t at = 0; at < right.size(); ++at)
    for (char const c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")) {
      auto typed = right;
      typed[at] = c;
      expect_found(typed);
    }
  for (std::size_t at = 0; at + 1 < right.size(); ++at) {
    auto typed = right;
    std::swap(typed[at], typed[at + 1]);
    expect_found(typed);
    for (std::size_t to = 0; to < right.size(); ++to) {
      auto moved = right;
      moved.erase(at, 1);
      moved.insert(moved.begin() + static_cast<std::ptrdiff_t>(to), right[at]);
      expect_found(moved);
    }
  }
  EXPECT_GT(tried, 2000);
}

TEST(ReadSealing, ReadsWhatStandsInFrontOfAKey) {
  auto const key = generate_ca(ceremony_settings(), kNow).value().root_key.to_encrypted_pem(SecretBytes("some words"));
  EXPECT_EQ(read_sealing(sealing_text(sealing()) + key).value(), sealing());
  EXPECT_EQ(read_sealing(key).value(), std::nullopt);
  EXPECT_EQ(read_sealing("").value(), std::nullopt);
  EXPECT_EQ(read_sealing("Key of the root\n" + key + "Sealing    K7QX2M4D\n").value(), std::nullopt);
  for (auto const* needs : {"6 of 5", "1 of 5", "3 of 17", "3", "x of y", "3 of 5 of 7"}) {
    auto const refused = read_sealing(with(sealing_text(sealing()), "3 of 5\n", needs + std::string("\n")) + key);
    ASSERT_FALSE(refused.ok()) << needs;
    EXPECT_EQ(refused.error().code(), Errc::file);
    EXPECT_THAT(refused.error().detail(), HasSubstr("are damaged"));
  }
}

}  // namespace
}  // namespace lenscap::ca::test
