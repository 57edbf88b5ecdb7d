// The certificate of tls-alpn-01: what our reader takes, OpenSSL reads alike: one name, one critical acmeIdentifier.
#include "base/bytes.h"
#include "base/ossl.h"
#include "base/x509/acme_certificate.h"

using namespace lenscap;

namespace {

void compare(x509::AcmeCertificate const& ours, ByteView der) {
  unsigned char const* in = der.data();
  ossl::X509Ptr const theirs(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  if (!theirs) bug("a certificate was accepted that OpenSSL cannot read");

  static auto const* const id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  int const at = X509_get_ext_by_OBJ(theirs.get(), id, -1);
  if (at < 0 || X509_get_ext_by_OBJ(theirs.get(), id, at) >= 0) bug("not one acmeIdentifier");
  auto* const extension = X509_get_ext(theirs.get(), at);
  if (X509_EXTENSION_get_critical(extension) != 1) bug("an acmeIdentifier that is not critical");
  auto const* const value = X509_EXTENSION_get_data(extension);
  if (ASN1_STRING_length(value) != 34) bug("an acmeIdentifier of another length");
  if (Bytes(ASN1_STRING_get0_data(value) + 2, ASN1_STRING_get0_data(value) + 34) !=
      Bytes(ours.acme_identifier.begin(), ours.acme_identifier.end()))
    bug("another digest");

  ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(theirs.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (!names || sk_GENERAL_NAME_num(names.get()) != 1) bug("not one name");
  auto const* const name = sk_GENERAL_NAME_value(names.get(), 0);
  if (ours.dns_name.has_value() == ours.ip_address.has_value()) bug("neither a name nor an address, or both");
  if ((name->type == GEN_DNS) != ours.dns_name.has_value()) bug("another kind of name");
  auto const* const text = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
  Bytes const octets(ASN1_STRING_get0_data(text), ASN1_STRING_get0_data(text) + ASN1_STRING_length(text));
  if (octets != (ours.dns_name ? to_bytes(*ours.dns_name) : *ours.ip_address)) bug("another name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const parsed = x509::parse_acme_certificate({data, size});
  if (ERR_peek_error() != 0) bug("something is left in OpenSSL's error queue");
  if (parsed.ok()) {
    compare(*parsed, {data, size});
  } else if (parsed.error().code() != Errc::incorrect_response) {
    bug("a refusal with another code");
  }
  ERR_clear_error();
  return 0;
}
