// RFC 8555 sections 7.4.1 and 7.5: authorizations, and how challenges are answered.
#include <algorithm>

#include "acme/wire/names.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

namespace names = acme::names;

// A challenge that this run can meet, of a pending authorization.
json::Object any_challenge(Probe& p, Answer const& authorization) {
  for (auto const type : {names::kHttp01, names::kTlsAlpn01, names::kDns01})
    if (p.can_meet(type))
      if (auto found = Probe::find_challenge(authorization, type); !found.empty()) return found;
  p.skip("the server offers no challenge that this run can meet");
}

struct Pending {
  Ordered order;
  std::string url, name;
  Answer answer;
};

Pending pending(Probe& p, Account const& account) {
  Pending out;
  out.name = p.fresh_name();
  out.order = p.order(account, {{"dns", out.name}});
  out.url = out.order.answer.texts("authorizations").at(0);
  out.answer = p.read(account, out.url);
  if (out.answer.text("status") != "pending") p.skip("authorizations are born " + out.answer.text("status") + " here");
  return out;
}

Answer ask_beforehand(Probe& p, std::string const& type, std::string const& value) {
  return p.post(p.account(), p.url_of("newAuthz"),
                json::Object{{"identifier", json::Object{{"type", type}, {"value", value}}}});
}

void willing(Probe& p) {
  if (!p.site.options.refused_name.empty())
    p.expect_problem(ask_beforehand(p, "dns", p.site.options.refused_name), {403},
                     {"rejectedIdentifier", "unauthorized"}, "newAuthz for a name that policy refuses");
  p.expect_problem(ask_beforehand(p, "mystery", "x"), {}, {"unsupportedIdentifier", "malformed"},
                   "newAuthz for an unknown type");
}

void no_wildcard_beforehand(Probe& p) {
  p.expect_problem(ask_beforehand(p, "dns", "*." + p.fresh_name()), {}, {}, "newAuthz for a wildcard");
}

void born_pending(Probe& p) {
  auto const made = ask_beforehand(p, "dns", p.fresh_name());
  p.require_ok(made, "newAuthz");
  p.expect(made.text("status") == "pending",
           "a new authorization that nothing was proven for is " + made.text("status"));
}

void used_later(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const made = ask_beforehand(p, "dns", name);
  p.expect(made.status == 201, "newAuthz got " + std::to_string(made.status) + ", not 201");
  auto const location = made.header("Location");
  p.require(location.starts_with("https://"), "newAuthz without Location");
  p.prove_authorization(account, location);
  auto const order = p.order(account, {{"dns", name}});
  auto const status = p.read(account, order.answer.texts("authorizations").at(0)).text("status");
  p.expect(status == "valid", "an order does not use the authorization that was proven before: it is " + status);
}

void unknown_members(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  auto const challenge = any_challenge(p, at.answer);
  p.respond(account, at.name, challenge);
  auto const answer =
      p.post(account, member_text(challenge, "url"), json::Object{{"keyAuthorization", "x"}, {"mystery", 7}});
  p.require_ok(answer, "a challenge response with unknown members");
  p.expect(p.poll_status(account, at.url, {"valid", "invalid"}).text("status") == "valid",
           "unknown members kept the challenge from being met");
}

void invalid_response(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  auto const challenge = any_challenge(p, at.answer);
  auto const url = member_text(challenge, "url");
  p.expect_problem(p.post(account, url, "[]"), {}, {"malformed"}, "a challenge response that is no object");
  p.expect_problem(p.post(account, url, "{"), {}, {"malformed"}, "a challenge response that is no JSON");
  p.expect(p.read(account, url).text("status") == "pending", "a refused response changed the challenge");
}

void answer_form(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  auto const challenge = any_challenge(p, at.answer);
  auto const url = member_text(challenge, "url");
  p.respond(account, at.name, challenge);
  auto const answer = p.post(account, url, "{}");
  p.require(answer.status == 200, "answering a challenge got " + std::to_string(answer.status));
  p.expect(answer.text("url") == url && !answer.text("type").empty(), "the answer is not the challenge");
  auto const links = answer.links("up");
  p.expect(std::count(links.begin(), links.end(), at.url) != 0, "no Link of rel up to the authorization");
  p.require(p.poll_status(account, at.url, {"valid", "invalid"}).text("status") == "valid",
            "the challenge was met and the authorization is not valid");
  auto const again = p.post(account, url, "{}");
  p.expect(again.status == 200 && again.text("status") == "valid",
           "answering a challenge that is done got " + std::to_string(again.status));
}

void valid_expires(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  p.prove_authorization(account, at.url);
  p.expect(!p.read(account, at.url).text("expires").empty(), "a valid authorization has no expires");
}

