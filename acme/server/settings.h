// ca.toml: what the operator decided, read at the start and at a reload, and checked as a whole. An unknown key is an
// error. Paths are relative to the state directory. No secret stands in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/caa_rules.h"
#include "acme/flow/policy.h"
#include "acme/flow/retention_rules.h"
#include "acme/server/chaos.h"
#include "acme/server/rate_limits.h"
#include "acme/server/resolver.h"
#include "acme/server/urls.h"
#include "acme/wire/order.h"
#include "base/config.h"
#include "base/limits.h"
#include "base/x509/name.h"
#include "ca/crl_schedule.h"
#include "ca/name_rules.h"
#include "ca/signing_cap.h"
#include "store/store.h"

namespace lenscap::acme {

struct Endpoint {
  std::string address;  // text of an IP address, without brackets
  unsigned short port = 0;
  bool operator==(Endpoint const&) const = default;
};
Result<Endpoint> parse_endpoint(std::string_view text);  // "0.0.0.0:443", "[::]:443"
std::string to_string(Endpoint const& endpoint);

struct CrlSettings {
  bool is_served = true;                // serve; never where server.http is empty
  ca::CrlPlan plan;                     // lifetime, after_revocation
  unsigned shards = 1;                  // 1: one whole list
  bool revokes_possibly_issued = true;  // revoke_possibly_issued: what was perhaps signed before a start, and got lost
};

struct OcspSettings {
  bool is_served = false;        // serve; never where server.http is empty
  Seconds lifetime{12 * kHour};  // of an answer
};

struct SignerSettings {
  bool process = true;     // a process of its own has the key; false: this one
  std::string socket;      // where that process listens, which then is another user's; empty: it is started
  std::string front_user;  // who may connect there: a name or a number; empty: the signer's own user
  ca::SigningCaps caps;    // per_minute, per_day; of that process
};

struct Settings {
  std::string state_dir;

  // [server]
  Urls urls;                                       // url
  std::vector<Endpoint> listen;                    // TLS: ACME
  std::vector<Endpoint> http;                      // plain HTTP: roots, AIA, CRL, health; nothing of ACME (8555-6.1-1)
  std::vector<Endpoint> metrics;                   // plain HTTP: /metrics alone; empty: nowhere
  std::size_t connections = limits::kConnections;  // to each endpoint
  std::size_t connections_per_address = limits::kConnectionsPerAddress;  // an IPv6 /64 counts as one
  Seconds idle = limits::kIdleDeadline;                                  // between two requests

  // [ca]
  std::string ca_name;
  std::string ca_key;                              // see ca/key_holder.h
  std::string ca_passphrase;                       // where it comes from: see base/passphrase.h
  std::vector<std::string> permit_dns, permit_ip;  // bind an intermediate; of another CA its certificates say it
  ca::NameRules name_rules;                        // permit_email and so on, likewise
  std::vector<std::string> profiles;  // offered: names of STATE/profiles/NAME.toml; the first is the default

  // [acme]
  bool eab_required = true;
  std::string terms_of_service;  // URL; another one asks for agreement anew (8555-7.3.3-1); empty: none
  std::vector<std::string> challenges;
  bool allow_wildcards = false;
  std::size_t pending_orders = limits::kPendingOrdersPerAccount;
  ReplacesPolicy replaces = ReplacesPolicy::lenient;
  Retention retention;        // keep_orders, keep_unused_accounts
  Seconds finalize_wait{15};  // for a slow key holder; then finalize answers `processing`
  CsrPadding csr_padding = CsrPadding::refuse;
  unsigned short http_port = 80;         // where http-01 looks
  unsigned short tls_port = 443;         // where tls-alpn-01 looks
  bool redirects = false;                // whether http-01 follows them
  ResolverOptions resolver;              // resolver, resolver_tcp, dnssec, dnssec_anchors
  std::vector<x509::IpBlock> may_reach;  // networks that validation may contact; empty: none
  CaaMode caa = CaaMode::off;
  std::vector<std::string> caa_identities;  // what CAA records call this CA; never empty unless caa is off
  Scope open_scope;                         // [acme.open]: of accounts without a key, when eab_required is false
  bool root_in_chain = false;               // does a chain end with the root, unless another is asked for? (8555-9.1-1)
  std::string help_url;                     // page about the limits, for who meets one (8555-6.6-2); empty: none
  RateLimitSettings limits;                 // [acme.limits]
  bool cors = false;                        // may scripts of any web page read the answers?

  CrlSettings crl;        // [crl]
  OcspSettings ocsp;      // [ocsp]
  SignerSettings signer;  // [signer]

  // [store]
  std::string store_url;
  std::uint64_t store_size_max = store::kGrowsTo;           // octets; near it nothing new is begun
  std::uint64_t free_space_min = std::uint64_t{256} << 20;  // octets; 0: whatever the disk has left
  std::uint64_t ballast = std::uint64_t{64} << 20;          // octets; 0: none (ballast.h)

  ChaosSettings chaos;  // [chaos]

  // "http://host[:port]": base of the plain HTTP URLs, by the port of the first; empty when `http` is.
  std::string http_url() const;
  std::string profile_file(std::string_view name) const;

 private:
  friend Result<Settings> read_settings(config::Reader reader, std::string state_dir);
  friend std::vector<std::string> known_settings();
  static Result<Settings> read(config::Reader& reader, std::string state_dir);
  explicit Settings(Urls urls_) : urls(std::move(urls_)) {}
};

// Errc::settings: "ca.toml:3:7: ..." saying what is expected.
Result<Settings> read_settings(config::Reader reader, std::string state_dir);
// Every key that ca.toml may have: "acme.eab_required".
std::vector<std::string> known_settings();
Result<Settings> load_settings(std::string const& file, std::string state_dir);

}  // namespace lenscap::acme
