#include "base/x509/rsa_modulus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/base/x509/rsa_maker.h"

namespace lenscap::x509 {
namespace {

using ::testing::HasSubstr;

std::string said_of(PrivateKey const& key) {
  auto const checked = check_modulus(key.public_key());
  return checked ? "good" : checked.error().detail();
}

ossl::BnPtr number(unsigned value) {
  ossl::BnPtr made(BN_new());
  ossl::check(BN_set_word(made.get(), value) == 1, "BN_set_word");
  return made;
}

TEST(CheckModulus, ProductsOfTwoPrimes) {
  EXPECT_EQ(said_of(PrivateKey::generate(KeyType::rsa)), "good");
  EXPECT_EQ(said_of(test::rsa_of(test::make_prime(), test::make_prime(2048))), "good");
  EXPECT_EQ(said_of(PrivateKey::generate(KeyType::ec_p256)), "good") << "of no modulus at all";
}

// The order of its units is n - 1, which everybody knows.
TEST(CheckModulus, OnePrime) {
  EXPECT_THAT(said_of(test::rsa_of_power(test::make_prime(2048), 1)), HasSubstr("one prime"));
}

TEST(CheckModulus, PowersOfAPrime) {
  for (int const times : {2, 3, 5, 8})
    EXPECT_THAT(said_of(test::rsa_of_power(test::make_prime(2048 / times), times)), HasSubstr("the power of one"))
        << times;
}

TEST(CheckModulus, SmallFactors) {
  auto const other = test::make_prime(2034);
  for (unsigned const factor : {757U, 31337U, 65521U})
    EXPECT_THAT(said_of(test::rsa_of(number(factor), other)), HasSubstr("small factor")) << factor;
  EXPECT_EQ(said_of(test::rsa_of(number(65539), other)), "good") << "the first beyond";
}

}  // namespace
}  // namespace lenscap::x509
