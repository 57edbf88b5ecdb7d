// JSON in and out. Reading is strict and bounded: UTF-8 checked, duplicate member names refused, depth, members and
// size limited, no U+0000 in strings; a text that fails is `malformed`. Values keep the order of their members.
// RapidJSON is used in json.cc alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lenscap::json {

class Value;
using Array = std::vector<Value>;

struct Member;  // a name (first) and its value (second)

class Object {
 public:
  Object() = default;
  Object(std::initializer_list<Member> members);

  Value const* find(std::string_view name) const;   // nullptr when absent
  Object& set(std::string_view name, Value value);  // replaces, or appends
  Object& add(std::string name, Value value);       // appends; for who knows that the name is not there yet
  void reserve(std::size_t members);                // for who knows how many there will be
  std::vector<Member> const& members() const { return members_; }
  bool empty() const;
  bool operator==(Object const& other) const;

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value();  // null
  Value(Value const&);
  Value(Value&&) noexcept;
  Value& operator=(Value const&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(bool v);                                                // NOLINT(google-explicit-constructor)
  Value(int v);                                                 // NOLINT(google-explicit-constructor)
  Value(long v);                                                // NOLINT(google-explicit-constructor)
  Value(long long v);                                           // NOLINT(google-explicit-constructor)
  Value(std::size_t v);                                         // NOLINT(google-explicit-constructor)
  Value(double v);                                              // NOLINT(google-explicit-constructor)
  Value(std::string v);                                         // NOLINT(google-explicit-constructor)
  Value(std::string_view v);                                    // NOLINT(google-explicit-constructor)
  Value(char const* v);                                         // NOLINT(google-explicit-constructor)
  Value(Array v);                                               // NOLINT(google-explicit-constructor)
  Value(Object v);                                              // NOLINT(google-explicit-constructor)
  static Value strings(std::vector<std::string> const& texts);  // an array of strings

  bool is_null() const { return std::holds_alternative<std::monostate>(v_); }
  bool const* as_bool() const { return std::get_if<bool>(&v_); }
  std::int64_t const* as_int() const { return std::get_if<std::int64_t>(&v_); }
  std::string const* as_string() const { return std::get_if<std::string>(&v_); }
  Array const* as_array() const { return std::get_if<Array>(&v_); }
  Object const* as_object() const { return std::get_if<Object>(&v_); }
  Object* as_object() { return std::get_if<Object>(&v_); }
  double const* as_double() const { return std::get_if<double>(&v_); }  // only for numbers that are no 64-bit integer
  bool operator==(Value const& other) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> v_;
};

struct Member {
  std::string first;
  Value second;
  bool operator==(Member const&) const = default;
};

struct Limits {
  std::size_t bytes = 64 * 1024;  // of the whole text
  unsigned depth = 16;            // containers inside each other
  unsigned members = 512;         // values in all: members and array elements together
};

Result<Value> parse(std::string_view text, Limits limits = {});
Result<Object> parse_object(std::string_view text, Limits limits = {});  // also refuses anything but an object

std::string write(Value const& value);         // one line, no spaces
std::string write_pretty(Value const& value);  // for people

// Typed access to a member; the refusal is `malformed` and names the member. `need_` refuses an absent one,
// `get_` gives nothing for an absent one; both refuse a member of another type (also null).
Result<std::string> need_string(Object const& object, std::string_view name);
Result<std::string_view> need_text(Object const& object, std::string_view name);  // lives as long as the object
Result<std::int64_t> need_int(Object const& object, std::string_view name);
Result<bool> need_bool(Object const& object, std::string_view name);
Result<Object> need_object(Object const& object, std::string_view name);
Result<Array> need_array(Object const& object, std::string_view name);
Result<std::vector<std::string>> need_strings(Object const& object, std::string_view name);
Result<std::optional<std::string>> get_string(Object const& object, std::string_view name);
Result<std::optional<std::int64_t>> get_int(Object const& object, std::string_view name);
Result<std::optional<bool>> get_bool(Object const& object, std::string_view name);
Result<std::optional<Object>> get_object(Object const& object, std::string_view name);
Result<std::optional<std::vector<std::string>>> get_strings(Object const& object, std::string_view name);

}  // namespace lenscap::json
