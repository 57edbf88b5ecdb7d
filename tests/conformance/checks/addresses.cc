// RFC 8738: IP identifiers. The responders' own address is the one that is ordered.
#include <algorithm>

#include "acme/wire/names.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

namespace names = acme::names;

Ordered address_order(Probe& p, Account const& account) {
  auto const answer = p.try_order(account, {{"ip", p.site.options.address}});
  if (answer.problem() == "unsupportedIdentifier") p.skip("the server knows no IP identifiers");
  p.require(answer.status == 201, "an order for " + p.site.options.address + " got " + std::to_string(answer.status) +
                                      " " + answer.problem());
  return {answer.header("Location"), answer};
}

void spelling(Probe& p) {
  auto& account = p.account();
  address_order(p, account);
  for (auto const* value : {"127.0.0.01", "127.1", "0x7f.0.0.1", "[::1]", "::0001", "0:0:0:0:0:0:0:1", "fe80::1%eth0",
                            "::ffff:127.0.0.1", "localhost", "127.0.0.1/32", "2001:DB8::1"})
    p.expect_problem(p.try_order(account, {{"ip", value}}), {},
                     {"malformed", "rejectedIdentifier", "unsupportedIdentifier", "compound"},
                     std::string("the ip value ") + value);
  p.expect_problem(p.try_order(account, {{"dns", p.site.options.address}}), {},
                   {"malformed", "rejectedIdentifier", "unsupportedIdentifier", "compound"},
                   "an address as a dns value");
}

// An account of its own, so that no authorization of another check is reused.
void to_the_address(Probe& p) {
  auto const account = p.make_account();
  auto const order = address_order(p, account);
  auto const before = p.site.dns ? p.site.dns->questions().size() : 0;
  p.prove(account, order);
  if (!p.site.dns) return;
  auto const questions = p.site.dns->questions();
  auto const asked =
      std::any_of(questions.begin() + static_cast<std::ptrdiff_t>(before), questions.end(), [&](DnsQuestion const& q) {
        return q.name.find(p.site.options.address) != std::string::npos || q.name.ends_with(".arpa");
      });
  p.expect(!asked, "the address was looked up in the DNS");
}

void host_field(Probe& p) {
  auto const account = p.make_account();
  auto const order = address_order(p, account);
  auto const authorization = p.authorization(account, order);
  auto const challenge = p.challenge(authorization, names::kHttp01);
  p.respond(account, p.site.options.address, challenge);
  p.require_ok(p.post(account, member_text(challenge, "url"), "{}"), "answering the challenge");
  auto const end = p.poll_status(account, order.answer.texts("authorizations")[0], {"valid", "invalid"}).text("status");
  p.expect(end == "valid", "http-01 of an address is " + end);
  auto const requests = p.site.web->requests(member_text(challenge, "token"));
  p.require(!requests.empty(), "nobody asked the address");
  auto const literal = x509::IpAddress::parse(p.site.options.address)->url_host();
  p.expect(requests[0].host == literal || requests[0].host == literal + ":" + std::to_string(p.site.web->port()),
           "the Host field is " + requests[0].host);
}

void reverse_server_name(Probe& p) {
  auto const account = p.make_account();
  auto const order = address_order(p, account);
  auto const authorization = p.authorization(account, order);
  auto const challenge = p.challenge(authorization, names::kTlsAlpn01);
  p.respond(account, p.site.options.address, challenge);
  p.require_ok(p.post(account, member_text(challenge, "url"), "{}"), "answering the challenge");
  auto const end = p.poll_status(account, order.answer.texts("authorizations")[0], {"valid", "invalid"}).text("status");
  p.expect(end == "valid", "tls-alpn-01 of an address is " + end);
  p.expect(!p.site.tls->handshakes(reverse_name(*x509::IpAddress::parse(p.site.options.address))).empty(),
           "the server name was not the reverse name of the address");
}

void no_dns_01(Probe& p) {
  auto const account = p.make_account();
  auto const authorization = p.authorization(account, address_order(p, account));
  p.expect(Probe::find_challenge(authorization, names::kDns01).empty(), "dns-01 is offered for an address");
  p.expect(authorization.json().find("wildcard") == nullptr, "the authorization of an address has the member wildcard");
}

void in_the_certificate(Probe& p) {
  auto const account = p.make_account();
  address_order(p, account);
  auto const name = p.fresh_name();
  auto const issued = p.issue(account, {{"ip", p.site.options.address}, {"dns", name}});
  auto const names_seen = issued.chain.front().names();
  p.expect(names_seen.ip.size() == 1 && names_seen.ip.begin()->text() == p.site.options.address,
           "the certificate has not the address as iPAddress");
  p.expect(names_seen.dns.size() == 1 && names_seen.dns.begin()->text() == name,
           "the certificate has not the name beside the address");
}

constexpr Check kAddressChecks[] = {
    {"8738-3-1", "an ip value is dotted decimal or RFC 5952 text; other spellings are refused", spelling},
    {"8738-4-1", "challenges go to the address itself, without DNS", to_the_address},
    {"8738-4-2", "the Host field of http-01 is the address text", host_field},
    {"8738-6-1", "tls-alpn-01 asks for the reverse name", reverse_server_name},
    {"8738-7-1", "dns-01 is never offered for an address", no_dns_01},
    {"8738-7-2", "the certificate carries an iPAddress; names and addresses mix", in_the_certificate},
};

}  // namespace

std::span<Check const> address_checks() { return kAddressChecks; }

}  // namespace lenscap::conformance
