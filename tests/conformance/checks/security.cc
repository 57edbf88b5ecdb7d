// RFC 8555 sections 9.7, 10 and 11.
#include <set>

#include "acme/wire/names.h"
#include "tests/conformance/probe.h"
#include "tests/conformance/requests.h"

namespace lenscap::conformance {
namespace {

void order_fields(Probe& p) {
  auto& account = p.account();
  auto const extra =
      p.try_order(account, {{"dns", p.fresh_name()}}, {{"mystery", json::Object{{"a", 1}}}, {"resource", "new-order"}});
  p.expect(extra.status == 201, "unknown members of newOrder got " + std::to_string(extra.status));
  p.expect(extra.json().find("mystery") == nullptr, "the order reflects an unknown member");
  auto const url = p.url_of("newOrder");
  for (auto const* payload : {R"({"identifiers":"text"})", R"({"identifiers":[7]})",
                              R"({"identifiers":[{"type":"dns"}]})", R"({"identifiers":[{"type":"dns","value":7}]})",
                              R"({"identifiers":[{"type":7,"value":"a"}]})", "[]", "\"text\""})
    p.expect_problem(p.post(account, url, payload), {400, 403},
                     {"malformed", "unsupportedIdentifier", "rejectedIdentifier", "compound"},
                     std::string("newOrder of ") + payload);
}

void to_the_identifier(Probe& p) {
  auto& account = p.account();
  if (!p.site.web) p.skip("this run has no http-01 responder");
  auto const order = p.dns_order(account);
  auto const authorization = p.authorization(account, order);
  auto const challenge = p.challenge(authorization, acme::names::kHttp01);
  auto const name = member_text(*json::need_object(authorization.json(), "identifier"), "value");
  p.respond(account, name, challenge);
  // What a client says about where to look must not matter.
  p.require_ok(p.post(account, member_text(challenge, "url"),
                      json::Object{{"port", 1}, {"host", "elsewhere.example"}, {"url", "http://elsewhere.example/"}}),
               "answering the challenge");
  p.expect(
      p.poll_status(account, order.answer.texts("authorizations")[0], {"valid", "invalid"}).text("status") == "valid",
      "the validation went somewhere else");
  auto const requests = p.site.web->requests(member_text(challenge, "token"));
  p.expect(!requests.empty() && requests[0].host.starts_with(name),
           "the validation did not come to the name's address");
}

void bounded(Probe& p) {
  Names many;
  for (int i = 0; i < 1000; ++i) many.emplace_back("dns", "n" + std::to_string(i) + "." + p.site.options.domain);
  auto const answer = p.try_order(p.account(), many);
  p.expect(answer.status >= 400 && answer.status < 500, "an order of 1000 names got " + std::to_string(answer.status));
}

void unguessable(Probe& p) {
  auto& account = p.account();
  std::set<std::string> tails;
  for (int i = 0; i < 3; ++i) {
    auto const order = p.dns_order(account);
    for (auto url : {order.url, order.answer.texts("authorizations").at(0)}) {
      while (!url.empty() && url.back() == '/') url.pop_back();
      auto const tail = url.substr(url.rfind('/') + 1);
      p.expect(tail.size() >= 16 && tail.find_first_not_of("0123456789") != std::string::npos,
               "a URL can be guessed: " + url);
      tails.insert(url);
    }
  }
  p.expect(tails.size() == 6, "two objects have one URL");
}

void account_keys_certify_nothing(Probe& p) {
  auto& account = p.account();
  auto const again = p.post_with_key(account.key, p.url_of("newAccount"), p.new_account(account.key));
  p.expect(again.status == 200 && again.header("Location") == account.url, "one key has two accounts");
  auto const name = p.fresh_name();
  auto const order = p.ready_order(account, {{"dns", name}});
  p.expect_problem(p.finalize(account, order, csr_for(account.key, {{"dns", name}})), {400, 403},
                   {"badCSR", "badPublicKey", "malformed"}, "a CSR with the account's own key");
  auto const other = p.finalize(account, order, csr_for(p.stranger().key, {{"dns", name}}));
  p.expect_problem(other, {400, 403}, {"badCSR", "badPublicKey", "malformed"}, "a CSR with another account's key");
}

void token_entropy(Probe& p) {
  auto& account = p.account();
  std::set<std::string> seen;
  for (int i = 0; i < 5; ++i) {
    auto const authorization = p.authorization(account, p.dns_order(account));
    auto const list = json::need_array(authorization.json(), "challenges");
    p.require(list.ok() && !list->empty(), "there are no challenges");
    std::set<std::string> here;
    for (auto const& item : *list)
      if (auto const token = member_text(*item.as_object(), "token"); !token.empty()) {
        p.expect(is_base64url(token) && from_base64url(token)->size() >= 16, "a token of less than 128 bits: " + token);
        here.insert(token);
      }
    for (auto const& token : here) p.expect(seen.insert(token).second, "two authorizations have one token");
  }
}

constexpr Check kSecurityChecks[] = {
    {"8555-9.7-1", "unknown order fields are ignored, wrong types refused", order_fields},
    {"8555-10.1-1", "validation goes to the identifier and nowhere that the client chose", to_the_identifier},
    {"8555-10.2-1", "validation from several places", nullptr, "a server's other places are not seen from one"},
    {"8555-10.3-1", "an order of absurd size is refused", bounded},
    {"8555-10.4-1", "forbidden networks are never contacted", nullptr,
     "which networks are forbidden is the server's setting; its own tests have listeners in them"},
    {"8555-10.5-1", "object URLs cannot be guessed", unguessable},
    {"8555-11.1-1", "one key is one account, and no certificate has an account's key", account_keys_certify_nothing},
    {"8555-11.2-1", "DNS answers are protected as well as the network allows", nullptr,
     "the way to the server's resolver is not seen from outside"},
    {"8555-11.3-1", "tokens have 128 bits of entropy", token_entropy},
};

}  // namespace

std::span<Check const> security_checks() { return kSecurityChecks; }

}  // namespace lenscap::conformance
