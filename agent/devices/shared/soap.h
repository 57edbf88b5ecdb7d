// SOAP 1.2 as cameras speak it: an element tree with its namespaces resolved, bounded reading of what a device sends,
// writing with escapes, and faults as values. Reading goes by namespace and local name; prefixes mean nothing.
// No DTD, no entities but the five of XML and character references, no attributes (nothing here needs them).
// pugixml is used in soap.cc alone.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace lenscap::agent::soap {

namespace ns {
constexpr std::string_view kEnvelope = "http://www.w3.org/2003/05/soap-envelope";      // SOAP 1.2
constexpr std::string_view kEnvelope11 = "http://schemas.xmlsoap.org/soap/envelope/";  // only ever read
constexpr std::string_view kCertificates = "http://www.axis.com/vapix/ws/certificates";
constexpr std::string_view kCert = "http://www.axis.com/vapix/ws/cert";
constexpr std::string_view kWebServer = "http://www.axis.com/vapix/ws/webserver";
constexpr std::string_view kDevice = "http://www.onvif.org/ver10/device/wsdl";
constexpr std::string_view kSchema = "http://www.onvif.org/ver10/schema";
}  // namespace ns

struct Element {
  std::string ns;    // namespace name; empty: none
  std::string name;  // local name
  std::string text;  // its character data together, without white space at the ends
  std::vector<Element> children;
  bool operator==(Element const&) const = default;

  Element() = default;
  Element(std::string_view the_ns, std::string_view the_name, std::string_view the_text = {})
      : ns(the_ns), name(the_name), text(the_text) {}
  Element& add(Element child) {  // gives the child, for filling it in
    children.push_back(std::move(child));
    return children.back();
  }
  bool is(std::string_view the_ns, std::string_view the_name) const { return ns == the_ns && name == the_name; }
  Element const* child(std::string_view the_ns, std::string_view the_name) const;  // the first; nullptr when absent
  // The texts of all children of that name.
  std::vector<std::string> texts(std::string_view the_ns, std::string_view the_name) const;
};

struct Limits {
  std::size_t bytes = limits::kDeviceAnswerBytes;
  unsigned depth = limits::kXmlDepth;  // elements inside each other
  std::size_t elements = 20'000;       // a full certificate store with its trusted roots is about 1,000
};

// The root element. Errc::malformed for anything that is not well-formed UTF-8 XML within the limits, has a DOCTYPE, an
// undeclared prefix or a control character.
Result<Element> parse_xml(std::string_view text, Limits limits = {});

std::string write_xml(Element const& root);

struct Fault {
  bool sender = false;  // the device blames our request; otherwise itself
  std::string subcode;  // local name: "TagMismatch"; empty when there is none
  std::string reason;
  std::string detail;                // text inside Detail
  std::vector<std::string> details;  // local names of the elements inside Detail: "CertificateIdInUseFault"

  bool names(std::string_view fault) const;  // as subcode, inside Detail, or as a word of the reason
  std::string text() const;                  // cleaned, for people
};

// What stands in the envelope's Body: one element, or a fault.
using Answer = std::variant<Element, Fault>;
Result<Answer> parse_answer(std::string_view body, Limits limits = {});

// `body` in an envelope, with the prefixes that Axis' own examples use.
std::string envelope(Element const& body);

}  // namespace lenscap::agent::soap
