// The last signed revocation lists, as files: STATE/crls/<hex key id of the issuer>/<scope>.crl, as anybody
// reads them. A program that starts where nothing can be signed serves them until they end. What is in force is in the
// store (ca/crl_schedule.h); a file is believed when it is that list, under its issuer's signature, and a file that is
// none costs nothing but the list.
#pragma once

#include <string>

#include "ca/crl_maker.h"

namespace lenscap::acme {

class KeptCrls {
 public:
  explicit KeptCrls(std::string const& state_dir) : directory_(state_dir + "/crls") {}

  // In the place of the one of before. Blocks. Errc::file.
  Result<> keep(std::string_view issuer, ca::SignedCrl const& list) const;
  // The list of this issuer and scope that has this state. Blocks. Errc::file, and malformed for another one.
  Result<ca::SignedCrl> find(ca::Issuer const& issuer, std::string const& scope, ca::SignedCrlState const& state) const;

 private:
  std::string directory_of(std::string_view issuer) const { return directory_ + "/" + std::string(issuer); }
  std::string file_of(std::string_view issuer, std::string_view scope) const {
    return directory_of(issuer) + "/" + (scope.empty() ? "whole" : std::string(scope)) + ".crl";
  }
  std::string directory_;
};

}  // namespace lenscap::acme
