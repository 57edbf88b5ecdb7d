#include "tests/camsim/soap.h"

#include <algorithm>

#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

// An operation, the elements that may occur in it (paths of canonical names below it), and who does it.
struct Row {
  std::string_view name;
  std::string_view elements;
  Operation operation;
};

constexpr Row kRows[] = {
    {"acertificates:CreateCertificate2",
     "acertificates:Id acertificates:Subject acertificates:Subject/acert:C acertificates:Subject/acert:ST "
     "acertificates:Subject/acert:L acertificates:Subject/acert:O acertificates:Subject/acert:OU "
     "acertificates:Subject/acert:CN acertificates:Subject/acert:serialNumber acertificates:ValidNotBefore "
     "acertificates:ValidNotAfter",
     soap_keys::create_certificate},
    {"acertificates:GetPkcs10Request2",
     "acertificates:Id acertificates:Subject acertificates:Subject/acert:C acertificates:Subject/acert:ST "
     "acertificates:Subject/acert:L acertificates:Subject/acert:O acertificates:Subject/acert:OU "
     "acertificates:Subject/acert:CN acertificates:Subject/acert:serialNumber",
     soap_keys::get_pkcs10_request},
    {"tds:LoadCertificates",
     "tds:NVTCertificate tds:NVTCertificate/tt:CertificateID tds:NVTCertificate/tt:Certificate "
     "tds:NVTCertificate/tt:Certificate/tt:Data",
     soap_load::load_certificates},
    {"tds:LoadCertificateWithPrivateKey",
     "tds:CertificateWithPrivateKey tds:CertificateWithPrivateKey/tt:CertificateID "
     "tds:CertificateWithPrivateKey/tt:Certificate tds:CertificateWithPrivateKey/tt:Certificate/tt:Data "
     "tds:CertificateWithPrivateKey/tt:PrivateKey tds:CertificateWithPrivateKey/tt:PrivateKey/tt:Data",
     soap_load::load_certificate_with_private_key},
    {"acertificates:LoadPkcs12",
     "acertificates:Pkcs12 acertificates:Pkcs12/acert:Id acertificates:Pkcs12/acert:Certificate "
     "acertificates:Pkcs12/acert:Password",
     soap_load::load_pkcs12},
    {"tds:LoadCACertificates",
     "tds:CACertificate tds:CACertificate/tt:CertificateID tds:CACertificate/tt:Certificate "
     "tds:CACertificate/tt:Certificate/tt:Data",
     soap_load::load_ca_certificates},
    {"tds:DeleteCertificates", "tds:CertificateID", soap_load::delete_certificates},
    {"tds:GetCertificates", "", soap_list::get_certificates},
    {"tds:GetCACertificates", "", soap_list::get_ca_certificates},
    {"tds:GetCertificateInformation", "tds:CertificateID", soap_list::get_certificate_information},
    {"tds:GetCertificatesStatus", "", soap_list::get_certificates_status},
    {"acertificates:ListCertSets", "", soap_sets::list_cert_sets},
    {"acertificates:GetCertSet", "acertificates:CertSetName", soap_sets::get_cert_set},
    {"acertificates:SetCertSet",
     "acertificates:CertSetName acertificates:CertSet acertificates:CertSet/acert:Certificates "
     "acertificates:CertSet/acert:Certificates/acert:Id acertificates:CertSet/acert:CACertificates "
     "acertificates:CertSet/acert:CACertificates/acert:Id acertificates:CertSet/acert:TrustedCertificates "
     "acertificates:CertSet/acert:TrustedCertificates/acert:Id",
     soap_sets::set_cert_set},
    {"aweb:GetWebServerTlsConfiguration", "", soap_web_server::get_configuration},
    {"aweb:SetWebServerTlsConfiguration",
     "aweb:Configuration aweb:Configuration/aweb:Tls aweb:Configuration/aweb:ConnectionPolicies "
     "aweb:Configuration/aweb:ConnectionPolicies/aweb:Admin aweb:Configuration/aweb:ConnectionPolicies/aweb:Operator "
     "aweb:Configuration/aweb:ConnectionPolicies/aweb:Viewer aweb:Configuration/aweb:Ciphers "
     "aweb:Configuration/aweb:Ciphers/acert:Cipher aweb:Configuration/aweb:CertificateSet "
     "aweb:Configuration/aweb:CertificateSet/acert:Certificates "
     "aweb:Configuration/aweb:CertificateSet/acert:Certificates/acert:Id "
     "aweb:Configuration/aweb:CertificateSet/acert:CACertificates "
     "aweb:Configuration/aweb:CertificateSet/acert:CACertificates/acert:Id "
     "aweb:Configuration/aweb:CertificateSet/acert:TrustedCertificates "
     "aweb:Configuration/aweb:CertificateSet/acert:TrustedCertificates/acert:Id",
     soap_web_server::set_configuration},
    {"aentry:GetServices", "aentry:IncludeCapability", soap_entry::get_services},
    {"tds:GetDot1XConfigurations", "", soap_entry::get_dot1x_configurations},
    {"tds:SetDot1XConfiguration",
     "tds:Dot1XConfiguration tds:Dot1XConfiguration/tt:Dot1XConfigurationToken tds:Dot1XConfiguration/tt:Identity "
     "tds:Dot1XConfiguration/tt:EAPMethod tds:Dot1XConfiguration/tt:CACertificateID "
     "tds:Dot1XConfiguration/tt:EAPMethodConfiguration "
     "tds:Dot1XConfiguration/tt:EAPMethodConfiguration/tt:TLSConfiguration "
     "tds:Dot1XConfiguration/tt:EAPMethodConfiguration/tt:TLSConfiguration/tt:CertificateID",
     soap_entry::set_dot1x_configuration},
    {"tds:GetServiceCapabilities", "", soap_entry::get_service_capabilities},
};

