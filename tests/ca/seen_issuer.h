// An issuer as everybody outside of the signer can know it: by its certificate, and by what was settled when it was
// made. The hostile front end asks by it, and the judge of what was signed judges by it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/ca/several_issuers.h"

namespace lenscap::ca::test {

struct SeenIssuer {
  std::string name;
  x509::Certificate certificate;
  std::string ca_issuers_url;
  CrlPlaces places;
  std::string ocsp_url;                    // empty: none is named
  Time begins, ends;                       // of the whole chain
  std::vector<std::string> dns, ip;        // what alone it may name: suffixes and networks
  std::vector<std::string> profiles = {};  // that alone it serves; empty: all
  Time active_from = Time::min(), retired_from = Time::max();

  bool serves(std::string const& profile) const {
    return profiles.empty() || std::ranges::find(profiles, profile) != profiles.end();
  }
};

// Names, profiles and dates are the caller's to say: the signer's own idea of them is what is to be judged.
inline SeenIssuer seen(std::string const& name, Issuer const& issuer, std::vector<std::string> dns,
                       std::vector<std::string> ip) {
  return {.name = name,
          .certificate = issuer.certificate(),
          .ca_issuers_url = issuer.ca_issuers_url(),
          .places = issuer.crl_places(),
          .ocsp_url = issuer.ocsp_url(),
          .begins = issuer.begins(),
          .ends = issuer.ends(),
          .dns = std::move(dns),
          .ip = std::move(ip)};
}

}  // namespace lenscap::ca::test
