#include "ca/ca_certificate.h"

namespace lenscap::ca {
namespace {

Template ca_template(std::string const& organization, std::string const& common_name, x509::PublicKey const& key,
                     Time begin, Seconds lifetime, x509::NameConstraints const& constraints) {
  return Template{.serial = new_serial(begin),
                  .issuer_name = encode_name(organization, common_name),
                  .subject_name = encode_name(organization, common_name),
                  .common_name = common_name,
                  .not_before = begin,
                  .not_after = begin + lifetime - Seconds(1),
                  .key = key,
                  .names = {},
                  .is_ca = true,
                  .path_length = {},
                  .extended_key_usage = {},
                  .authority_key_id = key_id(key),
                  .ca_issuers_url = {},
                  .name_constraints = constraints};
}

}  // namespace

Template root_template(std::string const& name, x509::PublicKey const& key, Time begin, Seconds lifetime,
                       x509::NameConstraints const& constraints) {
  return ca_template(name, name + " Root CA", key, begin, lifetime, constraints);
}

Template issuer_template(std::string const& name, x509::PublicKey const& key, x509::Certificate const& parent,
                         Time begin, Seconds lifetime, x509::NameConstraints const& constraints,
                         std::vector<ExtendedKeyUsage> const& usages) {
  auto issuing = ca_template(name, name + " Issuing CA", key, begin, lifetime, constraints);
  issuing.issuer_name = parent.subject_der();
  issuing.authority_key_id = parent.subject_key_id();
  issuing.path_length = 0;
  issuing.extended_key_usage = usages;
  return issuing;
}

Result<x509::Certificate> sign_ca_certificate(Template const& what, CaLintContext const& wanted,
                                              x509::PrivateKey const& key) {
  auto const algorithm = signature_algorithm(key.public_key());
  Bytes const tbs = encode_tbs(what, algorithm);
  CHECK_OK(lint(tbs, wanted));
  TRY(auto certificate,
      x509::Certificate::from_der(assemble_certificate(tbs, algorithm, key.sign(algorithm.hash, tbs))));
  if (certificate.tbs() != tbs || !certificate.is_signed_by(wanted.signing_key()))
    bug("a CA certificate does not verify right after it was signed");
  return certificate;
}

Result<x509::Certificate> sign_ca_certificate(Template const& what, CaLintContext const& wanted, KeyHolder& key) {
  auto const algorithm = signature_algorithm(key.public_key());
  Bytes const tbs = encode_tbs(what, algorithm);
  CHECK_OK(lint(tbs, wanted));
  TRY(auto const signature, key.sign(algorithm.hash, tbs));
  TRY(auto certificate, x509::Certificate::from_der(assemble_certificate(tbs, algorithm, signature)));
  if (certificate.tbs() != tbs || !certificate.is_signed_by(wanted.signing_key()))
    return Error(Errc::internal, "the key made a signature that does not verify; look at the key's holder");
  return certificate;
}

}  // namespace lenscap::ca
