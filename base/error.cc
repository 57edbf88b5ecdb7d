#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace lenscap {
namespace {

struct Row {
  Errc code;
  std::string_view name;
  std::string_view id;  // once given, never changed and never used for anything else
};

constexpr Row kRows[] = {
    {Errc::account_does_not_exist, "account_does_not_exist", "E1001"},
    {Errc::already_replaced, "already_replaced", "E1002"},
    {Errc::already_revoked, "already_revoked", "E1003"},
    {Errc::bad_csr, "bad_csr", "E1004"},
    {Errc::bad_nonce, "bad_nonce", "E1005"},
    {Errc::bad_public_key, "bad_public_key", "E1006"},
    {Errc::bad_revocation_reason, "bad_revocation_reason", "E1007"},
    {Errc::bad_signature_algorithm, "bad_signature_algorithm", "E1008"},
    {Errc::caa, "caa", "E1009"},
    {Errc::compound, "compound", "E1010"},
    {Errc::connection, "connection", "E1011"},
    {Errc::dns, "dns", "E1012"},
    {Errc::external_account_required, "external_account_required", "E1013"},
    {Errc::incorrect_response, "incorrect_response", "E1014"},
    {Errc::invalid_contact, "invalid_contact", "E1015"},
    {Errc::invalid_profile, "invalid_profile", "E1016"},
    {Errc::malformed, "malformed", "E1017"},
    {Errc::not_found, "not_found", "E1018"},
    {Errc::method_not_allowed, "method_not_allowed", "E1019"},
    {Errc::payload_too_large, "payload_too_large", "E1020"},
    {Errc::unsupported_media_type, "unsupported_media_type", "E1021"},
    {Errc::order_not_ready, "order_not_ready", "E1022"},
    {Errc::rate_limited, "rate_limited", "E1023"},
    {Errc::rejected_identifier, "rejected_identifier", "E1024"},
    {Errc::internal, "internal", "E1025"},
    {Errc::tls, "tls", "E1026"},
    {Errc::account_deactivated, "account_deactivated", "E1027"},
    {Errc::unauthorized, "unauthorized", "E1028"},
    {Errc::unsupported_contact, "unsupported_contact", "E1029"},
    {Errc::unsupported_identifier, "unsupported_identifier", "E1030"},
    {Errc::user_action_required, "user_action_required", "E1031"},
    {Errc::key_in_use, "key_in_use", "E1032"},
    {Errc::unavailable, "unavailable", "E1033"},
    {Errc::no_issuer, "no_issuer", "E1041"},
    {Errc::usage, "usage", "E1034"},
    {Errc::settings, "settings", "E1035"},
    {Errc::file, "file", "E1036"},
    {Errc::wrong_passphrase, "wrong_passphrase", "E1037"},
    {Errc::unreachable, "unreachable", "E1038"},
    {Errc::needs_confirmation, "needs_confirmation", "E1039"},
    {Errc::conflict, "conflict", "E1040"},
};

Row const& find_row(Errc code) {
  for (auto const& row : kRows) {
    if (row.code == code) return row;
  }
  bug("an Errc without a row");
}

}  // namespace

std::string_view to_string(Errc code) { return find_row(code).name; }
std::string_view error_id(Errc code) { return find_row(code).id; }

std::vector<Errc> all_errcs() {
  std::vector<Errc> codes;
  for (auto const& row : kRows) codes.push_back(row.code);
  return codes;
}

Error Error::with_context(std::string_view prefix) && {
  detail_.insert(0, prefix);
  return std::move(*this);
}

void bug(char const* what, char const* file, int line) {
  std::fprintf(stderr, "lenscap: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace lenscap
