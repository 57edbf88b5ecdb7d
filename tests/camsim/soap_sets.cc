// Named sets of certificates: which service uses which. "WebServer" is the TLS configuration's own set.
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {

std::string cert_set_markup(CertSet const& set) {
  auto const ids = [](std::string_view tag, std::vector<std::string> const& list) {
    std::string text;
    for (std::string const& id : list) text += element("acert:Id", id);
    return wrap(tag, text);
  };
  return ids("acert:Certificates", set.certificates) + ids("acert:CACertificates", set.ca_certificates) +
         ids("acert:TrustedCertificates", set.trusted);
}

CertSet read_cert_set(pugi::xml_node node) {
  auto const ids = [&](std::string_view tag) {
    std::vector<std::string> list;
    for (pugi::xml_node const& id : children_of(child_of(node, tag), "acert:Id"))
      if (std::string text = trim(id.text().get()); !text.empty()) list.push_back(std::move(text));
    return list;
  };
  return {ids("acert:Certificates"), ids("acert:CACertificates"), ids("acert:TrustedCertificates")};
}

bool cert_set_exists(State& state, CertSet const& set) {
  for (std::string const& id : set.certificates)
    if (state.find_certificate(id) == nullptr) return false;
  for (auto const* list : {&set.ca_certificates, &set.trusted})
    for (std::string const& id : *list)
      if (state.find_ca(id) == nullptr) return false;
  return true;
}

namespace soap_sets {

Outcome list_cert_sets(Exchange& x) {
  std::string names = element("acert:CertSetNames", "WebServer");
  for (auto const& [name, set] : x.device->state.cert_sets) names += element("acert:CertSetNames", name);
  return soap_answer(wrap("acertificates:ListCertSetsResponse", wrap("acertificates:CertSetNameList", names)));
}

Outcome get_cert_set(Exchange& x) {
  State const& state = x.device->state;
  std::string const name = text_at(x.soap->operation, "acertificates:CertSetName");
  auto const found = state.cert_sets.find(name);
  if (name != "WebServer" && found == state.cert_sets.end())
    return bad_argument(x, "Invalid cert set", "There is no set with this name");
  CertSet const& set = name == "WebServer" ? state.tls.set : found->second;
  return soap_answer(wrap("acertificates:GetCertSetResponse", wrap("acertificates:CertSet", cert_set_markup(set))));
}

Outcome set_cert_set(Exchange& x) {
  State& state = x.device->state;
  std::string const name = text_at(x.soap->operation, "acertificates:CertSetName");
  CertSet set = read_cert_set(child_of(x.soap->operation, "acertificates:CertSet"));
  if (name != "WebServer" && !state.cert_sets.contains(name))
    return bad_argument(x, "Invalid cert set", "There is no set with this name");
  if (!cert_set_exists(state, set)) return invalid_id(x);
  if (name == "WebServer" && state.switches.web_server_set == "refuse")
    return bad_argument(x, "Not allowed", "The set of the web server is part of its configuration");
  if (name == "WebServer" && !set.ca_certificates.empty() && state.switches.web_server_cas == "refuse")
    return bad_argument(x, "Not allowed", "The web server takes no CA certificates");
  Response answer = empty_answer("acertificates:SetCertSet");
  if (name != "WebServer") {
    state.cert_sets[name] = std::move(set);
    return answer;
  }
  state.tls.set = std::move(set);
  answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

}  // namespace soap_sets
}  // namespace lenscap::camsim
