#include "store/schema.h"

#include <charconv>

namespace lenscap::store {
namespace {

std::optional<std::size_t> parse_version(std::string_view text) {
  std::size_t version = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc{} || end != text.data() + text.size() || version == 0) return std::nullopt;
  return version;
}

Result<std::size_t> known_version(std::string_view text, std::size_t newest) {
  auto version = parse_version(text);
  if (!version) {
    return Error(Errc::settings, "the store's format version \"" + std::string(text) + "\" is not a number");
  }
  if (*version > newest) {
    return Error(Errc::settings, "the store has format " + std::to_string(*version) +
                                     ", this program knows formats up to " + std::to_string(newest) +
                                     "; install the version that wrote it, or a newer one");
  }
  return *version;
}

Result<> bring_up_to_date(WriteTxn& txn, std::span<Upgrade const> steps) {
  std::size_t const newest = steps.size() + 1;
  std::size_t version = newest;
  if (auto found = txn.get(kMeta, "version")) {
    TRY(version, known_version(*found, newest));
  } else if (!txn.tables().empty()) {
    return Error(Errc::settings, "this is not a store of this program: it holds records but no format version");
  }
  for (std::size_t v = version; v < newest; ++v) steps[v - 1].run(txn);
  txn.put(kMeta, "version", std::to_string(newest));
  return {};
}

// Oldest first; never changed once released.
constexpr std::span<Upgrade const> kUpgrades{};

}  // namespace

std::span<Upgrade const> upgrades() { return kUpgrades; }

Result<> check_current(Store& store, std::span<Upgrade const> steps) {
  std::optional<std::string> version;
  store.read([&](ReadTxn& txn) { version = txn.get(kMeta, "version"); });
  if (version == std::to_string(steps.size() + 1)) return {};
  return Error(Errc::settings, "the store has format " + version.value_or("none") + ", this program reads format " +
                                   std::to_string(steps.size() + 1) + "; start the service once with this version");
}

Result<> check_version(std::string_view version, std::span<Upgrade const> steps) {
  CHECK_OK(known_version(version, steps.size() + 1));
  return {};
}

Result<> bring_up_to_date(Store& store, std::span<Upgrade const> steps) {
  // Most openings find nothing to do, and then nothing is written.
  bool current = false;
  store.read([&](ReadTxn& txn) { current = txn.get(kMeta, "version") == std::to_string(steps.size() + 1); });
  if (current) return {};
  Result<> outcome;
  store.write([&](WriteTxn& txn) {
    outcome = bring_up_to_date(txn, steps);
    return outcome.ok();
  });
  return outcome;
}

}  // namespace lenscap::store
