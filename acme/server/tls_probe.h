// One TLS handshake as a client, to see the certificate that the other end shows. No octet of application data is sent,
// none is read, and the connection is closed at once (RFC 8737 3). Whose certificate it is, is NOT judged here.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/net/awaitable.h"
#include "base/x509/name.h"

namespace lenscap::acme {

struct TlsProbe {
  x509::IpAddress address;  // connected to, without any look-up
  unsigned short port = 443;
  std::string server_name = {};  // SNI
  std::string protocol = {};     // the only one in the ALPN list
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(4);
  std::chrono::milliseconds total_timeout = std::chrono::seconds(10);
};

// The leaf in DER. TLS 1.2 or newer, without tickets or renegotiation; at most 16 KiB of certificates are read.
//   unreachable  no connection: another address may have one
//   connection   broken off or silent during the handshake
//   tls          no handshake, or the other end does not choose the protocol
net::Awaitable<Result<Bytes>> probe_tls(TlsProbe probe);

}  // namespace lenscap::acme
