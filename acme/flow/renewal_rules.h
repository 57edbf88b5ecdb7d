// Renewal information on the server's side (RFC 9773): when a certificate's owner is asked to renew it, and what an
// order's `replaces` is worth. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/policy.h"

namespace lenscap::acme {

struct SuggestedWindow {
  Time start;
  Time end;             // after start, always (9773-4.2-1)
  Seconds retry_after;  // when to ask again (9773-4.3-1)

  bool operator==(SuggestedWindow const&) const = default;
};

// The part of the certificate's lifetime that its profile names; the same for every client at every time, so that
// clients spread themselves over it. A revoked one has a window in the past: renew now (9773-4.2-2).
SuggestedWindow suggested_window(Time not_before, Time not_after, std::optional<Time> revoked, RenewalRule const& rule,
                                 Time now);

// The certificate that `replaces` names, as far as it is ours.
struct Predecessor {
  std::string account_id = {};               // that ordered it
  std::vector<Identifier> identifiers = {};  // it holds
  std::string replaced_by = {};              // order that replaces it already and is not invalid; empty: none
  std::string profile = {};                  // of the certificate, with what decides on its window
  Time not_before{};
  Time not_after{};
  std::optional<Time> revoked = {};
};

struct Replacement {
  std::string replaces = {};  // to be kept in the order and shown; empty when `ignored` says why not
  std::string ignored = {};
};

// `asked` is the text of the request; `predecessor` what the store knows under it, nothing when there is no such
// certificate of ours or the text is no identifier of one.
//   Errc::already_replaced  whatever the policy: another order has it (9773-5-2)
//   Errc::malformed, unauthorized  not a certificate of ours, of this account, or with a name of this order; only with
//                           ReplacesPolicy::strict, otherwise the order goes on without `replaces` (9773-5-3)
Result<Replacement> judge_replaces(std::string const& asked, std::optional<Predecessor> const& predecessor,
                                   std::string const& account_id, std::vector<Identifier> const& identifiers,
                                   Policy const& policy);

// Is an order for these identifiers the renewal that was suggested: for nothing but what the certificate holds, and
// between the beginning of its window and its end? After the window it is urgent, and before a revoked one's end as
// well. Such orders are free of rate limits (RFC 9773 5); `predecessor` is one that judge_replaces took.
bool is_timely_renewal(Predecessor const& predecessor, std::vector<Identifier> const& identifiers, Policy const& policy,
                       Time now);

}  // namespace lenscap::acme
