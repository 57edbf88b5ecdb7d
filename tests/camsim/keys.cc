#include "tests/camsim/keys.h"

#include <openssl/rsa.h>

#include <array>

#include "tests/camsim/server.h"

namespace lenscap::camsim {
namespace {

constexpr std::size_t kReadyKeys = 6;  // enough for a burst of a few cameras; more only heat the machine

struct KeyType {
  std::string_view name;
  char const* group;  // of an EC key
  int bits;           // of an RSA key
  int primes;         // of a pool key
};
constexpr std::array<KeyType, 7> kTypes{{
    {"EC-P256", "P-256", 256, 0},
    {"EC-P384", "P-384", 384, 0},
    {"EC-P521", "P-521", 521, 0},
    {"RSA-1024", nullptr, 1024, 2},
    {"RSA-2048", nullptr, 2048, 3},
    {"RSA-3072", nullptr, 3072, 3},
    {"RSA-4096", nullptr, 4096, 4},
}};

KeyType const* find_type(std::string_view name) {
  for (KeyType const& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

KeyRef make(std::string_view name, bool real) {
  KeyType const* type = find_type(name);
  if (type == nullptr) bug("key type was not checked");
  ossl::PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type->group != nullptr ? "EC" : "RSA", nullptr));
  ossl::check(context != nullptr && EVP_PKEY_keygen_init(context.get()) == 1, "keygen init");
  if (type->group != nullptr) {
    ossl::check(EVP_PKEY_CTX_set_group_name(context.get(), type->group) == 1, "group");
  } else {
    ossl::check(EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), type->bits) == 1, "bits");
    ossl::check(EVP_PKEY_CTX_set_rsa_keygen_primes(context.get(), real ? 2 : type->primes) == 1, "primes");
  }
  EVP_PKEY* key = nullptr;
  ossl::check(EVP_PKEY_generate(context.get(), &key) == 1, "keygen");
  return {key, EVP_PKEY_free};
}

}  // namespace

bool is_key_type(std::string_view type) { return find_type(type) != nullptr; }

std::string key_type_of(EVP_PKEY* key) {
  std::string const kind = EVP_PKEY_is_a(key, "RSA") == 1 ? "RSA-" : "EC-P";
  return kind + std::to_string(EVP_PKEY_get_bits(key));
}

Bytes spki_of(EVP_PKEY* key) { return ossl::to_der(key, i2d_PUBKEY); }
bool same_public_key(EVP_PKEY* a, EVP_PKEY* b) { return EVP_PKEY_eq(a, b) == 1; }

Keys::~Keys() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void Keys::take(std::string const& type, bool real, Taker taker) {
  if (find_type(type)->group != nullptr) return taker(make(type, real));
  KeyRef ready;
  {
    std::lock_guard const lock(mutex_);
    if (!worker_.joinable()) worker_ = std::thread([this] { work(); });
    if (type == "RSA-2048" && !real) {
      warm_ = true;
      if (!ready_.empty()) {
        ready = std::move(ready_.front());
        ready_.pop_front();
      }
    }
    if (!ready) orders_.push_back({type, real, taker});
  }
  changed_.notify_all();
  if (ready) taker(std::move(ready));
}

KeyRef Keys::factory(std::string const& type, std::size_t distinct) {
  if (find_type(type)->group != nullptr) return make(type, false);
  std::vector<KeyRef>& keys = shared_[type];
  if (keys.size() < distinct) {
    keys.push_back(make(type, false));
    return keys.back();
  }
  return keys[shared_next_[type]++ % keys.size()];
}

// The background thread: orders first, then the stock.
void Keys::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!orders_.empty()) {
      Order order = std::move(orders_.front());
      orders_.pop_front();
      lock.unlock();
      KeyRef key = make(order.type, order.real);
      loop_.post([taker = std::move(order.taker), key = std::move(key)] { taker(key); });
      lock.lock();
    } else if (warm_ && ready_.size() < kReadyKeys) {
      lock.unlock();
      KeyRef key = make("RSA-2048", false);
      lock.lock();
      ready_.push_back(std::move(key));
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace lenscap::camsim
