// Whatever a server answers becomes an Error with tame texts, and what we would write of it reads back the same.
#include <cstdint>

#include "acme/wire/problem.h"
#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace lenscap;
  for (int const status : {0, 400, 401, 403, 404, 409, 429, 500, 503}) {
    auto const error = acme::read_problem(as_text({data, size}), status);
    for (auto const c : as_bytes(error.detail())) {
      if (c < 0x20 || c == 0x7f) bug("a control character in a detail");
    }
    if (error.detail().size() > 1024 || error.sub.size() > 100) bug("a problem without bounds");
    auto const document = acme::to_problem(error);
    auto const again = acme::read_problem(json::write(document), acme::http_status(error));
    if (again.code() != error.code()) bug("a problem does not survive a round trip");
    if (json::write(acme::to_problem(again)) != json::write(document)) bug("a problem changes when it is read");
  }
  return 0;
}
