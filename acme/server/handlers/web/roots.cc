// A root by its hash, for an agent that knows the hash and nothing else: it can check what it gets, so plain HTTP is
// good enough. "/roots/HASH" is DER, "/roots/HASH.pem" is PEM. A hash that was copied from another tool may have upper
// case letters and colons.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {

namespace {

std::string plain(std::string_view hash) {
  std::string out;
  for (char const c : hash)
    if (c != ':') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace

net::Response root_certificate(App& app, net::Request const& request) {
  auto const wanted = plain(request.params.at("sha256"));
  for (auto const& root : app.authority->roots().roots) {
    auto const hash = to_hex(root.fingerprint());
    if (wanted == hash) return bytes_response(200, names::kPkixCert, std::string(as_text(root.der())));
    if (wanted == hash + ".pem") return bytes_response(200, "application/x-pem-file", root.pem());
  }
  return problem_response(Error(Errc::not_found, "this server has no root certificate with that SHA-256"));
}

}  // namespace lenscap::acme
