#include "tests/conformance/tls_alpn_responder.h"

#include <sys/socket.h>

#include <cstring>

#include "base/x509/der.h"

namespace lenscap::conformance {
namespace {

namespace der = x509::der;

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void add_extension(X509* certificate, char const* oid, bool critical, Bytes const& value) {
  ossl::Asn1ObjectPtr const object(OBJ_txt2obj(oid, 1));
  ossl::Asn1OctetStringPtr const octets(ASN1_OCTET_STRING_new());
  ossl::check(
      object && octets && ASN1_OCTET_STRING_set(octets.get(), value.data(), static_cast<int>(value.size())) == 1,
      "extension");
  ossl::X509ExtensionPtr const extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, octets.get()));
  ossl::check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "X509_add_ext");
}

Bytes alt_names(AlpnCertificate const& wanted) {
  Bytes list;
  for (auto const& name : wanted.names) {
    auto const address = x509::IpAddress::parse(name);
    auto const entry = address && !wanted.address_as_dns_name ? der::element(der::context(7), address->octets())
                                                              : der::element(der::context(2), as_bytes(name));
    list.insert(list.end(), entry.begin(), entry.end());
  }
  return der::element(der::kSequence, list);
}

std::string server_name(SSL const* tls) {
  auto const* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : lower(name);
}

}  // namespace

std::string reverse_name(x509::IpAddress const& address) {
  std::string out;
  auto const octets = address.octets();
  for (auto at = octets.rbegin(); at != octets.rend(); ++at) {
    if (!address.is_v6()) {
      out += std::to_string(*at) + ".";
      continue;
    }
    auto const hex = to_hex(ByteView(&*at, 1));
    out += std::string() + hex[1] + "." + hex[0] + ".";
  }
  return out + (address.is_v6() ? "ip6.arpa" : "in-addr.arpa");
}

TlsAlpnResponder::TlsAlpnResponder(std::string const& address, unsigned short port)
    : listener_(listen_tcp(address, port)), context_(SSL_CTX_new(TLS_server_method())) {
  ossl::check(context_ != nullptr, "SSL_CTX_new");
  SSL_CTX_set_cert_cb(context_.get(), choose_certificate, this);
  SSL_CTX_set_alpn_select_cb(context_.get(), choose_protocol, this);
  waiter_.emplace(listener_.fd(), [this] { serve(); });
}

TlsAlpnResponder::~TlsAlpnResponder() { waiter_.reset(); }

void TlsAlpnResponder::set(std::string const& server_name, AlpnCertificate const& wanted, std::string protocol) {
  ossl::PkeyPtr key(EVP_EC_gen("P-256"));
  ossl::X509Ptr certificate(X509_new());
  ossl::check(key && certificate, "EVP_EC_gen");
  auto* x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 86400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<unsigned char const*>("ACME challenge"), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key.get());
  add_extension(x, "2.5.29.17", false, alt_names(wanted));
  // RFC 8737 section 3: id-pe-acmeIdentifier, an OCTET STRING of the digest.
  if (wanted.has_extension)
    add_extension(x, "1.3.6.1.5.5.7.1.31", wanted.critical, der::element(der::kOctetString, wanted.digest));
  ossl::check(X509_sign(x, key.get(), EVP_sha256()) > 0, "X509_sign");
  std::lock_guard lock(mutex_);
  identities_[lower(server_name)] = {std::move(certificate), std::move(key), std::move(protocol)};
}

std::vector<AlpnHandshake> TlsAlpnResponder::handshakes(std::string const& server_name) const {
  std::lock_guard const nobody_served(serving_);
  std::lock_guard lock(mutex_);
  std::vector<AlpnHandshake> found;
  for (auto const& handshake : handshakes_)
    if (handshake.server_name == lower(server_name)) found.push_back(handshake);
  return found;
}

int TlsAlpnResponder::choose_certificate(SSL* tls, void* self_) {
  auto& self = *static_cast<TlsAlpnResponder*>(self_);
  std::lock_guard lock(self.mutex_);
  self.current_.server_name = server_name(tls);
  auto const found = self.identities_.find(self.current_.server_name);
  if (found == self.identities_.end()) return 0;
  return SSL_use_certificate(tls, found->second.certificate.get()) == 1 &&
         SSL_use_PrivateKey(tls, found->second.key.get()) == 1;
}

int TlsAlpnResponder::choose_protocol(SSL* tls, unsigned char const** out, unsigned char* out_size,
                                      unsigned char const* in, unsigned in_size, void* self_) {
  auto& self = *static_cast<TlsAlpnResponder*>(self_);
  std::lock_guard lock(self.mutex_);
  for (unsigned at = 0; at < in_size; at += in[at] + 1u)
    self.current_.protocols.emplace_back(reinterpret_cast<char const*>(in) + at + 1, in[at]);
  // TLS 1.3 asks for the protocol before the certificate: the name is taken from the handshake itself.
  auto const found = self.identities_.find(server_name(tls));
  auto const wanted = found == self.identities_.end() ? std::string("acme-tls/1") : found->second.protocol;
  if (wanted.empty()) return SSL_TLSEXT_ERR_NOACK;
  for (unsigned at = 0; at < in_size; at += in[at] + 1u)
    if (std::string_view(reinterpret_cast<char const*>(in) + at + 1, in[at]) == wanted) {
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void TlsAlpnResponder::serve() {
  std::lock_guard const serving(serving_);
  auto const connection = take_connection(listener_);
  current_ = {};
  ossl::QuietErrors const quiet;
  ossl::SslPtr const tls(SSL_new(context_.get()));
  if (!tls || SSL_set_fd(tls.get(), connection.fd()) != 1) return;
  if (SSL_accept(tls.get()) == 1) {
    char octet = 0;
    current_.sent_data = SSL_read(tls.get(), &octet, 1) > 0;
    SSL_shutdown(tls.get());
  }
  std::lock_guard lock(mutex_);
  handshakes_.push_back(current_);
}

}  // namespace lenscap::conformance
