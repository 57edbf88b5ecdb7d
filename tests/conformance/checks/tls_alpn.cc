// RFC 8737: tls-alpn-01.
#include "acme/wire/key_authorization.h"
#include "acme/wire/names.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

struct Trial {
  std::string name, token;
  std::string end;  // the authorization's last status
};

// An order for a fresh name whose TLS server shows a certificate that `spoil` may have made wrong.
template <class Spoil>
Trial validate(Probe& p, Spoil spoil, std::string const& protocol = "acme-tls/1") {
  auto& account = p.account();
  Trial t;
  t.name = p.fresh_name();
  auto const order = p.order(account, {{"dns", t.name}});
  auto const url = order.answer.texts("authorizations").at(0);
  auto const challenge = p.challenge(p.read(account, url), acme::names::kTlsAlpn01);
  t.token = member_text(challenge, "token");
  AlpnCertificate certificate{.names = {t.name},
                              .digest = sha256(as_bytes(acme::key_authorization(t.token, account.key.public_key())))};
  spoil(certificate);
  p.site.tls->set(t.name, certificate, protocol);
  p.require_ok(p.post(account, member_text(challenge, "url"), "{}"), "answering the challenge");
  t.end = p.poll_status(account, url, {"valid", "invalid"}).text("status");
  return t;
}

void connection(Probe& p) {
  auto const t = validate(p, [](AlpnCertificate&) {});
  p.expect(is_base64url(t.token) && t.token.size() >= 22, "the token is not 128 bits of base64url: " + t.token);
  p.expect(t.end == "valid", "a right certificate made the authorization " + t.end);
  auto const handshakes = p.site.tls->handshakes(t.name);
  p.require(!handshakes.empty(), "nobody asked for the server name " + t.name);
  p.expect(handshakes[0].protocols == std::vector<std::string>{"acme-tls/1"}, "the ALPN list is not acme-tls/1 alone");
  p.expect(!handshakes[0].sent_data, "octets came after the handshake");
  auto const none = validate(
      p, [](AlpnCertificate&) {}, "");
  p.expect(none.end == "invalid", "a server that negotiates no ALPN was taken");
}

void certificate(Probe& p) {
  auto const refused = [&p](auto spoil, std::string const& what) {
    auto const t = validate(p, spoil);
    p.expect(t.end == "invalid", what + " was taken");
  };
  refused([](AlpnCertificate& c) { c.digest[0] ^= 1; }, "a wrong digest");
  refused([](AlpnCertificate& c) { c.has_extension = false; }, "a certificate without acmeIdentifier");
  refused([](AlpnCertificate& c) { c.critical = false; }, "an acmeIdentifier that is not critical");
  refused([](AlpnCertificate& c) { c.names = {"other." + c.names[0]}; }, "a certificate of another name");
  refused([](AlpnCertificate& c) { c.names.push_back("other." + c.names[0]); }, "a certificate of two names");
  auto const upper = validate(p, [](AlpnCertificate& c) { c.names[0][0] = 'C'; });
  p.expect(upper.end == "valid", "a name in another case was refused");
}

constexpr Check kTlsAlpnChecks[] = {
    {"8737-3-1", "token, ALPN acme-tls/1 alone, SNI is the name, nothing after the handshake", connection},
    {"8737-3-2", "one SAN, one critical acmeIdentifier with the digest", certificate},
};

}  // namespace

std::span<Check const> tls_alpn_checks() { return kTlsAlpnChecks; }

}  // namespace lenscap::conformance
