#include "base/net/http.h"

#include <algorithm>

#include "base/error.h"

namespace lenscap::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string const* Headers::find(std::string_view name) const {
  for (auto const& [key, value] : fields_) {
    if (same_name(key, name)) return &value;
  }
  return nullptr;
}

void Headers::set(std::string_view name, std::string value) {
  for (auto& [key, old] : fields_) {
    if (!same_name(key, name)) continue;
    old = std::move(value);
    return;
  }
  add(std::string(name), std::move(value));
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](auto const& field) { return same_name(field.first, name); }));
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "?";
}

Method method_from(std::string_view text) {
  for (Method const method :
       {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options}) {
    if (text == to_string(method)) return method;
  }
  return Method::other;
}

std::string const& PathParams::at(std::string_view name) const {
  for (auto const& [key, value] : values_)
    if (key == name) return value;
  bug("a handler asks for a part of the path that its pattern does not have");
}

}  // namespace lenscap::net
