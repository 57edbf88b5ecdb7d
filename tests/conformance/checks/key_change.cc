// RFC 8555 section 7.3.5: account key change.
#include "acme/wire/jwk.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

json::Object inner_header(x509::PrivateKey const& key, std::string const& url) {
  return {{"alg", algorithm_of(key.public_key().type())}, {"jwk", acme::to_jwk(key.public_key())}, {"url", url}};
}

json::Object inner_payload(Account const& account) {
  return {{"account", account.url}, {"oldKey", acme::to_jwk(account.key.public_key())}};
}

Answer change(Probe& p, Account const& account, x509::PrivateKey const& to, json::Object const& header,
              json::Object const& payload) {
  return p.post(account, p.url_of("keyChange"), json::write(sign(to, header, json::write(payload))));
}

Answer change(Probe& p, Account const& account, x509::PrivateKey const& to) {
  return change(p, account, to, inner_header(to, p.url_of("keyChange")), inner_payload(account));
}

void still_works(Probe& p, Account const& account, std::string const& what) {
  p.expect_ok(p.read(account, account.url), "the old key after " + what);
}

void refused(Probe& p, Account const& account, Answer const& answer, std::string const& what) {
  p.expect_problem(answer, {}, {}, what);
  still_works(p, account, what);
}

void inner_jws(Probe& p) {
  auto const url = p.url_of("keyChange");
  auto const account = p.make_account();
  auto const key = new_key();
  auto header = inner_header(key, url);
  refused(p, account, change(p, account, key, without(header, "jwk"), inner_payload(account)),
          "an inner JWS without jwk");
  header.set("url", p.url_of("newOrder"));
  refused(p, account, change(p, account, key, header, inner_payload(account)), "an inner JWS with another url");
  header = inner_header(key, url);
  header.set("nonce", p.nonce());
  refused(p, account, change(p, account, key, header, inner_payload(account)), "an inner JWS with a nonce");
}

void every_step(Probe& p) {
  auto const url = p.url_of("keyChange");
  auto const account = p.make_account();
  auto const key = new_key();
  refused(p, account, p.post(account, url, "{}"), "a payload that is no JWS");
  refused(p, account, change(p, account, new_key(), inner_header(key, url), inner_payload(account)),
          "an inner signature by another key than its jwk");
  refused(p, account, change(p, account, key, inner_header(key, url), without(inner_payload(account), "oldKey")),
          "no oldKey");
  refused(p, account, change(p, account, key, inner_header(key, url), without(inner_payload(account), "account")),
          "no account");
  auto other_key = inner_payload(account);
  other_key.set("oldKey", acme::to_jwk(new_key().public_key()));
  refused(p, account, change(p, account, key, inner_header(key, url), other_key),
          "an oldKey that is not the account's");
  auto other_account = inner_payload(account);
  other_account.set("account", p.stranger().url);
  refused(p, account, change(p, account, key, inner_header(key, url), other_account), "another account in the payload");
  // And by jwk instead of kid on the outside.
  auto const inner = json::write(sign(key, inner_header(key, url), json::write(inner_payload(account))));
  refused(p, account, p.post(url, sign(account.key, p.key_header(account.key, url), inner)), "an outer JWS with jwk");
  p.expect_ok(change(p, account, key), "a right key change");
}

void exact_account(Probe& p) {
  auto const url = p.url_of("keyChange");
  auto const account = p.make_account();
  auto const key = new_key();
  auto payload = inner_payload(account);
  payload.set("account", account.url + "/");
  refused(p, account, change(p, account, key, inner_header(key, url), payload),
          "an account URL that is not to the letter");
}

void used_key(Probe& p) {
  p.url_of("keyChange");
  auto const account = p.make_account();
  auto& other = p.stranger();
  auto const answer = change(p, account, other.key);
  p.expect_problem(answer, {409}, {}, "a change to another account's key");
  if (answer.status == 409)
    p.expect(answer.header("Location") == other.url, "409 without the other account's Location");
  still_works(p, account, "a refused change");
}

void no_other_effect(Probe& p) {
  p.url_of("keyChange");
  auto account = p.make_account();
  auto const order = p.dns_order(account);
  auto key = new_key();
  p.require_ok(change(p, account, key), "the key change");
  account.key = std::move(key);
  auto const after = p.read(account, order.url);
  p.expect(after.status == 200 && after.text("status") == order.answer.text("status"),
           "a pending order did not survive the change");
  p.expect(p.read(account, account.url).text("status") == "valid", "the account is not valid after the change");
  p.prove(account, order);  // with the new key's thumbprint
}

void old_key_is_dead(Probe& p) {
  auto const url = p.url_of("keyChange");
  auto const account = p.make_account();
  // Across kinds of keys too.
  auto key = new_key(x509::KeyType::ec_p384);
  p.require_ok(change(p, account, key), "a change from P-256 to P-384");
  p.expect_problem(p.read(account, account.url), {400, 401, 403}, {}, "the old key after the change");
  Account const changed{std::move(key), account.url};
  p.expect_ok(p.read(changed, changed.url), "the new key after the change");
  // The new key meets the policy for account keys.
  auto const weak = x509::PrivateKey::generate(x509::KeyType::rsa, 1024);
  p.expect_problem(change(p, changed, weak, inner_header(weak, url), inner_payload(changed)), {400, 403},
                   {"badPublicKey", "malformed"}, "a change to a weak key");
  // Of two changes at once one wins.
  if (!p.site.options.races) return;
  auto const contested = p.make_account();
  std::vector<x509::PrivateKey> keys;
  std::vector<std::string> bodies;
  for (int i = 0; i < 2; ++i) {
    keys.push_back(new_key());
    auto const inner =
        json::write(sign(keys.back(), inner_header(keys.back(), url), json::write(inner_payload(contested))));
    p.site.nonce = "";  // each its own
    bodies.push_back(json::write(sign(contested.key, p.header(contested, url), inner)));
  }
  auto const [first, second] = p.post_both(url, bodies[0], bodies[1]);
  p.expect((first.status == 200) != (second.status == 200), "of two key changes at once not exactly one succeeded");
}

constexpr Check kKeyChangeChecks[] = {
    {"8555-7.3.5-1", "the inner JWS has the new jwk, the same url and no nonce", inner_jws},
    {"8555-7.3.5-2", "every step of the check of a key change", every_step},
    {"8555-7.3.5-3", "account is the exact account URL", exact_account},
    {"8555-7.3.5-4", "a change to a used key is 409 with that account's Location", used_key},
    {"8555-7.3.5-5", "key change has no other effect", no_other_effect},
    {"8555-7.3.5-6", "key change is atomic, the old key is dead at once, the new one meets the policy",
     old_key_is_dead},
};

}  // namespace

std::span<Check const> key_change_checks() { return kKeyChangeChecks; }

}  // namespace lenscap::conformance
