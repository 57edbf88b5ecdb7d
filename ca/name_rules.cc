#include "ca/name_rules.h"

namespace lenscap::ca {
namespace {

template <class T>
Result<std::vector<T>> parse_all(std::vector<std::string> const& texts, char const* what) {
  std::vector<T> out;
  for (std::string const& text : texts) {
    auto value = T::parse(text);
    if (!value.ok()) return Error(Errc::usage, "\"" + text + "\" cannot be " + what + ": " + value.error().detail());
    out.push_back(*std::move(value));
  }
  return out;
}

Result<> refuse_wildcards(std::vector<x509::DnsName> const& names) {
  for (x509::DnsName const& name : names)
    if (name.is_wildcard())
      return Error(Errc::usage,
                   "\"" + name.text() + "\": give the suffix without \"*.\"; everything below it is excluded");
  return {};
}

}  // namespace

Result<> apply(NameRules const& rules, x509::NameConstraints& constraints) {
  TRY(auto mail, parse_all<x509::MailSubtree>(rules.permit_email, "permitted"));
  if (!mail.empty()) constraints.permitted_mail = std::move(mail);
  TRY(auto uri, parse_all<x509::UriSubtree>(rules.permit_uri, "permitted"));
  if (!uri.empty()) {
    constraints.permitted_uri = std::move(uri);
    constraints.excluded_uri.clear();
  }
  TRY(constraints.permitted_directory, parse_all<x509::DirectoryName>(rules.permit_directory, "permitted"));
  TRY(auto const names, parse_all<x509::DnsName>(rules.exclude_dns, "excluded"));
  CHECK_OK(refuse_wildcards(names));
  constraints.excluded_dns.assign(names.begin(), names.end());
  TRY(auto blocks, parse_all<x509::IpBlock>(rules.exclude_ip, "excluded"));
  constraints.excluded_ip.insert(constraints.excluded_ip.end(), blocks.begin(), blocks.end());
  TRY(constraints.excluded_mail, parse_all<x509::MailSubtree>(rules.exclude_email, "excluded"));
  TRY(auto hosts, parse_all<x509::UriSubtree>(rules.exclude_uri, "excluded"));
  constraints.excluded_uri.insert(constraints.excluded_uri.end(), hosts.begin(), hosts.end());
  TRY(constraints.excluded_directory, parse_all<x509::DirectoryName>(rules.exclude_directory, "excluded"));
  return {};
}

}  // namespace lenscap::ca
