// What was read out of the texts of records that are wanted again and again, such as the account of each request: to
// parse one, and to build its key with the checks of its quality, costs as much as verifying a signature with it.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lenscap::acme::records {

// Remembers what a function made of a record's key and text. They say all, so nothing that is kept can become wrong: a
// record that is changed has another text. Give it records out of the store, NOT those of strangers, who could push the
// others out.
//
// Thread-safe. Holds at most twice `most` values: when the younger half is full, it takes the place of the older one,
// from which values in use were taken over.
template <class T>
class Memo {
 public:
  explicit Memo(std::size_t most) : most_(most) {}

  // `read(key, text)`, or a copy of what it gave before. What `read` throws comes out, and nothing is kept.
  template <class Read>
  T of(std::string_view key, std::string_view text, Read const& read) {
    auto whole = std::string(key).append(1, '\0').append(text);
    {
      std::lock_guard const lock(mutex_);
      if (auto const found = young_.find(whole); found != young_.end()) return found->second;
      if (auto const found = old_.find(whole); found != old_.end()) {
        auto value = found->second;
        keep(std::move(whole), value);
        return value;
      }
    }
    T value = read(key, text);
    std::lock_guard const lock(mutex_);
    keep(std::move(whole), value);
    return value;
  }

  std::size_t size() {  // values held now
    std::lock_guard const lock(mutex_);
    return young_.size() + old_.size();
  }

 private:
  void keep(std::string whole, T const& value) {  // with the lock
    if (young_.size() == most_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.emplace(std::move(whole), value);
  }

  std::size_t const most_;
  std::mutex mutex_;
  std::unordered_map<std::string, T> young_, old_;
};

}  // namespace lenscap::acme::records
