#include "tests/camsim/tls_context.h"

#include "tests/camsim/certificates.h"

namespace lenscap::camsim {
namespace {

int version_of(std::string_view text) {
  if (text == "1.0") return TLS1_VERSION;
  if (text == "1.1") return TLS1_1_VERSION;
  return text == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
}

bool configure(SSL_CTX* context, Switches const& switches, std::vector<std::string> const& ciphers,
               std::vector<Bytes> const& chain, EVP_PKEY* key) {
  // Old firmware speaks what OpenSSL calls level 0: SHA-1 and TLS 1.0.
  SSL_CTX_set_security_level(context, 0);
  if (SSL_CTX_set_min_proto_version(context, version_of(switches.tls_min)) != 1) return false;
  if (SSL_CTX_set_max_proto_version(context, version_of(switches.tls_max)) != 1) return false;
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  std::string list;
  for (std::string const& cipher : ciphers) list += (list.empty() ? "" : ":") + cipher;
  if (!list.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1) return false;
  ossl::X509Ptr const leaf = parse_certificate(chain.front());
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  if (SSL_CTX_use_PrivateKey(context, key) != 1) return false;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    ossl::X509Ptr const extra = parse_certificate(chain[i]);
    if (extra == nullptr || SSL_CTX_add1_chain_cert(context, extra.get()) != 1) return false;
  }
  // Nothing but what was configured: OpenSSL would otherwise look for issuers in its store.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  return true;
}

}  // namespace

ossl::SslCtxPtr make_tls_context(Switches const& switches, std::vector<std::string> const& ciphers,
                                 std::vector<Bytes> const& chain, EVP_PKEY* key) {
  ossl::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  ossl::check(context != nullptr, "SSL_CTX_new");
  if (configure(context.get(), switches, ciphers, chain, key)) return context;
  ossl::take_errors();
  return nullptr;
}

}  // namespace lenscap::camsim
