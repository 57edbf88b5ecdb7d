#include "base/x509/shared_prime.h"

#include <gtest/gtest.h>

#include "tests/base/x509/rsa_maker.h"

namespace lenscap::x509 {
namespace {

using test::make_prime;
using test::rsa_of;

class SharedPrime : public ::testing::Test {
 protected:
  static Bytes modulus(PrivateKey const& key) { return key.public_key().rsa_numbers().modulus; }
  // Is it found among these?
  static bool finds(PrivateKey const& key, std::vector<Bytes> const& others) {
    SharedPrimeSearch search(key.public_key());
    for (auto const& other : others) search.add(other);
    return search.found();
  }

  ossl::BnPtr const p = make_prime(), q = make_prime(), r = make_prime(), s = make_prime();
  PrivateKey const key = rsa_of(p, q);
  Bytes const good = modulus(rsa_of(r, s));
};

TEST_F(SharedPrime, NoneOfNoOthersAndOfGoodOnes) {
  EXPECT_FALSE(finds(key, {}));
  EXPECT_FALSE(finds(key, {good}));
  EXPECT_FALSE(finds(key, {good, good}));
}

TEST_F(SharedPrime, EitherPrimeWhereverItStands) {
  for (auto const& bad : {modulus(rsa_of(p, r)), modulus(rsa_of(r, p)), modulus(rsa_of(q, r))}) {
    EXPECT_TRUE(finds(key, {bad}));
    EXPECT_TRUE(finds(key, {bad, good}));
    EXPECT_TRUE(finds(key, {good, bad, good}));
  }
}

// Their product is a multiple of the modulus.
TEST_F(SharedPrime, BothPrimesInTwoOthers) { EXPECT_TRUE(finds(key, {modulus(rsa_of(p, r)), modulus(rsa_of(q, s))})); }

TEST_F(SharedPrime, TheSameModulus) { EXPECT_TRUE(finds(key, {good, modulus(rsa_of(p, q, 65539)), good})); }

TEST_F(SharedPrime, WithKeysOfOtherSizes) {
  auto const longer = make_prime(2048), longest = make_prime(3072);
  EXPECT_TRUE(finds(key, {modulus(rsa_of(p, longest))}));  // of 4096 bits
  EXPECT_TRUE(finds(rsa_of(p, longest), {modulus(key)}));
  EXPECT_FALSE(finds(key, {modulus(rsa_of(longer, r))}));
  EXPECT_FALSE(finds(rsa_of(longer, r), {modulus(key)}));
}

TEST_F(SharedPrime, EachQuestionIsOfThoseSinceTheLast) {
  SharedPrimeSearch search(key.public_key());
  search.add(good);
  EXPECT_FALSE(search.found());
  search.add(modulus(rsa_of(p, r)));
  EXPECT_TRUE(search.found());
  EXPECT_FALSE(search.found());
  search.add(good);
  EXPECT_FALSE(search.found());
}

}  // namespace
}  // namespace lenscap::x509
