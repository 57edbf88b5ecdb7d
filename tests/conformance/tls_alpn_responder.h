// The TLS server of a name that is to be validated by tls-alpn-01 (RFC 8737): shows the certificate that it is told for
// a server name, and remembers what the other side said.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "tests/conformance/sockets.h"

namespace lenscap::conformance {

// A self-signed certificate for the challenge, right unless a member says otherwise.
struct AlpnCertificate {
  std::vector<std::string> names;  // subjectAltName: DNS names or addresses
  Sha256 digest{};                 // of the key authorization
  bool critical = true;
  bool has_extension = true;
  bool address_as_dns_name = false;  // an address written as a dNSName
};

struct AlpnHandshake {
  std::string server_name;             // empty when none was sent
  std::vector<std::string> protocols;  // what the client offered
  bool sent_data = false;              // application data after the handshake
};

class TlsAlpnResponder {
 public:
  TlsAlpnResponder(std::string const& address, unsigned short port);
  ~TlsAlpnResponder();

  // `server_name`: as it comes in SNI; for an address the reverse name. With `protocol` empty none is negotiated.
  void set(std::string const& server_name, AlpnCertificate const& certificate, std::string protocol = "acme-tls/1");
  // Waits for one that is going on: the other side may know its outcome before this one has put it down.
  std::vector<AlpnHandshake> handshakes(std::string const& server_name) const;
  unsigned short port() const { return port_of(listener_); }

 private:
  struct Identity {
    ossl::X509Ptr certificate;
    ossl::PkeyPtr key;
    std::string protocol;
  };
  static int choose_certificate(SSL* tls, void* self);
  static int choose_protocol(SSL* tls, unsigned char const** out, unsigned char* out_size, unsigned char const* in,
                             unsigned in_size, void* self);
  void serve();

  Socket listener_;
  ossl::SslCtxPtr context_;
  mutable std::mutex serving_;  // held while a connection is served; before mutex_
  mutable std::mutex mutex_;
  std::map<std::string, Identity> identities_;
  std::vector<AlpnHandshake> handshakes_;
  AlpnHandshake current_;  // of the connection that the one thread serves
  std::optional<Waiter> waiter_;
};

// "1.0.0.127.in-addr.arpa" (RFC 8738 section 6).
std::string reverse_name(x509::IpAddress const& address);

}  // namespace lenscap::conformance
