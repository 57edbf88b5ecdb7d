// GET /config/discover: which configuration APIs there are. `rest_api` is the path to use; it says v1beta in beta.
#include "tests/camsim/rest.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

json::Object api(std::string const& id, std::string const& major, std::string const& version, bool beta) {
  std::string const base = "/config/discover/apis/" + id + "/" + major;
  return json::Object{{major, json::Object{{"doc", base + "/doc.md"},
                                           {"doc_html", "/config/web-ui/cu-doc.html?md-doc-loc=" + base + "/doc.md"},
                                           {"model", base + "/model.json"},
                                           {"rest_api", "/config/rest/" + id + "/" + major + (beta ? "beta" : "")},
                                           {"rest_openapi", base + "/openapi.json"},
                                           {"rest_ui", "/config/web-ui/swagger-ui/?url=" + base + "/openapi.json"},
                                           {"state", beta ? "beta" : "released"},
                                           {"version", version + (beta ? "-beta.1" : "")}}}};
}

json::Object apis(State const& state) {
  Switches const& switches = state.switches;
  json::Object list;
  bool const newest = state.generation->id == "G7";
  list.set("basic-device-info", api("basic-device-info", "v2", newest ? "2.0.1" : "2.0.0", false));
  if (switches.rest != "off") list.set("cert", api("cert", "v1", switches.rest_version, switches.discover == "beta"));
  if (newest) {
    list.set("crypto-policy", api("crypto-policy", "v1", "1.1.0", false));
    list.set("network-settings", api("network-settings", "v2", "2.0.3", false));
    list.set("oauth-ccgrant", api("oauth-ccgrant", "v1", "1.0.1", true));
  }
  return list;
}

Response document(json::Object const& body) { return {.content_type = "application/json", .body = json::write(body)}; }

}  // namespace

Outcome serve_discovery(Exchange& x) {
  State const& state = x.device->state;
  if (state.switches.discover == "off") return not_found_page(x.request.path);
  if (x.request.method != "GET") return rest_error(405, 3, "Method not allowed");
  json::Object const list = apis(state);
  if (x.request.path == "/config/discover")
    return document(json::Object{{"framework_version", "1.1.0"}, {"apis", list}});
  std::vector<std::string> const parts = split(x.request.path, '/');
  if (parts.size() == 3 && parts[2] == "apis") return document(list);
  if (parts.size() == 4 && parts[2] == "apis")
    if (json::Value const* one = list.find(parts[3])) return document(json::Object{{parts[3], *one}});
  return rest_not_found(x.request.path);
}

}  // namespace lenscap::camsim
