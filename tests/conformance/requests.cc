#include "tests/conformance/requests.h"

namespace lenscap::conformance {

Bytes csr_with(x509::PrivateKey const& key, std::string const& common_name, std::string const& alt_names,
               std::vector<std::pair<std::string, std::string>> const& more) {
  ossl::X509ReqPtr const request(X509_REQ_new());
  ossl::check(request != nullptr, "X509_REQ_new");
  auto* r = request.get();
  if (!common_name.empty())
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN", MBSTRING_ASC,
                               reinterpret_cast<unsigned char const*>(common_name.c_str()), -1, -1, 0);
  X509_REQ_set_pubkey(r, key.native());
  auto* extensions = sk_X509_EXTENSION_new_null();
  auto wanted = more;
  if (!alt_names.empty()) wanted.emplace_back("subjectAltName", alt_names);
  for (auto const& [name, value] : wanted) {
    auto* extension = X509V3_EXT_nconf(nullptr, nullptr, name.c_str(), value.c_str());
    ossl::check(extension != nullptr, "X509V3_EXT_nconf");
    sk_X509_EXTENSION_push(extensions, extension);
  }
  if (!wanted.empty()) X509_REQ_add_extensions(r, extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  bool const is_ed25519 = key.public_key().type() == x509::KeyType::ed25519;
  ossl::check(X509_REQ_sign(r, key.native(), is_ed25519 ? nullptr : EVP_sha256()) > 0, "X509_REQ_sign");
  return ossl::to_der(r, i2d_X509_REQ);
}

}  // namespace lenscap::conformance
