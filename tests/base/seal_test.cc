#include "base/seal.h"

#include <gtest/gtest.h>

namespace lenscap {
namespace {

Sealer sealer(std::uint8_t fill) { return Sealer(SecretBytes(Bytes(32, fill))); }

TEST(Sealer, OpensWhatItSealedInTheSameContextOnly) {
  auto const box = sealer(1).seal(SecretBytes("secret"), "eab/kid1");
  EXPECT_EQ(sealer(1).open(box, "eab/kid1").value().text(), "secret");
  EXPECT_EQ(box.find("secret"), std::string::npos);
  EXPECT_NE(box, sealer(1).seal(SecretBytes("secret"), "eab/kid1"));  // a nonce of its own
  EXPECT_EQ(sealer(1).open(box, "eab/kid2").error().code(), Errc::wrong_passphrase);
  EXPECT_FALSE(sealer(2).open(box, "eab/kid1").ok());
  EXPECT_EQ(sealer(1).open(sealer(1).seal(SecretBytes(), "x"), "x").value().size(), 0U);
}

TEST(Sealer, RefusesAChangedBox) {
  auto const box = sealer(1).seal(SecretBytes("secret"), "c");
  for (std::size_t i = 10; i < box.size(); ++i) {
    auto changed = box;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sealer(1).open(changed, "c").ok()) << i;
  }
  EXPECT_FALSE(sealer(1).open("sealed:v1:", "c").ok());
  EXPECT_FALSE(sealer(1).open("secret", "c").ok());
}

TEST(Sealer, ComesFromAPassphraseAndSalt) {
  auto const a = Sealer::from_passphrase(SecretBytes("p"), as_bytes("salt"));
  auto const b = Sealer::from_passphrase(SecretBytes("p"), as_bytes("tlas"));
  auto const box = a.seal(SecretBytes("x"), "c");
  EXPECT_TRUE(Sealer::from_passphrase(SecretBytes("p"), as_bytes("salt")).open(box, "c").ok());
  EXPECT_FALSE(b.open(box, "c").ok());
}

}  // namespace
}  // namespace lenscap
