#include "acme/flow/http_01_rules.h"

#include <algorithm>
#include <charconv>

#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kLocationBytes = 2000;
constexpr unsigned short kHttpPort = 80;
constexpr unsigned short kHttpsPort = 443;

std::string host_text(Identifier const& host) { return host.ip() != nullptr ? host.ip()->url_host() : host.value(); }

Error refuse_redirect(std::string_view why) { return {Errc::incorrect_response, std::string(why)}; }

bool is_url_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' && std::string_view("\"<>\\^`{|}#").find(c) == std::string_view::npos;
  });
}

// Takes `prefix` off in either case.
bool take(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    char const c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != prefix[i]) return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

struct Authority {
  std::string_view host;
  unsigned short port = 0;
};

// "host", "host:port", "[address]:port"
std::optional<Authority> split_authority(std::string_view text, unsigned short default_port) {
  Authority authority{text, default_port};
  auto const host_end = text.starts_with('[') ? text.find(']') + 1 : text.find(':');  // npos + 1 is 0
  if (text.starts_with('[') && host_end == 0) return std::nullopt;
  if (host_end >= text.size()) return authority;
  authority.host = text.substr(0, host_end);
  if (text[host_end] != ':') return std::nullopt;
  auto const digits = text.substr(host_end + 1);
  if (digits.empty() || digits.front() == '0') return std::nullopt;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), authority.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return authority;
}

// 8555-8.3-1: white space after the key authorization is ignored.
std::string_view without_trailing_space(std::string_view text) {
  auto const end = text.find_last_not_of(" \t\r\n\v\f");
  return end == text.npos ? std::string_view() : text.substr(0, end + 1);
}

}  // namespace

HttpHop first_hop(Identifier const& identifier, std::string_view token, unsigned short port) {
  return {identifier, false, port, std::string(names::kHttp01Path) + std::string(token)};
}

std::string url_of(HttpHop const& hop) {
  auto const is_default = hop.port == (hop.tls ? kHttpsPort : kHttpPort);
  return (hop.tls ? "https://" : "http://") + host_text(hop.host) + (is_default ? "" : ":" + std::to_string(hop.port)) +
         hop.target;
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 307 || status == 308; }

Result<HttpHop> next_hop(HttpHop const& from, std::string_view location, Identifier const& proved,
                         std::vector<unsigned short> const& ports) {
  if (location.empty()) return refuse_redirect("nowhere: there is no Location");
  if (location.size() > kLocationBytes) {
    return refuse_redirect("a Location of more than " + std::to_string(kLocationBytes) + " octets");
  }
  if (!is_url_text(location)) return refuse_redirect("a Location that is no URL, or has a fragment");
  if (location.starts_with('/') && !location.starts_with("//")) {
    auto next = from;
    next.target = location;
    return next;
  }
  auto rest = location;
  bool const tls = take(rest, "https://");
  if (!tls && !take(rest, "http://")) return refuse_redirect("something else than an http or https URL");
  auto const authority_text = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority_text.size());
  if (authority_text.find('@') != std::string_view::npos) return refuse_redirect("a URL with a user name");
  auto const authority = split_authority(authority_text, tls ? kHttpsPort : kHttpPort);
  if (!authority) return refuse_redirect("a URL without a proper host and port");
  if (std::find(ports.begin(), ports.end(), authority->port) == ports.end()) {
    return refuse_redirect("a port that validation does not use");
  }
  auto host_name = authority->host;
  bool const brackets = host_name.starts_with('[');
  if (brackets) host_name = host_name.substr(1, host_name.size() - 2);
  auto host = Identifier::from_host(host_name);
  if (!host || host->is_wildcard() || brackets != (host->ip() != nullptr && host->ip()->is_v6())) {
    return refuse_redirect("a host that is no DNS name");
  }
  if (host->ip() != nullptr && *host != proved) return refuse_redirect("the address of another host");
  HttpHop next{*std::move(host), tls, authority->port, std::string(rest)};
  if (!next.target.starts_with('/')) next.target.insert(0, "/");
  return next;
}

Result<> judge_http_01(int status, std::string_view body, std::string_view key_authorization,
                       std::string const& where) {
  if (status >= 300 && status < 400) {
    return Error(Errc::incorrect_response,
                 where + " answered with status " + std::to_string(status) + "; redirects are not followed");
  }
  if (status != 200) {
    return Error(Errc::incorrect_response,
                 where + " answered with status " + std::to_string(status) + " instead of 200");
  }
  auto const text = without_trailing_space(body);
  if (!equal_constant_time(as_bytes(text), as_bytes(key_authorization))) {
    return Error(Errc::incorrect_response, where + " answered with " + std::to_string(body.size()) +
                                               " octets that are not the key authorization of this account");
  }
  return {};
}

}  // namespace lenscap::acme
