// What is accepted as a key change was signed by the key that it names as new, so nobody can give an account a key
// without its holder; what is read and signed by our own key is read back alike.
#include <cstdint>
#include <string_view>

#include "acme/wire/key_change.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto const our_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const change = acme::read_key_change(as_text({data, size}));
  if (!change.ok()) return 0;
  if (change->new_key == our_key.public_key()) bug("a forged key change");  // corpora hold other keys only
  if (!x509::check_key(change->new_key, /*allow_ed25519=*/true).ok()) bug("a weak new key");
  auto const made = acme::make_key_change(our_key, change->url, change->account, change->old_key);
  auto const again = acme::read_key_change(made);
  if (!again.ok() || again->new_key != our_key.public_key() || again->url != change->url ||
      again->account != change->account || again->old_key != change->old_key) {
    bug("a key change does not survive a round trip");
  }
  return 0;
}
