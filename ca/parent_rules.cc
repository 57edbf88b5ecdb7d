#include "ca/parent_rules.h"

#include <algorithm>

#include "base/ossl.h"
#include "ca/issued_by.h"
#include "ca/name_limits.h"
#include "ca/strict_clients.h"

namespace lenscap::ca {
namespace {

using Certificates = std::vector<x509::Certificate>;

Error refusal(x509::Certificate const& certificate, std::string const& what) {
  return {Errc::settings, "the certificate of " + certificate.subject() + " " + what};
}

Certificates without_duplicates(Certificates const& given, std::vector<std::string>& warnings) {
  Certificates different;
  for (x509::Certificate const& each : given) {
    if (std::ranges::find(different, each) == different.end())
      different.push_back(each);
    else
      warnings.push_back("the certificate of " + each.subject() + " was given twice");
  }
  return different;
}

// --- building the chain ---

Result<x509::Certificate> find_ours(Certificates const& given, x509::PublicKey const& our_key, KeyOrigin origin) {
  std::optional<x509::Certificate> ours;
  for (x509::Certificate const& each : given) {
    if (!(each.key() == our_key)) continue;
    if (ours)
      return Error(Errc::settings,
                   "two of the certificates are for the issuing key of this CA: install the one that "
                   "shall be used, without the other");
    ours = each;
  }
  if (ours) return *std::move(ours);
  if (origin == KeyOrigin::imported)
    return Error(Errc::settings,
                 "the private key belongs to none of the certificates: give the certificate that was made for this "
                 "key, or the key that goes with the certificate");
  return Error(Errc::settings,
               "none of the certificates is for the issuing key of this CA: send the parent the request "
               "of this CA (lenscap-ca issuer csr) and install what it makes of that");
}

// RFC 5280 4.2.1.1: clients take only that for the issuer which the authority key identifier means.
bool names_as_issuer(x509::Certificate const& below, x509::Certificate const& issuer) {
  ossl::Ptr<AUTHORITY_KEYID, AUTHORITY_KEYID_free> const named(
      static_cast<AUTHORITY_KEYID*>(X509_get_ext_d2i(below.native(), NID_authority_key_identifier, nullptr, nullptr)));
  return X509_check_akid(issuer.native(), named.get()) == X509_V_OK;
}

Error no_issuer(x509::Certificate const& below, Certificates const& given) {
  for (x509::Certificate const& each : given)
    if (is_issued_by(below, each) && !names_as_issuer(below, each))
      return refusal(below, "names its issuer by an authority key identifier that is not that of the certificate of " +
                                each.subject() + " given here (subject key identifier " +
                                to_hex(each.subject_key_id()) +
                                "), though its key has signed: clients do not take that one for the issuer; give the "
                                "certificate of the issuer that is meant, or ask for one with "
                                "authorityKeyIdentifier=keyid of this issuer");
  auto const has_the_name = [&](x509::Certificate const& each) {
    return X509_NAME_cmp(X509_get_issuer_name(below.native()), X509_get_subject_name(each.native())) == 0;
  };
  if (std::ranges::any_of(given, has_the_name))
    return refusal(below, "has a signature that does not verify with the key of " + below.issuer() +
                              " as given here: ask the parent for the certificates that belong together");
  return refusal(below, "was issued by " + below.issuer() +
                            ", which is not among the certificates given: add it, and all above it up to the "
                            "self-signed root");
}

// Appends what leads from the last of `path` to a root. A cross-signed CA has several certificates, and not all of them
// need lead to one: those from which none is reached go to `dead`, so that each is tried once. The refusal is that of
// the first way.
Result<> climb_on(Certificates& path, Certificates const& given, Certificates& dead) {
  x509::Certificate const below = path.back();
  if (is_issued_by(below, below)) return {};
  std::optional<Error> first;
  for (x509::Certificate const& each : given) {
    auto const is_it = [&](x509::Certificate const& other) { return other == each; };
    if (std::ranges::any_of(path, is_it) || std::ranges::any_of(dead, is_it) || !is_issued_by(below, each) ||
        !names_as_issuer(below, each))
      continue;
    path.push_back(each);
    auto const higher = climb_on(path, given, dead);
    if (higher.ok()) return {};
    path.pop_back();
    dead.push_back(each);
    if (!first) first = higher.error();
  }
  return first ? *std::move(first) : no_issuer(below, given);
}

Result<Certificates> climb(x509::Certificate const& issuing, Certificates const& given, KeyOrigin origin) {
  if (is_issued_by(issuing, issuing) && origin == KeyOrigin::imported)
    return refusal(issuing,
                   "is a root and no intermediate: a root's key does not belong on a server; have the root sign the "
                   "request of this CA (lenscap-ca issuer csr)");
  if (is_issued_by(issuing, issuing))
    return refusal(issuing, "is signed by its own key and not by a parent: send the parent the request of this CA");
  Certificates path{issuing};
  Certificates dead;
  CHECK_OK(climb_on(path, given, dead));
  return Certificates(path.begin() + 1, path.end());
}

// --- each certificate by itself ---

Result<> check_signature_algorithm(x509::Certificate const& certificate) {
  int digest = NID_undef;
  if (X509_get_signature_info(certificate.native(), &digest, nullptr, nullptr, nullptr) != 1)
    return refusal(certificate, "is signed by an algorithm that this program does not know");
  // The families that clients still accept. Ed25519 has no digest of its own and is none of theirs.
  if (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512) return {};
  return refusal(certificate, std::string("is signed with ") + (digest == NID_undef ? "no hash" : OBJ_nid2sn(digest)) +
                                  ", which clients refuse: ask for a signature with SHA-256, SHA-384 or SHA-512");
}

// What this CA itself needs of its own certificate: it signs revocation lists (RFC 5280 4.2.1.3), and what it issues
// points to its key identifier (4.2.1.2). Of one above it the same two sections demand the same, but nobody who judges
// our chain asks for cRLSign there, and few for the identifier: an existing root can hardly be changed.
Result<> check_own_use(x509::Certificate const& issuing) {
  // Without the extension every use is allowed, and OpenSSL then answers with all bits set.
  if ((X509_get_key_usage(issuing.native()) & KU_CRL_SIGN) == 0)
    return refusal(issuing, "may not sign CRLs: ask for the key usage cRLSign");
  if (issuing.subject_key_id().empty()) return refusal(issuing, "has no subject key identifier: ask for one");
  return {};
}

// ask_clients() tells of a missing identifier.
void warn_of_use_above(x509::Certificate const& above, std::vector<std::string>& warnings) {
  if ((X509_get_key_usage(above.native()) & KU_CRL_SIGN) != 0) return;
  warnings.push_back("the certificate of " + above.subject() +
                     " may not sign CRLs: clients then take no list of its own that says whether what stands below it "
                     "was revoked. Ask the parent who signs its lists, or for the key usage cRLSign where it can still "
                     "be changed");
}

Result<> check_use(x509::Certificate const& certificate) {
  X509* const native = certificate.native();
  if (!certificate.is_ca()) return refusal(certificate, "is not that of a CA: ask for basicConstraints with CA:TRUE");
  if ((X509_get_key_usage(native) & KU_KEY_CERT_SIGN) == 0)
    return refusal(certificate, "may not sign certificates: ask for the key usage keyCertSign");
  if ((X509_get_extension_flags(native) & EXFLAG_XKUSAGE) != 0 &&
      (X509_get_extended_key_usage(native) & XKU_SSL_SERVER) == 0)
    return refusal(certificate,
                   "has an extended key usage without serverAuth, and so nothing below it could be a "
                   "server certificate (clients do not take anyExtendedKeyUsage for it): ask for serverAuth, or for no "
                   "extended key usage");
  auto const constraints = certificate.name_constraints();
  if (constraints && !constraints->unreadable.empty())
    return refusal(certificate, "has name constraints that this program cannot read, and so cannot keep: " +
                                    constraints->unreadable + "; ask for constraints as RFC 5280 4.2.1.10 has them");
  if (constraints && constraints->has_other_types)
    return refusal(certificate,
                   "has name constraints for names of a type that this program does not know, and so cannot keep: ask "
                   "for constraints of the types dNSName, iPAddress, rfc822Name, URI and directoryName alone");
  return {};
}

std::string text_of(ASN1_OBJECT const* identifier) {
  char text[80];
  OBJ_obj2txt(text, sizeof text, identifier, 0);
  return text;
}

// Ours name none. OpenSSL is not asked: where a certificate has no policies itself, it forgets to free what it read.
Result<> check_policies(x509::Certificate const& certificate) {
  ossl::Ptr<POLICY_CONSTRAINTS, POLICY_CONSTRAINTS_free> const constraints(static_cast<POLICY_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate.native(), NID_policy_constraints, nullptr, nullptr)));
  if (constraints == nullptr || constraints->requireExplicitPolicy == nullptr) return {};
  return refusal(
      certificate,
      "demands that certificates name a policy, and those of this CA name none: clients refuse all below it; "
      "ask for another");
}

