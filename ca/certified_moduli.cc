#include "ca/certified_moduli.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/x509/shared_prime.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using tables::kModuli;
using tables::kModuliOrder;

std::string number_key(std::uint64_t number) { return fmt::format("{:016x}", number); }

}  // namespace

std::uint64_t count_moduli(store::ReadTxn& txn) {
  std::uint64_t count = 0;
  txn.scan_down(kModuliOrder, "", [&](std::string_view key, std::string_view) {
    std::uint64_t last = 0;
    auto const [end, error] = std::from_chars(key.data(), key.data() + key.size(), last, 16);
    if (error != std::errc() || end != key.data() + key.size())
      throw store::Broken("ca_moduli_order/" + std::string(key) + " is no number");
    count = last + 1;
    return false;
  });
  return count;
}

void record_modulus(store::WriteTxn& txn, x509::PublicKey const& key) {
  if (key.type() != x509::KeyType::rsa) return;
  auto const hash = to_hex(key.spki_hash());
  if (txn.get(kModuli, hash)) return;
  txn.put(kModuliOrder, number_key(count_moduli(txn)), hash);
  txn.put(kModuli, hash, as_text(key.rsa_numbers().modulus));
}

std::optional<std::string> find_shared_prime(store::ReadTxn& txn, x509::PublicKey const& key, std::uint64_t known) {
  if (key.type() != x509::KeyType::rsa) return std::nullopt;
  auto const own = to_hex(key.spki_hash());
  x509::SharedPrimeSearch search(key);
  // A question costs as much as a thousand moduli, so it is asked of many at once, and of each only when it is one of
  // them.
  constexpr std::size_t kAtOnce = 2048;
  std::vector<std::pair<std::string, std::string>> asked;  // hash, modulus
  std::optional<std::string> found;
  auto const ask = [&] {
    if (search.found())
      for (auto other = asked.begin(); other != asked.end() && !found; ++other) {
        search.add(as_bytes(other->second));
        if (search.found()) found = other->first;
      }
    asked.clear();
  };
  auto const add = [&](std::string_view hash, std::string_view modulus) {
    if (hash == own) return true;
    search.add(as_bytes(modulus));
    asked.emplace_back(hash, modulus);
    if (asked.size() == kAtOnce) ask();
    return !found;
  };
  if (known == 0)
    txn.scan(kModuli, "", add);
  else
    txn.scan(kModuliOrder, number_key(known), [&](std::string_view, std::string_view hash) {
      auto const modulus = txn.get(kModuli, hash);
      return !modulus || add(hash, *modulus);
    });
  if (!asked.empty()) ask();
  return found;
}

}  // namespace lenscap::ca
