// Who can hold an issuing key, by the scheme of the settings' `key`.
#include "ca/key_holder.h"
#include "ca/key_holders/pem_file.h"
#include "ca/key_holders/pkcs11.h"

namespace lenscap::ca {
namespace {

struct Row {
  std::string_view scheme;
  Result<std::unique_ptr<KeyHolder>> (*open)(std::string_view rest, std::string_view base_dir,
                                             SecretBytes const& passphrase);
};

constexpr Row kHolders[] = {
    {"file:", open_pem_file},
    {"pkcs11:", open_pkcs11},
};

}  // namespace

Result<std::unique_ptr<KeyHolder>> open_key_holder(std::string_view url, std::string_view base_dir,
                                                   SecretBytes const& passphrase) {
  for (Row const& row : kHolders)
    if (url.starts_with(row.scheme)) return row.open(url.substr(row.scheme.size()), base_dir, passphrase);
  std::string known;
  for (Row const& row : kHolders) known += (known.empty() ? "" : ", ") + std::string(row.scheme);
  return Error(Errc::settings, "the issuing key \"" + std::string(url) + "\" begins with none of: " + known);
}

}  // namespace lenscap::ca
