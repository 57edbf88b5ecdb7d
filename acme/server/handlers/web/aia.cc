// The certificate of each issuer, where the certificates' caIssuers URL points (RFC 5280 4.2.2.1: DER).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {

net::Response issuing_certificate(App& app, net::Request const& request) {
  for (auto const& each : app.authority->issuers())
    if (request.path == ca::aia_path(each.issuer->certificate()))
      return bytes_response(200, names::kPkixCert, std::string(as_text(each.issuer->certificate().der())));
  bug("a path of no issuer");
}

}  // namespace lenscap::acme