// A client that does not know a critical extension refuses the certificate (RFC 5280 4.2), and with it all below it.
Result<> check_critical_extensions(x509::Certificate const& certificate) {
  // What OpenSSL and GnuTLS both know.
  constexpr int kKnown[] = {NID_basic_constraints,    NID_key_usage,         NID_ext_key_usage,
                            NID_subject_alt_name,     NID_name_constraints,  NID_crl_distribution_points,
                            NID_certificate_policies, NID_inhibit_any_policy};
  X509* const native = certificate.native();
  for (int i = 0; i < X509_get_ext_count(native); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(native, i);
    ASN1_OBJECT const* const identifier = X509_EXTENSION_get_object(extension);
    int const nid = OBJ_obj2nid(identifier);
    if (X509_EXTENSION_get_critical(extension) == 0 || std::ranges::find(kKnown, nid) != std::end(kKnown)) continue;
    if (nid == NID_policy_constraints)
      return refusal(certificate,
                     "has critical policy constraints: with them it may demand that certificates name a policy, which "
                     "those of this CA do not, and GnuTLS refuses all below it; ask for a certificate without them");
    return refusal(certificate, "has the critical extension " + text_of(identifier) +
                                    ", which clients do not know, and so they refuse it and all below it: ask for a "
                                    "certificate without it, or where it is not critical");
  }
  return {};
}

