// RFC 8555 sections 6.5 and 7.2: replay protection.
#include <set>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

Answer post_with_nonce(Probe& p, std::string const& nonce) {
  auto& account = p.account();
  auto header = p.header(account, account.url);
  header.set("nonce", nonce);
  return p.post(account.url, sign(account.key, header, ""));
}

void in_success(Probe& p) {
  auto& account = p.account();
  auto const answer = p.read(account, account.url);
  p.expect(is_base64url(answer.header("Replay-Nonce")), "a successful POST gives no fresh nonce");
  auto const order = p.dns_order(account);
  p.expect(is_base64url(order.answer.header("Replay-Nonce")), "201 of newOrder gives no fresh nonce");
}

void in_errors(Probe& p) {
  auto const answer = p.post_text(p.url_of("newOrder"), "no JSON");
  p.expect(answer.status >= 400, "a body that is no JSON was accepted");
  p.expect(!answer.header("Replay-Nonce").empty(), "an error gives no fresh nonce");
}

void ours_only(Probe& p) {
  p.expect_problem(post_with_nonce(p, base64url_of("nobody ever issued this one")), {400}, {"badNonce"},
                   "a nonce of our own making");
}

void once(Probe& p) {
  auto const nonce = p.nonce();
  p.expect_ok(post_with_nonce(p, nonce), "a fresh nonce");
  p.expect_problem(post_with_nonce(p, nonce), {400}, {"badNonce"}, "the same nonce again");
  // Also when the first request came to nothing.
  auto& account = p.account();
  auto const second = p.nonce();
  json::Object header{{"alg", "ES256"}, {"kid", account.url}, {"nonce", second}, {"url", p.url_of("newOrder")}};
  p.expect_problem(p.post(p.url_of("newOrder"), sign(account.key, header, "{\"identifiers\":[]}")), {}, {},
                   "an empty order");
  p.expect_problem(post_with_nonce(p, second), {400}, {"badNonce"}, "a nonce that a refused request used");
}

void bad_nonce(Probe& p) {
  p.expect_problem(post_with_nonce(p, base64url_of("not one of yours")), {400}, {"badNonce"}, "a bad nonce");
  auto& account = p.account();
  auto const header = without(p.header(account, account.url), "nonce");
  p.expect_problem(p.post(account.url, sign(account.key, header, "")), {400}, {"badNonce", "malformed"}, "no nonce");
}

void bad_nonce_gives_good_one(Probe& p) {
  auto const refused = post_with_nonce(p, base64url_of("not one of yours"));
  p.require(refused.problem() == "badNonce", "a bad nonce is not refused as badNonce");
  auto const nonce = refused.header("Replay-Nonce");
  p.require(!nonce.empty(), "badNonce comes without a fresh nonce: the client cannot go on");
  p.expect_ok(post_with_nonce(p, nonce), "the nonce out of a badNonce answer");
}

void one_of_two_wins(Probe& p) {
  auto& account = p.account();
  auto const body = json::write(sign(account.key, p.header(account, account.url), ""));
  auto const [first, second] = p.post_both(account.url, body, body);
  p.expect(
      (first.status == 200) != (second.status == 200),
      "of two requests with one nonce at once " + std::string(first.status == 200 ? "both" : "none") + " succeeded");
}

void unpredictable(Probe& p) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    auto const nonce = p.site.http.send("HEAD", p.url_of("newNonce")).header("Replay-Nonce");
    p.require(is_base64url(nonce), "the nonce is not base64url: " + nonce);
    p.expect(from_base64url(nonce)->size() >= 12, "a nonce of so few octets can be guessed: " + nonce);
    p.expect(seen.insert(nonce).second, "a nonce came twice: " + nonce);
  }
}

void request_field_means_nothing(Probe& p) {
  auto& account = p.account();
  auto const body = json::write(sign(account.key, p.header(account, account.url), ""));
  auto const answer = p.site.http.send("POST", account.url,
                                       {{"Content-Type", "application/jose+json"}, {"Replay-Nonce", "AAAA"}}, body);
  p.expect_ok(answer, "a Replay-Nonce in the request");
}

void in_protected_header(Probe& p) {
  p.expect_problem(post_with_nonce(p, "this is/no+base64url=="), {400}, {"malformed", "badNonce"},
                   "a nonce that is not base64url");
  auto& account = p.account();
  auto jws = sign(account.key, without(p.header(account, account.url), "nonce"), "");
  jws.set("header", json::Object{{"nonce", p.nonce()}});
  p.expect_problem(p.post(account.url, jws), {400}, {}, "a nonce in an unprotected header");
}

void head(Probe& p) {
  auto const answer = p.site.http.send("HEAD", p.url_of("newNonce"));
  p.expect(answer.status == 200, "HEAD on newNonce got " + std::to_string(answer.status) + ", not 200");
  p.expect(is_base64url(answer.header("Replay-Nonce")), "HEAD on newNonce gives no nonce");
}

void get(Probe& p) {
  auto const answer = p.get(p.url_of("newNonce"));
  p.expect(answer.status == 204, "GET on newNonce got " + std::to_string(answer.status) + ", not 204");
  p.expect(is_base64url(answer.header("Replay-Nonce")), "GET on newNonce gives no nonce");
  p.expect(answer.body.empty(), "GET on newNonce has a body");
}

void not_stored(Probe& p) {
  for (auto const* method : {"HEAD", "GET"}) {
    auto const answer = p.site.http.send(method, p.url_of("newNonce"));
    p.expect(answer.header("Cache-Control").find("no-store") != std::string::npos,
             std::string(method) + " on newNonce without Cache-Control: no-store");
  }
}

constexpr Check kNonceChecks[] = {
    {"8555-6.5-1", "each successful answer to a POST carries a fresh nonce", in_success},
    {"8555-6.5-2", "so do errors", in_errors},
    {"8555-6.5-3", "a nonce must be one that the server issued", ours_only},
    {"8555-6.5-4", "a nonce works once, also when its request failed", once},
    {"8555-6.5-5", "a bad or missing nonce gets 400 badNonce", bad_nonce},
    {"8555-6.5-6", "that answer has a nonce which works", bad_nonce_gives_good_one},
    {"8555-6.5-7", "of two uses of a nonce at once exactly one wins", one_of_two_wins},
    {"8555-6.5.1-1", "nonces are unique, long enough and base64url", unpredictable},
    {"8555-6.5.1-2", "a Replay-Nonce in a request means nothing", request_field_means_nothing},
    {"8555-6.5.2-1", "the nonce stands in the protected header, as base64url", in_protected_header},
    {"8555-7.2-1", "HEAD on newNonce answers 200 with a nonce", head},
    {"8555-7.2-2", "GET on newNonce answers 204 with a nonce and no body", get},
    {"8555-7.2-3", "that answer is not to be stored", not_stored},
};

}  // namespace

std::span<Check const> nonce_checks() { return kNonceChecks; }

}  // namespace lenscap::conformance