bool all_expected(pugi::xml_node node, std::string const& path, std::vector<std::string> const& expected) {
  for (pugi::xml_node child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    std::string const here = path + (path.empty() ? "" : "/") + canonical_name(child);
    if (std::find(expected.begin(), expected.end(), here) == expected.end()) return false;
    if (!all_expected(child, here, expected)) return false;
  }
  return true;
}

Response tag_mismatch(Exchange const& x) {
  return fault_of(x, {FaultSide::sender, "ter:TagMismatch", "Tag mismatch", "The element was not expected here"});
}

}  // namespace

bool is_soap_operation(std::string_view name) {
  return std::any_of(std::begin(kRows), std::end(kRows),
                     [&](Row const& row) { return row.name.substr(row.name.find(':') + 1) == name; });
}

Response fault_of(Exchange const& x, SoapFault const& fault) {
  return soap_fault(fault, x.device->state.switches.soap_fault_status == "by_code");
}

Response bad_argument(Exchange const& x, std::string reason, std::string detail) {
  return fault_of(x, {FaultSide::sender, "ter:InvalidArgVal", std::move(reason), std::move(detail)});
}

Response invalid_id(Exchange const& x) {
  return bad_argument(x, "Invalid ID", "There is no certificate with this ID, or the ID cannot be used");
}

Response declared_fault(Exchange const& x, FaultSide side, std::string_view name, std::string detail) {
  std::string const subcode = side == FaultSide::sender ? "ter:InvalidArgVal" : "ter:Action";
  return fault_of(x, {side, subcode, std::string(name), std::move(detail)});
}

Response empty_answer(std::string_view operation) { return soap_answer("<" + std::string(operation) + "Response/>"); }

Outcome serve_soap(Exchange& x) {
  if (x.request.method != "POST")
    return fault_of(x, {FaultSide::sender, "ter:WellFormed", "Method not allowed", "Only POST is answered here"});
  if (x.soap == nullptr || !x.soap->operation)
    return fault_of(x, {FaultSide::sender, "ter:WellFormed", "Not well formed", "No SOAP 1.2 envelope was found"});
  for (Row const& row : kRows) {
    if (row.name != x.soap->name) continue;
    if (!all_expected(x.soap->operation, "", split(row.elements, ' '))) {
      note_unknown_element(x);
      if (x.device->state.switches.unknown_element == "fault") return tag_mismatch(x);
    }
    return row.operation(x);
  }
  note_unknown_element(x);
  return fault_of(x, {FaultSide::receiver, "ter:ActionNotSupported", "Optional action not implemented",
                      "The requested action is optional and is not implemented"});
}

}  // namespace lenscap::camsim
