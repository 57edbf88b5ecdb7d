// The second judge: reads the to-be-signed octets of a leaf, or of a CA's certificate, and says whether they may be
// signed. Written apart from the builder: it parses with OpenSSL and a walk of its own, shares no encoder with
// template.cc, and compares with what was asked for. Pure. It does NOT test whether names are authorized (the ACME
// server does).
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

// What the certificate of a CA is supposed to be, said by whoever asks for it and not taken from the template.
struct CaLintContext {
  x509::PublicKey key;                    // the subject's
  std::string organization, common_name;  // the subject's; of the two an empty one is left out
  // Its issuer, and those above that up to the root. Empty: its own key signs it, and it is a root.
  std::vector<x509::Certificate> above = {};
  std::optional<x509::NameConstraints> constraints;
  std::vector<ExtendedKeyUsage> usages = {};  // empty: not limited
  std::optional<int> path_length = {};        // empty: likewise
  Seconds lifetime;
  // By a cross-signed certificate a root says of another one what that says of itself: the same subject, to the octet,
  // and no other time. Then `organization` and `common_name` mean nothing.
  std::optional<x509::Certificate> vouches_for = {};
  std::string ca_issuers_url = {};  // empty: its issuer's certificate is not served
  std::string crl_base = {};        // of the whole list that its issuer has, as CrlPlaces::base; empty: none is served
  Time now;

  x509::PublicKey const& signing_key() const { return above.empty() ? key : above.front().key(); }
};

// Refusal: Errc::internal, naming every rule that is broken and what was found. A refusal is a bug of the builder or a
// broken machine, never the fault of a client.
Result<> lint(ByteView tbs, LintContext const& context);
Result<> lint(ByteView tbs, CaLintContext const& context);

// The names of all rules, for the tests: each must have a fixture that it alone catches.
std::vector<std::string_view> lint_rules();
std::vector<std::string_view> ca_lint_rules();
// The rules that are broken.
std::vector<std::string> lint_findings(ByteView tbs, LintContext const& context);
std::vector<std::string> lint_findings(ByteView tbs, CaLintContext const& context);

}  // namespace lenscap::ca
