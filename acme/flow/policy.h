// What may be asked for: scopes of accounts, EAB keys, and the server's own settings for orders, as values made from
// configuration. Nothing here knows time, stores or HTTP.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/wire/identifier.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/x509/name_constraints.h"

namespace lenscap::acme {

// What an account may ask for. A name that both lists hold is granted; one that neither holds is refused.
struct Scope {
  // Authorizations for these are born valid: the account is an agent that looks after the named devices.
  std::vector<x509::DnsName> grant_dns = {};  // each stands for itself and every name below it
  std::vector<x509::IpBlock> grant_ip = {};
  // These are proved by an ordinary challenge.
  std::vector<x509::DnsName> prove_dns = {};
  std::vector<x509::IpBlock> prove_ip = {};
  std::vector<std::string> profiles =
      {};                   // the first is the default; empty: the policy's first that takes no names from the order
  std::string issuer = {};  // nothing but this one signs, or what has taken its place; empty: whichever the CA chooses
  std::optional<Time> issue_until = {};            // no orders and no finalize from this moment on
  std::optional<std::size_t> live_names_max = {};  // names with an unexpired, unrevoked certificate

  bool operator==(Scope const&) const = default;
};

// A suffix of a scope: a name that stands for itself and all below it. Errc::malformed for a wildcard, which would
// stand for nothing: names are compared with its base.
Result<x509::DnsName> parse_suffix(std::string_view text);

enum class Access { grant, prove, refuse };

// A wildcard counts as its base: whoever may name the whole suffix may name one level of it.
Access access(Scope const& scope, Identifier const& identifier);

enum class EabUse { single, many };

// An external account key as it is kept, without its MAC key (which is sealed and handled apart).
struct EabKey {
  std::string kid = {};
  Scope scope = {};
  std::optional<Time> bind_by = {};  // until when it may bind an account
  EabUse use = EabUse::single;
  std::size_t accounts = 0;  // how many it bound
  bool revoked = false;      // binds nothing any more, and its accounts may order nothing
  Time created{};

  bool operator==(EabKey const&) const = default;
};

// A challenge type that the server can validate; the rows come from the table of validators.
struct ChallengeOffer {
  std::string type = {};
  bool dns = false;
  bool ip = false;
  bool wildcard = false;

  bool operator==(ChallengeOffer const&) const = default;
};

// In which part of its lifetime a certificate is to be renewed (RFC 9773).
struct RenewalRule {
  int from_percent = 60;
  int until_percent = 73;

  bool operator==(RenewalRule const&) const = default;
};

// What becomes of an order whose `replaces` is of no use: the certificate is unknown, another account's, or has no name
// in common with it. RFC 9773 5 would have it refused; clients send it after they changed servers or accounts, and
// then would never renew again.
enum class ReplacesPolicy { lenient, strict };

// Is a valid authorization of the account used again for a new order? Usually as long as it lives for some time yet;
// `always`, until its last second; `never`, not at all. Only for tests of clients (see acme/server/chaos.h) anything
// but `usual`.
enum class ReusePolicy { usual, always, never };

// A certificate profile, as far as orders care.
struct ProfileRule {
  std::string name = {};
  bool names_from_order = false;    // a CSR that lacks some takes the order's names
  bool one_device_per_key = false;  // a key that the account uses for other names is refused, too
  bool allow_ed25519 = false;       // for the certificate's key
  Seconds lifetime = limits::kLeafLifetime;
  Seconds backdate = limits::kBackdate;
  RenewalRule renewal = {};

  bool operator==(ProfileRule const&) const = default;
};

// What can stand in a certificate of an issuer: refused before anything is tried is what cannot.
struct IssuerReach {
  std::string only = {};                                // the scope names it; empty: it is the CA's own choice
  std::vector<x509::NameConstraints> constraints = {};  // a name has to pass them all
  Time begins = Time::min(), ends = Time::max();        // validity of its chain, both ends included

  bool operator==(IssuerReach const&) const = default;
};

struct Policy {
  bool eab_required = true;
  std::optional<Scope> open_scope = {};     // accounts without an EAB key, when eab_required is false
  std::vector<ProfileRule> profiles = {};   // known profiles
  std::vector<ChallengeOffer> offers = {};  // in the order in which they are listed to clients
  IssuerReach issuer = {};                  // what counts for scopes that name none
  std::string terms_of_service = {};        // URL; empty: nothing to agree to
  bool allow_wildcards = false;
  ReplacesPolicy replaces = ReplacesPolicy::lenient;
  ReusePolicy reuse = ReusePolicy::usual;

  std::size_t identifiers_max = limits::kNamesPerOrder;
  std::size_t pending_orders_max = limits::kPendingOrdersPerAccount;  // an account
  Seconds pending_lifetime = limits::kPendingLifetime;                // orders, and authorizations to be proved
  Seconds granted_lifetime = limits::kGrantedAuthorizationLifetime;
  Seconds proved_lifetime = limits::kProvedAuthorizationLifetime;
  int validation_attempts = limits::kValidationAttempts;

  ProfileRule const* find_profile(std::string_view name) const;  // nullptr: unknown
};

// The scope that counts for an account now: its EAB key's, or the open one. `key` is the EAB key of an account that has
// one, as it is in the store now. Errc::unauthorized when the key is revoked or gone, or when accounts without a key
// may not order any more. The pointer lives as long as its source.
Result<Scope const*> scope_for(std::string const& eab_kid, EabKey const* key, Policy const& policy);

// What the issuer of an account's orders can: `own` of the issuer that the scope names (it has to be there then). Where
// it names none, `own` of one that has taken the first issuer's place, else the policy's. The reference lives as long
// as its source.
IssuerReach const& reach_for(Scope const& scope, std::optional<IssuerReach> const& own, Policy const& policy);

}  // namespace lenscap::acme
