#include "tests/camsim/soap_xml.h"

#include <array>
#include <utility>

#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

using Namespace = std::pair<std::string_view, std::string_view>;  // prefix, URI
constexpr std::array<Namespace, 8> kNamespaces{{
    {"SOAP-ENV", "http://www.w3.org/2003/05/soap-envelope"},
    {"tt", "http://www.onvif.org/ver10/schema"},
    {"acert", "http://www.axis.com/vapix/ws/cert"},
    {"acertificates", "http://www.axis.com/vapix/ws/certificates"},
    {"aentry", "http://www.axis.com/vapix/ws/entry"},
    {"aweb", "http://www.axis.com/vapix/ws/webserver"},
    {"tds", "http://www.onvif.org/ver10/device/wsdl"},
    {"ter", "http://www.onvif.org/ver10/error"},
}};
// Declared by real cameras on every envelope though nothing in these answers needs them; a client must not mind.
constexpr std::array<Namespace, 4> kIdleNamespaces{{
    {"SOAP-ENC", "http://www.w3.org/2003/05/soap-encoding"},
    {"xsi", "http://www.w3.org/2001/XMLSchema-instance"},
    {"xsd", "http://www.w3.org/2001/XMLSchema"},
    {"tnsaxis", "http://www.axis.com/2009/event/topics"},
}};

std::string_view local_name(std::string_view name) {
  auto const colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view uri_of(pugi::xml_node node) {
  std::string_view const name = node.name();
  auto const colon = name.find(':');
  std::string const attribute =
      colon == std::string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  for (pugi::xml_node at = node; at; at = at.parent())
    if (pugi::xml_attribute const declared = at.attribute(attribute.c_str())) return declared.value();
  return {};
}

std::string envelope(std::string_view body) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SOAP-ENV:Envelope";
  for (auto const& [prefix, uri] : kNamespaces)
    text += " xmlns:" + std::string(prefix) + "=\"" + std::string(uri) + "\"";
  for (auto const& [prefix, uri] : kIdleNamespaces)
    text += " xmlns:" + std::string(prefix) + "=\"" + std::string(uri) + "\"";
  return text + "><SOAP-ENV:Body>" + std::string(body) + "</SOAP-ENV:Body></SOAP-ENV:Envelope>";
}

}  // namespace

std::string canonical_name(pugi::xml_node node) {
  std::string_view const uri = uri_of(node);
  std::string const local(local_name(node.name()));
  if (uri.empty()) return ":" + local;
  for (auto const& [prefix, known] : kNamespaces)
    if (known == uri) return std::string(prefix) + ":" + local;
  return "?:" + local;
}

pugi::xml_node child_of(pugi::xml_node parent, std::string_view name) {
  for (pugi::xml_node child : parent.children())
    if (child.type() == pugi::node_element && canonical_name(child) == name) return child;
  return {};
}

std::vector<pugi::xml_node> children_of(pugi::xml_node parent, std::string_view name) {
  std::vector<pugi::xml_node> list;
  for (pugi::xml_node child : parent.children())
    if (child.type() == pugi::node_element && canonical_name(child) == name) list.push_back(child);
  return list;
}

pugi::xml_node node_at(pugi::xml_node parent, std::string_view path) {
  for (std::string const& step : split(path, '/')) parent = child_of(parent, step);
  return parent;
}

std::string text_at(pugi::xml_node parent, std::string_view path) { return trim(node_at(parent, path).text().get()); }

std::shared_ptr<SoapCall> parse_soap(std::string_view text) {
  auto call = std::make_shared<SoapCall>();
  if (!call->document.load_buffer(text.data(), text.size())) return nullptr;
  pugi::xml_node const root = call->document.document_element();
  if (canonical_name(root) != "SOAP-ENV:Envelope") return call;
  for (pugi::xml_node child : child_of(root, "SOAP-ENV:Body").children())
    if (child.type() == pugi::node_element) {
      call->operation = child;
      call->name = canonical_name(child);
      break;
    }
  return call;
}

std::string element(std::string_view name, std::string_view text) { return wrap(name, xml_escape(text)); }

std::string wrap(std::string_view name, std::string_view markup) {
  std::string const tag(name);
  return "<" + tag + ">" + std::string(markup) + "</" + tag + ">";
}

Response soap_answer(std::string_view body_markup) {
  return {.status = 200, .content_type = "application/soap+xml; charset=utf-8", .body = envelope(body_markup)};
}

Response soap_fault(SoapFault const& fault, bool status_by_code) {
  bool const sender = fault.side == FaultSide::sender;
  std::string const code = sender ? "SOAP-ENV:Sender" : "SOAP-ENV:Receiver";
  std::string const subcode = wrap("SOAP-ENV:Subcode", element("SOAP-ENV:Value", fault.subcode));
  std::string const reason =
      wrap("SOAP-ENV:Reason", "<SOAP-ENV:Text xml:lang=\"en\">" + xml_escape(fault.reason) + "</SOAP-ENV:Text>");
  std::string const detail =
      fault.detail.empty() ? "" : wrap("SOAP-ENV:Detail", element("SOAP-ENV:Text", fault.detail));
  Response response = soap_answer(
      wrap("SOAP-ENV:Fault", wrap("SOAP-ENV:Code", element("SOAP-ENV:Value", code) + subcode) + reason + detail));
  if (status_by_code) response.status = sender ? 400 : 500;
  return response;
}

}  // namespace lenscap::camsim
