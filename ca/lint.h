// The second judge: reads the to-be-signed octets of a leaf and says whether they may be signed. Written apart from the
// builder: it parses with OpenSSL and a walk of its own, shares no encoder with template.cc, and compares with what was
// asked for. Pure. It does NOT test whether names are authorized (the ACME server does).
#pragma once

#include <span>

#include "ca/crl_places.h"
#include "ca/template.h"

namespace lenscap::ca {

// What the certificate is supposed to be.
struct LintContext {
  Profile const& profile;
  IssueRequest const& request;
  x509::Certificate const& issuer;
  std::vector<x509::Certificate> const& above;  // the issuer's issuers up to the root: their constraints bind as well
  std::string const& ca_issuers_url;
  CrlPlaces const& crl_places;
  ByteView serial;
  Time now;
  std::string_view ocsp_url = {};  // empty: no OCSP answers are served
  // Whether something above says which subjects there may be: then a subject may be empty that the profile wants.
  bool subjects_are_limited = false;
};

// Refusal: Errc::internal, naming every rule that is broken and what was found. A refusal is a bug of the builder or a
// broken machine, never the fault of a client.
Result<> lint(ByteView tbs, LintContext const& context);

// The names of all rules, for the tests: each must have a fixture that it alone catches.
std::vector<std::string_view> lint_rules();
// The rules that are broken.
std::vector<std::string> lint_findings(ByteView tbs, LintContext const& context);

}  // namespace lenscap::ca
