// What the store holds.
#include "tests/camsim/certificate_store.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim::soap_list {
namespace {

std::string entry(std::string_view tag, std::string_view id, Bytes const& der) {
  return wrap(tag, element("tt:CertificateID", id) + wrap("tt:Certificate", element("tt:Data", to_base64(der))));
}

}  // namespace

Outcome get_certificates(Exchange& x) {
  std::string list;
  for (StoredCertificate const& certificate : x.device->state.certificates)
    list += entry("tds:NvtCertificate", certificate.alias, certificate.chain.front());
  return soap_answer(wrap("tds:GetCertificatesResponse", list));
}

Outcome get_ca_certificates(Exchange& x) {
  std::string list;
  for (CaCertificate const& certificate : x.device->state.ca_certificates)
    list += entry("tds:CACertificate", certificate.alias, certificate.der);
  return soap_answer(wrap("tds:GetCACertificatesResponse", list));
}

Outcome get_certificate_information(Exchange& x) {
  State& state = x.device->state;
  std::string const id = text_at(x.soap->operation, "tds:CertificateID");
  StoredCertificate const* own = state.find_certificate(id);
  CaCertificate const* ca = state.find_ca(id);
  if (own == nullptr && ca == nullptr) return invalid_id(x);
  Bytes const& der = own != nullptr ? own->chain.front() : ca->der;
  ossl::X509Ptr const certificate = parse_certificate(der);
  KeyRef const key = public_key_of(certificate.get());
  std::string const validity = element("tt:From", iso_date(not_before_of(certificate.get()))) +
                               element("tt:Until", iso_date(not_after_of(certificate.get())));
  std::string const extension =
      wrap("acert:CertificateInformationExtension", element("acert:CertificatePEM", to_pem("CERTIFICATE", der)));
  std::string const body = element("tt:CertificateID", id) +
                           element("tt:IssuerDN", dn_text(X509_get_issuer_name(certificate.get()))) +
                           element("tt:SubjectDN", dn_text(X509_get_subject_name(certificate.get()))) +
                           element("tt:KeyLength", std::to_string(key == nullptr ? 0 : EVP_PKEY_get_bits(key.get()))) +
                           element("tt:SerialNum", serial_hex(certificate.get())) + wrap("tt:Validity", validity) +
                           wrap("tt:Extension", extension);
  return soap_answer(wrap("tds:GetCertificateInformationResponse", wrap("tds:CertificateInformation", body)));
}

// Exactly the certificate chosen for the web server says true.
Outcome get_certificates_status(Exchange& x) {
  std::string list;
  for (StoredCertificate const& certificate : x.device->state.certificates) {
    bool const served = is_served(x.device->state, certificate.alias);
    list += wrap("tds:CertificateStatus",
                 element("tt:CertificateID", certificate.alias) + element("tt:Status", served ? "true" : "false"));
  }
  return soap_answer(wrap("tds:GetCertificatesStatusResponse", list));
}

}  // namespace lenscap::camsim::soap_list
