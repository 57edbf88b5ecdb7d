// SOAP 1.2 envelopes, in and out. Input is read by namespace whatever its prefixes; output has the prefixes that
// cameras use literally, because public clients match on the prefixed text.
#pragma once

#include <pugixml.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/camsim/http.h"

namespace lenscap::camsim {

// An element's name with the prefix that cameras use for its namespace: "acertificates:Id"; ":Id" when it has no
// namespace, "?:Id" for one that is not known here.
std::string canonical_name(pugi::xml_node node);
// The first child element with this canonical name; an empty node when there is none.
pugi::xml_node child_of(pugi::xml_node parent, std::string_view name);
std::vector<pugi::xml_node> children_of(pugi::xml_node parent, std::string_view name);
// Text at a path of canonical names below `parent`, without surrounding space: "tt:Certificate/tt:Data".
std::string text_at(pugi::xml_node parent, std::string_view path);
pugi::xml_node node_at(pugi::xml_node parent, std::string_view path);

struct SoapCall {
  pugi::xml_document document;
  pugi::xml_node operation;  // first element of the body; empty when this is no envelope
  std::string name;          // its canonical name
};
// Null when the text is not XML; `operation` is empty when it is no SOAP 1.2 envelope with a body element.
std::shared_ptr<SoapCall> parse_soap(std::string_view text);

// `<prefix:Name>escaped text</prefix:Name>`, and the same around markup.
std::string element(std::string_view name, std::string_view text);
std::string wrap(std::string_view name, std::string_view markup);

Response soap_answer(std::string_view body_markup);

enum class FaultSide { sender, receiver };
struct SoapFault {
  FaultSide side = FaultSide::sender;
  std::string subcode;  // "ter:InvalidArgVal"
  std::string reason;
  std::string detail;
};
// `status_by_code`: 400 for Sender and 500 for Receiver, else 200.
Response soap_fault(SoapFault const& fault, bool status_by_code);

}  // namespace lenscap::camsim
