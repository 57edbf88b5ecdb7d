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
using tables::kState;

constexpr std::string_view kSince = "moduli_since";

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

void record_modulus(store::WriteTxn& txn, x509::PublicKey const& key, Time now) {
  if (key.type() != x509::KeyType::rsa) return;
  auto const hash = to_hex(key.spki_hash());
  if (txn.get(kModuli, hash)) return;
  auto const count = count_moduli(txn);
  if (count == 0) txn.put(kState, kSince, std::to_string(to_unix(now)));
  txn.put(kModuliOrder, number_key(count), hash);
  txn.put(kModuli, hash, as_text(key.rsa_numbers().modulus));
}

std::optional<Time> moduli_since(store::ReadTxn& txn) {
  auto const text = txn.get(kState, kSince);
  if (!text) return std::nullopt;
  std::int64_t since = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), since);
  if (error != std::errc() || end != text->data() + text->size())
    throw store::Broken("ca_state/" + std::string(kSince) + " is no time");
  return from_unix(since);
}

namespace {

// Of moduli whose product has a factor in common with the key, one that has: by halves, since each question costs as
// much as some hundred moduli.
using Others = std::vector<std::pair<std::string, std::string>>;  // hash, modulus
std::string const& who_shares(x509::SharedPrimeSearch& search, Others const& others) {
  auto from = others.begin(), to = others.end();
  while (to - from > 1) {
    auto const middle = from + (to - from) / 2;
    for (auto other = from; other != middle; ++other) search.add(as_bytes(other->second));
    (search.found() ? to : from) = middle;
  }
  return from->first;
}

}  // namespace

PrimeComparison compare_primes(store::ReadTxn& txn, x509::PublicKey const& key, std::uint64_t known) {
  if (key.type() != x509::KeyType::rsa) return {};
  PrimeComparison compared{.keys = count_moduli(txn)};
  compared.is_recorded = txn.get(kModuli, to_hex(key.spki_hash())).has_value();
  if (compared.is_recorded) return compared;
  x509::SharedPrimeSearch search(key);
  constexpr std::size_t kAtOnce = 2048;
  Others asked;
  auto const ask = [&] {
    if (search.found()) compared.shared_with = who_shares(search, asked);
    asked.clear();
  };
  auto const add = [&](std::string_view hash, std::string_view modulus) {
    search.add(as_bytes(modulus));
    asked.emplace_back(hash, modulus);
    if (asked.size() == kAtOnce) ask();
    return !compared.shared_with;
  };
  if (known == 0)
    txn.scan(kModuli, "", add);
  else
    txn.scan(kModuliOrder, number_key(known), [&](std::string_view, std::string_view hash) {
      auto const modulus = txn.get(kModuli, hash);
      return !modulus || add(hash, *modulus);
    });
  if (!asked.empty()) ask();
  return compared;
}

}  // namespace lenscap::ca
