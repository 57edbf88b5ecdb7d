// The data of TXT and CAA records: nothing that is read is longer than what was sent, what is read of a CAA record
// written again gives the same record, and a record that restricts a name allows us only if it names us.
#include <algorithm>

#include "acme/flow/caa_rules.h"
#include "acme/flow/dns_01_rules.h"
#include "acme/flow/dns_records.h"

using namespace lenscap;

namespace {

void judge(ByteView input, Result<acme::CaaRecord> const& caa) {
  std::vector<Bytes> const records{to_bytes(input)};
  std::vector<std::string> const identities{"ca.example"};
  for (bool const wildcard : {false, true}) {
    acme::CaaQuestion question{.name = x509::DnsName::parse("cam1.example").value()};
    question.wildcard = wildcard;
    question.account_uri = "https://ca.example/acme/account/1";
    question.method = "dns-01";
    auto const judged = acme::judge_caa(records, question, identities);
    if (!caa.ok() && judged.ok()) bug("a record that cannot be read allows something");
    if (!caa.ok()) continue;
    bool const restricts = caa->tag == "issue" || (wildcard && caa->tag == "issuewild");
    auto value = caa->value;
    for (auto& c : value) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (restricts && judged.ok() && value.find("ca.example") == value.npos) bug("another CA's record allows us");
    if (!restricts && !judged.ok() && !caa->critical) bug("a record that does not restrict refuses");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteView const input(data, size);
  auto const text = acme::parse_txt(input);
  if (text.ok() && text->size() >= size) bug("a TXT record is longer than its data");

  auto const caa = acme::parse_caa(input);
  if (caa.ok()) {
    if (caa->tag.size() + caa->value.size() + 2 != size) bug("a CAA record lost octets");
    auto again = to_bytes(std::string{caa->critical ? '\x80' : '\0', static_cast<char>(caa->tag.size())} + caa->tag +
                          caa->value);
    auto const second = acme::parse_caa(again);
    if (!second.ok() || *second != *caa) bug("a CAA record does not survive");
  }

  judge(input, caa);

  // Only the digest proves anything.
  constexpr std::string_view kKeyAuthorization = "token.thumbprint";
  std::vector<Bytes> const records{to_bytes(input)};
  auto const judged = acme::judge_dns_01(records, "at", kKeyAuthorization);
  if (judged.ok() != (text.ok() && *text == acme::dns_01_value(kKeyAuthorization))) bug("something else was accepted");
  if (!judged.ok() && judged.error().code() != Errc::incorrect_response) bug("a refusal with another code");
  return 0;
}
