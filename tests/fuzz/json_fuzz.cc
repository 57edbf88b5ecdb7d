// No text with an octet of zero is JSON. What the JSON reader accepts, it writes, reads back and finds equal. Numbers
// with a fraction or exponent may come back a little off (RapidJSON's exact reading of them has undefined behaviour for
// "0e308"); nothing of ours uses them.
#include <cstdint>
#include <string_view>

#include "base/json.h"

namespace {

bool has_double(lenscap::json::Value const& value) {
  if (value.as_double() != nullptr) return true;
  if (auto const* array = value.as_array()) {
    for (auto const& element : *array) {
      if (has_double(element)) return true;
    }
  }
  if (auto const* object = value.as_object()) {
    for (auto const& member : object->members()) {
      if (has_double(member.second)) return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace lenscap;
  std::string_view const input(reinterpret_cast<char const*>(data), size);
  auto const value = json::parse(input);
  if (!value.ok()) return 0;
  if (input.find('\0') != input.npos) bug("what follows a NUL was not read");
  std::string const text = json::write(*value);
  auto const again = json::parse(text, {.bytes = text.size()});
  if (!again.ok()) bug("what was written is not read");
  if (!has_double(*value) && json::write(*again) != text) bug("JSON does not survive a round trip");
  return 0;
}
