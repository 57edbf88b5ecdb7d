// Key pairs of the simulated cameras. Keys made for a request are never handed out twice; RSA keys from the factory are
// shared when there are many cameras, because a thousand would otherwise need minutes. Pool keys have three or four
// primes, which is several times faster to find and looks the same from outside; `real` makes ordinary two-prime keys.
// No function gives a private key away in any encoded form.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/ossl.h"

namespace lenscap::camsim {

class Loop;

using KeyRef = std::shared_ptr<EVP_PKEY>;  // shared by the live state of a device and its snapshots

// "EC-P256", "EC-P384", "EC-P521", "RSA-1024", "RSA-2048", "RSA-3072", "RSA-4096".
bool is_key_type(std::string_view type);
std::string key_type_of(EVP_PKEY* key);
Bytes spki_of(EVP_PKEY* key);  // DER
bool same_public_key(EVP_PKEY* a, EVP_PKEY* b);

class Keys {
 public:
  explicit Keys(Loop& loop) : loop_(loop) {}
  ~Keys();
  Keys(Keys const&) = delete;
  Keys& operator=(Keys const&) = delete;

  using Taker = std::function<void(KeyRef)>;
  // Calls `taker` on the network thread with a key that nobody else has. EC keys come at once, RSA keys when made.
  void take(std::string const& type, bool real, Taker taker);
  // A key for a certificate from the factory, made at once. EC keys are new ones; of RSA keys there are at most
  // `distinct` of a type, handed out in turn.
  KeyRef factory(std::string const& type, std::size_t distinct);

 private:
  struct Order {
    std::string type;
    bool real;
    Taker taker;
  };
  void work();

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool warm_ = false;  // somebody wanted an RSA-2048 key: keep some ready
  std::deque<Order> orders_;
  std::deque<KeyRef> ready_;  // RSA-2048
  std::map<std::string, std::vector<KeyRef>> shared_;
  std::map<std::string, std::size_t> shared_next_;
  std::thread worker_;
};

}  // namespace lenscap::camsim
