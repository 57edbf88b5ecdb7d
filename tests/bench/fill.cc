// bench-fill: a store with many certificates, as if they had been ordered: accounts, orders with their authorizations,
// the ledger with its indexes. Everything is written by the code that the server itself writes with, and every
// certificate is signed. Only the keys repeat, since making a million would measure something else.
//   bench-fill STATE PASSPHRASE_FILE CERTIFICATES ACCOUNTS
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "acme/server/records.h"
#include "acme/server/settings.h"
#include "base/passphrase.h"
#include "base/random.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/ledger.h"

namespace lenscap::bench {
namespace {

constexpr std::size_t kInOneCommit = 500;
constexpr std::size_t kKeys = 1024;

template <class T>
T take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
  return *std::move(result);
}
void take(Result<> const& result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
}

// One finished order, as newOrder, a validation and finalize leave it behind.
struct Finished {
  acme::NewOrder made;
  std::optional<ca::Draft> draft;
  std::optional<x509::Certificate> certificate;
};

Finished prepare(ca::Authority const& authority, acme::Account const& account, x509::PublicKey const& key,
                 std::size_t number, Time now) {
  auto const name = take(x509::DnsName::parse("cam" + std::to_string(number) + ".localhost"));
  Finished finished;
  auto& order = finished.made.order;
  order.id = new_id(now);
  order.account_id = account.id;
  order.status = acme::OrderStatus::processing;
  order.created = now;
  order.expires = now + kDay;
  order.identifiers.push_back(take(acme::Identifier::parse("dns", name.text())));
  order.profile = authority.default_profile().name;
  acme::Authorization authorization{.id = acme::authorization_id(order.id, 1),
                                    .account_id = account.id,
                                    .identifier = order.identifiers.front(),
                                    .status = acme::AuthorizationStatus::valid,
                                    .created = now,
                                    .expires = now + 30 * kDay};
  authorization.challenges.push_back({.id = "1",
                                      .type = "http-01",
                                      .token = random_token(),
                                      .status = acme::ChallengeStatus::valid,
                                      .validated = now});
  order.authorizations.push_back(authorization.id);
  finished.made.created.push_back(std::move(authorization));
  x509::NameSet names;
  names.dns.insert(name);
  ca::IssueRequest const request{order.profile, key, std::move(names), "", {}, {}};
  finished.draft = take(authority.issuer().prepare(authority.default_profile(), request, now));
  return finished;
}

template <class Work>
void halved(std::size_t count, Work const& work) {
  std::thread other([&] {
    for (std::size_t i = count / 2; i < count; ++i) work(i);
  });
  for (std::size_t i = 0; i < count / 2; ++i) work(i);
  other.join();
}

template <class Body>
void write(store::Store& store, Body const& body) {
  if (!store.write([&](store::WriteTxn& txn) { return body(txn), true; })) throw std::runtime_error("not written");
}

void fill(std::string const& state, std::string const& passphrase_file, std::size_t certificates,
          std::size_t accounts) {
  auto const settings = take(acme::load_settings(state + "/ca.toml", state));
  auto const passphrase = ca::first_line(take(read_passphrase("file:" + passphrase_file, "the issuing key")));
  auto const store = take(store::open(settings.store_url, state));
  ca::AuthoritySettings authority_settings{
      .state_dir = state, .key = settings.ca_key, .http_url = settings.http_url(), .profile_files = {}};
  for (auto const& name : settings.profiles) authority_settings.profile_files.push_back(settings.profile_file(name));
  auto const authority = take(ca::Authority::open(authority_settings, *store, passphrase));

  SystemClock const clock;
  std::vector<x509::PublicKey> keys;
  for (std::size_t i = 0; i < kKeys; ++i)
    keys.push_back(x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key());
  std::vector<acme::Account> owners;
  for (std::size_t i = 0; i < accounts; ++i)
    owners.push_back({.id = new_id(clock.now()),
                      .key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key(),
                      .created = clock.now()});
  write(*store, [&](store::WriteTxn& txn) {
    for (auto const& owner : owners) save_account(txn, owner);
  });

  for (std::size_t begin = 0; begin < certificates; begin += kInOneCommit) {
    auto const count = std::min(kInOneCommit, certificates - begin);
    auto const now = clock.now();
    std::vector<Finished> batch(count);
    halved(count, [&](std::size_t i) {
      auto const number = begin + i;
      batch[i] = prepare(*authority, owners[number % accounts], keys[number % kKeys], number, now);
    });
    write(*store, [&](store::WriteTxn& txn) {
      for (auto& one : batch) {
        create_order(txn, one.made);
        take(ca::record_intent(txn, *one.draft, one.made.order.id, one.made.order.account_id));
      }
    });
    halved(count,
           [&](std::size_t i) { batch[i].certificate = take(authority->issuer().sign(*std::move(batch[i].draft))); });
    write(*store, [&](store::WriteTxn& txn) {
      for (auto& one : batch) {
        take(ca::record_issued(txn, *one.certificate, now));
        save_order(txn, take(acme::complete_order(one.made.order, one.certificate->serial_hex())));
      }
    });
    if (begin / 100'000 != (begin + count) / 100'000) std::fprintf(stderr, "%zu certificates\n", begin + count);
  }
}

}  // namespace
}  // namespace lenscap::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: bench-fill STATE PASSPHRASE_FILE CERTIFICATES ACCOUNTS\n", stderr);
    return 2;
  }
  try {
    lenscap::bench::fill(argv[1], argv[2], std::stoul(argv[3]), std::stoul(argv[4]));
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench-fill: %s\n", error.what());
    return 1;
  }
}
