// POST /vapix/services: the table of SOAP operations and the way to them.
#pragma once

#include "tests/camsim/exchange.h"
#include "tests/camsim/soap_xml.h"

namespace lenscap::camsim {

Outcome serve_soap(Exchange& x);
// Is there an operation with this name, written without its prefix?
bool is_soap_operation(std::string_view name);

// Helpers of the operations.
Response fault_of(Exchange const& x, SoapFault const& fault);
Response bad_argument(Exchange const& x, std::string reason, std::string detail);  // Sender, ter:InvalidArgVal
Response invalid_id(Exchange const& x);                                            // Sender, reason "Invalid ID"
// One of the faults that the certificate service declares: CertificateIdInUseFault ...
Response declared_fault(Exchange const& x, FaultSide side, std::string_view name, std::string detail);
Response empty_answer(std::string_view operation);  // <operationResponse/>

// Sets of certificates as markup; cert_set_exists: every id in it is known.
std::string cert_set_markup(CertSet const& set);
CertSet read_cert_set(pugi::xml_node node);
bool cert_set_exists(State& state, CertSet const& set);

// Operations, each in the file named after its group.
namespace soap_keys {
Outcome create_certificate(Exchange& x);
Outcome get_pkcs10_request(Exchange& x);
}  // namespace soap_keys
namespace soap_load {
Outcome load_certificates(Exchange& x);
Outcome load_certificate_with_private_key(Exchange& x);
Outcome load_pkcs12(Exchange& x);
Outcome load_ca_certificates(Exchange& x);
Outcome delete_certificates(Exchange& x);
}  // namespace soap_load
namespace soap_list {
Outcome get_certificates(Exchange& x);
Outcome get_ca_certificates(Exchange& x);
Outcome get_certificate_information(Exchange& x);
Outcome get_certificates_status(Exchange& x);
}  // namespace soap_list
namespace soap_sets {
Outcome list_cert_sets(Exchange& x);
Outcome get_cert_set(Exchange& x);
Outcome set_cert_set(Exchange& x);
}  // namespace soap_sets
namespace soap_web_server {
Outcome get_configuration(Exchange& x);
Outcome set_configuration(Exchange& x);
}  // namespace soap_web_server
namespace soap_entry {
Outcome get_services(Exchange& x);
Outcome get_dot1x_configurations(Exchange& x);
Outcome set_dot1x_configuration(Exchange& x);
Outcome get_service_capabilities(Exchange& x);
}  // namespace soap_entry

}  // namespace lenscap::camsim
