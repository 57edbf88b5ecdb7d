#include "acme/flow/dns_records.h"

#include <gtest/gtest.h>

#include "acme/flow/dns_01_rules.h"
#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme::test {
namespace {

using namespace std::string_literals;

TEST(ParseTxt, StringsAreJoined) {
  struct Case {
    char const* name;
    std::string data;
    std::optional<std::string> text;  // nothing: refused
  };
  Case const cases[] = {
      {"one", "\3abc", "abc"},
      {"two", "\3abc\2de", "abcde"},
      {"empty string", "\0"s, ""},
      {"empty between", "\1a\0\1b"s, "ab"},
      {"longest", "\xff" + std::string(255, 'x') + "\1y", std::string(255, 'x') + "y"},
      {"zero octet inside", "\3a\0b"s, "a\0b"s},
      {"no string", "", std::nullopt},
      {"over the end", "\4abc", std::nullopt},
      {"second over the end", "\3abc\1", std::nullopt},
  };
  for (auto const& c : cases) {
    auto const text = parse_txt(as_bytes(c.data));
    ASSERT_EQ(text.ok(), c.text.has_value()) << c.name;
    if (text) {
      EXPECT_EQ(*text, *c.text) << c.name;
    }
    if (!text) {
      EXPECT_EQ(text.error().code(), Errc::dns) << c.name;
    }
  }
}

TEST(ParseCaa, Records) {
  struct Case {
    char const* name;
    std::string data;
    std::optional<CaaRecord> record;
  };
  Case const cases[] = {
      {"issue", "\0\5issueca.example"s, CaaRecord{false, "issue", "ca.example"}},
      {"upper case tag", "\0\5ISSUEca.example"s, CaaRecord{false, "issue", "ca.example"}},
      {"critical", "\x80\5issue;", CaaRecord{true, "issue", ";"}},
      {"other flags", "\x7f\5issue;", CaaRecord{false, "issue", ";"}},
      {"empty value", "\0\5issue"s, CaaRecord{false, "issue", ""}},
      {"unknown tag with digits", "\0\3a1bx"s, CaaRecord{false, "a1b", "x"}},
      {"nothing", "", std::nullopt},
      {"flags alone", "\0"s, std::nullopt},
      {"no tag", "\0\0x"s, std::nullopt},
      {"tag over the end", "\0\6issue"s, std::nullopt},
      {"tag with a hyphen", "\0\3a-bx"s, std::nullopt},
      {"tag with a zero", "\0\3a\0bx"s, std::nullopt},
  };
  for (auto const& c : cases) {
    auto const record = parse_caa(as_bytes(c.data));
    ASSERT_EQ(record.ok(), c.record.has_value()) << c.name;
    if (record) {
      EXPECT_EQ(*record, *c.record) << c.name;
    }
    if (!record) {
      EXPECT_EQ(record.error().code(), Errc::dns) << c.name;
    }
  }
}

// 8555-8.4-1
TEST(Dns01Name, AWildcardIsThatOfItsBase) {
  EXPECT_EQ(dns_01_name(dns("cam1.cams.example")), "_acme-challenge.cam1.cams.example");
  EXPECT_EQ(dns_01_name(dns("*.cams.example")), "_acme-challenge.cams.example");
}

constexpr char const* kKeyAuthorization = "DGyRejmCefe7v4NfDGDKfA.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";
constexpr char const* kValue = "NcGkBgDna-f_McMKiiyr783bDvpm0fAsC-i-nEyxkC8";

Bytes txt(std::string_view text) {
  Bytes data{static_cast<std::uint8_t>(text.size())};
  data.insert(data.end(), text.begin(), text.end());
  return data;
}

// 8555-8.4-1: any one of the records.
TEST(JudgeDns01, OneOfTheRecordsIsEnough) {
  ASSERT_EQ(dns_01_value(kKeyAuthorization), kValue);
  std::string const value = kValue;
  auto in_pieces = txt(value.substr(0, 10));
  auto const rest = txt(value.substr(10));
  in_pieces.insert(in_pieces.end(), rest.begin(), rest.end());
  struct Case {
    char const* name;
    std::vector<Bytes> records;
    bool ok;
  };
  Case const cases[] = {
      {"alone", {txt(value)}, true},
      {"in pieces", {in_pieces}, true},
      {"second of two", {txt("other"), txt(value)}, true},
      {"beside a broken one", {Bytes{9, 'x'}, txt(value)}, true},
      {"none", {}, false},
      {"another", {txt("other")}, false},
      {"padded", {txt(value + "=")}, false},
      {"space behind", {txt(value + " ")}, false},
      {"cut off", {txt(value.substr(0, 42))}, false},
      {"the key authorization itself", {txt(kKeyAuthorization)}, false},
      {"two halves in two records", {txt(value.substr(0, 20)), txt(value.substr(20))}, false},
      {"empty", {txt("")}, false},
  };
  for (auto const& c : cases) {
    auto const result = judge_dns_01(c.records, "_acme-challenge.x", kKeyAuthorization);
    EXPECT_EQ(result.ok(), c.ok) << c.name;
    if (!result) {
      EXPECT_EQ(result.error().code(), Errc::incorrect_response) << c.name;
    }
  }
}

TEST(JudgeDns01, NothingFetchedIsRepeated) {  // RFC 8555 10.4
  auto const result = judge_dns_01(std::vector<Bytes>{txt("s3cr3t")}, "_acme-challenge.x", kKeyAuthorization);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail().find("s3cr3t"), std::string::npos);
}

}  // namespace
}  // namespace lenscap::acme::test
