// RFC 8555 sections 6.6 and 6.7: limits and problem documents.
#include <set>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

// RFC 8555 6.7, RFC 9773 7.4 and the profiles draft.
bool is_registered(std::string const& type) {
  static std::set<std::string, std::less<>> const kTypes{"accountDoesNotExist",
                                                         "alreadyReplaced",
                                                         "alreadyRevoked",
                                                         "badCSR",
                                                         "badNonce",
                                                         "badPublicKey",
                                                         "badRevocationReason",
                                                         "badSignatureAlgorithm",
                                                         "caa",
                                                         "compound",
                                                         "connection",
                                                         "dns",
                                                         "externalAccountRequired",
                                                         "incorrectResponse",
                                                         "invalidContact",
                                                         "invalidProfile",
                                                         "malformed",
                                                         "orderNotReady",
                                                         "rateLimited",
                                                         "rejectedIdentifier",
                                                         "serverInternal",
                                                         "tls",
                                                         "unauthorized",
                                                         "unsupportedContact",
                                                         "unsupportedIdentifier",
                                                         "userActionRequired"};
  return kTypes.contains(type);
}

// Errors of many kinds, each by a name.
std::vector<std::pair<std::string, Answer>> errors(Probe& p) {
  auto& account = p.account();
  std::vector<std::pair<std::string, Answer>> list;
  list.emplace_back("no JSON (400)", p.post_text(p.url_of("newOrder"), "no JSON"));
  list.emplace_back("a wrong media type (415)", p.post_text(p.url_of("newOrder"), "{}", "text/plain"));
  list.emplace_back("GET on newOrder (405)", p.get(p.url_of("newOrder")));
  list.emplace_back("PUT on newOrder (405)", p.site.http.send("PUT", p.url_of("newOrder"), {}, "{}"));
  auto const origin = parse_url(p.site.options.directory)->authority;
  list.emplace_back("a path that is not there (404)", p.get("https://" + origin + "/acme/nowhere-" + p.site.run_id));
  list.emplace_back("an order that is not there", p.read(account, p.dns_order(account).url + "x"));
  list.emplace_back("an order of nothing", p.try_order(account, {}));
  return list;
}

void every_error_is_a_document(Probe& p) {
  for (auto const& [what, answer] : errors(p)) {
    p.expect(answer.status >= 400, what + " got " + std::to_string(answer.status));
    p.expect(answer.media_type() == "application/problem+json", what + " (got " + std::to_string(answer.status) +
                                                                    ") is no problem document but \"" +
                                                                    answer.media_type() + "\"");
  }
}

void registered_types(Probe& p) {
  for (auto const& [what, answer] : errors(p)) {
    auto const type = answer.text("type");
    if (type.starts_with("urn:ietf:params:acme:"))
      p.expect(is_registered(answer.problem()), what + ": the type " + type + " is not registered");
    if (auto const* status = answer.json().find("status"); status != nullptr && status->as_int() != nullptr)
      p.expect(*status->as_int() == answer.status, what + ": the document's status is not that of the answer");
  }
}

void types_where_they_belong(Probe& p) {
  auto& account = p.account();
  auto const fresh = new_key();
  p.expect_problem(p.post_with_key(fresh, p.url_of("newAccount"), {{"onlyReturnExisting", true}}), {400},
                   {"accountDoesNotExist"}, "onlyReturnExisting with an unknown key");
  p.expect_problem(p.try_order(account, {{"mystery", "value"}}), {}, {"unsupportedIdentifier", "malformed"},
                   "an unknown identifier type");
  p.expect_problem(p.finalize(account, p.dns_order(account), csr_for(new_key(), {{"dns", p.fresh_name()}})), {403},
                   {"orderNotReady"}, "finalize of a pending order");
  if (!p.site.options.refused_name.empty())
    p.expect_problem(p.try_order(account, {{"dns", p.site.options.refused_name}}), {}, {"rejectedIdentifier"},
                     "a name that policy refuses");
}

void subproblems(Probe& p) {
  auto const refused = p.refused_name();
  auto const good = p.fresh_name();
  auto const answer = p.try_order(p.account(), {{"dns", good}, {"dns", refused}, {"dns", "other-" + refused}});
  p.expect_problem(answer, {}, {"rejectedIdentifier", "compound"}, "an order with two refused names");
  auto const document = answer.json();
  p.expect(document.find("identifier") == nullptr, "`identifier` stands at the top level of a problem");
  auto const* list = document.find("subproblems");
  if (list == nullptr) {
    p.expect(false, "several refused names come without subproblems");
    return;
  }
  p.require(list->as_array() != nullptr, "`subproblems` is no array");
  std::set<std::string, std::less<>> named;
  for (auto const& item : *list->as_array()) {
    p.require(item.as_object() != nullptr, "a subproblem is no object");
    auto const identifier = json::need_object(*item.as_object(), "identifier");
    p.expect(identifier.ok() && !member_text(*item.as_object(), "type").empty(),
             "a subproblem has no type or identifier");
    if (identifier) named.insert(member_text(*identifier, "value"));
  }
  p.expect(named.contains(refused) && named.contains("other-" + refused), "a refused name has no subproblem");
  p.expect(!named.contains(good), "a name that is fine has a subproblem");
}

// One name is ordered again and again, by an account of its own, so that no other check meets the limit. Servers that
// are made for so much say nothing, and nothing is judged.
constexpr int kOrdersOfOneName = 30;

Answer limited_answer(Probe& p) {
  auto const account = p.make_account();
  auto const name = p.fresh_name();
  for (int i = 0; i < kOrdersOfOneName; ++i) {
    auto answer = p.try_order(account, {{"dns", name}});
    if (answer.status >= 400) return answer;
  }
  Probe::skip(std::to_string(kOrdersOfOneName) + " orders for one name met no limit");
}

void over_the_limit(Probe& p) {
  p.expect_problem(limited_answer(p), {429}, {"rateLimited"}, "one order too many for one name");
}

void says_when_again(Probe& p) {
  auto const answer = limited_answer(p);
  auto const after = answer.header("Retry-After");
  p.expect(!after.empty(), "rateLimited comes without Retry-After");
  bool const is_seconds = after.find_first_not_of("0123456789") == after.npos;
  p.expect(after.empty() || is_seconds || after.ends_with(" GMT"), "Retry-After is no time: " + after);
  for (auto const& link : answer.links("help"))
    p.expect(link.find("://") != link.npos, "Link help leads nowhere: " + link);
}

constexpr Check kProblemChecks[] = {
    {"8555-6.6-1", "a limit that is reached gets rateLimited", over_the_limit},
    {"8555-6.6-2", "with Retry-After", says_when_again},
    {"8555-6.7-1", "each error is a problem document", every_error_is_a_document},
    {"8555-6.7-2", "problem types are registered ones", registered_types},
    {"8555-6.7-3", "each problem type is used where it belongs", types_where_they_belong},
    {"8555-6.7.1-1", "several refused names give one subproblem each, with its identifier", subproblems},
};

}  // namespace

std::span<Check const> problem_checks() { return kProblemChecks; }

}  // namespace lenscap::conformance
