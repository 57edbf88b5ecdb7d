// RFC 8555 section 8: challenges, http-01 and dns-01.
#include "acme/wire/key_authorization.h"
#include "acme/wire/names.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

namespace names = acme::names;

struct Trial {
  std::string name, authorization, token, key_authorization, url;
  Ordered order;
};

// A pending authorization for a fresh name, and its challenge of this type, not yet answered.
Trial begin(Probe& p, Account const& account, std::string_view type, bool wildcard = false) {
  Trial t;
  t.name = p.fresh_name();
  auto const answer = p.try_order(account, {{"dns", (wildcard ? "*." : "") + t.name}});
  if (answer.status != 201 && wildcard) p.skip("the server refuses wildcards here: " + answer.problem());
  p.require(answer.status == 201, "an order is needed here, and newOrder got " + std::to_string(answer.status));
  t.order = {answer.header("Location"), answer};
  t.authorization = answer.texts("authorizations").at(0);
  auto const challenge = p.challenge(p.read(account, t.authorization), type);
  t.token = member_text(challenge, "token");
  t.url = member_text(challenge, "url");
  t.key_authorization = acme::key_authorization(t.token, account.key.public_key());
  return t;
}

std::string finish(Probe& p, Account const& account, Trial const& t) {
  p.require_ok(p.post(account, t.url, "{}"), "answering the challenge");
  return p.poll_status(account, t.authorization, {"valid", "invalid"}).text("status");
}

void validated_and_error(Probe& p) {
  auto& account = p.account();
  auto const good = begin(p, account, names::kHttp01);
  p.site.web->set(good.token, {.body = good.key_authorization});
  p.expect(finish(p, account, good) == "valid", "a challenge that was met is not valid");
  auto const met = p.read(account, good.url);
  p.expect(!met.text("validated").empty(), "a valid challenge has no `validated`");
  p.expect(met.json().find("error") == nullptr, "a valid challenge has an error");

  auto const bad = begin(p, account, names::kHttp01);
  p.site.web->set(bad.token, {.body = "something else"});
  p.expect(finish(p, account, bad) == "invalid", "a challenge that was not met is not invalid");
  auto const failed = p.read(account, bad.url);
  p.expect(failed.text("status") == "invalid", "the challenge is " + failed.text("status"));
  auto const error = json::need_object(failed.json(), "error");
  p.require(error.ok(), "an invalid challenge has no error");
  p.expect(member_text(*error, "type") == "urn:ietf:params:acme:error:incorrectResponse" ||
               member_text(*error, "type") == "urn:ietf:params:acme:error:unauthorized",
           "a wrong body is reported as " + member_text(*error, "type"));
}

void members(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto const authorization = p.authorization(account, order);
  auto const list = json::need_array(authorization.json(), "challenges");
  p.require(list.ok() && !list->empty(), "there are no challenges");
  for (auto const& item : *list) {
    auto const& challenge = *item.as_object();
    for (auto const* name : {"url", "type", "status"})
      p.expect(!member_text(challenge, name).empty(), std::string("a challenge has no ") + name);
    auto const alone = p.read(account, member_text(challenge, "url"));
    p.expect(alone.status == 200 && alone.text("type") == member_text(challenge, "type"),
             "a challenge cannot be read at its URL");
  }
}

void key_authorization(Probe& p) {
  auto& account = p.account();
  auto const wrong = begin(p, account, names::kHttp01);
  // The thumbprint of another key.
  p.site.web->set(wrong.token, {.body = acme::key_authorization(wrong.token, new_key().public_key())});
  p.expect(finish(p, account, wrong) == "invalid", "another key's thumbprint was taken");
  for (auto const type : {x509::KeyType::ec_p256, x509::KeyType::rsa}) {
    auto const other = p.make_account(type);
    auto const right = begin(p, other, names::kHttp01);
    p.site.web->set(right.token, {.body = right.key_authorization});
    p.expect(finish(p, other, right) == "valid",
             "the right key authorization was refused for an account with " + algorithm_of(type));
  }
}

void tries_again(Probe& p) {
  auto& account = p.account();
  auto const t = begin(p, account, names::kHttp01);
  p.site.web->set_in_turn(t.token, {{.status = 503, .body = "later"}, {.body = t.key_authorization}});
  p.require_ok(p.post(account, t.url, "{}"), "answering the challenge");
  bool announced = false, recorded = false;
  auto const done = [&](Answer const& answer) {
    auto const status = answer.text("status");
    if (status == "processing" || status == "pending") {
      announced = announced || !answer.header("Retry-After").empty();
      recorded = recorded || answer.json().find("error") != nullptr;
    }
    return status == "valid" || status == "invalid";
  };
  auto const end = p.poll(account, t.url, done);
  p.expect(end.text("status") == "valid", "one failed attempt ended the challenge: it is " + end.text("status"));
  if (end.text("status") != "valid") return;
  p.expect(recorded, "the failed attempt was not shown in `error` while the server tried again");
  p.expect(announced, "no Retry-After while the server tried again");
}

