// The last signed revocation lists, as files: STATE/crls/<hex key id of the issuer>/<scope>.crl, as anybody
// reads them. A long list is served from there, so that it takes no memory, not while the next one is made either; and
// a program that starts where nothing can be signed serves them until they end. What is in force is in the store
// (ca/crl_schedule.h); a file is believed when it is that list, under its issuer's signature, and a file that is none
// costs nothing but the list. Once served a file is not judged again: who writes into it, rather than in its place,
// spoils the list until the next one, and clients refuse it.
#pragma once

#include <string>

#include "base/net/shared_body.h"
#include "ca/crl_maker.h"

namespace lenscap::acme {

class KeptCrls {
 public:
  explicit KeptCrls(std::string const& state_dir) : directory_(state_dir + "/crls") {}

  // Longer ones are served from their files, as long as these take no more than a quarter of the process's descriptors.
  static constexpr std::size_t kFromMemoryMax = 64 * 1024;

  // In the place of the one of before; as it is served from then on. Blocks. Errc::file.
  Result<net::SharedBody> keep(std::string_view issuer, ca::SignedCrl const& list) const;
  // The list of this issuer and scope that has this state. Blocks. Errc::file, and malformed for another one.
  Result<net::SharedBody> find(ca::Issuer const& issuer, std::string const& scope,
                               ca::SignedCrlState const& state) const;

 private:
  std::string directory_of(std::string_view issuer) const { return directory_ + "/" + std::string(issuer); }
  std::string file_of(std::string_view issuer, std::string_view scope) const {
    return directory_of(issuer) + "/" + (scope.empty() ? "whole" : std::string(scope)) + ".crl";
  }
  std::string directory_;
};

}  // namespace lenscap::acme
