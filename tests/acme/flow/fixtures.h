// Values that the tests of this folder share: a policy, an account, a scope, and orders in every status.
#pragma once

#include "acme/flow/authz_rules.h"
#include "acme/flow/order_rules.h"

namespace lenscap::acme::test {

inline Time const kNow = from_unix(1'800'000'000);

inline x509::DnsName dns(std::string_view text) { return x509::DnsName::parse(text).value(); }
inline x509::IpAddress ip(std::string_view text) { return x509::IpAddress::parse(text).value(); }
inline x509::IpBlock block(std::string_view text) { return x509::IpBlock::parse(text).value(); }
inline Identifier id_of(std::string_view host) {
  return host.starts_with("*.") ? Identifier(dns(host)) : Identifier::from_host(host).value();
}

inline x509::PrivateKey const& account_private_key() {
  static auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  return key;
}
inline x509::PrivateKey const& device_private_key() {
  static auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  return key;
}

inline Account account(std::string id = "account-1") {
  return {.id = std::move(id),
          .key = account_private_key().public_key(),
          .status = AccountStatus::valid,
          .contact = {"mailto:video@example.org"},
          .terms_of_service_agreed = false,
          .terms_of_service = {},
          .eab_kid = "agent-7",
          .external_account_binding = {},
          .created = kNow - kDay};
}

// Grants cams.example and 10.20.0.0/16; lets lab.example and 10.30.0.0/16 be proved.
inline Scope scope() {
  Scope s;
  s.grant_dns = {dns("cams.example")};
  s.grant_ip = {block("10.20.0.0/16")};
  s.prove_dns = {dns("lab.example")};
  s.prove_ip = {block("10.30.0.0/16")};
  s.profiles = {"camera-https", "camera-soap"};
  return s;
}

inline Policy policy() {
  Policy p;
  p.profiles = {{.name = "camera-https"}, {.name = "camera-soap", .names_from_order = true}, {.name = "other"}};
  p.offers = {{.type = "http-01", .dns = true, .ip = true, .wildcard = false}};
  return p;
}

inline NewOrderRequest request(std::initializer_list<std::string_view> hosts) {
  NewOrderRequest r;
  for (auto host : hosts) r.identifiers.push_back(id_of(host));
  return r;
}

inline NewOrder order_of(std::initializer_list<std::string_view> hosts, OrderContext const& context = {}) {
  return new_order(account(), scope(), request(hosts), context, policy(), kNow).value();
}

// An authorization of one identifier, with one challenge that fits its status.
inline Authorization authorization(AuthorizationStatus status, std::string_view host = "cam1.lab.example",
                                   std::string id = "authz-1") {
  auto const challenge = status == AuthorizationStatus::pending   ? ChallengeStatus::processing
                         : status == AuthorizationStatus::invalid ? ChallengeStatus::invalid
                                                                  : ChallengeStatus::valid;
  Challenge c{.id = "1", .type = "http-01", .token = "dG9rZW50b2tlbnRva2VudG9rZW4", .status = challenge};
  if (challenge == ChallengeStatus::invalid) c.error = Error(Errc::connection, "nobody answered");
  return {.id = std::move(id),
          .account_id = "account-1",
          .identifier = id_of(host).base(),
          .wildcard = host.starts_with("*."),
          .status = status,
          .created = kNow,
          .expires = kNow + kHour,
          .challenges = {c},
          .granted = {}};
}

inline Order order(OrderStatus status) {
  Order o;
  o.id = "order-1";
  o.account_id = "account-1";
  o.status = status;
  o.created = kNow;
  o.expires = kNow + kHour;
  o.identifiers = {id_of("cam1.lab.example")};
  o.authorizations = {"authz-1"};
  o.profile = "camera-https";
  if (status == OrderStatus::valid) o.certificate = "cert-1";
  if (status == OrderStatus::invalid) o.error = Error(Errc::connection, "nobody answered");
  return o;
}

}  // namespace lenscap::acme::test
