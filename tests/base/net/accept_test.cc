#include "base/net/accept.h"

#include <gtest/gtest.h>

namespace lenscap::net {
namespace {

constexpr MediaType kOffers[] = {
    {"application/pem-certificate-chain", {}, {}},
    {"application/pkix-cert", {}, {}},
    {"application/pkcs7-mime", "smime-type", "certs-only"},
};
constexpr int kNone = -1;

TEST(ChooseMediaType, AsTheFieldAsks) {
  struct Case {
    char const* accept;
    int chosen;
  };
  Case const cases[] = {
      {"", 0},
      {"*/*", 0},
      {"application/*", 0},
      {"application/pem-certificate-chain", 0},
      {"application/pkix-cert", 1},
      {"Application/PKIX-Cert", 1},
      {"application/pkcs7-mime", 2},
      {"application/pkcs7-mime; smime-type=certs-only", 2},
      {"application/pkcs7-mime;smime-type=\"certs-only\"", 2},
      {"application/pkcs7-mime; SMIME-Type=Certs-Only", 2},
      {"application/pkcs7-mime;smime-type=signed-data", kNone},
      {"application/pkcs7-mime;smime-type=certs-only;name=x", kNone},
      {"text/html", kNone},
      {"application/json, text/*", kNone},
      // Quality.
      {"application/pem-certificate-chain;q=0.5, application/pkix-cert", 1},
      {"application/pem-certificate-chain;q=0.5, application/pkix-cert;q=0.5", 0},
      {"application/pkix-cert;q=0.5, */*", 0},
      {"application/pkix-cert, */*;q=0.1", 1},
      {"application/pkix-cert;q=0.001, text/html", 1},
      {"application/pkix-cert;q=0", kNone},
      {"application/pkix-cert;q=0.000", kNone},
      {"*/*;q=0", kNone},
      {"application/pem-certificate-chain;q=0, */*", 1},
      {"application/pkcs7-mime;q=1.000 , application/pkix-cert ; q=0.999", 2},
      {"application/pkix-cert;Q=0.7, application/pem-certificate-chain;q=0.6", 1},
      // The closest range decides, wherever it stands.
      {"*/*, application/pem-certificate-chain;q=0.2, application/*;q=0.3", 1},
      {"application/pkcs7-mime;q=0, application/pkcs7-mime;smime-type=certs-only", 2},
      // After q come extensions of Accept, which belong to no type.
      {"application/pkix-cert;q=0.5;level=1;alone", 1},
      // Lists with holes; blanks where the grammar has them.
      {" , ,application/pkix-cert,,", 1},
      {"application/pkix-cert;", 1},
      {"\tapplication/pkix-cert\t;\tq=0.4\t", 1},
      // What is no range is passed over.
      {"nonsense, application/pkix-cert", 1},
      {"application/pkix-cert;q=2", kNone},
      {"application/pkix-cert;q=1.001", kNone},
      {"application/pkix-cert;q=0.1234", kNone},
      {"application/pkix-cert;q=.5", kNone},
      {"application/pkix-cert;q=-1", kNone},
      {"application/pkix-cert;q=", kNone},
      {"application/pkix-cert;q", kNone},
      {"*/pkix-cert", kNone},
      {"application/", kNone},
      {"application /pkix-cert", kNone},
      {"application/pkix-cert text/html", kNone},
      {"application/pkcs7-mime;smime-type=\"certs-only", kNone},
      {"text/html;a=\",application/pkix-cert,\"", kNone},
      {"text/html;a=\"\\\",application/pkix-cert\", */*;q=0.1", 0},
  };
  for (auto const& c : cases) {
    auto const chosen = choose_media_type(c.accept, kOffers);
    EXPECT_EQ(chosen ? static_cast<int>(*chosen) : kNone, c.chosen) << c.accept;
  }
}

TEST(ChooseMediaType, RangesBeyondTheBoundAreNotLookedAt) {
  std::string accept;
  for (std::size_t i = 0; i + 1 < kMediaRangesMax; ++i) accept += "text/html,";
  EXPECT_EQ(choose_media_type(accept + "application/pkix-cert", kOffers), 1u);
  EXPECT_EQ(choose_media_type(accept + "text/html,application/pkix-cert", kOffers), std::nullopt);
}

}  // namespace
}  // namespace lenscap::net
