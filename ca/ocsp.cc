#include "ca/ocsp.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/ossl.h"
#include "ca/der.h"

namespace lenscap::ca {
namespace {

constexpr std::string_view kNonce = "1.3.6.1.5.5.7.48.1.2";
constexpr std::string_view kBasicResponse = "1.3.6.1.5.5.7.48.1.1";
constexpr std::string_view kSha1 = "1.3.14.3.2.26";
constexpr std::string_view kSha256 = "2.16.840.1.101.3.4.2.1";

bool same(ByteView a, ByteView b) { return std::ranges::equal(a, b); }
bool is_oid(x509::der::Element const& element, std::string_view dotted) {
  return same(element.whole, der::oid(dotted));
}

// --- the request, 4.1.1 ---

using x509::der::Reader;

// hashAlgorithm's parameters are absent or NULL (RFC 5754 2, RFC 3279 2.2.1).
Result<OcspCertId::Hash> read_hash(Reader& fields) {
  TRY(auto algorithm, fields.enter(der::kSequence, "hashAlgorithm"));
  TRY(auto const oid, algorithm.next(x509::der::kOid, "algorithm"));
  auto const hash = is_oid(oid, kSha1)     ? OcspCertId::Hash::sha1
                    : is_oid(oid, kSha256) ? OcspCertId::Hash::sha256
                                           : OcspCertId::Hash::other;
  if (hash == OcspCertId::Hash::other) return hash;
  if (algorithm.next_is(x509::der::kNull)) CHECK_OK(algorithm.next());
  CHECK_OK(algorithm.end());
  return hash;
}

Result<OcspCertId> read_cert_id(x509::der::Element const& whole) {
  Reader fields(whole.content, Errc::malformed, "OCSP request, CertID");
  OcspCertId id;
  id.der = to_bytes(whole.whole);
  TRY(id.hash, read_hash(fields));
  TRY(auto const name, fields.next(x509::der::kOctetString, "issuerNameHash"));
  TRY(auto const key, fields.next(x509::der::kOctetString, "issuerKeyHash"));
  TRY(auto const serial, fields.unsigned_integer("serialNumber"));
  CHECK_OK(fields.end());
  id.issuer_name_hash = to_bytes(name.content);
  id.issuer_key_hash = to_bytes(key.content);
  id.serial_hex = to_hex(serial);
  return id;
}

// Extensions, at the tag that they have here. Of all there may be only the nonce means something; `nonce` is nullptr
// where it does not belong.
Result<> read_extensions(Reader& fields, unsigned tag, std::optional<Bytes>* nonce) {
  if (!fields.next_is(der::context_constructed(tag))) return {};
  TRY(auto tagged, fields.enter(der::context_constructed(tag), "extensions"));
  TRY(auto list, tagged.enter(der::kSequence, "Extensions"));
  CHECK_OK(tagged.end());
  if (list.at_end()) return list.refuse("has a list of extensions without any");
  while (!list.at_end()) {
    TRY(auto extension, list.enter(der::kSequence, "Extension"));
    TRY(auto const oid, extension.next(x509::der::kOid, "extnID"));
    bool critical = false;
    if (extension.next_is(x509::der::kBoolean)) {
      TRY(critical, extension.boolean("critical"));
    }
    TRY(auto const value, extension.next(x509::der::kOctetString, "extnValue"));
    CHECK_OK(extension.end());
    if (nonce == nullptr || !is_oid(oid, kNonce)) {
      if (critical) return list.refuse("has a critical extension that is not known here");
      continue;
    }
    if (*nonce) return list.refuse("has two nonces");
    Reader inside(value.content, Errc::malformed, "OCSP request, nonce");
    TRY(auto const octets, inside.next(x509::der::kOctetString, "Nonce"));
    CHECK_OK(inside.end());
    if (octets.content.empty() || octets.content.size() > kOcspNonceOctetsMax)
      return inside.refuse("is not of 1 to 32 octets");
    *nonce = to_bytes(value.content);
  }
  return {};
}

Result<OcspCertId> read_single_request(Reader& list) {
  TRY(auto request, list.enter(der::kSequence, "Request"));
  TRY(auto const id, request.next(der::kSequence, "reqCert"));
  TRY(auto certificate, read_cert_id(id));
  CHECK_OK(read_extensions(request, 0, nullptr));
  CHECK_OK(request.end());
  return certificate;
}

// The default, which DER leaves out, is forgiven when it is there.
Result<> read_version(Reader& tbs) {
  if (!tbs.next_is(der::context_constructed(0))) return {};
  TRY(auto tagged, tbs.enter(der::context_constructed(0), "version"));
  TRY(auto const version, tagged.unsigned_integer("version"));
  CHECK_OK(tagged.end());
  if (!version.empty()) return tbs.refuse("is of a version that is not known here");
  return {};
}

}  // namespace

Result<OcspRequest> parse_ocsp_request(ByteView octets) {
  if (octets.size() > kOcspRequestBytesMax)
    return Error(Errc::malformed, "OCSP request: has more than " + std::to_string(kOcspRequestBytesMax) + " octets");
  CHECK_OK(x509::der::check_strict(octets, Errc::malformed, "OCSP request"));
  Reader whole(octets, Errc::malformed, "OCSP request");
  TRY(auto request, whole.enter(der::kSequence, "OCSPRequest"));
  TRY(auto tbs, request.enter(der::kSequence, "TBSRequest"));
  if (request.next_is(der::context_constructed(0))) CHECK_OK(request.next());  // optionalSignature
  CHECK_OK(request.end());

  CHECK_OK(read_version(tbs));
  if (tbs.next_is(der::context_constructed(1))) CHECK_OK(tbs.next());  // requestorName
  TRY(auto list, tbs.enter(der::kSequence, "requestList"));
  OcspRequest out;
  while (!list.at_end()) {
    if (out.certificates.size() == kOcspCertificatesMax)
      return list.refuse("asks for more than " + std::to_string(kOcspCertificatesMax) + " certificates");
    TRY(auto certificate, read_single_request(list));
    out.certificates.push_back(std::move(certificate));
  }
  if (out.certificates.empty()) return list.refuse("asks for no certificate");
  CHECK_OK(read_extensions(tbs, 2, &out.nonce));
  CHECK_OK(tbs.end());
  return out;
}

// --- whose certificate ---

namespace {

Bytes sha1(ByteView data) {
  Bytes out(20);
  unsigned length = 0;
  ossl::check(EVP_Digest(data.data(), data.size(), out.data(), &length, EVP_sha1(), nullptr) == 1, "SHA-1");
  return out;
}

Bytes sha256_octets(ByteView data) {
  auto const hash = sha256(data);
  return to_bytes(ByteView(hash));
}

// The contents of the BIT STRING subjectPublicKey.
Bytes key_octets(x509::PublicKey const& key) {
  Reader spki(key.spki(), Errc::malformed, "public key");
  auto fields = spki.enter(der::kSequence, "SubjectPublicKeyInfo");
  if (!fields.ok() || !fields->next().ok()) bug("a public key's own octets do not read");
  auto const octets = fields->bit_string("subjectPublicKey");
  if (!octets.ok()) bug("a public key's own octets do not read");
  return to_bytes(*octets);
}

}  // namespace

OcspIssuer::OcspIssuer(x509::Certificate const& issuer)
    : name_sha1_(sha1(issuer.subject_der())),
      name_sha256_(sha256_octets(issuer.subject_der())),
      key_sha1_(sha1(key_octets(issuer.key()))),
      key_sha256_(sha256_octets(key_octets(issuer.key()))) {}

bool OcspIssuer::is_of(OcspCertId const& certificate) const {
  switch (certificate.hash) {
    case OcspCertId::Hash::sha1:
      return certificate.issuer_name_hash == name_sha1_ && certificate.issuer_key_hash == key_sha1_;
    case OcspCertId::Hash::sha256:
      return certificate.issuer_name_hash == name_sha256_ && certificate.issuer_key_hash == key_sha256_;
    case OcspCertId::Hash::other:
      return false;
  }
  bug("unknown OcspCertId::Hash");
}

OcspStatus find_ocsp_status(store::ReadTxn& txn, std::string_view issuer, std::string_view serial_hex) {
  auto const record = find_by_serial(txn, serial_hex);
  if (!record || record->issuer != issuer) return {};
  if (record->revocation)
    return {
        .kind = OcspStatus::Kind::revoked, .revoked_at = record->revocation->at, .reason = record->revocation->reason};
  if (record->status != CertificateStatus::issued) return {};
  return {.kind = OcspStatus::Kind::good, .revoked_at = {}, .reason = {}};
}

// --- the answer, 4.2.1 ---

namespace {

constexpr std::uint8_t kEnumerated = 0x0a;

Bytes enumerated(int value) { return {kEnumerated, 1, static_cast<std::uint8_t>(value)}; }

// OCSP has no UTCTime (4.2.2.1).
Bytes generalized_time(Time when) {
  constexpr std::uint8_t kGeneralizedTime = 0x18;
  std::string digits;  // "YYYYMMDDHHMMSSZ" from "YYYY-MM-DDTHH:MM:SSZ"
  for (char const c : to_rfc3339(when))
    if ((c >= '0' && c <= '9') || c == 'Z') digits += c;
  return der::element(kGeneralizedTime, as_bytes(digits));
}

// No code is written for `unspecified`, as in a revocation list (RFC 5280 5.3.1).
Bytes encode_status(OcspStatus const& status) {
  switch (status.kind) {
    case OcspStatus::Kind::good:
      return der::element(der::context(0), ByteView());
    case OcspStatus::Kind::revoked: {
      bool const has_reason = status.reason && *status.reason != x509::RevocationReason::unspecified;
      auto const reason = has_reason
                              ? der::element(der::context_constructed(0), enumerated(static_cast<int>(*status.reason)))
                              : Bytes{};
      return der::element(der::context_constructed(1), der::join({generalized_time(status.revoked_at), reason}));
    }
    case OcspStatus::Kind::unknown:
      return der::element(der::context(2), ByteView());
  }
  bug("unknown OcspStatus");
}

Bytes encode_nonce(Bytes const& value) {
  auto const extension = der::sequence({der::oid(kNonce), der::octet_string(value)});
  return der::element(der::context_constructed(1), der::sequence({extension}));
}

}  // namespace

Bytes sign_ocsp_answers(OcspAnswers const& what, x509::Certificate const& signer, x509::PrivateKey const& key) {
  Bytes singles;
  for (auto const& each : what.answers)
    singles = der::join(
        {singles, der::sequence({each.cert_id, encode_status(each.status), generalized_time(what.this_update),
                                 der::element(der::context_constructed(0), generalized_time(what.next_update))})});
  auto const by_key = der::element(der::context_constructed(2), der::octet_string(sha1(key_octets(signer.key()))));
  auto const data = der::sequence({by_key, generalized_time(what.this_update), der::element(der::kSequence, singles),
                                   what.nonce ? encode_nonce(*what.nonce) : Bytes{}});
  auto const algorithm = signature_algorithm(signer.key());
  auto const certificates = der::element(der::context_constructed(0), der::sequence({signer.der()}));
  auto const basic =
      der::sequence({data, algorithm.der, der::bit_string(key.sign(algorithm.hash, data)), certificates});
  auto const bytes = der::sequence({der::oid(kBasicResponse), der::octet_string(basic)});
  return der::sequence({enumerated(0), der::element(der::context_constructed(0), bytes)});
}

Bytes write_ocsp_refusal(OcspRefusal refusal) { return der::sequence({enumerated(static_cast<int>(refusal))}); }

}  // namespace lenscap::ca
