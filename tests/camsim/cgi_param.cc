// param.cgi: list, update, listdefinitions. Errors have HTTP status 200.
#include <algorithm>

#include "tests/camsim/cgi.h"
#include "tests/camsim/params.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

std::string without_root(std::string name) {
  if (lower(name).starts_with("root.")) name.erase(0, 5);
  return name;
}

// Whether `name` lies in `group`: the same segments without case, '*' for any one of them.
bool is_in_group(std::string const& name, std::string const& group) {
  std::vector<std::string> const have = split(lower(name), '.');
  std::vector<std::string> const want = split(lower(group), '.');
  if (want.size() > have.size()) return false;
  for (std::size_t i = 0; i < want.size(); ++i)
    if (want[i] != "*" && want[i] != have[i]) return false;
  return true;
}

Response list(Exchange& x) {
  std::vector<Parameter> const all = parameters_of(*x.device);
  std::string out;
  std::string prefix = "root.";
  auto const group_text = form_field(x.request, "group");
  for (std::string const& group : group_text ? split(*group_text, ',') : std::vector<std::string>{"*"}) {
    bool const everything = group == "*" || lower(group) == "root" || lower(group) == "root.*";
    bool found = false;
    for (auto const& [name, value] : all)
      if (everything || is_in_group(name, without_root(group))) {
        out += prefix + name + "=" + value + "\n";
        found = true;
      }
    if (found) continue;
    out += "# Error: Error -1 getting param in group '" + group + "'\n";
    if (x.device->state.generation->id == "G7") prefix.clear();  // seen on 12.11
  }
  return plain_text(out);
}

Response update(Exchange& x) {
  bool restart = false;
  std::vector<std::pair<std::string, std::string>> fields = parse_query(x.request.query);
  for (auto& field : parse_query(x.request.body)) fields.push_back(std::move(field));
  for (auto const& [name, value] : fields) {
    if (name == "action" || name == "usergroup") continue;
    Update const done = update_parameter(*x.device, without_root(name), value);
    if (done == Update::refused) return plain_text("# Error: Error setting '" + name + "' to '" + value + "'!\n");
    restart = restart || done == Update::restart;
  }
  Response answer = plain_text("OK\n");
  if (restart)
    answer.after = [device = x.device, operation = x.entry.operation] { device->restart_web_server(operation); };
  return answer;
}

Response definitions(Exchange& x) {
  auto const group = form_field(x.request, "group");
  std::string body;
  for (auto const& [name, value] : parameters_of(*x.device)) {
    bool wanted = !group;
    for (std::string const& part : group ? split(*group, ',') : std::vector<std::string>())
      wanted = wanted || is_in_group(name, without_root(part));
    if (!wanted) continue;
    std::vector<std::string> const steps = split(name, '.');
    std::string indent = "    ";
    for (std::size_t i = 0; i + 1 < steps.size(); ++i, indent += "  ")
      body += indent + "<group name=\"" + steps[i] + "\">\n";
    body += indent + "<parameter name=\"" + steps.back() + "\" value=\"" + xml_escape(value) +
            "\" securityLevel=\"7707\" niceName=\"" + steps.back() + "\">\n" + indent + "  <type>\n" + indent +
            "    <string />\n" + indent + "  </type>\n" + indent + "</parameter>\n";
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      indent.resize(indent.size() - 2);
      body += indent + "</group>\n";
    }
  }
  Generation const& g = *x.device->state.generation;
  return {.content_type = "text/xml",
          .body =
              "<?xml version=\"1.0\" encoding=\"iso-8859-1\" ?>\n<parameterDefinitions\n"
              "xmlns=\"http://www.axis.com/ParameterDefinitionsSchema\"\nversion=\"1.0\">\n  <model>" +
              xml_escape(g.product_short) + "</model>\n  <firmwareVersion>" + std::string(g.firmware) +
              "</firmwareVersion>\n  <group name=\"root\">\n" + body + "  </group>\n</parameterDefinitions>\n"};
}

}  // namespace

std::optional<std::string> form_field(Request const& request, std::string_view name) {
  if (auto value = find_in_query(request.query, name)) return value;
  return find_in_query(request.body, name);
}

Outcome param_cgi(Exchange& x) {
  std::string const action = form_field(x.request, "action").value_or("");
  if (action == "list") return list(x);
  if (action == "listdefinitions") return definitions(x);
  if (action != "update") return plain_text("# Error: Unknown action\n");
  if (x.role != Role::admin) return html(x.device->state.switches.low_role_status, "");
  return update(x);
}

}  // namespace lenscap::camsim
