#include "acme/wire/directory.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

// RFC 8555 7.1.1
constexpr char const* kExample = R"({
  "newNonce": "https://example.com/acme/new-nonce",
  "newAccount": "https://example.com/acme/new-account",
  "newOrder": "https://example.com/acme/new-order",
  "newAuthz": "https://example.com/acme/new-authz",
  "revokeCert": "https://example.com/acme/revoke-cert",
  "keyChange": "https://example.com/acme/key-change",
  "meta": {
    "termsOfService": "https://example.com/acme/terms/2017-5-30",
    "website": "https://www.example.com/",
    "caaIdentities": ["example.com"],
    "externalAccountRequired": false
  }
})";

TEST(ParseDirectory, ExampleOfTheRfc) {
  auto const directory = parse_directory(kExample).value();
  EXPECT_EQ(directory.new_nonce, "https://example.com/acme/new-nonce");
  EXPECT_EQ(directory.key_change, "https://example.com/acme/key-change");
  EXPECT_EQ(directory.terms_of_service, "https://example.com/acme/terms/2017-5-30");
  EXPECT_EQ(directory.caa_identities, std::vector<std::string>{"example.com"});
  EXPECT_FALSE(directory.external_account_required);
  EXPECT_EQ(parse_directory(json::write(to_json(directory))).value(), directory);
}

TEST(ToJson, LeavesOutWhatIsNotOffered) {
  Directory directory;
  directory.new_nonce = "n";
  directory.new_account = "a";
  directory.new_order = "o";
  directory.revoke_cert = "r";
  directory.key_change = "k";
  directory.external_account_required = true;
  directory.profiles = {{"camera-https", "cameras"}, {"camera-soap", "older cameras"}};
  // 8555-7.1-1, 8555-7.1.1-1, 8555-7.1.1-2
  EXPECT_EQ(json::write(to_json(directory)),
            R"({"newNonce":"n","newAccount":"a","newOrder":"o","revokeCert":"r","keyChange":"k",)"
            R"("meta":{"externalAccountRequired":true,)"
            R"("profiles":{"camera-https":"cameras","camera-soap":"older cameras"}}})");
  EXPECT_EQ(parse_directory(json::write(to_json(directory))).value(), directory);
}

TEST(ParseDirectory, ToleratesWhatItDoesNotKnow) {
  auto const directory = parse_directory(
      R"({"newNonce":"n","newAccount":"a","newOrder":"o","kP4oAYeXb5c":"https://community.example/","meta":{"x":1}})");
  EXPECT_TRUE(directory.ok());
  EXPECT_TRUE(parse_directory(R"({"newNonce":"n","newAccount":"a","newOrder":"o"})").ok());
}

TEST(ParseDirectory, Refuses) {
  for (auto body : {"", "[]", "<html>", R"({"newNonce":"n","newAccount":"a"})", R"({"newNonce":"n","newOrder":"o"})",
                    R"({"newAccount":"a","newOrder":"o"})", R"({"newNonce":"","newAccount":"a","newOrder":"o"})",
                    R"({"newNonce":1,"newAccount":"a","newOrder":"o"})",
                    R"({"newNonce":"n","newAccount":"a","newOrder":"o","meta":[]})",
                    R"({"newNonce":"n","newAccount":"a","newOrder":"o","meta":{"externalAccountRequired":"yes"}})",
                    R"({"newNonce":"n","newAccount":"a","newOrder":"o","meta":{"profiles":{"a":1}}})"}) {
    auto const directory = parse_directory(body);
    ASSERT_FALSE(directory.ok()) << body;
    EXPECT_EQ(directory.error().code(), Errc::malformed) << body;
  }
}

}  // namespace
}  // namespace lenscap::acme
