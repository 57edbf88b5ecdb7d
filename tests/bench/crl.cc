// bench-crl: what a revocation list costs to make, from the ledger's index to the signature, in a store with many
// revocations.
//   bench-crl fill STATE PASSPHRASE_FILE ENTRIES    revokes so many, written as the server writes them
//   bench-crl make STATE PASSPHRASE_FILE FILE       makes the list once, and prints its cost as JSON
// Two calls, so that the memory of the first is not in the figures of the second.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "acme/server/settings.h"
#include "base/passphrase.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/crl_maker.h"
#include "ca/ledger.h"
#include "tests/bench/cost.h"

namespace lenscap::bench {
namespace {

template <class T>
T take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
  return *std::move(result);
}
void take(Result<> const& result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
}

struct Ca {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ca::Authority> authority;
};

Ca open_ca(std::string const& state, std::string const& passphrase_file) {
  auto const settings = take(acme::load_settings(state + "/ca.toml", state));
  auto const passphrase = ca::first_line(take(read_passphrase("file:" + passphrase_file, "the issuing key")));
  ca::AuthoritySettings authority{
      .state_dir = state, .key = settings.ca_key, .http_url = settings.http_url(), .profile_files = {}};
  for (auto const& name : settings.profiles) authority.profile_files.push_back(settings.profile_file(name));
  Ca ca;
  ca.store = take(store::open(settings.store_url, state));
  ca.authority = take(ca::Authority::open(authority, *ca.store, passphrase));
  return ca;
}

// An intent is revoked as a certificate is, and needs no signature.
void fill(Ca const& ca, std::size_t entries) {
  constexpr std::size_t kInOneCommit = 500;
  auto const now = SystemClock().now();
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  auto const& profile = ca.authority->default_profile();
  for (std::size_t begin = 0; begin < entries; begin += kInOneCommit) {
    std::vector<ca::Draft> batch;
    for (std::size_t i = begin; i < std::min(entries, begin + kInOneCommit); ++i) {
      x509::NameSet names;
      names.dns.insert(take(x509::DnsName::parse("cam" + std::to_string(i) + ".localhost")));
      batch.push_back(take(ca.authority->issuer().prepare(profile, {profile.name, key, names, "", {}, {}}, now)));
    }
    ca.store->write([&](store::WriteTxn& txn) {
      for (auto const& draft : batch) {
        take(ca::record_intent(txn, draft, "bench"));
        take(ca::record_revoked(txn, draft.serial_hex(),
                                {.at = now, .reason = x509::RevocationReason::superseded, .by = "bench"}));
      }
      return true;
    });
  }
}

std::chrono::microseconds user_and_system() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto const us = [](timeval const& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

// The memory is that which holds the finished list: nothing that went into it was given back before.
void make(Ca const& ca, std::string const& file) {
  auto const memory = cost_of(::getpid()).anonymous;
  auto const begin = user_and_system();
  auto const lists = take(ca::make_crls(*ca.store, ca.authority->issuer(), 1, {}, SystemClock().now()));
  auto const& list = lists.front().der;
  auto const cpu = user_and_system() - begin;
  auto const more = cost_of(::getpid()).anonymous - memory;
  std::ofstream(file, std::ios::binary) << as_text(list);
  fmt::print("{{\"cpu_s\": {:.3f}, \"anonymous_mib\": {:.1f}, \"octets\": {}}}\n",
             static_cast<double>(cpu.count()) / 1e6, static_cast<double>(more) / (1024 * 1024), list.size());
}

}  // namespace
}  // namespace lenscap::bench

int main(int argc, char** argv) {
  using namespace lenscap::bench;
  std::string const what = argc == 5 ? argv[1] : "";
  try {
    if (what == "fill") return fill(open_ca(argv[2], argv[3]), std::stoul(argv[4])), 0;
    if (what == "make") return make(open_ca(argv[2], argv[3]), argv[4]), 0;
    std::fputs("usage: bench-crl fill STATE PASSPHRASE_FILE ENTRIES | make STATE PASSPHRASE_FILE FILE\n", stderr);
    return 2;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench-crl: %s\n", error.what());
    return 1;
  }
}
