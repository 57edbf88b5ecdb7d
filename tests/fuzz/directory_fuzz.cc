// A directory that is accepted has the URLs that nobody can do without, and survives being written and read.
#include "acme/wire/directory.h"
#include "tests/fuzz/objects.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_directory);
  if (auto const directory = acme::parse_directory(text); directory.ok()) {
    if (directory->new_nonce.empty() || directory->new_account.empty() || directory->new_order.empty())
      bug("a directory without a way in");
    if (!(acme::parse_directory(json::write(acme::to_json(*directory))).value() == *directory))
      bug("another directory");
  }
  return 0;
}
