#include "acme/server/urls.h"

#include <charconv>

#include "base/x509/name.h"

namespace lenscap::acme {
namespace {

Error bad(std::string_view base, std::string_view why) {
  return Error(Errc::settings, "server URL \"" + std::string(base) + "\": " + std::string(why) +
                                   "; write it as https://HOST or https://HOST:PORT");
}

}  // namespace

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") == text.npos;
}

Result<Urls> Urls::parse(std::string_view base) {
  constexpr std::string_view kScheme = "https://";
  if (!base.starts_with(kScheme)) return bad(base, "must begin with https://");  // 8555-6.1-1
  auto rest = base.substr(kScheme.size());
  if (rest.find_first_of("/?#@ ") != rest.npos) return bad(base, "only a host and a port may follow https://");

  auto host = rest;
  std::string_view port;
  auto const after_host = rest.starts_with("[") ? rest.find(']') : 0;
  if (after_host == rest.npos) return bad(base, "the bracket is not closed");
  if (auto colon = rest.find(':', after_host); colon != rest.npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    if (port.empty()) return bad(base, "the port is missing");
  }

  Urls urls;
  if (!port.empty()) {
    auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), urls.port_);
    if (ec != std::errc() || end != port.data() + port.size() || urls.port_ == 0 || port.front() == '0')
      return bad(base, "the port must be a number from 1 to 65535");
  }

  std::string host_text;  // as it stands in a URL
  if (host.starts_with("[") && host.ends_with("]")) {
    auto address = x509::IpAddress::parse(host.substr(1, host.size() - 2));
    if (!address || !address->is_v6()) return bad(base, "this is not an IPv6 address");
    urls.host_ = address->text();
    urls.host_is_ip_ = true;
    host_text = address->url_host();
  } else if (auto address = x509::IpAddress::parse(host); address && !address->is_v6()) {
    urls.host_ = address->text();
    urls.host_is_ip_ = true;
    host_text = urls.host_;
  } else if (auto name = x509::DnsName::parse(host); name && !name->is_wildcard()) {
    urls.host_ = name->text();
    host_text = urls.host_;
  } else {
    return bad(base, "the host is neither a DNS name nor an address");
  }
  urls.base_ = std::string(kScheme) + host_text + (urls.port_ == 443 ? "" : ":" + std::to_string(urls.port_));
  return urls;
}

Result<std::string> Urls::parse_account(std::string_view kid) const {
  auto const prefix = account("");
  if (!kid.starts_with(prefix) || !is_id(kid.substr(prefix.size())))
    return Error(Errc::account_does_not_exist,
                 "kid is not an account URL of this server; it must be the URL that "
                 "newAccount gave in Location");
  return std::string(kid.substr(prefix.size()));
}

}  // namespace lenscap::acme