Result<> check_dates(x509::Certificate const& certificate, Time now) {
  if (now < certificate.not_before())
    return refusal(certificate, "begins only at " + to_rfc3339(certificate.not_before()) +
                                    ": wait until then, or set this machine's clock");
  if (now > certificate.not_after())
    return refusal(certificate, "ended at " + to_rfc3339(certificate.not_after()) + ": ask for a new one");
  return {};
}

// A root's signature is not checked by those who trust it, so its hash does not matter; its key does.
Result<> check_one(x509::Certificate const& certificate, bool is_root, Time now) {
  CHECK_OK(check_use(certificate));
  CHECK_OK(check_critical_extensions(certificate));
  CHECK_OK(check_policies(certificate));
  CHECK_OK(check_dates(certificate, now));
  auto const key = x509::check_key(certificate.key(), false);
  if (!key.ok()) return refusal(certificate, "has a key that is not good enough: " + key.error().detail());
  if (!is_root) CHECK_OK(check_signature_algorithm(certificate));
  return {};
}

// --- the chain as a whole ---

// RFC 5280 4.2.1.9: self-issued certificates below do not count.
Result<std::optional<int>> check_path_length(x509::Certificate const& issuing, Certificates const& above,
                                             int below = 0) {
  std::optional<int> left;
  auto const take = [&](x509::Certificate const& certificate) -> Result<> {
    long const limit = X509_get_pathlen(certificate.native());
    if (limit >= 0) {
      if (limit < below)
        return refusal(certificate, "allows " + std::to_string(limit) + " CA certificates below it, and " +
                                        std::to_string(below) +
                                        " are in this chain: ask for a path length that leaves room");
      int const room = static_cast<int>(limit) - below;
      left = left ? std::min(*left, room) : room;
    }
    if (!certificate.is_self_issued()) ++below;
    return {};
  };
  CHECK_OK(take(issuing));
  for (x509::Certificate const& each : above) CHECK_OK(take(each));
  return left;
}

// Whatever else a client would refuse.
Result<> ask_clients(x509::Certificate const& issuing, Certificates const& above, Time now,
                     std::vector<std::string>& warnings) {
  for (auto const& each : objections_to(issuing, above, now)) {
    if (each.by_all)
      return Error(Errc::settings, each.whose + " " + each.why + ": clients refuse all below it; ask for another");
    warnings.push_back(each.whose + " " + each.why +
                       ": strict clients (Python from 3.13 on, openssl verify -x509_strict) refuse all below it; ask "
                       "for another where it can still be changed");
  }
  return {};
}

