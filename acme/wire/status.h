// The statuses of RFC 8555 7.1.6 and their texts. Which may follow which is in acme/flow.
// A text that is not registered is refused (8555-7.1.6-1).
#pragma once

#include <string_view>

#include "base/result.h"

namespace lenscap::acme {

enum class AccountStatus { valid, deactivated, revoked };
enum class OrderStatus { pending, ready, processing, valid, invalid };
enum class AuthorizationStatus { pending, valid, invalid, deactivated, expired, revoked };
enum class ChallengeStatus { pending, processing, valid, invalid };

std::string_view to_string(AccountStatus status);
std::string_view to_string(OrderStatus status);
std::string_view to_string(AuthorizationStatus status);
std::string_view to_string(ChallengeStatus status);

// Errc::malformed.
Result<AccountStatus> parse_account_status(std::string_view text);
Result<OrderStatus> parse_order_status(std::string_view text);
Result<AuthorizationStatus> parse_authorization_status(std::string_view text);
Result<ChallengeStatus> parse_challenge_status(std::string_view text);

}  // namespace lenscap::acme
