// The revocation list of a root (RFC 5280 5): which certificates that its key signed are not to be believed any more,
// those of issuers and those by which roots vouch for each other. A person makes one whenever the root's key is at
// hand, so it is good for long; and it is all that is kept, since the next goes on from what the last one says. Pure:
// key, former list and time are parameters. It does NOT know where lists lie: root_crl_file.h does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ca/ledger_visits.h"

namespace lenscap::ca {

struct RootCrl {
  Bytes der = {};
  std::string tag = {};  // hex: tells it from every other list, also of its own number
  std::uint64_t number = 0;
  Time this_update{};
  Time next_update{};
  std::vector<RevokedCertificate> revoked = {};  // for good; their not_after is not known

  RevokedCertificate const* find(std::string_view serial_hex) const;  // nullptr: it is not revoked
};

constexpr Seconds kRootCrlLifetime = 365 * kDay;
// Less, and the root's key never comes to rest; more, and an old list that somebody shows again is believed too long.
constexpr Seconds kRootCrlLifetimeMin = 30 * kDay;
constexpr Seconds kRootCrlLifetimeMax = 5 * 365 * kDay;

// How near a list's end is. A person has to bring the root's key, which takes weeks.
enum class RootCrlAge {
  fresh,
  ending,  // in 90 days or less; of one that lives for less than a year, in the last quarter of its time
  urgent,  // in 30 days or less; likewise a third of that
  ended,
};
RootCrlAge age_at(Time this_update, Time next_update, Time now);

// Our own list of this root, of DER. Errc::settings when it is another's, damaged, a part or a difference, or says
// something that no list of ours does.
Result<RootCrl> parse_root_crl(ByteView der, x509::Certificate const& root);

struct RootRevocation {
  std::string serial_hex;
  std::optional<x509::RevocationReason> reason = {};
};

// The next list: with all that `last` has, and these. It begins a day back, as what roots sign does, and ends after
// `lifetime`, but never with the root still to follow; an entry bears the time at which its first list begins, since no
// list tells of what came after it. Its number is above the last one's, and not below the time in seconds: so it rises
// also where the last list was lost. Errc::conflict for a key that is not the root's, usage for a lifetime outside the
// bounds, already_revoked, settings when the root is not valid now, and unavailable when the clock stands before the
// last list.
Result<RootCrl> make_root_crl(x509::Certificate const& root, x509::PrivateKey const& key,
                              std::optional<RootCrl> const& last, std::vector<RootRevocation> const& more,
                              Seconds lifetime, Time now);

}  // namespace lenscap::ca
