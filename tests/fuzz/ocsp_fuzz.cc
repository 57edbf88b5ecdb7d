// A request that the reader accepts is DER of at most so many octets and certificates, with a nonce of 1 to 32 octets
// if any; OpenSSL, where it reads it, finds the same certificates and the same nonce; and what is answered to it
// OpenSSL reads as an answer for the same certificates. A request that is refused may be anything.
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <cstdint>

#include "ca/ocsp.h"
#include "ca/template.h"

namespace {

using namespace lenscap;

using RequestPtr = ossl::Ptr<OCSP_REQUEST, OCSP_REQUEST_free>;
using ResponsePtr = ossl::Ptr<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using BasicPtr = ossl::Ptr<OCSP_BASICRESP, OCSP_BASICRESP_free>;

Bytes octets_of(ASN1_STRING const* text) {
  return to_bytes(ByteView(ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))));
}

std::string serial_of(ASN1_INTEGER* serial) {
  auto const octets = octets_of(serial);
  auto const first = std::find_if(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet != 0; });
  return to_hex(Bytes(first, octets.end()));
}

void compare_id(OCSP_CERTID* id, ca::OcspCertId const& ours) {
  ASN1_OCTET_STRING* name = nullptr;
  ASN1_OCTET_STRING* key = nullptr;
  ASN1_OBJECT* hash = nullptr;
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(&name, &hash, &key, &serial, id);
  if (octets_of(name) != ours.issuer_name_hash || octets_of(key) != ours.issuer_key_hash) bug("another issuer");
  if (serial_of(serial) != ours.serial_hex) bug("another serial number");
  auto const nid = OBJ_obj2nid(hash);
  auto const expected = nid == NID_sha1     ? ca::OcspCertId::Hash::sha1
                        : nid == NID_sha256 ? ca::OcspCertId::Hash::sha256
                                            : ca::OcspCertId::Hash::other;
  if (expected != ours.hash) bug("another hash");
}

void compare_request(OCSP_REQUEST* request, ca::OcspRequest const& ours) {
  if (OCSP_request_onereq_count(request) != static_cast<int>(ours.certificates.size())) bug("another number of them");
  for (int i = 0; i < OCSP_request_onereq_count(request); ++i)
    compare_id(OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, i)),
               ours.certificates[static_cast<std::size_t>(i)]);
  int const at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
  if ((at >= 0) != ours.nonce.has_value()) bug("OpenSSL disagrees whether there is a nonce");
  if (at >= 0 && octets_of(X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, at))) != *ours.nonce)
    bug("another nonce");
}

struct Signer {
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::Certificate certificate = make(key);

  static x509::Certificate make(x509::PrivateKey const& key) {
    auto const algorithm = ca::signature_algorithm(key.public_key());
    Time const now = from_unix(1'780'000'000);
    ca::Template const what{.serial = ca::new_serial(now),
                            .issuer_name = ca::encode_name("", "an issuer"),
                            .subject_name = ca::encode_name("", "a signer"),
                            .common_name = {},
                            .not_before = now,
                            .not_after = now + kDay,
                            .key = key.public_key(),
                            .names = {},
                            .is_ca = false,
                            .path_length = {},
                            .extended_key_usage = {ca::ExtendedKeyUsage::ocsp_signing},
                            .authority_key_id = Bytes(20, 1),
                            .ca_issuers_url = {},
                            .crl_url = {},
                            .ocsp_url = {},
                            .name_constraints = {}};
    auto const tbs = ca::encode_tbs(what, algorithm);
    return x509::Certificate::from_der(ca::assemble_certificate(tbs, algorithm, key.sign(algorithm.hash, tbs))).value();
  }
};

void check_answer(ca::OcspRequest const& request) {
  static Signer const signer;
  Time const now = from_unix(1'780'000'000);
  ca::OcspAnswers what{.answers = {}, .this_update = now, .next_update = now + kHour, .nonce = request.nonce};
  for (auto const& id : request.certificates)
    what.answers.push_back({id.der, {ca::OcspStatus::Kind::revoked, now, x509::RevocationReason::superseded}});
  auto const der = ca::sign_ocsp_answers(what, signer.certificate, signer.key);
  unsigned char const* at = der.data();
  ResponsePtr const response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  BasicPtr const basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  if (!basic || at != der.data() + der.size()) bug("OpenSSL cannot read the answer");
  if (OCSP_resp_count(basic.get()) != static_cast<int>(request.certificates.size())) bug("an answer is missing");
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i)
    compare_id(const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic.get(), i))),
               request.certificates[static_cast<std::size_t>(i)]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  Bytes const input(data, data + size);
  auto const parsed = ca::parse_ocsp_request(input);
  if (ERR_peek_error() != 0) bug("something is left in OpenSSL's error queue");
  if (!parsed.ok()) return 0;
  if (size > ca::kOcspRequestBytesMax) bug("an accepted request is too large");
  if (parsed->certificates.empty() || parsed->certificates.size() > ca::kOcspCertificatesMax) bug("so many of them");
  if (parsed->nonce && (parsed->nonce->size() < 3 || parsed->nonce->size() > 34)) bug("a nonce of another size");
  unsigned char const* at = input.data();
  RequestPtr const request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(size)));
  // OpenSSL looks into the name and the signature of who asks, and may refuse them.
  if (request) {
    if (at != input.data() + size) bug("OpenSSL stops before the end");
    compare_request(request.get(), *parsed);
    check_answer(*parsed);
  }
  ERR_clear_error();
  return 0;
}
