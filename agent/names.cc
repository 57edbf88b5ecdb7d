#include "agent/names.h"

#include <algorithm>
#include <array>

namespace lenscap::agent {
namespace {

constexpr std::size_t kCommonNameBytesMax = 64;  // ub-common-name, RFC 5280 appendix A

constexpr std::array<std::string_view, 3> kPlaceholders = {"{hostname}", "{ip}", "{serial}"};

std::string replace(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// The first label of what the device calls itself, if it is one that may stand in a name.
Result<std::string> host_label(std::string_view hostname) {
  std::string label(hostname.substr(0, hostname.find('.')));
  std::ranges::transform(label, label.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  auto is_ldh = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (label.empty()) {
    return Error(Errc::rejected_identifier,
                 "the device has no host name; give it one, or a name for its certificate with --name");
  }
  if (label.size() > 63 || !std::ranges::all_of(label, is_ldh) || label.front() == '-' || label.back() == '-') {
    return Error(Errc::rejected_identifier,
                 "the device's host name cannot stand in a certificate; change it on the device, or give a name with "
                 "--name");
  }
  return label;
}

}  // namespace

Result<> check_name_templates(std::vector<std::string> const& templates) {
  for (auto const& text : templates) {
    auto refuse = [&](std::string_view why) {
      return Error(Errc::settings, "name template \"" + text + "\": " + std::string(why));
    };
    if (text == "{ip}") continue;
    if (has(text, "{ip}")) return refuse("{ip} stands alone: an address is not part of a name");
    std::string example = text;
    for (auto placeholder : kPlaceholders) example = replace(std::move(example), placeholder, "camera");
    if (has(example, "{") || has(example, "}")) return refuse("known are {hostname}, {ip} and {serial}");
    if (example == text) {
      return refuse("without {hostname} or {serial} all devices would have this name; use --name for one device");
    }
    auto name = x509::DnsName::parse(example);
    if (!name.ok()) return refuse(name.error().detail());
    if (name->is_wildcard()) return refuse("a device's certificate carries no wildcard");
  }
  return {};
}

Result<DeviceNames> names_for(std::vector<std::string> const& templates, NameFacts const& facts,
                              std::string_view wanted) {
  CHECK_OK(check_name_templates(templates));
  DeviceNames result;
  std::vector<x509::DnsName> dns;  // in the order of the templates: the first may become the common name

  if (!wanted.empty()) {
    TRY(auto name, x509::DnsName::parse(wanted));
    if (name.is_wildcard()) return Error(Errc::usage, "a device's certificate carries no wildcard");
    dns.push_back(std::move(name));
  }
  for (auto const& text : templates) {
    if (text == "{ip}" || !wanted.empty()) continue;  // the address is among the names in any case
    std::string filled = text;
    if (has(filled, "{hostname}")) {
      TRY(auto label, host_label(facts.hostname));
      filled = replace(std::move(filled), "{hostname}", label);
    }
    filled = replace(std::move(filled), "{serial}", facts.serial);
    TRY(auto name, x509::DnsName::parse(filled));
    dns.push_back(std::move(name));
  }

  if (auto address = x509::IpAddress::parse(facts.address); address.ok()) {
    result.names.ip.insert(std::move(address).value());
  } else {
    TRY(auto name, x509::DnsName::parse(facts.address));
    dns.push_back(std::move(name));
  }
  auto fits = std::ranges::find_if(dns, [](auto const& name) { return name.text().size() <= kCommonNameBytesMax; });
  if (fits != dns.end()) result.common_name = fits->text();
  result.names.dns.insert(dns.begin(), dns.end());
  return result;
}

}  // namespace lenscap::agent
