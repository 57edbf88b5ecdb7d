#include "ca/template.h"

#include <algorithm>

#include "base/random.h"
#include "ca/der.h"
#include "ca/extension.h"

namespace lenscap::ca {
namespace {

// RFC 5280 appendix A: ub-common-name and ub-organization-name.
constexpr std::size_t kNameCharactersMax = 64;

// The common name: the request's wish if it is one of the certificate's own DNS names, else the first that fits. A
// certificate for addresses alone gets none (see template.h).
std::string choose_common_name(Profile const& profile, IssueRequest const& request) {
  if (profile.common_name == CommonName::none) return {};
  auto fits = [](x509::DnsName const& name) { return name.text().size() <= kNameCharactersMax && !name.is_wildcard(); };
  if (auto wish = x509::DnsName::parse(request.common_name);
      wish.ok() && request.names.dns.contains(*wish) && fits(*wish))
    return wish->text();
  auto const first = std::ranges::find_if(request.names.dns, fits);
  return first == request.names.dns.end() ? std::string{} : first->text();
}

}  // namespace

bool Template::has_empty_subject() const { return subject_name == der::sequence({}); }

bool Template::signs_ocsp() const {
  return std::ranges::find(extended_key_usage, ExtendedKeyUsage::ocsp_signing) != extended_key_usage.end();
}

Template build_template(Profile const& profile, IssueRequest const& request, IssuerView const& issuer, Bytes serial,
                        Time now) {
  Time const usual = now - profile.backdate;
  Time const begin = request.not_before.value_or(usual);
  // notAfter belongs to the validity (RFC 5280 4.1.2.5), hence the second less. A late beginning moves no end.
  Time const end = request.not_after.value_or(std::min(begin, usual) + profile.lifetime - Seconds(1));
  bool const signs_ocsp = profile.signs_ocsp();
  std::string const common_name = signs_ocsp ? std::string(kOcspSignerName) : choose_common_name(profile, request);
  return Template{.serial = std::move(serial),
                  .issuer_name = issuer.certificate.subject_der(),
                  .subject_name = encode_name({}, common_name),
                  .common_name = common_name,
                  .not_before = std::max(begin, issuer.begins),
                  .not_after = std::min(end, issuer.ends),
                  .key = request.key,
                  .names = request.names,
                  .is_ca = false,
                  .path_length = {},
                  .extended_key_usage = profile.extended_key_usage,
                  .authority_key_id = issuer.certificate.subject_key_id(),
                  .ca_issuers_url = signs_ocsp ? std::string() : issuer.ca_issuers_url,
                  .crl_url = signs_ocsp ? std::string() : issuer.crl_url,
                  .ocsp_url = signs_ocsp ? std::string() : issuer.ocsp_url,
                  .name_constraints = {}};
}

Bytes new_serial(Time now) {
  constexpr std::size_t kRandomOctets = 14;
  auto const seconds = static_cast<std::uint32_t>(to_unix(now));
  Bytes serial{0x01};
  for (int shift = 24; shift >= 0; shift -= 8) serial.push_back(static_cast<std::uint8_t>(seconds >> shift & 0xff));
  auto const random = random_bytes(kRandomOctets);
  serial.insert(serial.end(), random.begin(), random.end());
  return serial;
}

Bytes key_id(x509::PublicKey const& key) {
  constexpr std::size_t kKeyIdOctets = 20;
  x509::der::Reader spki(key.spki(), Errc::malformed, "public key");
  auto fields = spki.enter(der::kSequence, "SubjectPublicKeyInfo");
  if (!fields.ok() || !fields->next().ok()) bug("a public key's own octets do not read");
  auto const octets = fields->bit_string("subjectPublicKey");
  if (!octets.ok()) bug("a public key's own octets do not read");
  Sha256 const hash = sha256(*octets);
  return {hash.begin(), hash.begin() + kKeyIdOctets};
}

Bytes encode_name(std::string_view organization, std::string_view common_name) {
  auto relative_name = [](std::string_view oid, std::string_view text) {
    if (text.empty()) return Bytes{};
    return der::element(der::kSet, der::sequence({der::oid(oid), der::utf8_string(text)}));
  };
  return der::sequence({relative_name("2.5.4.10", organization), relative_name("2.5.4.3", common_name)});
}

SignatureAlgorithm signature_algorithm(x509::PublicKey const& issuer_key) {
  switch (issuer_key.type()) {  // RFC 5758 3.2: no parameters with ECDSA; RFC 4055 5: NULL with RSA
    case x509::KeyType::ec_p256:
      return {HashAlgorithm::sha256, der::sequence({der::oid("1.2.840.10045.4.3.2")})};
    case x509::KeyType::ec_p384:
      return {HashAlgorithm::sha384, der::sequence({der::oid("1.2.840.10045.4.3.3")})};
    case x509::KeyType::ec_p521:
      return {HashAlgorithm::sha512, der::sequence({der::oid("1.2.840.10045.4.3.4")})};
    case x509::KeyType::rsa:
      return {HashAlgorithm::sha256, der::sequence({der::oid("1.2.840.113549.1.1.11"), der::null()})};
    case x509::KeyType::ed25519:
      return {HashAlgorithm::sha512, der::sequence({der::oid("1.3.101.112")})};
  }
  bug("unknown KeyType");
}

namespace {

Bytes encode_extensions(Template const& what) {
  Bytes all;
  for (Extension const& row : extensions()) {
    auto const value = row.encode(what);
    if (!value) continue;
    Bytes const one = der::sequence(
        {der::oid(row.oid), value->critical ? der::boolean_true() : Bytes{}, der::octet_string(value->der)});
    all.insert(all.end(), one.begin(), one.end());
  }
  return der::element(der::context_constructed(3), der::element(der::kSequence, all));
}

}  // namespace

Bytes encode_tbs(Template const& what, SignatureAlgorithm const& algorithm) {
  return der::sequence({
      der::element(der::context_constructed(0), der::small_integer(2)),  // version 3
      der::unsigned_integer(what.serial),
      algorithm.der,
      what.issuer_name,
      der::sequence({der::time(what.not_before), der::time(what.not_after)}),
      what.subject_name,
      what.key.spki(),
      encode_extensions(what),
  });
}

Bytes assemble_certificate(ByteView tbs, SignatureAlgorithm const& algorithm, ByteView signature) {
  return der::sequence({tbs, algorithm.der, der::bit_string(signature)});
}

}  // namespace lenscap::ca
