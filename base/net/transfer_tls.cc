// Who is at the other end of a transfer? libcurl does the handshake, and we judge.
#include <openssl/err.h>

#include "base/net/transfer.h"

namespace lenscap::net {
namespace {

Sha256 spki_hash(X509* certificate) { return sha256(ossl::to_der(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY)); }

bool is_address(std::string const& host) {
  ossl::Asn1OctetStringPtr const octets(a2i_IPADDRESS(host.c_str()));
  return octets != nullptr;
}

}  // namespace

void note_peer(Peer& peer, X509* leaf, STACK_OF(X509) * chain, SSL const* ssl) {
  peer = Peer{};
  if (ssl != nullptr) peer.tls_version = SSL_get_version(ssl);
  if (leaf == nullptr) return;
  peer.spki = spki_hash(leaf);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    auto certificate = x509::Certificate::from_native(sk_X509_value(chain, i));
    if (!certificate) break;
    peer.chain.push_back(std::move(certificate).value());
  }
  ossl::take_errors();  // from_native may have left some, and libcurl reads this queue
}

// Why the peer is not whom the request trusts, or nothing.
std::string HttpClient::State::judge(Transfer& transfer, X509* leaf, STACK_OF(X509) * sent) {
  auto const& trust = transfer.request.trust;
  if (trust.kind_ == Trust::Kind::anybody) return {};
  if (trust.kind_ == Trust::Kind::pin) {
    if (*transfer.peer.spki == trust.spki_) return {};
    return "another key than the recorded one: expected SPKI SHA-256 " + to_hex(trust.spki_) + ", met " +
           to_hex(*transfer.peer.spki);
  }
  // Our own run of the verifier, so that intermediates we hold can help.
  ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * s) { sk_X509_free(s); }> const untrusted(sk_X509_new_null());
  ossl::X509StoreCtxPtr const context(X509_STORE_CTX_new());
  ossl::check(untrusted && context, "X509_STORE_CTX_new");
  for (int i = 0; i < sk_X509_num(sent); ++i) sk_X509_push(untrusted.get(), sk_X509_value(sent, i));
  for (auto const& known : trust.intermediates_) sk_X509_push(untrusted.get(), known.native());
  X509_STORE* store = transfer.store ? transfer.store.get() : transfer.system_store;
  ossl::check(X509_STORE_CTX_init(context.get(), store, leaf, untrusted.get()) == 1, "X509_STORE_CTX_init");
  ossl::check(X509_STORE_CTX_set_default(context.get(), "ssl_server") == 1, "X509_STORE_CTX_set_default");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(param, transfer.request.allow_weak_tls ? 0 : 2);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  auto const& name = transfer.request.expected_name.empty() ? transfer.url.host : transfer.request.expected_name;
  int const named = is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str())
                                     : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
  ossl::check(named == 1, "X509_VERIFY_PARAM_set1_host");
  if (X509_verify_cert(context.get()) == 1) return {};
  int const why = X509_STORE_CTX_get_error(context.get());
  if (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return "the certificate does not carry the name " + name;
  return std::string("the certificate is not trusted: ") + X509_verify_cert_error_string(why);
}

// OpenSSL calls this in place of its verifier, inside the handshake; 0 ends it before a request is sent.
int HttpClient::State::judge_peer(X509_STORE_CTX* context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    auto const* ssl =
        static_cast<SSL const*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    note_peer(transfer.peer, leaf, sent, ssl);
    if (leaf == nullptr) {
      transfer.peer.refusal = "the other end showed no certificate";
    } else {
      transfer.peer.refusal = judge(transfer, leaf, sent);
    }
  } catch (std::exception const&) {
    transfer.peer.refusal = "the certificate could not be judged";
  }
  ERR_clear_error();
  bool const fine = transfer.peer.refusal.empty();
  X509_STORE_CTX_set_error(context, fine ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return fine ? 1 : 0;
}

CURLcode HttpClient::State::prepare_context(CURL* /*easy*/, void* ssl_ctx, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto* context = static_cast<SSL_CTX*>(ssl_ctx);
  SSL_CTX_set_cert_verify_callback(context, judge_peer, self);
  // A second handshake on the connection could show another certificate, to a transfer that has ended.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  if (transfer.request.allow_weak_tls) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);  // before RFC 5746
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  } else {
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  }
  return CURLE_OK;
}

void HttpClient::State::set_up_tls(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  // libcurl's own name check and roots are off: judge_peer does both, and it cannot be skipped by a resumed session.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_context);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &transfer);
  curl_easy_setopt(
      easy, CURLOPT_SSLVERSION,
      static_cast<long>(transfer.request.allow_weak_tls ? CURL_SSLVERSION_TLSv1_0 : CURL_SSLVERSION_TLSv1_2));
  if (transfer.request.allow_weak_tls) curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
  if (transfer.request.trust.kind_ != Trust::Kind::roots) return;
  transfer.store.reset(X509_STORE_new());
  ossl::check(transfer.store != nullptr, "X509_STORE_new");
  for (auto const& root : transfer.request.trust.roots_) X509_STORE_add_cert(transfer.store.get(), root.native());
}

}  // namespace lenscap::net