// Lets a challenge fail and gives the authorization's end.
Answer let_fail(Probe& p, Account const& account, Pending const& at, std::string& challenge_url) {
  auto const challenge = p.challenge(at.answer, names::kHttp01);
  challenge_url = member_text(challenge, "url");
  p.site.web->set(member_text(challenge, "token"), {.body = "this is not the key authorization"});
  p.require_ok(p.post(account, challenge_url, "{}"), "answering the challenge");
  return p.poll_status(account, at.url, {"valid", "invalid"});
}

void failed_stays(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  std::string url;
  auto const end = let_fail(p, account, at, url);
  p.require(end.text("status") == "invalid",
            "a challenge that was not met made the authorization " + end.text("status"));
  auto const failed = Probe::find_challenge(end, names::kHttp01);
  p.expect(member_text(failed, "status") == "invalid", "the failed challenge is not shown in the authorization");
  p.expect(p.read(account, url).text("status") == "invalid", "the failed challenge is not shown at its URL");
}

void polling(Probe& p) {
  auto& account = p.account();
  auto const at = pending(p, account);
  auto const challenge = any_challenge(p, at.answer);
  p.respond(account, at.name, challenge);
  p.require_ok(p.post(account, member_text(challenge, "url"), "{}"), "answering the challenge");
  for (int i = 0; i < 5; ++i) {
    p.expect(p.read(account, member_text(challenge, "url")).status == 200, "a poll of the challenge is not 200");
    p.expect(p.read(account, at.url).status == 200, "a poll of the authorization is not 200");
  }
  p.poll_status(account, at.url, {"valid", "invalid"});
}

void one_step(Probe& p) {
  auto& account = p.account();
  {
    auto const at = pending(p, account);
    std::string url;
    p.expect(let_fail(p, account, at, url).text("status") == "invalid",
             "a failed challenge did not end the authorization");
    auto const order = p.read(account, at.order.url);
    p.expect(order.text("status") == "invalid", "the order of an invalid authorization is " + order.text("status"));
    p.expect(order.json().find("error") != nullptr, "an invalid order has no error");
  }
  // Certbot finalizes as soon as the authorization is valid: the order must be ready in the same moment.
  auto const at = pending(p, account);
  p.prove_authorization(account, at.url);
  auto const status = p.read(account, at.order.url).text("status");
  p.expect(status == "ready", "the authorization is valid, and the order " + status);
}

void deactivation(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = p.ready_order(account, {{"dns", name}});
  auto const url = order.answer.texts("authorizations").at(0);
  json::Object const off{{"status", "deactivated"}};
  p.expect_problem(p.post(p.stranger(), url, off), {401, 403, 404}, {}, "deactivation by another account");
  auto const answer = p.post(account, url, off);
  p.require(answer.status == 200 && answer.text("status") == "deactivated",
            "deactivation of an authorization got " + std::to_string(answer.status) + " " + answer.text("status"));
  p.expect_problem(p.finalize(account, order, csr_for(new_key(), {{"dns", name}})), {}, {},
                   "finalize of an order whose authorization was deactivated");
  auto const next = p.order(account, {{"dns", name}});
  auto const urls = next.answer.texts("authorizations");
  p.expect(std::count(urls.begin(), urls.end(), url) == 0, "a deactivated authorization is used for a new order");
}

constexpr Check kAuthorizationChecks[] = {
    {"8555-7.4.1-1", "pre-authorization decides willingness first, and refuses with 403", willing},
    {"8555-7.4.1-2", "a wildcard cannot be authorized beforehand", no_wildcard_beforehand},
    {"8555-7.4.1-3", "such an authorization is born pending", born_pending},
    {"8555-7.4.1-4", "newAuthz answers 201 with Location, and later orders use the authorization", used_later},
    {"8555-7.5.1-1", "unknown members of a challenge response are ignored", unknown_members},
    {"8555-7.5.1-2", "an invalid response leaves the challenge as it was", invalid_response},
    {"8555-7.5.1-3", "the answer has the challenge and Link up; asking again is harmless", answer_form},
    {"8555-7.5.1-4", "a valid authorization has expires", valid_expires},
    {"8555-7.5.1-5", "failed challenges stay visible", failed_stays},
    {"8555-7.5.1-6", "polling during validation gets 200", polling},
    {"8555-7.5.1-7",
     "a failed challenge ends authorization and order; the last success makes the order ready in one step", one_step},
    {"8555-7.5.2-1", "a deactivated authorization is never used again", deactivation},
};

}  // namespace

std::span<Check const> authorization_checks() { return kAuthorizationChecks; }

}  // namespace lenscap::conformance
