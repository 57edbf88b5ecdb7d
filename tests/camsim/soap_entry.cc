// Operations around the certificate service that clients use to find their way.
#include "tests/camsim/soap.h"

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

Outcome get_service_capabilities(Exchange&) {
  return soap_answer(
      "<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Network NTP=\"1\"/>"
      "<tds:Security TLS1.0=\"true\" TLS1.1=\"true\" TLS1.2=\"true\" OnboardKeyGeneration=\"true\" "
      "AccessPolicyConfig=\"true\" DefaultAccessPolicy=\"true\" HttpDigest=\"true\" UsernameToken=\"true\"/>"
      "<tds:System/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>");
}

}  // namespace lenscap::camsim::soap_entry