void http_01(Probe& p) {
  auto& account = p.account();
  auto const first = begin(p, account, names::kHttp01);
  p.expect(is_base64url(first.token) && first.token.size() >= 22,
           "the token is not 128 bits of base64url: " + first.token);
  p.site.web->set(first.token, {.body = first.key_authorization + "\r\n \n"});
  p.expect(finish(p, account, first) == "valid", "white space after the key authorization was not ignored");
  auto const requests = p.site.web->requests(first.token);
  p.expect(!requests.empty() && requests.front().host.starts_with(first.name),
           "the Host field of http-01 is not the name");
  struct Case {
    char const* what;
    WebAnswer answer;
  };
  for (auto const& c : {Case{"a wrong body", {.body = "wrong"}}, Case{"status 404", {.status = 404}},
                        Case{"a body of 2 MiB", {.body = std::string(2 * 1024 * 1024, 'x')}}}) {
    auto const t = begin(p, account, names::kHttp01);
    p.site.web->set(t.token, c.answer);
    p.expect(finish(p, account, t) == "invalid", std::string(c.what) + " was taken for the key authorization");
  }
  auto const t = begin(p, account, names::kHttp01);
  p.site.web->set(t.token, {.body = "x" + t.key_authorization});
  p.expect(finish(p, account, t) == "invalid", "octets before the key authorization were ignored");
}

void redirects(Probe& p) {
  auto& account = p.account();
  auto const moved = begin(p, account, names::kHttp01);
  auto const elsewhere = "elsewhere-" + moved.token;
  p.site.web->set(elsewhere, {.body = moved.key_authorization});
  p.site.web->set(moved.token, {.status = 302,
                                .fields = "Location: http://" + moved.name + ":" + std::to_string(p.site.web->port()) +
                                          std::string(names::kHttp01Path) + elsewhere + "\r\n"});
  p.expect(finish(p, account, moved) == "valid", "a redirect to the same name was not followed");
}

std::string digest_of(Trial const& t) { return to_base64url(sha256(as_bytes(t.key_authorization))); }

void dns_01(Probe& p) {
  auto& account = p.account();
  auto const at = [](Trial const& t) { return "_acme-challenge." + t.name; };
  auto const right = begin(p, account, names::kDns01);
  p.expect(is_base64url(right.token) && right.token.size() >= 22,
           "the token is not 128 bits of base64url: " + right.token);
  p.site.zone->set_txt(at(right), {"another record", digest_of(right)});
  p.expect(finish(p, account, right) == "valid", "the right one of two TXT records was not found");
  auto const wrong = begin(p, account, names::kDns01);
  p.site.zone->set_txt(at(wrong), {digest_of(right)});
  p.expect(finish(p, account, wrong) == "invalid", "another challenge's TXT record was taken");
  auto const plain = begin(p, account, names::kDns01);
  p.site.zone->set_txt(at(plain), {plain.key_authorization});
  p.expect(finish(p, account, plain) == "invalid", "the key authorization itself was taken instead of its digest");
  auto const none = begin(p, account, names::kDns01);
  p.expect(finish(p, account, none) == "invalid", "no TXT record was taken for the right one");
  if (!p.site.dns) return;
  auto const split = begin(p, account, names::kDns01);
  auto const digest = digest_of(split);
  p.site.dns->set_txt(at(split), {{digest.substr(0, 20), digest.substr(20)}});
  p.expect(finish(p, account, split) == "valid", "the strings of one TXT record were not joined");
  auto const alias = begin(p, account, names::kDns01);
  p.site.dns->set_alias(at(alias), "txt-" + alias.name);
  p.site.dns->set_txt("txt-" + alias.name, {{digest_of(alias)}});
  p.expect(finish(p, account, alias) == "valid", "CNAME was not followed");
  auto const wild = p.try_order(account, {{"dns", "*." + p.fresh_name()}});
  if (wild.status != 201) return;
  auto const star = begin(p, account, names::kDns01, true);
  p.site.dns->set_txt(at(star), {{digest_of(star)}});
  p.expect(finish(p, account, star) == "valid", "a wildcard was not proven at its base name");
}

constexpr Check kChallengeChecks[] = {
    {"8555-8-1", "validated when valid, error when invalid", validated_and_error},
    {"8555-8-2", "url, type and status are always there", members},
    {"8555-8.1-1", "the key authorization is token, dot, thumbprint of the account's key", key_authorization},
    {"8555-8.2-1", "failed attempts are tried again, recorded, and announced by Retry-After", tries_again},
    {"8555-8.3-1", "http-01: token, path, body, white space, size", http_01},
    {"8555-8.3-2", "http-01 follows redirects", redirects},
    {"8555-8.4-1", "dns-01: token, name, one of the records, CNAME, joined strings, wildcards", dns_01},
};

}  // namespace

std::span<Check const> challenge_checks() { return kChallengeChecks; }

}  // namespace lenscap::conformance
