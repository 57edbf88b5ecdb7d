#include "agent/client/nonce_pool.h"

#include "base/bytes.h"

namespace lenscap::agent {
namespace {

constexpr std::size_t kNoncesKept = 32;       // more than devices in progress
constexpr std::size_t kNonceBytesMax = 1024;  // nobody's nonce is longer

}  // namespace

void NoncePool::put(std::string_view nonce) {
  if (nonce.empty() || nonce.size() > kNonceBytesMax) return;
  for (char const c : nonce) {
    bool const fine =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!fine) return;
  }
  if (nonces_.size() == kNoncesKept) nonces_.erase(nonces_.begin());
  nonces_.emplace_back(nonce);
}

std::optional<std::string> NoncePool::take() {
  if (nonces_.empty()) return std::nullopt;
  std::string nonce = std::move(nonces_.back());
  nonces_.pop_back();
  return nonce;
}

}  // namespace lenscap::agent
