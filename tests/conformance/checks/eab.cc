// RFC 8555 section 7.3.4: external account binding.
#include "acme/wire/jwk.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

// The inner header, right.
json::Object binding_header(Probe& p) {
  if (p.site.options.eab_kid.empty()) p.skip("this run has no external account key (--eab)");
  return {{"alg", "HS256"}, {"kid", p.site.options.eab_kid}, {"url", p.url_of("newAccount")}};
}

std::string jwk_of(x509::PrivateKey const& key) { return json::write(acme::to_jwk(key.public_key())); }

Answer ask(Probe& p, x509::PrivateKey const& key, json::Object const& binding) {
  return p.post_with_key(key, p.url_of("newAccount"),
                         {{"termsOfServiceAgreed", true}, {"externalAccountBinding", binding}});
}

void refused(Probe& p, x509::PrivateKey const& key, json::Object const& binding, std::string const& what) {
  p.expect_problem(ask(p, key, binding), {400, 401, 403},
                   {"malformed", "unauthorized", "externalAccountRequired", "badSignatureAlgorithm", "badPublicKey"},
                   what);
}

void form(Probe& p) {
  auto const key = new_key();
  auto const mac = p.site.options.eab_key.view();
  auto const header = binding_header(p);
  auto with = [&](char const* name, json::Value value) {
    auto changed = header;
    changed.set(name, std::move(value));
    return sign_by_mac(mac, changed, jwk_of(key));
  };
  refused(p, key, with("nonce", p.nonce()), "a binding with a nonce");
  refused(p, key, with("url", p.url_of("newOrder")), "a binding for another url");
  refused(p, key, sign_by_mac(mac, without(header, "url"), jwk_of(key)), "a binding without url");
  refused(p, key, sign_by_mac(mac, without(header, "kid"), jwk_of(key)), "a binding without kid");
  refused(p, key, with("alg", "ES256"), "a binding whose alg is no MAC");
}

void required(Probe& p) {
  if (!p.wants_binding()) p.skip("the server does not require a binding");
  auto const key = new_key();
  p.expect_problem(p.post_with_key(key, p.url_of("newAccount"), {{"termsOfServiceAgreed", true}}), {403, 401, 400},
                   {"externalAccountRequired"}, "newAccount without a binding");
}

void five_checks(Probe& p) {
  auto const header = binding_header(p);
  auto const mac = p.site.options.eab_key.view();
  auto const key = new_key();
  refused(p, key, {{"protected", "e30"}, {"payload", "e30"}}, "a binding that is no JWS");
  auto unknown = header;
  unknown.set("kid", "nobody-" + p.site.run_id);
  refused(p, key, sign_by_mac(mac, unknown, jwk_of(key)), "an unknown key id");
  refused(p, key, sign_by_mac(as_bytes("not the key of this binding ....."), header, jwk_of(key)), "a wrong MAC");
  auto changed = sign_by_mac(mac, header, jwk_of(key));
  changed.set("payload", base64url_of(jwk_of(new_key())));
  refused(p, key, changed, "a payload changed after the MAC");
  refused(p, key, sign_by_mac(mac, header, jwk_of(new_key())), "a binding of another key");
  // The same key with more members is the same key: compared by thumbprint.
  auto jwk = acme::to_jwk(key.public_key());
  jwk.set("use", "sig");
  auto const answer = ask(p, key, sign_by_mac(mac, header, json::write(jwk)));
  p.expect(answer.status == 201, "a binding whose JWK has an optional member got " + std::to_string(answer.status));
}

void reflected(Probe& p) {
  binding_header(p);
  auto const key = new_key();
  auto const answer =
      p.post_with_key(key, p.url_of("newAccount"),
                      {{"termsOfServiceAgreed", true}, {"externalAccountBinding", p.binding(key.public_key())}});
  p.require(answer.status == 201, "newAccount with a binding got " + std::to_string(answer.status));
  auto const* shown = answer.json().find("externalAccountBinding");
  p.expect(shown != nullptr && shown->as_object() != nullptr, "a verified binding is not shown in the account object");
}

void mac_algorithms(Probe& p) {
  auto header = binding_header(p);
  for (auto const* alg : {"HS256", "HS384", "HS512"}) {
    auto const key = new_key();
    header.set("alg", alg);
    auto const answer = ask(p, key, sign_by_mac(p.site.options.eab_key.view(), header, jwk_of(key)));
    p.expect(answer.status == 201, std::string(alg) + " got " + std::to_string(answer.status));
  }
}

constexpr Check kEabChecks[] = {
    {"8555-7.3.4-1", "EAB key ids are ASCII, MAC keys are handed out as base64url", nullptr,
     "keys are handed out beside ACME; this run was given one"},
    {"8555-7.3.4-2", "the binding has a MAC alg, the key id, the same url and no nonce", form},
    {"8555-7.3.4-3", "where a binding is required, a request without one gets externalAccountRequired", required},
    {"8555-7.3.4-4", "form, key id, MAC and the same key are checked, the key by thumbprint", five_checks},
    {"8555-7.3.4-5", "a verified binding is reflected", reflected},
    {"8555-7.3.4-6", "HS256, HS384 and HS512 work", mac_algorithms},
};

}  // namespace

std::span<Check const> eab_checks() { return kEabChecks; }

}  // namespace lenscap::conformance
