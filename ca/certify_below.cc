#include "ca/certify_below.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/ceremony.h"
#include "ca/constraint_order.h"
#include "ca/name_limits.h"

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
  if (now >= signer.not_after())
    return Error(Errc::settings, whose + " ended at " + to_rfc3339(signer.not_after()) + ": nothing below it is valid");
  if (now < signer.not_before())
    return Error(Errc::settings, whose + " begins only at " + to_rfc3339(signer.not_before()) +
                                     ": wait until then, or set this machine's clock");
  if (signer.subject_der() == encode_name(wanted.name, wanted.common_name))
    return Error(Errc::settings,
                 whose + " bears the very name that the new one would have: make this CA under another --name");
  return {};
}

// No wider than the chain is. What that limits and nobody here asked for is limited alike.
x509::NameConstraints inside(x509::NameConstraints constraints, std::vector<x509::Certificate> const& chain) {
  auto limits = limits_of(chain.front(), {chain.begin() + 1, chain.end()});
  for (auto const& each : limits) keep_limits_of(each.constraints, constraints);
  if (std::ranges::all_of(limits,
                          [&](auto const& each) { return is_narrower_or_equal(constraints, each.constraints); }))
    return constraints;
  limits.push_back({"this CA", constraints});
  auto left = *narrowed(limits);
  constraints.permitted_dns = std::move(left.permitted_dns);
  constraints.excludes_all_dns = left.excludes_all_dns;
  constraints.permitted_ip = std::move(left.permitted_ip);
  constraints.excluded_ip = std::move(left.excluded_ip);
  return constraints;
}

Result<> check_inside(x509::NameConstraints const& constraints, std::vector<x509::Certificate> const& chain) {
  for (auto const& each : limits_of(chain.front(), {chain.begin() + 1, chain.end()}))
    if (!is_narrower_or_equal(constraints, each.constraints))
      return Error(Errc::settings, each.whose + " permits " + each.constraints.text() + ", and this CA is to permit " +
                                       constraints.text() +
                                       ": permit in ca.toml a part that is inside, or give another CA's key");
  return {};
}

// What all of the chain allow.
Result<std::vector<ExtendedKeyUsage>> usages_below(std::vector<x509::Certificate> const& chain,
                                                   std::vector<ExtendedKeyUsage> usages) {
  if (usages.empty()) return usages;  // then it is asked for none
  std::erase_if(usages, [&](auto usage) {
    return who_forbids(chain.front(), {chain.begin() + 1, chain.end()}, usage) != nullptr;
  });
  if (!usages.empty()) return usages;
  return Error(Errc::settings,
               "the chain above allows none of the extended key usages that this CA is to have: ask "
               "for another parent, or make this CA with another --usage");
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
  TRY(auto const judged, judge_signer_chain(bundle.certificates, signer, wanted.constraints, now));
  std::vector<x509::Certificate> chain{signer};
  chain.insert(chain.end(), judged.above.begin(), judged.above.end());
  auto const constraints = inside(wanted.constraints, chain);
  CHECK_OK(check_inside(constraints, chain));
  TRY(auto const usages, usages_below(chain, wanted.usages));
  Time begin = now - limits::kIssuerBackdate;
  for (auto const& each : chain) begin = std::max(begin, each.not_before());
  auto what = issuer_template(wanted.name, wanted.key, signer, begin, kIssuerLifetime, constraints, usages);
  what.common_name = wanted.common_name;
  what.subject_name = encode_name(wanted.name, wanted.common_name);
  // The new one needs an identifier to point to (RFC 5280 4.2.1.1), also where its signer has none.
  if (what.authority_key_id.empty()) what.authority_key_id = key_id(signer.key());
  for (auto const& each : chain) what.not_after = std::min(what.not_after, each.not_after());
  int const path_length = std::min(wanted.path_length, judged.path_length.value_or(wanted.path_length));
  what.path_length = path_length;
  CHECK_OK(check_subject(what.subject_name, chain));
  CaLintContext const certificate{.key = wanted.key,
                                  .organization = wanted.name,
                                  .common_name = wanted.common_name,
                                  .above = chain,
                                  .constraints = constraints,
                                  .usages = usages,
                                  .path_length = path_length,
                                  .lifetime = kIssuerLifetime,
                                  .now = now};
  TRY(auto issuing, sign_ca_certificate(what, certificate, key));
  auto all = std::move(bundle.certificates);
  // Another certificate of our key is one that this replaces.
  std::erase_if(all, [&](x509::Certificate const& each) { return each.key() == wanted.key; });
  all.push_back(std::move(issuing));
  return judge_parent_chain(all, wanted.key, now);
}

}  // namespace lenscap::ca