// Is there a name or an address that all permit?
bool leaves_something(std::vector<NameLimit> const& limits) {
  auto const left = narrowed(limits);
  if (!left) return true;
  auto const is_excluded = [&](x509::IpBlock const& block) {
    return std::ranges::any_of(left->excluded_ip, [&](x509::IpBlock const& each) { return each.contains(block); });
  };
  auto const is_excluded_name = [&](x509::DnsSubtree const& name) {
    return std::ranges::any_of(left->excluded_dns, [&](x509::DnsSubtree const& each) { return each.contains(name); });
  };
  bool const some_dns = !left->excludes_all_dns &&
                        (left->permitted_dns.empty() || !std::ranges::all_of(left->permitted_dns, is_excluded_name));
  bool const no_ip = is_excluded(x509::IpBlock::all_v4()) && is_excluded(x509::IpBlock::all_v6());
  bool const some_ip = !no_ip && (left->permitted_ip.empty() || !std::ranges::all_of(left->permitted_ip, is_excluded));
  return some_dns || some_ip;
}

Result<> check_something_is_left(std::vector<NameLimit> const& limits) {
  if (leaves_something(limits)) return {};
  return Error(Errc::settings,
               "the name constraints of the chain together leave no name and no address that this CA "
               "could issue: ask the parent for constraints that agree with each other");
}

}  // namespace

x509::Certificate const* who_leaves_no_room(x509::Certificate const& issuing,
                                            std::vector<x509::Certificate> const& above) {
  long below = 1;  // the one that is to be added
  auto const has_room = [&](x509::Certificate const& certificate) {
    long const limit = X509_get_pathlen(certificate.native());
    bool const fits = limit < 0 || limit >= below;
    if (!certificate.is_self_issued()) ++below;
    return fits;
  };
  if (!has_room(issuing)) return &issuing;
  auto const found = std::ranges::find_if_not(above, has_room);
  return found == above.end() ? nullptr : &*found;
}

std::string how_to_constrain(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
  auto const* full = who_leaves_no_room(issuing, above);
  if (full == nullptr)
    return "its path length leaves room for an issuer with name constraints below it, which then signs in its place: "
           "lenscap-ca issuer create --site NAME";
  return "ask the parent for name constraints (the path length of the certificate of " + full->subject() +
         " leaves no room for an issuer with name constraints below)";
}

Result<ParentVerdict> judge_parent_chain(std::vector<x509::Certificate> const& given, x509::PublicKey const& our_key,
                                         Time now, KeyOrigin origin) {
  std::vector<std::string> warnings;
  auto const different = without_duplicates(given, warnings);
  TRY(auto issuing, find_ours(different, our_key, origin));
  TRY(auto above, climb(issuing, different, origin));
  CHECK_OK(check_one(issuing, false, now));
  CHECK_OK(check_own_use(issuing));
  for (x509::Certificate const& each : above) CHECK_OK(check_one(each, each == above.back(), now));
  for (x509::Certificate const& each : above) warn_of_use_above(each, warnings);
  TRY(auto path_length, check_path_length(issuing, above));
  CHECK_OK(check_chain_names(issuing, above));
  CHECK_OK(ask_clients(issuing, above, now, warnings));

  std::vector<x509::NameConstraints> constraints;
  Time ends = issuing.not_after();
  if (auto own = issuing.name_constraints()) constraints.push_back(*std::move(own));
  for (x509::Certificate const& each : above) {
    ends = std::min(ends, each.not_after());
    if (auto further = each.name_constraints()) constraints.push_back(*std::move(further));
  }
  CHECK_OK(check_something_is_left(limits_of(issuing, above)));
  for (x509::Certificate const& each : different)
    if (each != issuing && std::ranges::find(above, each) == above.end())
      warnings.push_back("the certificate of " + each.subject() + " is not part of the chain and is left out");
  if (constraints.empty())
    warnings.push_back(
        "no certificate of the chain has name constraints: what this CA may name is then limited by its own settings "
        "alone, and a thief of its key could name anything; " +
        how_to_constrain(issuing, above));
  return ParentVerdict{std::move(issuing), std::move(above),   std::move(constraints), ends,
                       path_length,        std::move(warnings)};
}

Result<SignerVerdict> judge_signer_chain(std::vector<x509::Certificate> const& given, x509::Certificate const& signer,
                                         x509::NameConstraints const& wanted, Time now) {
  Certificates path{signer};
  Certificates dead;
  CHECK_OK(climb_on(path, given, dead));
  for (x509::Certificate const& each : path) CHECK_OK(check_one(each, each == path.back(), now));
  Certificates above(path.begin() + 1, path.end());
  TRY(auto const path_length, check_path_length(signer, above, 1));
  auto limits = limits_of(signer, above);
  limits.push_back({"this CA", wanted});
  CHECK_OK(check_something_is_left(limits));
  return SignerVerdict{std::move(above), path_length};
}

}  // namespace lenscap::ca
