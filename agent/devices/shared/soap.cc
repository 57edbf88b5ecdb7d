#include "agent/devices/shared/soap.h"

#include <algorithm>
#include <pugixml.hpp>

#include "agent/devices/shared/text.h"
#include "base/markup.h"

namespace lenscap::agent::soap {

Element const* Element::child(std::string_view the_ns, std::string_view the_name) const {
  for (Element const& child : children)
    if (child.is(the_ns, the_name)) return &child;
  return nullptr;
}

std::vector<std::string> Element::texts(std::string_view the_ns, std::string_view the_name) const {
  std::vector<std::string> all;
  for (Element const& child : children)
    if (child.is(the_ns, the_name)) all.push_back(child.text);
  return all;
}

namespace {

Error malformed(std::string_view why) { return Error(Errc::malformed, "XML: " + std::string(why)); }

// A local name may not begin with a digit, '-' or '.'; the parser looks at the first character of the prefix only.
bool begins_as_name(std::string_view name) {
  if (name.empty()) return false;
  char const c = name.front();
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// The declarations in force, innermost last.
class Scope {
 public:
  std::size_t mark() const { return declarations_.size(); }
  void reset(std::size_t mark) { declarations_.resize(mark); }

  Result<> declare(pugi::xml_node node) {
    for (pugi::xml_attribute const attribute : node.attributes()) {
      std::string_view const name = attribute.name();
      if (name == "xmlns") {
        declarations_.emplace_back("", attribute.value());
      } else if (name.starts_with("xmlns:")) {
        if (name.size() == 6 || *attribute.value() == '\0') return malformed("empty namespace declaration");
        declarations_.emplace_back(name.substr(6), attribute.value());
      }
      if (declarations_.size() > kDeclarationsMax) return malformed("too many namespace declarations");
    }
    return {};
  }

  // nullptr: the prefix is not declared.
  std::string const* find(std::string_view prefix) const {
    for (auto d = declarations_.rbegin(); d != declarations_.rend(); ++d)
      if (d->first == prefix) return &d->second;
    static std::string const none;
    return prefix.empty() ? &none : nullptr;
  }

 private:
  static constexpr std::size_t kDeclarationsMax = 512;  // real cameras declare about 70
  std::vector<std::pair<std::string, std::string>> declarations_;
};

class Reader {
 public:
  explicit Reader(Limits limits) : limits_(limits) {}

  // Recursion is bounded by limits_.depth.
  Result<Element> read(pugi::xml_node node, unsigned depth) {
    if (depth > limits_.depth) return malformed("elements nested too deep");
    if (++count_ > limits_.elements) return malformed("too many elements");

    std::size_t const mark = scope_.mark();
    CHECK_OK(scope_.declare(node));
    std::string_view name = node.name();
    std::string_view prefix;
    if (auto const colon = name.find(':'); colon != std::string_view::npos) {
      prefix = name.substr(0, colon);
      name.remove_prefix(colon + 1);
      if (prefix.empty()) return malformed("element without a prefix before ':'");
    }
    if (!begins_as_name(name) || name.find(':') != std::string_view::npos) return malformed("bad element name");
    std::string const* const name_space = scope_.find(prefix);
    if (name_space == nullptr) return malformed("undeclared prefix '" + clean_text(prefix, 20) + "'");

    Element element(*name_space, name);
    for (pugi::xml_node const child : node.children()) {
      switch (child.type()) {
        case pugi::node_element: {
          TRY(Element inner, read(child, depth + 1));
          element.children.push_back(std::move(inner));
          break;
        }
        case pugi::node_pcdata:
        case pugi::node_cdata:
          element.text += child.value();
          break;
        default:
          return malformed("a node that is neither element nor text");
      }
    }
    element.text = trim(element.text);
    if (!is_plain_utf8(element.text) || !is_plain_utf8(element.name) || !is_plain_utf8(element.ns))
      return malformed("text that is not plain UTF-8");
    scope_.reset(mark);
    return element;
  }

 private:
  Limits limits_;
  Scope scope_;
  std::size_t count_ = 0;
};

// A cheap bound before the parser builds anything: each element and each piece of text costs it a node.
bool has_too_many_tags(std::string_view text, std::size_t elements) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '<')) > 2 * elements + 16;
}

}  // namespace

Result<Element> parse_xml(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) return malformed("more than " + std::to_string(limits.bytes) + " octets");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_plain_utf8(text)) return malformed("not plain UTF-8");
  if (has_too_many_tags(text, limits.elements)) return malformed("too many elements");
  // Refused as text too, wherever it stands: no honest answer holds it, and no parser then has to be right about it.
  if (text.find("<!DOCTYPE") != std::string_view::npos || text.find("<!ENTITY") != std::string_view::npos)
    return malformed("a document type declaration is not allowed");

  pugi::xml_document document;
  constexpr unsigned kFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_doctype;
  auto const parsed = document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
  if (!parsed) return malformed(parsed.description());
  pugi::xml_node root;
  for (pugi::xml_node const node : document.children()) {
    if (node.type() == pugi::node_doctype) return malformed("a document type declaration is not allowed");
    if (node.type() != pugi::node_element || root) return malformed("not exactly one root element");
    root = node;
  }
  if (!root) return malformed("no root element");
  return Reader(limits).read(root, 1);
}

