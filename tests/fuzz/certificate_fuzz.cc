// A certificate that the reader accepts keeps its octets, survives PEM, and answers every question that can be asked of
// it; so does a chain of them. The input is tried as DER and as PEM.
#include <openssl/err.h>

#include <cstdint>

#include "base/x509/certificate.h"

namespace {

using namespace lenscap;

void ask(x509::Certificate const& certificate) {
  static_cast<void>(certificate.not_before() < certificate.not_after());
  static_cast<void>(certificate.subject() + certificate.issuer() + certificate.common_name() +
                    certificate.serial_hex());
  static_cast<void>(certificate.subject_key_id().size() + certificate.authority_key_id().size());
  static_cast<void>(certificate.is_ca() || certificate.is_self_issued());
  auto const tbs = certificate.tbs();
  if (tbs.empty() || tbs.size() >= certificate.der().size()) bug("the to-be-signed part is not a part");
  for (auto const& name : certificate.names().dns) {
    if (!covers(certificate, name)) bug("a certificate does not cover its own name");
  }
  for (auto const& address : certificate.names().ip) {
    if (!covers(certificate, address)) bug("a certificate does not cover its own address");
  }
  if (auto const constraints = certificate.name_constraints())
    static_cast<void>(constraints->test(certificate.names()));
  static_cast<void>(certificate.is_signed_by(certificate.key()));
  static_cast<void>(x509::verify_chain(certificate, {certificate}, {certificate}, from_unix(1'800'000'000)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const certificate = x509::Certificate::from_der({data, size});
  if (certificate.ok()) {
    if (certificate->der() != Bytes(data, data + size)) bug("a certificate changed its octets");
    ask(*certificate);
    auto const again = x509::Certificate::from_pem(certificate->pem());
    // PEM files have a limit that DER has not.
    if (size < 40'000 && (!again.ok() || !(*again == *certificate))) bug("a certificate does not survive PEM");
  }
  auto const chain = x509::parse_pem_chain({reinterpret_cast<char const*>(data), size});
  if (chain.ok()) {
    auto const again = x509::parse_pem_chain(x509::to_pem(*chain));
    if (!again.ok() || *again != *chain) bug("a chain does not survive PEM");
  }
  if (ERR_peek_error() != 0) bug("something is left in OpenSSL's error queue");
  return 0;
}
