#include "ca/certify_below.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/ceremony.h"

namespace lenscap::ca {
namespace {

// A file may hold a private number and a public point that have nothing to do with each other.
Result<> check_itself(x509::PrivateKey const& key) {
  auto const data = as_bytes("does the public half belong to the private one?");
  auto const algorithm = signature_algorithm(key.public_key());
  if (key.public_key().verify(algorithm.hash, data, key.sign(algorithm.hash, data))) return {};
  return Error(Errc::settings, "the private key is damaged: what it signs does not verify with its own public half");
}

Result<x509::Certificate> find_signer(std::vector<x509::Certificate> const& given, x509::PublicKey const& key) {
  std::optional<x509::Certificate> signer;
  for (x509::Certificate const& each : given) {
    if (!(each.key() == key) || each == signer) continue;
    if (signer)
      return Error(Errc::settings,
                   "two of the certificates are for the key that is to sign: give the one under which this CA shall "
                   "stand, without the other");
    signer = each;
  }
  if (signer) return *std::move(signer);
  return Error(Errc::settings,
               "the private key belongs to none of the certificates: give the certificate of this key, and all above "
               "it up to the root");
}

Result<> check_signer(x509::Certificate const& signer, Below const& wanted, Time now) {
  auto const whose = "the certificate of " + signer.subject();
  if (now > signer.not_after())
    return Error(Errc::settings, whose + " ended at " + to_rfc3339(signer.not_after()) + ": nothing below it is valid");
  if (now < signer.not_before())
    return Error(Errc::settings, whose + " begins only at " + to_rfc3339(signer.not_before()) +
                                     ": wait until then, or set this machine's clock");
  if (signer.subject_der() == encode_name(wanted.name, wanted.common_name))
    return Error(Errc::settings,
                 whose + " bears the very name that the new one would have: make this CA under another --name");
  return {};
}

}  // namespace

Result<x509::PrivateKey> take_only_key(x509::Bundle& bundle) {
  if (bundle.keys.empty())
    return Error(Errc::settings,
                 "no private key is among the files: give it too; or, where the parent signed the request of this CA, "
                 "use issuer install");
  for (x509::PrivateKey const& other : bundle.keys)
    if (!(other.public_key() == bundle.keys.front().public_key()))
      return Error(Errc::settings, "several private keys are among the files: give the one of the CA certificate");
  auto key = std::move(bundle.keys.front());
  bundle.keys.clear();
  CHECK_OK(check_itself(key));
  return key;
}

Result<ParentVerdict> certify_below(x509::Bundle bundle, Below const& wanted, Time now) {
  TRY(auto const key, take_only_key(bundle));
  if (key.public_key() == wanted.key)
    return Error(Errc::settings, "this is the issuing key of this CA itself, which cannot be its own parent");
  TRY(auto const signer, find_signer(bundle.certificates, key.public_key()));
  CHECK_OK(check_signer(signer, wanted, now));
  auto const begin = std::max(now - limits::kIssuerBackdate, signer.not_before());
  auto what =
      issuer_template(wanted.name, wanted.key, signer, begin, kIssuerLifetime, wanted.constraints, wanted.usages);
  what.common_name = wanted.common_name;
  what.subject_name = encode_name(wanted.name, wanted.common_name);
  what.path_length = wanted.path_length;
  // The new one needs an identifier to point to (RFC 5280 4.2.1.1), also where its signer has none.
  if (what.authority_key_id.empty()) what.authority_key_id = key_id(signer.key());
  what.not_after = std::min(what.not_after, signer.not_after());
  TRY(auto issuing, sign_ca_certificate(what, key));
  auto all = std::move(bundle.certificates);
  // Another certificate of our key is one that this replaces.
  std::erase_if(all, [&](x509::Certificate const& each) { return each.key() == wanted.key; });
  all.push_back(std::move(issuing));
  return judge_parent_chain(all, wanted.key, now);
}

}  // namespace lenscap::ca