namespace {

struct Prefix {
  std::string_view ns;
  std::string_view prefix;
};
constexpr Prefix kPrefixes[] = {
    {ns::kEnvelope, "SOAP-ENV"}, {ns::kCertificates, "acertificates"},
    {ns::kCert, "acert"},        {ns::kWebServer, "aweb"},
    {ns::kDevice, "tds"},        {ns::kSchema, "tt"},
};

std::string_view prefix_of(std::string_view name_space) {
  for (Prefix const& row : kPrefixes)
    if (row.ns == name_space) return row.prefix;
  return {};
}

// Known namespaces by prefix; others as the default namespace of their element, which its children then override.
void write_element(std::string& out, Element const& element, bool declare_prefixes) {
  std::string_view const prefix = prefix_of(element.ns);
  std::string const tag = (prefix.empty() ? "" : std::string(prefix) + ":") + element.name;
  out += "<" + tag;
  if (declare_prefixes) {
    for (Prefix const& row : kPrefixes) {
      out += " xmlns:" + std::string(row.prefix) + "=\"";
      out += escape_markup(row.ns);
      out += '"';
    }
  }
  if (prefix.empty()) {
    out += " xmlns=\"";
    out += escape_markup(element.ns);
    out += '"';
  }
  if (element.text.empty() && element.children.empty()) {
    out += "/>";
    return;
  }
  out += '>';
  out += escape_markup(element.text);
  for (Element const& child : element.children) write_element(out, child, false);
  out += "</" + tag + ">";
}

}  // namespace

std::string write_xml(Element const& root) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  write_element(out, root, true);
  return out;
}

std::string envelope(Element const& body) {
  Element root(ns::kEnvelope, "Envelope");
  root.add(Element(ns::kEnvelope, "Body")).add(body);
  return write_xml(root);
}

bool Fault::names(std::string_view fault) const {
  if (subcode == fault || std::find(details.begin(), details.end(), fault) != details.end()) return true;
  return reason.find(fault) != std::string::npos || detail.find(fault) != std::string::npos;
}

std::string Fault::text() const {
  std::string said = clean_text(reason, 120);
  if (!subcode.empty()) said += (said.empty() ? "" : " ") + ("(" + clean_text(subcode, 60) + ")");
  for (std::string const& name : details) said += (said.empty() ? "" : " ") + ("[" + clean_text(name, 60) + "]");
  if (!detail.empty()) said += (said.empty() ? "" : ": ") + clean_text(detail, 120);
  return said.empty() ? "a fault without a reason" : said;
}

namespace {

std::string_view without_prefix(std::string_view qname) {
  auto const colon = qname.rfind(':');
  return colon == std::string_view::npos ? qname : qname.substr(colon + 1);
}

// Innermost subcode: the fault's own name.
std::string subcode_of(Element const& code, std::string_view env) {
  std::string name;
  for (Element const* at = code.child(env, "Subcode"); at != nullptr; at = at->child(env, "Subcode"))
    if (Element const* value = at->child(env, "Value")) name = without_prefix(value->text);
  return name;
}

Fault read_fault(Element const& element, std::string_view env) {
  Fault fault;
  if (Element const* code = element.child(env, "Code")) {
    if (Element const* value = code->child(env, "Value")) fault.sender = without_prefix(value->text) == "Sender";
    fault.subcode = subcode_of(*code, env);
  }
  if (Element const* reason = element.child(env, "Reason"))
    if (Element const* text = reason->child(env, "Text")) fault.reason = text->text;
  if (Element const* detail = element.child(env, "Detail")) {
    fault.detail = detail->text;
    for (Element const& child : detail->children) {
      if (child.is(env, "Text")) {
        fault.detail += (fault.detail.empty() ? "" : " ") + child.text;
      } else {
        fault.details.push_back(child.name);
      }
    }
  }
  // SOAP 1.1 spelling.
  if (Element const* code = element.child("", "faultcode")) fault.sender = without_prefix(code->text) == "Client";
  if (Element const* text = element.child("", "faultstring")) fault.reason = text->text;
  return fault;
}

}  // namespace

Result<Answer> parse_answer(std::string_view body, Limits limits) {
  TRY(Element const root, parse_xml(body, limits));
  if (root.name != "Envelope" || (root.ns != ns::kEnvelope && root.ns != ns::kEnvelope11))
    return Error(Errc::malformed, "the answer is no SOAP envelope");
  Element const* const content = root.child(root.ns, "Body");
  if (content == nullptr || content->children.size() != 1)
    return Error(Errc::malformed, "the SOAP envelope holds no single answer");
  Element const& answer = content->children.front();
  if (answer.is(root.ns, "Fault")) return Answer(read_fault(answer, root.ns));
  return Answer(answer);
}

}  // namespace lenscap::agent::soap
