#include "acme/wire/problem.h"

#include <algorithm>
#include <array>
#include <optional>

#include "acme/wire/identifier.h"
#include "acme/wire/jws.h"
#include "acme/wire/names.h"
#include "acme/wire/read_members.h"
#include "base/limits.h"

namespace lenscap::acme {
namespace {

struct Row {
  Errc code;
  std::string_view type;
  int status;
  bool tell = true;  // may the detail be shown to the other side?
};

// In the order of RFC 8555 6.7. Where several rows share a type, the first is what the type means by itself, and the
// HTTP status tells the others apart.
constexpr std::array kRows{
    Row{Errc::account_does_not_exist, "accountDoesNotExist", 400},  // 7.3.1
    Row{Errc::already_replaced, "alreadyReplaced", 409},            // RFC 9773
    Row{Errc::already_revoked, "alreadyRevoked", 400},
    Row{Errc::bad_csr, "badCSR", 400},
    Row{Errc::bad_nonce, "badNonce", 400},  // 8555-6.5-5
    Row{Errc::bad_public_key, "badPublicKey", 400},
    Row{Errc::bad_revocation_reason, "badRevocationReason", 400},
    Row{Errc::bad_signature_algorithm, "badSignatureAlgorithm", 400},
    Row{Errc::caa, "caa", 403},
    Row{Errc::compound, "compound", 400},  // else that of the gravest part
    Row{Errc::connection, "connection", 400},
    Row{Errc::dns, "dns", 400},
    Row{Errc::external_account_required, "externalAccountRequired", 403},
    Row{Errc::incorrect_response, "incorrectResponse", 400},
    Row{Errc::invalid_contact, "invalidContact", 400},
    Row{Errc::invalid_profile, "invalidProfile", 400},  // profiles draft: the one type that IANA does not list
    Row{Errc::malformed, "malformed", 400},
    Row{Errc::not_found, "malformed", 404},
    Row{Errc::method_not_allowed, "malformed", 405},      // 8555-6.3-1
    Row{Errc::payload_too_large, "malformed", 413},       // 8555-6.2-19
    Row{Errc::unsupported_media_type, "malformed", 415},  // 8555-6.2-17
    Row{Errc::order_not_ready, "orderNotReady", 403},     // 8555-7.4-7
    Row{Errc::rate_limited, "rateLimited", 429},          // 8555-6.6-1
    Row{Errc::rejected_identifier, "rejectedIdentifier", 403},
    Row{Errc::internal, "serverInternal", 500, false},
    Row{Errc::tls, "tls", 400},
    Row{Errc::account_deactivated, "unauthorized", 401},  // 8555-7.3.6-2
    Row{Errc::unauthorized, "unauthorized", 403},
    Row{Errc::unsupported_contact, "unsupportedContact", 400},
    Row{Errc::unsupported_identifier, "unsupportedIdentifier", 403},
    Row{Errc::user_action_required, "userActionRequired", 403},  // 8555-7.3.3-1
    Row{Errc::key_in_use, "malformed", 409},                     // 8555-7.3.5-4
    Row{Errc::unavailable, "serverInternal", 503},               // what a client takes any 503 of this type for
    Row{Errc::no_issuer, "serverInternal", 503},
    // Codes that never cross the network; one that does is our mistake and tells nothing.
    Row{Errc::usage, "serverInternal", 500, false},
    Row{Errc::settings, "serverInternal", 500, false},
    Row{Errc::file, "serverInternal", 500, false},
    Row{Errc::wrong_passphrase, "serverInternal", 500, false},
    Row{Errc::unreachable, "serverInternal", 500, false},
    Row{Errc::needs_confirmation, "serverInternal", 500, false},
    Row{Errc::conflict, "serverInternal", 500, false},
};

Row const& row(Errc code) {
  for (auto const& candidate : kRows) {
    if (candidate.code == code) return candidate;
  }
  bug("an Errc without a row in the problem table");
}

std::string shown_detail(Errc code, std::string const& detail) {
  return row(code).tell ? detail : "the server met an error of its own; its log tells more under the request's id";
}

// Several rows share "unauthorized"; alone it means this.
constexpr Errc kUnauthorized = Errc::unauthorized;

Errc code_by_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return Errc::unauthorized;
    case 404:
      return Errc::not_found;
    case 405:
      return Errc::method_not_allowed;
    case 413:
      return Errc::payload_too_large;
    case 415:
      return Errc::unsupported_media_type;
    case 429:
      return Errc::rate_limited;
    case 502:
    case 503:
    case 504:
      return Errc::unavailable;
    default:
      return status >= 500 ? Errc::internal : Errc::malformed;
  }
}

