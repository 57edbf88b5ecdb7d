#include "acme/wire/status.h"

#include <array>
#include <string>
#include <utility>

namespace lenscap::acme {
namespace {

template <class Status>
using Row = std::pair<Status, std::string_view>;

constexpr std::array kAccount{
    Row<AccountStatus>{AccountStatus::valid, "valid"},
    Row<AccountStatus>{AccountStatus::deactivated, "deactivated"},
    Row<AccountStatus>{AccountStatus::revoked, "revoked"},
};
constexpr std::array kOrder{
    Row<OrderStatus>{OrderStatus::pending, "pending"},       Row<OrderStatus>{OrderStatus::ready, "ready"},
    Row<OrderStatus>{OrderStatus::processing, "processing"}, Row<OrderStatus>{OrderStatus::valid, "valid"},
    Row<OrderStatus>{OrderStatus::invalid, "invalid"},
};
constexpr std::array kAuthorization{
    Row<AuthorizationStatus>{AuthorizationStatus::pending, "pending"},
    Row<AuthorizationStatus>{AuthorizationStatus::valid, "valid"},
    Row<AuthorizationStatus>{AuthorizationStatus::invalid, "invalid"},
    Row<AuthorizationStatus>{AuthorizationStatus::deactivated, "deactivated"},
    Row<AuthorizationStatus>{AuthorizationStatus::expired, "expired"},
    Row<AuthorizationStatus>{AuthorizationStatus::revoked, "revoked"},
};
constexpr std::array kChallenge{
    Row<ChallengeStatus>{ChallengeStatus::pending, "pending"},
    Row<ChallengeStatus>{ChallengeStatus::processing, "processing"},
    Row<ChallengeStatus>{ChallengeStatus::valid, "valid"},
    Row<ChallengeStatus>{ChallengeStatus::invalid, "invalid"},
};

template <class Table, class Status>
std::string_view text_of(Table const& table, Status status) {
  for (auto const& [value, text] : table) {
    if (value == status) return text;
  }
  bug("unknown status");
}

template <class Status, class Table>
Result<Status> status_of(Table const& table, std::string_view text, char const* what) {
  for (auto const& [value, name] : table) {
    if (name == text) return value;
  }
  return Error(Errc::malformed, std::string("status: not one that ") + what + " can have");
}

}  // namespace

std::string_view to_string(AccountStatus status) { return text_of(kAccount, status); }
std::string_view to_string(OrderStatus status) { return text_of(kOrder, status); }
std::string_view to_string(AuthorizationStatus status) { return text_of(kAuthorization, status); }
std::string_view to_string(ChallengeStatus status) { return text_of(kChallenge, status); }

Result<AccountStatus> parse_account_status(std::string_view text) {
  return status_of<AccountStatus>(kAccount, text, "an account");
}
Result<OrderStatus> parse_order_status(std::string_view text) {
  return status_of<OrderStatus>(kOrder, text, "an order");
}
Result<AuthorizationStatus> parse_authorization_status(std::string_view text) {
  return status_of<AuthorizationStatus>(kAuthorization, text, "an authorization");
}
Result<ChallengeStatus> parse_challenge_status(std::string_view text) {
  return status_of<ChallengeStatus>(kChallenge, text, "a challenge");
}

}  // namespace lenscap::acme
