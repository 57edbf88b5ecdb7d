#include "ca/next_root.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/crl_places.h"

namespace lenscap::ca {
namespace {

// Under any name, and with what another certificate says, where root_template() has the CA's own.
Template root_of(x509::PublicKey const& key, Bytes const& subject, std::string common_name, Time begin, Time end,
                 std::optional<x509::NameConstraints> constraints) {
  auto what = root_template({}, key, begin, end - begin + Seconds(1), {});
  what.issuer_name = what.subject_name = subject;
  what.common_name = std::move(common_name);
  what.name_constraints = std::move(constraints);
  return what;
}

// What `subject` says of itself, said by `signer`.
Result<x509::Certificate> vouch(x509::Certificate const& subject, x509::Certificate const& signer,
                                x509::PrivateKey const& signer_key, std::string const& lists_url, Time now) {
  auto what = root_of(subject.key(), subject.subject_der(), subject.common_name(),
                      std::max(subject.not_before(), signer.not_before()),
                      std::min(subject.not_after(), signer.not_after()), subject.name_constraints());
  what.issuer_name = signer.subject_der();
  what.authority_key_id = signer.subject_key_id();
  CrlPlaces const lists{.base = lists_url.empty() ? "" : lists_url + crl_path(signer)};
  if (lists.is_served()) what.crl_url = lists.url("");
  CaLintContext const wanted{.key = subject.key(),
                             .organization = {},
                             .common_name = {},
                             .above = {signer},
                             .constraints = subject.name_constraints(),
                             .lifetime = limits::kRootLifetime,
                             .vouches_for = subject,
                             .crl_base = lists.base,
                             .now = now};
  return sign_ca_certificate(what, wanted, signer_key);
}

}  // namespace

std::string next_common_name(std::string const& common_name) {
  auto const space = common_name.rfind(' ');
  unsigned number = 0;
  if (space != std::string::npos) {
    auto const* const end = common_name.data() + common_name.size();
    auto const read = std::from_chars(common_name.data() + space + 1, end, number);
    if (read.ec != std::errc() || read.ptr != end) number = 0;
  }
  if (number == 0) return common_name + " 2";
  return common_name.substr(0, space + 1) + std::to_string(number + 1);
}

Result<NextRoot> make_next_root(std::string const& name, x509::Certificate const& former,
                                x509::PrivateKey const& former_key, Time now, std::string const& lists_url) {
  if (!(former.key() == former_key.public_key()))
    return Error(Errc::settings, "the key is not that of " + former.subject() + ": give the root's own");
  if (now < former.not_before())
    return Error(Errc::settings, former.subject() + " begins only at " + to_rfc3339(former.not_before()) +
                                     ": set this machine's clock");
  if (now >= former.not_after())
    return Error(Errc::settings, former.subject() + " ended at " + to_rfc3339(former.not_after()) +
                                     ": nobody trusts what it vouches for; make a new CA with lenscap-ca init");
  auto key = x509::PrivateKey::generate(x509::KeyType::ec_p384);
  auto const common_name = next_common_name(former.common_name());
  auto const begin = now - limits::kIssuerBackdate;
  auto const what = root_of(key.public_key(), encode_name(name, common_name), common_name, begin,
                            begin + limits::kRootLifetime - Seconds(1), former.name_constraints());
  CaLintContext const wanted{.key = key.public_key(),
                             .organization = name,
                             .common_name = common_name,
                             .constraints = former.name_constraints(),
                             .lifetime = limits::kRootLifetime,
                             .now = now};
  TRY(auto root, sign_ca_certificate(what, wanted, key));
  TRY(auto by_former, vouch(root, former, former_key, lists_url, now));
  TRY(auto former_by_this, vouch(former, root, key, lists_url, now));
  TRY(auto crl, make_root_crl(root, key, {}, {}, kRootCrlLifetime, now));
  return NextRoot{std::move(key), std::move(root), std::move(by_former), std::move(former_by_this), std::move(crl)};
}

}  // namespace lenscap::ca
