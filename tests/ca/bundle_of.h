// What a corporation's files hold, as the commands read them.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/x509/bundle.h"
#include "tests/fakes/corporation.h"

namespace lenscap::ca::test {

// None of these files is encrypted.
inline x509::Bundle bundle_of(fakes::Corporation const& from, std::vector<std::string> const& files) {
  auto const unasked = []() -> Result<SecretBytes> {
    return Error(Errc::needs_confirmation, "asked for a passphrase");
  };
  x509::Bundle all;
  for (auto const& file : files) {
    auto part = x509::read_bundle(read_file(from.path(file)).value(), unasked).value();
    all.certificates.insert(all.certificates.end(), part.certificates.begin(), part.certificates.end());
    for (auto& key : part.keys) all.keys.push_back(std::move(key));
  }
  return all;
}

}  // namespace lenscap::ca::test
