#include "tests/camsim/http.h"

#include "tests/camsim/text.h"

namespace lenscap::camsim {

std::string Request::header(std::string_view name) const {
  for (Header const& field : headers)
    if (lower(field.name) == lower(name)) return field.value;
  return {};
}

}  // namespace lenscap::camsim
