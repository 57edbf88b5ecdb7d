#include "acme/wire/key_authorization.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/acme/wire/fixtures.h"

namespace lenscap::acme {
namespace {

TEST(KeyAuthorization, JoinsTokenAndThumbprint) {
  auto const key = test::key_of(test::object_of(test::kRfcRsaJwk));
  EXPECT_EQ(key_authorization("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", key),
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(IsToken, Cases) {
  EXPECT_TRUE(is_token(random_token()));
  EXPECT_TRUE(is_token("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"));
  EXPECT_TRUE(is_token(std::string(128, 'a')));
  for (std::string const& bad :
       {std::string(), std::string(21, 'a'), std::string(129, 'a'), std::string(22, 'a') + "=",
        std::string(22, 'a') + "/../x", std::string(22, 'a') + "+", std::string(22, 'a') + "\n",
        "../../../../etc/passwd" + std::string(9, 'a'), std::string(30, '\0')}) {
    EXPECT_FALSE(is_token(bad)) << bad;
  }
}

}  // namespace
}  // namespace lenscap::acme
