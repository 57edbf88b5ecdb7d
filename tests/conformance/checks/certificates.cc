// RFC 8555 sections 7.4.2, 9.1 and 11.4: the certificate as it is handed out.
#include <algorithm>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

std::string certificate_url(Probe& p) { return member_text(p.issued().order, "certificate"); }

void forms(Probe& p) {
  auto const url = certificate_url(p);
  auto& account = p.account();
  auto const answer = p.read(account, url);
  p.require_ok(answer, "reading the certificate");
  p.expect(answer.media_type() == "application/pem-certificate-chain", "the media type is " + answer.media_type());
  for (auto const& link : answer.links("alternate")) {
    auto const other = p.read(account, link);
    auto const chain = x509::parse_pem_chain(other.body);
    p.expect(other.status == 200 && chain.ok() && !chain->empty() && chain->front() == p.issued().chain.front(),
             "an alternate chain is not there or has another leaf: " + link);
  }
  auto const der = p.read(account, url, {{"Accept", "application/pkix-cert"}});
  if (der.media_type() == "application/pkix-cert") {
    p.expect(as_text(p.issued().chain.front().der()) == der.body, "the DER is not the leaf");
    p.expect(!der.links("up").empty(), "a single certificate comes without Link up to its issuer");
  } else {
    p.expect(der.status == 406 || der.media_type() == "application/pem-certificate-chain",
             "Accept: application/pkix-cert got " + std::to_string(der.status) + " " + der.media_type());
  }
  auto const strange = p.read(account, url, {{"Accept", "application/x-mystery"}});
  p.expect(strange.status == 406 || strange.media_type() == "application/pem-certificate-chain",
           "an unknown Accept got " + std::to_string(strange.status));
}

void owner_only(Probe& p) {
  auto const url = certificate_url(p);
  p.expect_problem(p.read(p.stranger(), url), {401, 403, 404}, {}, "reading another account's certificate");
  auto const again = p.read(p.account(), url);
  p.expect(again.status == 200 && again.body == p.issued().pem,
           "the certificate is not the same when it is read again");
}

void strict_pem(Probe& p) {
  auto const& pem = p.issued().pem;
  auto const& chain = p.issued().chain;
  p.expect(pem.find('\r') == std::string::npos, "lines end with CR LF");
  p.expect(!pem.empty() && pem.back() == '\n', "the last line does not end");
  p.expect(pem == x509::to_pem(chain), "there is text besides the certificates, or lines are not of 64 characters");
  p.expect(chain.front().names().text() == p.issued().name && !chain.front().is_ca(),
           "the first certificate is not the leaf");
  for (std::size_t i = 0; i + 1 < chain.size(); ++i)
    p.expect(chain[i].is_signed_by(chain[i + 1].key()),
             "certificate " + std::to_string(i + 1) + " is not signed by the next");
  p.expect(!chain.back().is_self_issued(), "the root is in the chain");
  p.expect(chain.size() > 1, "the issuing certificate is not in the chain");
}

void certificates_alone(Probe& p) {
  auto const& pem = p.issued().pem;
  std::size_t blocks = 0;
  for (auto at = pem.find("-----BEGIN "); at != std::string::npos; at = pem.find("-----BEGIN ", at + 1)) {
    ++blocks;
    p.expect(pem.compare(at, 27, "-----BEGIN CERTIFICATE-----") == 0,
             "a block that is no certificate: " + pem.substr(at, 40));
  }
  p.expect(blocks == p.issued().chain.size(), "blocks and certificates are not of the same number");
}

constexpr Check kChecks[] = {
    {"8555-7.4.2-1", "the certificate is a PEM chain, with alternates and other forms where offered", forms},
    {"8555-7.4.2-2", "only the owner reads it, and always the same", owner_only},
    {"8555-9.1-1", "PEM is strict: certificates only, leaf first, each certifies the one before, no root", strict_pem},
    {"8555-11.4-1", "nothing but certificates leaves in a chain", certificates_alone},
};

}  // namespace

std::span<Check const> certificate_checks() { return kChecks; }

}  // namespace lenscap::conformance
