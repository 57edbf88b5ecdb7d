// How a record is written and read: JSON text with a `v` field, and keys joined of ids. For the files beside this one.
// A record of ours that cannot be read is a broken store: an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/wire/identifier.h"
#include "base/json.h"
#include "base/time.h"
#include "store/store.h"

namespace lenscap::acme::records {

inline constexpr int kRecordVersion = 1;

// order id -> order; authorization id -> an authorization that the order made, right behind it: both lie on one page
// of the store, as a rule.
inline constexpr store::Table kOrders{"orders"};
inline constexpr store::Table kAccounts{"accounts"};             // account id -> account
inline constexpr store::Table kAccountKeys{"account_keys"};      // thumbprint of the key -> account id
inline constexpr store::Table kAccountOrders{"account_orders"};  // account id / order id -> ""
inline constexpr store::Table kOpenOrders{
    "open_order_counts"};  // account id -> how many are pending, ready or processing
// certificate id (RFC 9773) -> order that replaces it, the latest one
inline constexpr store::Table kReplacements{"replacements"};
inline constexpr store::Table kAuthorizations{"authorizations"};  // authorization id -> one that newAuthz made
// account id / type:identifier -> authorization id, last valid
inline constexpr store::Table kReusable{"reusable_authorizations"};
// account id / authorization id -> "": pending, by newAuthz
inline constexpr store::Table kPreAuthorizations{"pre_authorizations"};
inline constexpr store::Table kEabKeys{"eab_keys"};          // kid -> key and sealed MAC key
inline constexpr store::Table kEabAccounts{"eab_accounts"};  // kid / account id -> "": bound by it

[[noreturn]] inline void broken(std::string_view table, std::string_view key, std::string_view why) {
  throw store::Broken("record " + std::string(table) + "/" + std::string(key) + " cannot be read: " + std::string(why));
}

// A record that we wrote: everything is there and of the right type.
class Fields {
 public:
  Fields(store::Table table, std::string_view key, std::string_view text) : table_(table.name), key_(key) {
    auto object = json::parse_object(text, {.bytes = store::kValueBytesMax, .depth = 16, .members = 100'000});
    if (!object) fail(object.error());
    object_ = *std::move(object);
    if (integer("v") != kRecordVersion) broken(table_, key_, "unknown version");
  }
  Fields(store::Table table, std::string_view key, json::Object object)
      : table_(table.name), key_(key), object_(std::move(object)) {}

  std::string text(std::string_view name) const { return take(json::need_string(object_, name)); }
  std::string text_or_empty(std::string_view name) const { return take(json::get_string(object_, name)).value_or(""); }
  std::int64_t integer(std::string_view name) const { return take(json::need_int(object_, name)); }
  bool flag(std::string_view name) const { return take(json::get_bool(object_, name)).value_or(false); }
  Time time(std::string_view name) const { return from_unix(integer(name)); }
  std::optional<Time> maybe_time(std::string_view name) const {
    auto seconds = take(json::get_int(object_, name));
    return seconds ? std::optional(from_unix(*seconds)) : std::nullopt;
  }
  std::vector<std::string> texts(std::string_view name) const {
    return take(json::get_strings(object_, name)).value_or(std::vector<std::string>{});
  }
  std::optional<json::Object> object(std::string_view name) const { return take(json::get_object(object_, name)); }
  std::vector<json::Object> objects(std::string_view name) const {
    std::vector<json::Object> out;
    for (auto const& value : take(json::need_array(object_, name))) {
      if (value.as_object() == nullptr) broken(table_, key_, name);
      out.push_back(*value.as_object());
    }
    return out;
  }
  Fields inside(json::Object object) const { return Fields(store::Table{table_}, key_, std::move(object)); }

  template <class T>
  T take(Result<T> result) const {
    if (!result) fail(result.error());
    return *std::move(result);
  }

 private:
  [[noreturn]] void fail(Error const& error) const { broken(table_, key_, error.detail()); }
  std::string_view table_;
  std::string key_;
  json::Object object_;
};

inline json::Object new_record() {
  json::Object object;
  object.set("v", kRecordVersion);
  return object;
}

inline std::string joined(std::string_view first, std::string_view second) {
  return std::string(first) + "/" + std::string(second);
}

inline std::string tagged(Identifier const& identifier) {
  return std::string(to_string(identifier.type())) + ":" + identifier.value();
}

inline std::string after_slash(std::string_view key) { return std::string(key.substr(key.find('/') + 1)); }

inline void set_time(json::Object& object, std::string_view name, std::optional<Time> const& time) {
  if (time) object.set(name, to_unix(*time));
}

template <class T>
json::Value texts_of(std::vector<T> const& values) {
  json::Array array;
  for (auto const& value : values) array.emplace_back(value.text());
  return array;
}

// "dns:cam1.example", as tagged() wrote it.
inline Identifier read_identifier_text(Fields const& f, std::string_view text) {
  auto const colon = text.find(':');
  if (colon == text.npos) f.take(Result<int>(Error(Errc::malformed, "identifier")));
  return f.take(Identifier::parse(text.substr(0, colon), text.substr(colon + 1)));
}

}  // namespace lenscap::acme::records
