// The web server's TLS configuration: read, and replaced as a whole.
#include <algorithm>

#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace soap_web_server {
namespace {

bool is_policy(std::string_view text) { return text == "Http" || text == "HttpAndHttps" || text == "Https"; }

std::vector<std::string> accepted_ciphers(Generation const& generation) {
  std::vector<std::string> list = split(generation.ciphers, ':');
  for (std::string& more : split(generation.ciphers_accepted, ':')) list.push_back(std::move(more));
  return list;
}

}  // namespace

Outcome get_configuration(Exchange& x) {
  TlsConfiguration const& tls = x.device->state.tls;
  Switches const& switches = x.device->state.switches;
  std::string policies = element("aweb:Admin", tls.policies.admin);
  if ((switches.policies_shown == "same" ? switches.policies : switches.policies_shown) == "all")
    policies += element("aweb:Operator", tls.policies.operator_) + element("aweb:Viewer", tls.policies.viewer);
  std::string ciphers;
  for (std::string const& cipher : tls.ciphers) ciphers += element("acert:Cipher", cipher);
  std::string const body = element("aweb:Tls", tls.enabled ? "true" : "false") +
                           wrap("aweb:ConnectionPolicies", policies) + wrap("aweb:Ciphers", ciphers) +
                           wrap("aweb:CertificateSet", cert_set_markup(tls.set));
  return soap_answer("<aweb:GetWebServerTlsConfigurationResponse><aweb:Configuration name=\"WebServer\">" + body +
                     "</aweb:Configuration></aweb:GetWebServerTlsConfigurationResponse>");
}

Outcome set_configuration(Exchange& x) {
  State& state = x.device->state;
  Switches const& switches = state.switches;
  pugi::xml_node const given = child_of(x.soap->operation, "aweb:Configuration");
  if (!given) return bad_argument(x, "Missing argument", "Configuration is missing");
  TlsConfiguration next;

  std::string const tls = text_at(given, "aweb:Tls");
  if (tls != "true" && tls != "false" && tls != "1" && tls != "0")
    return bad_argument(x, "Invalid argument", "Tls is true or false");
  next.enabled = tls == "true" || tls == "1";

  pugi::xml_node const policies = child_of(given, "aweb:ConnectionPolicies");
  std::string const admin = text_at(policies, "aweb:Admin");
  std::string const operator_ = text_at(policies, "aweb:Operator");
  std::string const viewer = text_at(policies, "aweb:Viewer");
  bool const all_roles = switches.policies == "all";
  if (!all_roles && (!operator_.empty() || !viewer.empty())) {
    note_unknown_element(x);
    if (switches.policies_extra == "tag_mismatch")
      return fault_of(x, {FaultSide::sender, "ter:TagMismatch", "Tag mismatch", "The element was not expected here"});
  }
  if (all_roles && switches.policies_required && (admin.empty() || operator_.empty() || viewer.empty()))
    return bad_argument(x, "Invalid argument", "ConnectionPolicies needs Admin, Operator and Viewer");
  auto const use = [](std::string const& text, std::string const& otherwise) {
    return text.empty() ? otherwise : text;
  };
  next.policies.admin = use(admin, state.tls.policies.admin);
  next.policies.operator_ = all_roles ? use(operator_, next.policies.admin) : next.policies.admin;
  next.policies.viewer = all_roles ? use(viewer, next.policies.admin) : next.policies.admin;
  for (std::string const& policy : {next.policies.admin, next.policies.operator_, next.policies.viewer})
    if (!is_policy(policy)) return bad_argument(x, "Invalid argument", "A policy is Http, HttpAndHttps or Https");

  std::vector<std::string> const accepted = accepted_ciphers(*state.generation);
  for (pugi::xml_node const& cipher : children_of(child_of(given, "aweb:Ciphers"), "acert:Cipher")) {
    std::string const name = trim(cipher.text().get());
    bool const known = std::find(accepted.begin(), accepted.end(), name) != accepted.end();
    if (!known && switches.unknown_cipher == "refuse")
      return bad_argument(x, "Invalid argument", "The cipher " + name + " is not supported");
    if (known) next.ciphers.push_back(name);
  }
  if (next.enabled && next.ciphers.empty()) return bad_argument(x, "Invalid argument", "No cipher is given");

  next.set = read_cert_set(child_of(given, "aweb:CertificateSet"));
  if (!cert_set_exists(state, next.set)) return bad_argument(x, "Invalid argument", "A certificate ID is unknown");
  if (!next.set.ca_certificates.empty() && switches.web_server_cas == "refuse")
    return bad_argument(x, "Invalid argument", "The web server takes no CA certificates");
  if (next.enabled) {
    StoredCertificate const* own = state.find_certificate(next.certificate_id());
    if (own == nullptr || own->key == nullptr || next.set.certificates.size() != 1)
      return bad_argument(x, "Invalid argument", "One certificate with a private key is needed");
  }

  state.tls = std::move(next);
  Response answer = empty_answer("aweb:SetWebServerTlsConfiguration");
  answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

}  // namespace soap_web_server
}  // namespace lenscap::camsim