// `status` 0: not known.
std::optional<Errc> code_by_type(std::string_view type, int status) {
  if (!type.starts_with(names::kErrorUrn)) return std::nullopt;
  type.remove_prefix(names::kErrorUrn.size());
  std::optional<Errc> by_type;
  for (auto const& candidate : kRows) {
    if (candidate.type != type) continue;
    if (candidate.status == status) return candidate.code;
    if (!by_type || candidate.code == kUnauthorized) by_type = candidate.code;
  }
  return by_type;
}

// A text of the other side, fit for a log line or a terminal.
std::string tame(std::string_view text) {
  constexpr std::size_t kOctetsMax = 1024;
  constexpr std::string_view kCut = "...";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // C1 control characters in UTF-8
      out += ' ';
      ++i;
    } else {
      out += c < 0x20 || c == 0x7f ? ' ' : text[i];
    }
  }
  if (out.size() <= kOctetsMax) return out;
  std::size_t end = kOctetsMax - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;  // not inside a character
  out.resize(end);
  return out.append(kCut);
}

std::string text_member(json::Object const& object, std::string_view name) {
  auto const* value = object.find(name);
  auto const* text = value != nullptr ? value->as_string() : nullptr;
  return text != nullptr ? tame(*text) : std::string();
}

SubError read_subproblem(json::Object const& object) {
  SubError sub;
  sub.code = code_by_type(text_member(object, "type"), 0).value_or(Errc::malformed);
  sub.detail = text_member(object, "detail");
  auto const* value = object.find("identifier");
  if (auto const* identifier = value != nullptr ? value->as_object() : nullptr) {
    sub.identifier_type = text_member(*identifier, "type");
    sub.identifier_value = text_member(*identifier, "value");
  }
  return sub;
}

}  // namespace

int http_status(Error const& error) {
  if (error.code() != Errc::compound || error.sub.empty()) return row(error.code()).status;
  int gravest = 0;
  for (auto const& sub : error.sub) gravest = std::max(gravest, row(sub.code).status);
  return gravest;
}

std::string problem_type(Errc code) { return std::string(names::kErrorUrn) + std::string(row(code).type); }

json::Object to_problem(Error const& error) {
  json::Object document{{"type", problem_type(error.code())},
                        {"detail", shown_detail(error.code(), error.detail())},
                        {"status", http_status(error)}};
  if (error.code() == Errc::bad_signature_algorithm) {  // 8555-6.2-12
    std::vector<std::string> algorithms;
    for (auto const& algorithm : signature_algorithms()) algorithms.emplace_back(algorithm.name);
    document.set("algorithms", json::Value::strings(algorithms));
  }
  if (error.code() == Errc::user_action_required && !error.url.empty()) document.set("instance", error.url);
  if (!error.sub.empty()) {
    json::Array parts;
    for (auto const& sub : error.sub) {
      json::Object part{{"type", problem_type(sub.code)}, {"detail", shown_detail(sub.code, sub.detail)}};
      if (!sub.identifier_type.empty()) {
        part.set("identifier", json::Object{{"type", sub.identifier_type}, {"value", sub.identifier_value}});
      }
      parts.emplace_back(std::move(part));
    }
    document.set("subproblems", std::move(parts));
  }
  return document;
}

Error read_problem(json::Object const& document, int http_status) {
  int status = http_status;
  if (auto const* value = document.find("status"); status == 0 && value != nullptr) {
    auto const* number = value->as_int();
    if (number != nullptr && *number >= 100 && *number <= 599) status = static_cast<int>(*number);
  }
  auto const type = text_member(document, "type");
  auto const code = code_by_type(type, status);
  auto detail = text_member(document, "detail");
  if (detail.empty()) detail = text_member(document, "title");
  if (detail.empty()) detail = "no detail was given" + (status != 0 ? " (HTTP " + std::to_string(status) + ")" : "");
  Error error(code.value_or(code_by_status(status)),
              code || type.empty() ? std::move(detail) : tame(type + ": " + detail));
  error.url = text_member(document, "instance");
  auto const* value = document.find("subproblems");
  if (auto const* parts = value != nullptr ? value->as_array() : nullptr) {
    for (auto const& part : *parts) {
      if (error.sub.size() == limits::kNamesPerOrder) break;
      if (auto const* object = part.as_object()) error.sub.push_back(read_subproblem(*object));
    }
  }
  return error;
}

Error read_problem(std::string_view body, int http_status) {
  auto const document = json::parse_object(body, kObjectLimits);
  if (document.ok()) return read_problem(*document, http_status);
  return Error(code_by_status(http_status),
               "the server answered " + std::to_string(http_status) + " without a problem document");
}

}  // namespace lenscap::acme
