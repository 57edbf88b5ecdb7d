// Replay nonces (RFC 8555 6.5): issued without a store write, redeemed at most once, never more than a fixed amount of
// memory. A nonce is one AES-256 block over a counter and a mark of this series, so nobody can guess the next or make
// one, and the whole state is a counter and one bit for each of the newest kWindow nonces; older ones have expired.
//
// A graceful stop keeps the state in a file that the next start takes over (and deletes), so clients notice nothing.
// After a crash a new series begins and old nonces fail cleanly with badNonce (8555-6.5-7). Safe from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ossl.h"
#include "base/secret.h"

namespace lenscap::acme {

class Nonces {
 public:
  // One MiBit: a stranger would have to ask for a million nonces to push out those of others.
  static constexpr std::uint64_t kWindow = 1 << 20;

  Nonces();

  std::string issue();  // 22 characters of base64url (8555-6.5.1-1)

  // Takes a nonce out of circulation; call it only for a request whose signature is good, so that nobody without a key
  // can burn one. Errc::malformed for text that is not base64url (8555-6.5.2-1), else Errc::bad_nonce: used, expired
  // and foreign look alike (8555-6.5-3..5).
  Result<> redeem(std::string_view nonce);

  // Writes the state for the next process; this object must not be used after it.
  Result<> save(std::string const& path) const;
  // Takes over a saved state, if the file is there and whole, and removes the file in any case.
  void load(std::string const& path);

 private:
  void begin_series(SecretBytes key, std::uint64_t mark, std::uint64_t next);

  mutable std::mutex mutex_;
  SecretBytes key_;
  ossl::CipherCtxPtr encrypt_, decrypt_;
  std::uint64_t mark_ = 0;
  std::uint64_t next_ = 0;           // counter of the next nonce
  std::vector<std::uint64_t> used_;  // a ring of kWindow bits, indexed by counter
};

}  // namespace lenscap::acme
