// What a device sends as XML: whatever is accepted is bounded, has no control characters, and says the same after it
// was written and read again.
#include "agent/devices/shared/axis_tls.h"
#include "agent/devices/shared/text.h"

using namespace lenscap;
using agent::soap::Element;

namespace {

void demand(bool fine, char const* what) {
  if (!fine) bug(what);
}

std::size_t check_bounds(Element const& element, unsigned depth) {
  demand(depth <= limits::kXmlDepth, "deeper than allowed");
  demand(agent::is_plain_utf8(element.text) && agent::is_plain_utf8(element.name), "text that is not plain");
  std::size_t count = 1;
  for (Element const& child : element.children) count += check_bounds(child, depth + 1);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  std::string_view const text = as_text({data, size});
  if (auto const root = agent::soap::parse_xml(text)) {
    demand(check_bounds(*root, 1) <= agent::soap::Limits{}.elements, "more elements than allowed");
    agent::soap::Limits wide;
    wide.bytes = 256 * limits::kDeviceAnswerBytes;  // each element then declares its own namespace
    auto const again = agent::soap::parse_xml(agent::soap::write_xml(*root), wide);
    demand(again.ok(), "what we write does not parse");
    demand(*again == *root, "what we write says something else");
  }
  if (auto const answer = agent::soap::parse_answer(text)) {
    if (auto const* fault = std::get_if<agent::soap::Fault>(&*answer))
      demand(agent::clean_text(fault->text(), 100'000) == fault->text(), "a fault's text is not clean");
    if (auto const* element = std::get_if<Element>(&*answer)) {
      if (auto const config = agent::axis::read_tls_config(*element)) {
        auto const kept = agent::HttpsConfig::from_text(config->to_text());
        demand(kept.ok() && *kept == *config, "a snapshot does not survive the journal");
      }
    }
  }
  return 0;
}
