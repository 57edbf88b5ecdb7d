// RFC 8555 sections 7.4.2, 9.1 and 11.4: the certificate as it is handed out.
#include <openssl/pkcs7.h>

#include <algorithm>

#include "base/ossl.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

std::string certificate_url(Probe& p) { return member_text(p.issued().order, "certificate"); }

// The leaf's issuer, where Link up says that it is: by GET, or signed by the account.
void expect_issuer(Probe& p, std::string const& url) {
  auto answer = p.get(url);
  if (answer.status == 405) answer = p.read(p.account(), url);
  auto certificate = x509::Certificate::from_der(as_bytes(answer.body));
  if (!certificate)
    certificate = x509::Certificate::from_pem(answer.body.substr(0, answer.body.find("\n-----BEGIN", 1)));
  p.expect(answer.status == 200 && certificate.ok(), "no certificate is where Link up leads: " + url);
  if (certificate)
    p.expect(p.issued().chain.front().is_signed_by(certificate->key()), "Link up leads to another certificate");
}

void free_pkcs7(PKCS7* message) { PKCS7_free(message); }

// Certificates alone, the leaf among them.
void expect_certs_only(Probe& p, std::string const& der) {
  ossl::QuietErrors const quiet;
  auto const* at = reinterpret_cast<unsigned char const*>(der.data());
  ossl::Ptr<PKCS7, free_pkcs7> const message(d2i_PKCS7(nullptr, &at, static_cast<long>(der.size())));
  bool const is_signed_data = message && PKCS7_type_is_signed(message.get()) != 0;
  p.require(is_signed_data && at == reinterpret_cast<unsigned char const*>(der.data()) + der.size(),
            "the PKCS#7 cannot be read");
  p.expect(sk_PKCS7_SIGNER_INFO_num(message->d.sign->signer_info) <= 0, "somebody signs the PKCS#7");
  bool has_leaf = false;
  for (int i = 0; i < sk_X509_num(message->d.sign->cert); ++i) {
    auto const certificate = x509::Certificate::from_native(sk_X509_value(message->d.sign->cert, i));
    has_leaf = has_leaf || (certificate.ok() && *certificate == p.issued().chain.front());
  }
  p.expect(has_leaf, "the leaf is not in the PKCS#7");
}

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
    for (auto const& link : der.links("up"))
      if (link.starts_with("https://")) expect_issuer(p, link);
  } else {
    p.expect(der.status == 406 || der.media_type() == "application/pem-certificate-chain",
             "Accept: application/pkix-cert got " + std::to_string(der.status) + " " + der.media_type());
  }
  auto const pkcs7 = p.read(account, url, {{"Accept", "application/pkcs7-mime; smime-type=certs-only"}});
  if (pkcs7.media_type() == "application/pkcs7-mime")
    expect_certs_only(p, pkcs7.body);
  else
    p.expect(pkcs7.status == 406 || pkcs7.media_type() == "application/pem-certificate-chain",
             "Accept: application/pkcs7-mime got " + std::to_string(pkcs7.status) + " " + pkcs7.media_type());
  auto const weighed =
      p.read(account, url, {{"Accept", "application/pkix-cert;q=0.1, application/pem-certificate-chain;q=0.9"}});
  p.expect(weighed.media_type() == "application/pem-certificate-chain",
           "PEM was wanted more than DER, and the answer is " + weighed.media_type());
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

constexpr Check kCertificateChecks[] = {
    {"8555-7.4.2-1", "the certificate is a PEM chain, with alternates and other forms where offered", forms},
    {"8555-7.4.2-2", "only the owner reads it, and always the same", owner_only},
    {"8555-9.1-1", "PEM is strict: certificates only, leaf first, each certifies the one before, no root", strict_pem},
    {"8555-11.4-1", "nothing but certificates leaves in a chain", certificates_alone},
};

}  // namespace

std::span<Check const> certificate_checks() { return kCertificateChecks; }

}  // namespace lenscap::conformance
