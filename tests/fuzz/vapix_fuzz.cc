// The plain answers of devices. First octet: which reader. Whatever is accepted is bounded and clean.
#include "agent/devices/shared/axis_text.h"
#include "agent/devices/shared/text.h"
#include "base/bytes.h"

using namespace lenscap;
using namespace lenscap::agent;

namespace {

void demand(bool fine, char const* what) {
  if (!fine) bug(what);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  if (size == 0) return 0;
  std::string_view const text = as_text({data + 1, size - 1});
  switch (data[0]) {
    case 'p':
      if (auto const params = axis::parse_params(text)) {
        for (auto const& [name, value] : params->values)
          demand(is_plain_utf8(name) && is_plain_utf8(value), "a parameter that is not plain");
      }
      break;
    case 'c':
      if (auto const answer = axis::parse_cgi(text)) {
        if (auto const* refusal = std::get_if<axis::Refusal>(&*answer))
          demand(clean_text(refusal->message, 1000) == refusal->message, "a message that is not clean");
      }
      break;
    case 'r':
      if (auto const answer = axis::parse_rest(text)) {
        if (auto const* refusal = std::get_if<axis::Refusal>(&*answer))
          demand(clean_text(refusal->message, 1000) == refusal->message, "a message that is not clean");
      }
      break;
    case 'd':
      if (auto const api = axis::parse_discover(text))
        demand(api->path.starts_with("/config/rest/cert/") && api->path.find("..") == std::string::npos, "path");
      break;
    case 's':
      if (auto const serial = axis::parse_serial(text)) demand(serial->size() == 12, "serial");
      break;
    case 't':
      if (auto const time = axis::parse_http_date(text)) demand(to_unix(*time) >= 0, "time before 1970");
      break;
    default:
      break;
  }
  return 0;
}
