// What the JSON reader accepts, it writes, reads back and finds equal.
#include <cstdint>
#include <string_view>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace lenscap;
  auto const value = json::parse({reinterpret_cast<char const*>(data), size});
  if (!value.ok()) return 0;
  std::string const text = json::write(*value);
  auto const again = json::parse(text, {.bytes = text.size()});
  if (!again.ok() || json::write(*again) != text) bug("JSON does not survive a round trip");
  return 0;
}
