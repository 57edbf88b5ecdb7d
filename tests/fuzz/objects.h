// What every ACME object that is accepted has to do: be written, read back, and be written the same.
#pragma once

#include "base/bytes.h"
#include "base/json.h"

namespace lenscap {

template <class Parse>
void round_trip(std::string_view text, Parse parse) {
  auto const value = parse(text);
  if (!value.ok()) return;
  auto const written = json::write(to_json(*value));
  auto const again = parse(written);
  if (!again.ok() || json::write(to_json(*again)) != written) bug("an object does not survive a round trip");
}

}  // namespace lenscap
