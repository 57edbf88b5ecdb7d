#include "ca/certified_moduli.h"

#include <gtest/gtest.h>

#include <set>

#include "ca/ledger.h"
#include "ca/ledger_check.h"
#include "ca/ledger_tables.h"
#include "tests/base/x509/rsa_maker.h"
#include "tests/ca/ledger_fixture.h"

namespace lenscap::ca::test {
namespace {

using x509::test::make_prime;
using x509::test::rsa_of;

class CertifiedModuli : public Ledger {
 protected:
  static std::string hash(x509::PrivateKey const& key) { return to_hex(key.public_key().spki_hash()); }
  void put(x509::PrivateKey const& key) {
    store->write([&](store::WriteTxn& txn) {
      record_modulus(txn, key.public_key(), kNow);
      return true;
    });
  }
  std::uint64_t count() {
    return read([](store::ReadTxn& txn) { return count_moduli(txn); });
  }
  // The other one's hash, or nothing.
  std::string find(x509::PrivateKey const& key, std::uint64_t known = 0) {
    auto const compared = read([&](store::ReadTxn& txn) { return compare_primes(txn, key.public_key(), known); });
    EXPECT_EQ(compared.keys, key.public_key().type() == x509::KeyType::rsa ? count() : 0);
    return compared.shared_with.value_or("");
  }
  // Of a certificate with this key.
  Draft draft_of(x509::PrivateKey const& key, Time now = kNow) {
    auto wanted = request(names({"cam1.cams.example"}));
    wanted.key = key.public_key();
    return ca.issuer->prepare(profile("camera-https"), wanted, now).value();
  }

