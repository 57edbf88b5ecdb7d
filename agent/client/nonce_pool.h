// Replay nonces that the server handed out and that were not used yet (RFC 8555 6.5). Newest first: the server may
// forget old ones. Bounded; an empty pool means that newNonce has to be asked. Not for two threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::agent {

class NoncePool {
 public:
  // Takes what a Replay-Nonce field said; anything that is not base64url is dropped (8555-6.5.1-1).
  void put(std::string_view nonce);
  std::optional<std::string> take();
  void clear() { nonces_.clear(); }

 private:
  std::vector<std::string> nonces_;
};

}  // namespace lenscap::agent
