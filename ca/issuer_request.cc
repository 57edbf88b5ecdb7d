#include "ca/issuer_request.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/x509/certificate.h"
#include "ca/der.h"
#include "ca/extension.h"
#include "ca/template.h"

namespace lenscap::ca {
namespace {

Bytes encode_requested(Template const& what) {
  Bytes all;
  for (Extension const& row : extensions()) {
    if (row.encode == encode_authority_key_identifier) continue;  // the parent knows its own key
    auto const value = row.encode(what);
    if (!value) continue;
    all = der::join({all, der::sequence({der::oid(row.oid), value->critical ? der::boolean_true() : Bytes{},
                                         der::octet_string(value->der)})});
  }
  return der::element(der::kSequence, all);
}

}  // namespace

Result<std::string> make_issuer_request(x509::PublicKey const& key, Signing const& sign,
                                        std::string const& organization, x509::NameConstraints const& constraints,
                                        std::vector<ExtendedKeyUsage> const& usages, int path_length,
                                        std::string const& asked_name) {
  auto const common_name = asked_name.empty() ? organization + " Issuing CA" : asked_name;
  Template const what{.serial = {},
                      .issuer_name = {},
                      .subject_name = encode_name(organization, common_name),
                      .common_name = common_name,
                      .not_before = {},
                      .not_after = {},
                      .key = key,
                      .names = {},
                      .is_ca = true,
                      .path_length = path_length,
                      .extended_key_usage = usages,
                      .authority_key_id = {},
                      .ca_issuers_url = {},
                      .name_constraints = constraints};
  auto const extension_request = der::sequence(
      {der::oid("1.2.840.113549.1.9.14"), der::element(der::kSet, encode_requested(what))});  // RFC 2985 5.4.2
  auto const info = der::sequence({der::small_integer(0), what.subject_name, what.key.spki(),
                                   der::element(der::context_constructed(0), extension_request)});
  auto const algorithm = signature_algorithm(what.key);
  TRY(auto const signature, sign(algorithm.hash, info));
  return x509::pem_block("CERTIFICATE REQUEST", der::sequence({info, algorithm.der, der::bit_string(signature)}));
}

std::string make_issuer_request(x509::PrivateKey const& key, std::string const& organization,
                                x509::NameConstraints const& constraints, std::vector<ExtendedKeyUsage> const& usages,
                                int path_length, std::string const& common_name) {
  auto const sign = [&](HashAlgorithm hash, ByteView data) -> Result<Bytes> { return key.sign(hash, data); };
  return make_issuer_request(key.public_key(), sign, organization, constraints, usages, path_length, common_name)
      .value();
}

namespace {

Result<ossl::X509ReqPtr> read_request(std::string_view pem) {
  ossl::QuietErrors const quiet;
  ossl::BioPtr const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ossl::check(bio != nullptr, "BIO_new_mem_buf");
  ossl::X509ReqPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (!request) return Error(Errc::file, "the request of the issuing key cannot be read");
  return request;
}

struct FreeExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * all) const { sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free); }
};
struct FreeConstraints {
  void operator()(BASIC_CONSTRAINTS* all) const { BASIC_CONSTRAINTS_free(all); }
};
struct FreeUsages {
  void operator()(EXTENDED_KEY_USAGE* all) const { EXTENDED_KEY_USAGE_free(all); }
};

}  // namespace

Result<x509::PublicKey> requested_key(std::string_view pem) {
  TRY(auto const request, read_request(pem));
  ossl::QuietErrors const quiet;
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1)
    return Error(Errc::file, "the request of the issuing key is not signed by it");
  return x509::PublicKey::from_evp(key);
}

Result<std::string> requested_common_name(std::string_view pem) {
  TRY(auto const request, read_request(pem));
  X509_NAME const* const subject = X509_REQ_get_subject_name(request.get());
  int const at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return Error(Errc::file, "the request of the issuing key asks for no common name");
  unsigned char* text = nullptr;
  int const size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  ossl::check(size >= 0, "ASN1_STRING_to_UTF8");
  std::string name(reinterpret_cast<char const*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

Result<std::vector<ExtendedKeyUsage>> requested_usages(std::string_view pem) {
  TRY(auto const request, read_request(pem));
  ossl::QuietErrors const quiet;
  std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions> const extensions(X509_REQ_get_extensions(request.get()));
  std::unique_ptr<EXTENDED_KEY_USAGE, FreeUsages> const asked(
      static_cast<EXTENDED_KEY_USAGE*>(X509V3_get_d2i(extensions.get(), NID_ext_key_usage, nullptr, nullptr)));
  std::vector<ExtendedKeyUsage> usages;
  for (int i = 0; i < sk_ASN1_OBJECT_num(asked.get()); ++i) {
    int const nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(asked.get(), i));
    if (nid == NID_server_auth) usages.push_back(ExtendedKeyUsage::server_auth);
    if (nid == NID_client_auth) usages.push_back(ExtendedKeyUsage::client_auth);
  }
  return usages;
}

Result<int> requested_path_length(std::string_view pem) {
  TRY(auto const request, read_request(pem));
  ossl::QuietErrors const quiet;
  std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions> const extensions(X509_REQ_get_extensions(request.get()));
  std::unique_ptr<BASIC_CONSTRAINTS, FreeConstraints> const asked(
      static_cast<BASIC_CONSTRAINTS*>(X509V3_get_d2i(extensions.get(), NID_basic_constraints, nullptr, nullptr)));
  if (!asked || asked->pathlen == nullptr) return 0;
  return static_cast<int>(ASN1_INTEGER_get(asked->pathlen));
}

}  // namespace lenscap::ca
