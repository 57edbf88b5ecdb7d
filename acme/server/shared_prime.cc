#include "acme/server/shared_prime.h"

#include "acme/server/app.h"
#include "base/x509/rsa_modulus.h"
#include "ca/audit.h"
#include "ca/blocked_keys.h"

namespace lenscap::acme {

net::Awaitable<Result<ca::PrimeComparison>> compare_primes(App& app, x509::PublicKey key) {
  ca::PrimeComparison compared;
  if (key.type() != x509::KeyType::rsa) co_return compared;
  Result<> judged;
  auto job = [&] {
    app.store->read([&](store::ReadTxn& txn) { compared = ca::compare_primes(txn, key); });
    if (!compared.is_recorded && !compared.shared_with) judged = x509::check_modulus(key);
  };
  std::function<void()> work = std::ref(job);  // this frame outlives it
  co_await app.pool.run(work);
  CO_CHECK_OK(judged);
  co_return compared;
}

net::Awaitable<> block_shared_prime(App& app, std::string order_id, x509::PublicKey key, std::string other, Time now) {
  auto const own = to_hex(key.spki_hash());
  bool is_new = false;
  auto block = [&](store::WriteTxn& txn) -> Result<> {
    is_new = false;
    for (auto const& [hash, shared_with] : {std::pair(own, other), std::pair(other, own)}) {
      auto const why = "shares a prime with " + shared_with;
      if (!ca::block_key(txn, {hash, why, now})) continue;
      is_new = true;
      ca::append_audit(txn, {.at = now,
                             .event = ca::AuditEvent::policy_changed,
                             .actor = "server",
                             .subject = hash,
                             .rule = {},
                             .detail = "key blocked: " + why});
    }
    return {};
  };
  auto const blocked = co_await app.db.write(block);
  if (blocked && is_new)
    app.log.warning("finalize.shared_prime", {{"order", order_id}, {"key_sha256", own}, {"other_key_sha256", other}});
}

}  // namespace lenscap::acme
