// http-01 (RFC 8555 8.3): the key authorization stands at a path of port 80 of the name or address. Contacted is only
// an address that was looked at first, so a name cannot change its mind between the check and the connection.
// DIVERGENCE from 8555-8.3-1: redirects are not followed; cameras and agents need none, and each would be another way
// to aim this server at a third machine (RFC 8555 10.4).
#include <algorithm>

#include "acme/server/resolver.h"
#include "acme/server/validator.h"
#include "acme/wire/names.h"
#include "base/limits.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kAddressesTried = 4;

// 8555-8.3-1: white space after the key authorization is ignored.
std::string_view without_trailing_space(std::string_view text) {
  auto const end = text.find_last_not_of(" \t\r\n\v\f");
  return end == text.npos ? std::string_view() : text.substr(0, end + 1);
}

// Says what came in numbers, never in octets of the answer: the document must not become a window into a private
// network (RFC 8555 10.4).
Result<> judge(net::ClientResponse const& response, ChallengeToCheck const& challenge, std::string const& where) {
  if (response.status >= 300 && response.status < 400)
    return Error(Errc::incorrect_response,
                 where + " answered with status " + std::to_string(response.status) + "; redirects are not followed");
  if (response.status != 200)
    return Error(Errc::incorrect_response,
                 where + " answered with status " + std::to_string(response.status) + " instead of 200");
  auto const body = without_trailing_space(response.body);
  if (!equal_constant_time(as_bytes(body), as_bytes(challenge.key_authorization)))
    return Error(Errc::incorrect_response, where + " answered with " + std::to_string(response.body.size()) +
                                               " octets that are not the key authorization of this account");
  return {};
}

Error explain(Error const& error, std::string const& where) {
  if (error.code() == Errc::incorrect_response)
    return Error(Errc::incorrect_response, where + " sent no HTTP answer, or one of more than " +
                                               std::to_string(limits::kValidationBodyBytes) + " octets");
  return Error(Errc::connection, "no answer from " + where + ": no connection, or broken off, or silent for " +
                                     std::to_string(limits::kValidationDeadline.count()) +
                                     " s; is the port open and reachable from this server?");
}

}  // namespace

bool may_contact(x509::IpAddress const& address, std::vector<x509::IpBlock> const& may_reach) {
  auto const octets = address.octets();
  auto const starts_with = [&](std::initializer_list<int> prefix) {
    return std::equal(prefix.begin(), prefix.end(), octets.begin());
  };
  if (address.is_v6()) {
    if (std::all_of(octets.begin(), octets.end() - 1, [](auto octet) { return octet == 0; }) && octets[15] == 0)
      return false;                                                             // ::
    if (octets[0] == 0xff) return false;                                        // multicast
    if (starts_with({0x00, 0x64, 0xff, 0x9b})) return false;                    // NAT64: IPv4 in disguise
    if (starts_with({0x20, 0x02})) return false;                                // 6to4
    if (starts_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return false;  // IPv4-mapped
  } else if (octets[0] == 0 || octets[0] >= 224) {
    return false;  // "this network", multicast, reserved, broadcast
  }
  return std::any_of(may_reach.begin(), may_reach.end(), [&](auto const& block) { return block.contains(address); });
}

net::Awaitable<Result<>> validate_http_01(ValidationTools& tools, ChallengeToCheck challenge) {
  std::vector<x509::IpAddress> addresses;
  std::string host;
  if (auto const* ip = challenge.identifier.ip()) {
    addresses.push_back(*ip);
    host = ip->url_host();  // with brackets for IPv6, also in Host
  } else {
    auto const& name = *challenge.identifier.dns();
    host = name.text();
    auto found = co_await tools.resolver.addresses(name, limits::kValidationDeadline);
    if (!found) co_return std::move(found).error();
    addresses = *std::move(found);
  }

  Result<> outcome = Error(Errc::connection, host +
                                                 " has no address that this server may contact; the settings' "
                                                 "acme.may_reach lists the networks");
  std::size_t tried = 0;
  for (auto const& address : addresses) {
    if (!may_contact(address, tools.may_reach)) continue;
    if (++tried > kAddressesTried) break;
    auto const port = std::to_string(tools.http_port);
    auto const where = host + " (" + address.text() + ", port " + port + ")";
    net::ClientRequest request;
    request.url = "http://" + host + (tools.http_port == 80 ? "" : ":" + port) + std::string(names::kHttp01Path) +
                  challenge.token;
    request.connect_to = address.url_host() + ":" + port;
    request.headers.add("Accept-Encoding", "identity");
    request.headers.add("User-Agent", "lenscap-ca (ACME http-01 validation)");
    request.fresh_connection = true;
    request.connect_timeout = std::chrono::seconds(5);
    request.total_timeout = limits::kValidationDeadline;
    request.body_bytes_max = limits::kValidationBodyBytes;
    auto response = co_await tools.http.fetch(std::move(request));
    if (response) co_return judge(*response, challenge, where);
    outcome = explain(response.error(), where);
    if (response.error().code() != Errc::unreachable) break;  // IPv4 when IPv6 gives no connection, not otherwise
  }
  co_return outcome;
}

}  // namespace lenscap::acme
