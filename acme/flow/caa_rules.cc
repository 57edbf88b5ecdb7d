#include "acme/flow/caa_rules.h"

#include <algorithm>

#include "acme/flow/dns_records.h"

namespace lenscap::acme {
namespace {

constexpr Seconds kLookUpCounts{8 * kHour};  // as the CA/Browser Forum has it

constexpr std::string_view kIssue = "issue";
constexpr std::string_view kIssueWild = "issuewild";
constexpr std::string_view kIodef = "iodef";

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// A label of a host name, a parameter's tag, and a validation method have one form.
bool is_label(std::string_view text) {
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::string_view trim(std::string_view text) {
  auto const begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Calls `take` with each part of a list; false as soon as it says so.
template <class Take>
bool each_part(std::string_view list, char separator, Take const& take) {
  for (;;) {
    auto const end = list.find(separator);
    if (!take(list.substr(0, end))) return false;
    if (end == list.npos) return true;
    list.remove_prefix(end + 1);
  }
}

// RFC 8659 4.2: issuer [";" parameters], taken apart.
struct IssueValue {
  std::string issuer = {};  // lower case; empty: nobody
  std::vector<std::pair<std::string, std::string>> parameters = {};
};

std::optional<IssueValue> parse_issue_value(std::string_view text) {
  auto const semicolon = text.find(';');
  IssueValue value{lower(trim(text.substr(0, semicolon))), {}};
  if (!value.issuer.empty() && !each_part(value.issuer, '.', is_label)) return std::nullopt;
  if (semicolon == text.npos || trim(text.substr(semicolon + 1)).empty()) return value;
  auto take = [&](std::string_view parameter) {
    auto const equals = parameter.find('=');
    auto const tag = trim(parameter.substr(0, equals));
    if (equals == parameter.npos || !is_label(tag)) return false;
    auto const content = trim(parameter.substr(equals + 1));
    if (!std::all_of(content.begin(), content.end(), [](char c) { return c > ' ' && c < '\x7f'; })) return false;
    value.parameters.emplace_back(lower(tag), content);
    return true;
  };
  if (!each_part(text.substr(semicolon + 1), ';', take)) return std::nullopt;
  return value;
}

// The one value of a parameter; nothing when it is absent.
struct Parameter {
  std::optional<std::string> value = {};
  bool is_repeated = false;
};

Parameter find_parameter(IssueValue const& value, std::string_view tag) {
  Parameter found;
  for (auto const& [name, content] : value.parameters) {
    if (name != tag) continue;
    if (found.value) found.is_repeated = true;
    found.value = content;
  }
  return found;
}

bool lists_method(std::string const& list, std::string const& method) {
  bool found = false;
  auto take = [&](std::string_view label) {
    found = found || label == method;
    return is_label(label);
  };
  return each_part(list, ',', take) && found;
}

// A value that cannot be read, and a parameter that is there twice, allow nobody (RFC 8659 4.2, RFC 8657 3 and 4).
bool allows(std::string_view text, CaaQuestion const& question, std::span<std::string const> identities) {
  auto const value = parse_issue_value(text);
  if (!value || value->issuer.empty()) return false;
  if (std::none_of(identities.begin(), identities.end(), [&](auto const& own) { return lower(own) == value->issuer; }))
    return false;
  auto const account = find_parameter(*value, "accounturi");  // 8657-3-1
  if (account.is_repeated || (account.value && *account.value != question.account_uri)) return false;
  auto const methods = find_parameter(*value, "validationmethods");  // 8657-3-1
  return !methods.is_repeated && (!methods.value || lists_method(*methods.value, question.method));
}

Error refuse(CaaQuestion const& question, std::string_view why) {
  return {Errc::caa,
          "CAA: " + (question.wildcard ? "*." + question.name.text() : question.name.text()) + ": " + std::string(why)};
}

}  // namespace

std::vector<std::string> caa_climb(x509::DnsName const& name) {
  std::vector<std::string> names;
  std::string_view rest = name.text();
  for (;;) {
    names.emplace_back(rest);
    auto const dot = rest.find('.');
    if (dot == rest.npos) return names;
    rest.remove_prefix(dot + 1);
  }
}

Result<> judge_caa(std::span<Bytes const> records, CaaQuestion const& question,
                   std::span<std::string const> identities) {
  std::vector<std::string> issue, issue_wild;
  for (auto const& octets : records) {
    auto const record = parse_caa(octets);
    if (!record) return refuse(question, "one of its CAA records cannot be read");
    if (record->tag == kIssue)
      issue.push_back(record->value);
    else if (record->tag == kIssueWild)
      issue_wild.push_back(record->value);
    else if (record->critical && record->tag != kIodef)
      return refuse(question, "it has a critical CAA property that this CA does not know");
  }
  // 8659-4-1: issuewild, where there is any, goes before issue.
  auto const& properties = question.wildcard && !issue_wild.empty() ? issue_wild : issue;
  if (properties.empty()) return {};
  auto const allowed = [&](std::string const& value) { return allows(value, question, identities); };
  if (std::any_of(properties.begin(), properties.end(), allowed)) return {};
  std::string own;
  for (auto const& identity : identities) own += (own.empty() ? "" : ", ") + identity;
  return refuse(question, "its CAA records do not allow this CA (" + own + ") for this account and challenge");
}

std::vector<std::string> caa_iodef(std::span<Bytes const> records) {
  std::vector<std::string> found;
  for (auto const& octets : records)
    if (auto const record = parse_caa(octets); record.ok() && record->tag == kIodef) found.push_back(record->value);
  return found;
}

bool is_caa_due(Authorization const& authorization, Time now) {
  if (authorization.identifier.dns() == nullptr) return false;
  if (!authorization.granted.empty()) return true;
  auto const is_fresh = [&](Challenge const& challenge) {
    return challenge.status == ChallengeStatus::valid && challenge.validated &&
           now < *challenge.validated + kLookUpCounts;
  };
  return std::none_of(authorization.challenges.begin(), authorization.challenges.end(), is_fresh);
}

CaaQuestion caa_question(Authorization const& authorization, std::string account_uri) {
  CaaQuestion question{.name = *authorization.identifier.dns()};
  question.wildcard = authorization.wildcard;
  question.account_uri = std::move(account_uri);
  if (!authorization.granted.empty()) question.method = kGrantedMethod;
  for (auto const& challenge : authorization.challenges)
    if (question.method.empty() && challenge.status == ChallengeStatus::valid) question.method = challenge.type;
  return question;
}

}  // namespace lenscap::acme
