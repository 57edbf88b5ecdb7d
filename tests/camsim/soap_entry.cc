// Operations around the certificate service that clients use to find their way.
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim::soap_entry {

Outcome get_services(Exchange& x) {
  std::string const host = x.request.header("Host");
  std::string const address = (x.request.tls ? "https://" : "http://") + host + "/vapix/services";
  std::string list;
  for (char const* uri : {"http://www.axis.com/vapix/ws/certificates", "http://www.axis.com/vapix/ws/webserver",
                          "http://www.axis.com/vapix/ws/entry"})
    list += wrap("aentry:Service", element("aentry:Namespace", uri) + element("aentry:XAddr", address) +
                                       wrap("aentry:Version", element("tt:Major", "1") + element("tt:Minor", "2")));
  return soap_answer(wrap("aentry:GetServicesResponse", list));
}

// Recorded on 12.11: a fault that says nothing.
Outcome get_dot1x_configurations(Exchange& x) { return fault_of(x, {FaultSide::sender, "ter:InvalidArgVal", "", ""}); }

// 802.1X: the certificate and the authorities of the one wired port. Kept as the set EAPTLS_WIRED, where clients find
// them.
Outcome set_dot1x_configuration(Exchange& x) {
  State& state = x.device->state;
  pugi::xml_node const given = child_of(x.soap->operation, "tds:Dot1XConfiguration");
  if (text_at(given, "tt:Dot1XConfigurationToken") != "EAPTLS_WIRED")
    return bad_argument(x, "Invalid argument", "The only configuration is EAPTLS_WIRED");
  constexpr char const* kEapTls = "13";
  if (text_at(given, "tt:EAPMethod") != kEapTls)
    return bad_argument(x, "Invalid argument", "Only EAP-TLS can be used with a certificate");
  std::string const id = text_at(given, "tt:EAPMethodConfiguration/tt:TLSConfiguration/tt:CertificateID");
  CertSet set{.certificates = {id}, .ca_certificates = {}, .trusted = {}};
  for (pugi::xml_node const& ca : children_of(given, "tt:CACertificateID"))
    set.ca_certificates.push_back(trim(ca.text().get()));
  if (!cert_set_exists(state, set)) return invalid_id(x);
  state.cert_sets["EAPTLS_WIRED"] = std::move(set);
  state.parameters["Network.Interface.I0.dot1x.EAPTLS.Identity"] = text_at(given, "tt:Identity");
  return empty_answer("tds:SetDot1XConfiguration");
}

Outcome get_service_capabilities(Exchange&) {
  return soap_answer(
      "<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Network NTP=\"1\"/>"
      "<tds:Security TLS1.0=\"true\" TLS1.1=\"true\" TLS1.2=\"true\" OnboardKeyGeneration=\"true\" "
      "AccessPolicyConfig=\"true\" DefaultAccessPolicy=\"true\" HttpDigest=\"true\" UsernameToken=\"true\"/>"
      "<tds:System/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>");
}

}  // namespace lenscap::camsim::soap_entry
