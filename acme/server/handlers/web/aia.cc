// The issuing certificate, where the certificates' caIssuers URL points (RFC 5280 4.2.2.1: DER).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {

net::Response issuing_certificate(App& app, net::Request const&) {
  return bytes_response(200, names::kPkixCert, std::string(as_text(app.authority->issuing_certificate().der())));
}

}  // namespace lenscap::acme