  ossl::BnPtr const p = make_prime(), q = make_prime(), r = make_prime(), s = make_prime();
  x509::PrivateKey const key = rsa_of(p, q), bad = rsa_of(p, r), good = rsa_of(r, s);
};

TEST_F(CertifiedModuli, AnotherKeyWithOneOfItsPrimes) {
  EXPECT_EQ(find(key), "");
  put(good);
  EXPECT_EQ(find(key), "");
  put(bad);
  EXPECT_EQ(find(key), hash(bad));
  EXPECT_EQ(find(x509::PrivateKey::generate(x509::KeyType::rsa)), "");
}

TEST_F(CertifiedModuli, ItsOwnIsNone) {
  put(key);
  EXPECT_EQ(find(key), "");
  EXPECT_EQ(find(rsa_of(p, q, 65539)), hash(key)) << "one modulus, two exponents";
}

TEST_F(CertifiedModuli, OnlyAmongThoseThatCameSince) {
  put(bad);
  put(good);
  EXPECT_EQ(find(key, 1), "");
  EXPECT_EQ(find(key, 2), "");
  auto const worse = rsa_of(q, s);
  put(worse);
  EXPECT_EQ(find(key, 2), hash(worse));
  EXPECT_EQ(find(key, 3), "");
}

TEST_F(CertifiedModuli, OneRowForEachRsaKey) {
  EXPECT_EQ(count(), 0U);
  put(good);
  put(good);
  EXPECT_EQ(count(), 1U);
  put(x509::PrivateKey::generate(x509::KeyType::ec_p256));
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(find(x509::PrivateKey::generate(x509::KeyType::ec_p256)), "");
  put(key);
  EXPECT_EQ(count(), 2U);
}

// Many at once are asked about: the one is found wherever it stands among them.
TEST_F(CertifiedModuli, AmongThousands) {
  Bytes const exponent{1, 0, 1};
  store->write([&](store::WriteTxn& txn) {
    for (int i = 0; i < 5000; ++i) {
      auto modulus = good.public_key().rsa_numbers().modulus;
      modulus[200] = static_cast<std::uint8_t>(i);
      modulus[201] = static_cast<std::uint8_t>(i >> 8);
      record_modulus(txn, x509::PublicKey::from_rsa(modulus, exponent).value(), kNow);
    }
    return true;
  });
  EXPECT_EQ(count(), 5000U);
  // Numbers that somebody made up: with small factors, and none of a thousand bits.
  EXPECT_EQ(find(key), "");
  put(bad);
  EXPECT_EQ(find(key), hash(bad));
  EXPECT_EQ(find(key, 5000), hash(bad));
}

TEST_F(CertifiedModuli, AnIntentIsEnough) {
  ASSERT_TRUE(intend(draft_of(bad)).ok());
  EXPECT_EQ(find(key), hash(bad));
}

// Where it stands among many: at the ends and in the middle of what is asked about at once.
TEST_F(CertifiedModuli, WhoeverSharesItIsNamed) {
  std::vector<x509::PrivateKey> others;
  for (int i = 0; i < 5; ++i) others.push_back(rsa_of(make_prime(), make_prime()));
  for (auto const& each : others) put(each);
  EXPECT_EQ(find(key), "");
  std::set<std::string> places;
  for (int i = 0; i < 5; ++i) {
    auto const next = rsa_of(p, make_prime());
    places.insert(hash(next));
    put(next);
    EXPECT_TRUE(places.contains(find(key)));
  }
}

// A store in which keys were certified before moduli were recorded.
TEST_F(CertifiedModuli, WhatWasCertifiedBeforeIsRecordedTheNextTime) {
  auto made = draft_of(bad);
  ASSERT_TRUE(intend(made).ok());
  ASSERT_TRUE(complete(ca.issuer->sign(std::move(made)).value()).ok());
  store->write([&](store::WriteTxn& txn) {
    txn.erase(tables::kModuli, hash(bad));
    txn.erase(tables::kModuliOrder, "0000000000000000");
    txn.erase(tables::kState, "moduli_since");
    return true;
  });
  auto const findings = [&] {
    std::vector<std::string> found;
    store->read([&](store::ReadTxn& txn) {
      check_ledger_indexes(txn, [&](Finding const& finding) { found.push_back(finding.what); });
    });
    return found;
  };
  EXPECT_TRUE(findings().empty());
  EXPECT_EQ(find(key), "");
  ASSERT_TRUE(intend(draft_of(good, kNow + kHour)).ok());
  EXPECT_TRUE(findings().empty());
  ASSERT_TRUE(intend(draft_of(bad, kNow + kHour)).ok());
  EXPECT_EQ(find(key), hash(bad));
  EXPECT_TRUE(findings().empty());
}

TEST_F(CertifiedModuli, WhatIsMissingIsFoundByVerify) {
  auto made = draft_of(bad);
  ASSERT_TRUE(intend(made).ok());
  ASSERT_TRUE(complete(ca.issuer->sign(std::move(made)).value()).ok());
  auto const findings = [&](std::function<void(store::WriteTxn&)> const& spoil) {
    std::vector<std::string> found;
    store->write([&](store::WriteTxn& txn) {
      spoil(txn);
      check_ledger_indexes(txn, [&](Finding const& finding) { found.push_back(finding.what); });
      return false;
    });
    return found;
  };
  EXPECT_TRUE(findings([](store::WriteTxn&) {}).empty());
  EXPECT_EQ(findings([&](store::WriteTxn& txn) { txn.erase(tables::kModuli, hash(bad)); }).size(), 3U);
  EXPECT_EQ(findings([&](store::WriteTxn& txn) { txn.put(tables::kModuli, hash(bad), "another"); }).size(), 1U);
  EXPECT_EQ(findings([&](store::WriteTxn& txn) { record_modulus(txn, good.public_key(), kNow); }).size(), 1U);
  EXPECT_EQ(findings([&](store::WriteTxn& txn) { txn.erase(tables::kModuliOrder, "0000000000000000"); }).size(), 1U);
  EXPECT_EQ(
      findings([&](store::WriteTxn& txn) { txn.put(tables::kModuliOrder, "0000000000000002", hash(bad)); }).size(), 3U)
      << "a gap, a second number, and one too many";
}

}  // namespace
}  // namespace lenscap::ca::test
