#include "acme/server/key_memo.h"

#include "acme/wire/jwk.h"

namespace lenscap::acme {

Result<x509::PublicKey> KeyMemo::read(json::Object const& jwk) {
  auto text = json::write(jwk);
  {
    std::lock_guard const lock(mutex_);
    if (auto const found = young_.find(text); found != young_.end()) return found->second;
    if (auto const found = old_.find(text); found != old_.end()) {
      auto key = found->second;
      keep(std::move(text), key);
      return key;
    }
  }
  TRY(auto made, read_jwk(jwk));
  std::lock_guard const lock(mutex_);
  keep(std::move(text), made.key);
  return std::move(made.key);
}

std::size_t KeyMemo::size() {
  std::lock_guard const lock(mutex_);
  return young_.size() + old_.size();
}

void KeyMemo::keep(std::string text, x509::PublicKey key) {
  if (young_.size() == keys_max_) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.emplace(std::move(text), std::move(key));
}

}  // namespace lenscap::acme
