// RSA keys that share a prime with another certificate's, as cameras make them whose generator had nothing to draw from
// at their first start: refused and blocked, both of them, and the operator hears of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/x509/csr.h"
#include "ca/certified_moduli.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"
#include "tests/base/x509/rsa_maker.h"

namespace lenscap::acme::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// Another finalize that comes between the looks of this one: it has recorded its key when this one claims its order.
class Meanwhile final : public store::Store {
 public:
  explicit Meanwhile(std::unique_ptr<store::Store> store) : store_(std::move(store)) {}
  void read(store::ReadBody const& body) override { store_->read(body); }
  bool write(store::WriteBody const& body) override { return store_->write(body); }
  void write_async(store::WriteBody body, std::function<void(std::exception_ptr, bool)> done,
                   store::Urgency urgency) override {
    auto const before = [this, body = std::move(body)](store::WriteTxn& txn) {
      if (key) ca::record_modulus(txn, *key, kNow);
      return body(txn);
    };
    store_->write_async(before, std::move(done), urgency);
  }

  std::optional<x509::PublicKey> key;  // of the other one

 private:
  std::unique_ptr<store::Store> store_;
};

class SharedPrime : public ::testing::Test {
 protected:
  static std::string hash(x509::PrivateKey const& key) { return to_hex(key.public_key().spki_hash()); }
  static std::string order(Client& client, std::string const& host) {
    return client.new_order({host}).header("Location");
  }
  static Answer finalize(Client& client, std::string const& order, std::string const& host,
                         x509::PrivateKey const& key) {
    return client.finalize_with(order, x509::make_csr(key, names_of({host})));
  }
  std::vector<std::string> warnings(TestServer& server) {
    std::vector<std::string> found;
    for (auto const& line : server.log_lines())
      if (line.find("finalize.shared_prime") != line.npos) found.push_back(line);
    return found;
  }

  ossl::BnPtr const p = x509::test::make_prime(), q = x509::test::make_prime(), r = x509::test::make_prime();
  x509::PrivateKey const first = x509::test::rsa_of(p, q), second = x509::test::rsa_of(p, r);
};

TEST_F(SharedPrime, BothKeysAreBlocked) {
  TestServer server;
  auto one = granted_client(server);
  ASSERT_EQ(finalize(one, order(one, "cam1.cams.example"), "cam1.cams.example", first).text("status"), "valid");

  auto other = granted_client(server);
  auto const next = order(other, "cam2.cams.example");
  auto const refused = finalize(other, next, "cam2.cams.example", second);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey") << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("shares a prime"));
  EXPECT_THAT(refused.body, Not(HasSubstr(hash(first))));
  EXPECT_EQ(other.read(next).text("status"), "ready");  // 8555-7.4-6
  EXPECT_THAT(warnings(server),
              Contains(HasSubstr(R"("key_sha256":")" + hash(second) + R"(","other_key_sha256":")" + hash(first))));

  // It is not compared again, and told once.
  EXPECT_THAT(finalize(other, next, "cam2.cams.example", second).body, HasSubstr("blocked"));
  EXPECT_THAT(warnings(server), SizeIs(1));

  // The first one's certificate stays until somebody revokes it; another there is not.
  EXPECT_THAT(finalize(one, order(one, "cam1.cams.example"), "cam1.cams.example", first).body, HasSubstr("blocked"));
  auto const good = x509::PrivateKey::generate(x509::KeyType::rsa);
  EXPECT_EQ(finalize(other, next, "cam2.cams.example", good).text("status"), "valid");
}

// No other key is needed to compute that of a modulus which is a prime itself. It is not blocked: it is refused anyway.
TEST_F(SharedPrime, AModulusOfOnePrimeIsRefused) {
  TestServer server;
  auto client = granted_client(server);
  auto const next = order(client, "cam1.cams.example");
  auto const refused =
      finalize(client, next, "cam1.cams.example", x509::test::rsa_of_power(x509::test::make_prime(2048), 1));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.problem(), "badPublicKey") << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("is one prime"));
  EXPECT_EQ(client.read(next).text("status"), "ready");
  EXPECT_EQ(finalize(client, next, "cam1.cams.example", first).text("status"), "valid");
}

TEST_F(SharedPrime, OfKeysThatComeAtATime) {
  auto owned = std::make_unique<Meanwhile>(store::make_memory_store());
  auto& meanwhile = *owned;
  ServerOptions options;
  options.store = std::move(owned);
  TestServer server(std::move(options));
  auto client = granted_client(server);
  auto const next = order(client, "cam2.cams.example");
  meanwhile.key = first.public_key();
  auto const refused = finalize(client, next, "cam2.cams.example", second);
  EXPECT_EQ(refused.problem(), "badPublicKey") << refused.body;
  EXPECT_EQ(client.read(next).text("status"), "ready");
  EXPECT_THAT(warnings(server), SizeIs(1));
}

}  // namespace
}  // namespace lenscap::acme::test
