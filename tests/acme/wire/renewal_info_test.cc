#include "acme/wire/renewal_info.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

// The example of RFC 9773 4.1.
constexpr char const* kId = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";

TEST(CertificateId, TheExampleOfTheStandard) {  // 9773-4.1-1
  auto const id = CertificateId::parse(kId).value();
  EXPECT_EQ(to_hex(id.key_id), "69885b6b87464041e1b37b847ba0ae2cde01c8d4");
  EXPECT_EQ(to_hex(id.serial), "0087654321");
  EXPECT_EQ(id.serial_hex(), "87654321");
  EXPECT_EQ(id.text(), kId);
}

TEST(CertificateId, OneSpellingOnly) {  // 9773-4.1-2
  struct Case {
    char const* name;
    std::string text;
  };
  Case const cases[] = {
      {"nothing", ""},
      {"a dot", "."},
      {"no dot", "aYhba4dGQEHhs3uEe6CuLN4ByNQAIdlQyE"},
      {"two dots", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdl.QyE"},
      {"no serial", "aYhba4dGQEHhs3uEe6CuLN4ByNQ."},
      {"no key id", ".AIdlQyE"},
      {"padded key id", "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE"},
      {"padded serial", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE="},
      {"base64", "aYhba4dGQEHhs3uEe6CuLN4ByN+.AIdlQyE"},
      {"percent-encoded", "aYhba4dGQEHhs3uEe6CuLN4ByNQ%2EAIdlQyE"},
      {"spare bits set", "aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE"},
      {"no sign octet", "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + to_base64url(from_hex("87654321").value())},
      {"superfluous zero", "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + to_base64url(from_hex("0047654321").value())},
      {"two zeros", "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + to_base64url(from_hex("000087654321").value())},
      {"a serial of 22 octets", "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + to_base64url(Bytes(22, 1))},
      {"a key id of 65 octets", to_base64url(Bytes(65, 1)) + ".AQ"},
      {"long", std::string(100'000, 'A') + ".AQ"},
  };
  for (auto const& c : cases) {
    auto const parsed = CertificateId::parse(c.text);
    ASSERT_FALSE(parsed.ok()) << c.name;
    EXPECT_EQ(parsed.error().code(), Errc::malformed) << c.name;
  }
  EXPECT_EQ(CertificateId::parse("AQ.AA").value().serial_hex(), "00");
}

TEST(RenewalInfo, BothWays) {
  RenewalInfoObject info{parse_rfc3339("2026-03-01T00:00:00Z").value(), parse_rfc3339("2026-03-08T00:00:00Z").value()};
  EXPECT_EQ(json::write(to_json(info)),
            R"({"suggestedWindow":{"start":"2026-03-01T00:00:00Z","end":"2026-03-08T00:00:00Z"}})");
  EXPECT_EQ(parse_renewal_info(json::write(to_json(info))).value(), info);
  info.explanation_url = "https://ca.example/docs/ari";
  EXPECT_EQ(parse_renewal_info(json::write(to_json(info))).value(), info);
}

TEST(RenewalInfo, Refusals) {  // 9773-4.2-1
  for (auto body : {
           "",
           "[]",
           "{}",
           R"({"suggestedWindow":{}})",
           R"({"suggestedWindow":[]})",
           R"({"suggestedWindow":{"start":"2026-03-01T00:00:00Z"}})",
           R"({"suggestedWindow":{"end":"2026-03-01T00:00:00Z"}})",
           R"({"suggestedWindow":{"start":"2026-03-01T00:00:00Z","end":"2026-03-01T00:00:00Z"}})",
           R"({"suggestedWindow":{"start":"2026-03-02T00:00:00Z","end":"2026-03-01T00:00:00Z"}})",
           R"({"suggestedWindow":{"start":"soon","end":"2026-03-01T00:00:00Z"}})",
           R"({"suggestedWindow":{"start":1,"end":2}})",
           R"({"suggestedWindow":{"start":"2026-03-01T00:00:00Z","end":"2026-03-08T00:00:00Z"},"explanationURL":1})",
       }) {
    auto const parsed = parse_renewal_info(body);
    ASSERT_FALSE(parsed.ok()) << body;
    EXPECT_EQ(parsed.error().code(), Errc::malformed) << body;
  }
}

}  // namespace
}  // namespace lenscap::acme
