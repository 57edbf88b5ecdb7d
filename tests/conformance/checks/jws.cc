// RFC 8555 section 6.2: the form of a request body.
#include "acme/wire/jwk.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

constexpr char const* kReadable = "";  // the payload of a request that changes nothing

// A right request to the account's own URL, ready to be spoilt.
struct Sample {
  explicit Sample(Probe& p) : account(p.account()), url(account.url), header(p.header(account, url)) {}
  Account& account;
  std::string url;
  json::Object header;
  json::Object jws() const { return sign(account.key, header, kReadable); }
};

void verified_first(Probe& p) {
  auto& account = p.account();
  p.expect_ok(p.read(account, account.url), "a right request");
  p.expect_problem(p.post_text(account.url, "{}"), {400}, {"malformed"}, "an object that is no JWS");
  p.expect_problem(p.post_text(account.url, "no JSON"), {400}, {"malformed"}, "a body that is no JSON");
  // Signed by somebody else's key.
  Sample sample(p);
  auto const foreign = sign(new_key(), sample.header, kReadable);
  p.expect_problem(p.post(sample.url, foreign), {400, 401, 403}, {"malformed", "unauthorized"},
                   "another key's signature");
  // A changed payload under a good signature.
  Sample second(p);
  auto changed = second.jws();
  changed.set("payload", base64url_of("{\"status\":\"deactivated\"}"));
  p.expect_problem(p.post(second.url, changed), {400, 401, 403}, {"malformed", "unauthorized"},
                   "a payload changed after signing");
  p.expect(p.read(account, account.url).text("status") == "valid", "a request with a wrong signature had an effect");
}

void flattened_only(Probe& p) {
  Sample sample(p);
  auto const jws = sample.jws();
  json::Object const general{{"payload", *jws.find("payload")},
                             {"signatures", json::Array{json::Object{{"protected", *jws.find("protected")},
                                                                     {"signature", *jws.find("signature")}}}}};
  p.expect_problem(p.post(sample.url, general), {400}, {"malformed"}, "the general serialization");
  Sample second(p);
  auto const parts = second.jws();
  auto const compact =
      member_text(parts, "protected") + "." + member_text(parts, "payload") + "." + member_text(parts, "signature");
  p.expect_problem(p.post_text(second.url, compact), {400}, {"malformed"}, "the compact serialization");
}

void one_signature(Probe& p) {
  Sample sample(p);
  auto jws = sample.jws();
  jws.set("signatures",
          json::Array{json::Object{{"protected", *jws.find("protected")}, {"signature", *jws.find("signature")}}});
  p.expect_problem(p.post(sample.url, jws), {400}, {"malformed"}, "a JWS with `signatures`");
}

void no_unprotected_header(Probe& p) {
  Sample sample(p);
  auto jws = sample.jws();
  jws.set("header", json::Object{{"kid", sample.account.url}});
  p.expect_problem(p.post(sample.url, jws), {400}, {"malformed"}, "an unprotected header");
}

void no_unknown_critical(Probe& p) {
  Sample sample(p);
  sample.header.set("b64", false);
  sample.header.set("crit", json::Array{"b64"});
  p.expect_problem(p.post(sample.url, sample.jws()), {400}, {"malformed"}, "an unencoded payload (b64: false)");
  Sample second(p);
  second.header.set("exp", 4'000'000'000L);
  second.header.set("crit", json::Array{"exp"});
  p.expect_problem(p.post(second.url, second.jws()), {400}, {"malformed"}, "an unknown critical header");
}

void payload_is_there(Probe& p) {
  Sample sample(p);
  p.expect_problem(p.post(sample.url, without(sample.jws(), "payload")), {400}, {"malformed"}, "a detached payload");
  Sample second(p);
  p.expect_ok(p.post(second.url, second.jws()), "an empty payload");
}

void header_members(Probe& p) {
  for (auto const* member : {"alg", "nonce", "url", "kid"}) {
    Sample sample(p);
    sample.header = without(sample.header, member);
    p.expect_problem(p.post(sample.url, sample.jws()), {400, 401, 403}, {}, std::string("a header without ") + member);
  }
}

void both_or_neither(Probe& p) {
  Sample sample(p);
  sample.header.set("jwk", acme::to_jwk(sample.account.key.public_key()));
  p.expect_problem(p.post(sample.url, sample.jws()), {400}, {"malformed"}, "jwk and kid together");
  Sample second(p);
  second.header = without(second.header, "kid");
  p.expect_problem(p.post(second.url, second.jws()), {400}, {"malformed"}, "neither jwk nor kid");
}

void no_mac_and_none(Probe& p) {
  for (auto const* alg : {"none", "HS256"}) {
    Sample sample(p);
    sample.header.set("alg", alg);
    auto jws = std::string_view(alg) == "none"
                   ? sample.jws()
                   : sign_by_mac(sample.account.key.public_key().spki(), sample.header, kReadable);
    if (std::string_view(alg) == "none") jws.set("signature", "");
    p.expect_problem(p.post(sample.url, jws), {400}, {"badSignatureAlgorithm", "malformed"}, std::string("alg ") + alg);
  }
}

// An account with this kind of key, and one request of its.
void works_with(Probe& p, x509::KeyType type) {
  auto const account = p.make_account(type);
  p.expect_ok(p.read(account, account.url), "a request signed by " + algorithm_of(type));
}

void es256(Probe& p) { works_with(p, x509::KeyType::ec_p256); }
void eddsa(Probe& p) { works_with(p, x509::KeyType::ed25519); }

void unsupported_algorithm(Probe& p) {
  Sample sample(p);
  sample.header.set("alg", "ES999");
  auto const answer = p.post(sample.url, sample.jws());
  p.expect_problem(answer, {400}, {"badSignatureAlgorithm"}, "an unknown alg");
  auto const algorithms = answer.texts("algorithms");
  p.require(!algorithms.empty(), "the refusal has no list `algorithms`");
  for (auto const type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::ec_p521, x509::KeyType::rsa,
                          x509::KeyType::ed25519})
    for (auto const& name : algorithms)
      if (name == algorithm_of(type)) works_with(p, type);
}

void weak_key(Probe& p) {
  auto const url = p.url_of("newAccount");
  auto const key = x509::PrivateKey::generate(x509::KeyType::rsa, 1024);
  auto const answer = p.post(url, sign(key, p.key_header(key, url), json::write(p.new_account(key))));
  p.expect_problem(answer, {400}, {"badPublicKey"}, "an RSA key of 1024 bits");
  p.expect(!answer.text("detail").empty(), "the refusal says nothing about the reason");
}

void new_account_wants_jwk(Probe& p) {
  auto& account = p.account();
  auto const url = p.url_of("newAccount");
  p.expect_problem(p.post(account, url, p.new_account(account.key)), {400}, {"malformed"},
                   "newAccount signed with kid");
}

void others_want_kid(Probe& p) {
  auto& account = p.account();
  for (auto const& url : {account.url, p.url_of("newOrder")}) {
    auto const answer = p.post(url, sign(account.key, p.key_header(account.key, url), kReadable));
    p.expect_problem(answer, {400}, {"malformed"}, "jwk instead of kid at " + url);
  }
}

void kid_to_the_letter(Probe& p) {
  Sample sample(p);
  for (auto const& kid :
       {sample.account.url + "x", sample.account.url + "/", std::string("https://elsewhere.example/1")}) {
    Sample changed(p);
    changed.header.set("kid", kid);
    p.expect_problem(p.post(changed.url, changed.jws()), {400, 401, 403, 404},
                     {"accountDoesNotExist", "unauthorized", "malformed"}, "a kid that is no account URL: " + kid);
  }
}

void media_type(Probe& p) {
  for (auto const* type : {"application/json", "text/plain", "application/x-www-form-urlencoded", ""}) {
    Sample sample(p);
    p.expect_problem(p.post_text(sample.url, json::write(sample.jws()), type), {415}, {},
                     std::string("Content-Type \"") + type + "\"");
  }
  Sample sample(p);
  p.expect_ok(p.post_text(sample.url, json::write(sample.jws()), "application/jose+json"), "the right Content-Type");
  // RFC 9110 8.3.1: a media type has no case.
  Sample upper(p);
  p.expect_ok(p.post_text(upper.url, json::write(upper.jws()), "Application/JOSE+JSON"),
              "the right Content-Type in capitals");
}

void algorithm_fits(Probe& p) {
  {
    Sample sample(p);
    sample.header.set("alg", "RS256");
    p.expect_problem(p.post(sample.url, sample.jws()), {400, 401, 403}, {}, "RS256 with an EC key");
  }
  {
    Sample sample(p);
    p.expect_problem(p.post(sample.url, sign_with_der(sample.account.key, sample.header, kReadable)), {400, 401, 403},
                     {}, "an ECDSA signature in DER");
  }
  {
    Sample sample(p);
    auto jws = sample.jws();
    auto octets = from_base64url(member_text(jws, "signature")).value();
    octets.push_back(0);
    jws.set("signature", to_base64url(octets));
    p.expect_problem(p.post(sample.url, jws), {400, 401, 403}, {}, "an ECDSA signature that is too long");
  }
  auto const url = p.url_of("newAccount");
  {
    auto const key = new_key();
    auto jwk = acme::to_jwk(key.public_key());
    jwk.set("d", to_base64url(Bytes(32, 7)));
    auto header = p.key_header(key, url);
    header.set("jwk", jwk);
    p.expect_problem(p.post(url, sign(key, header, json::write(p.new_account(key)))), {400}, {},
                     "a jwk with a private member");
  }
  {
    auto const key = new_key();
    auto jwk = acme::to_jwk(key.public_key());
    auto y = from_base64url(member_text(jwk, "y")).value();
    y.back() ^= 1;
    jwk.set("y", to_base64url(y));
    auto header = p.key_header(key, url);
    header.set("jwk", jwk);
    p.expect_problem(p.post(url, sign(key, header, json::write(p.new_account(key)))), {400}, {},
                     "a point off the curve");
  }
}

void strict_json(Probe& p) {
  {
    Sample sample(p);
    auto text = json::write(sample.jws());
    text.insert(1, "\"payload\":\"e30\",");
    p.expect_problem(p.post_text(sample.url, text), {400}, {"malformed"}, "a member that stands twice");
  }
  {
    Sample sample(p);
    p.expect_problem(p.post_text(sample.url, json::write(sample.jws()) + "{}"), {400}, {"malformed"}, "trailing data");
  }
  {
    Sample sample(p);
    auto const header = sample.header;
    auto text = json::write(header);
    text.insert(1, "\"alg\":\"none\",");
    p.expect_problem(p.post(sample.url, sign_encoded(sample.account.key, base64url_of(text), "")), {400}, {},
                     "a header member that stands twice");
  }
  Sample sample(p);
  auto jws = sample.jws();
  jws.set("filling", std::string(4 * 1024 * 1024, 'x'));
  try {
    auto const answer = p.post(sample.url, jws);
    p.expect_problem(answer, {400, 413}, {}, "a body of 4 MiB");
  } catch (NoAnswer const&) {  // closed while we still wrote: a refusal as well
  }
}

constexpr Check kJwsChecks[] = {
    {"8555-6.2-1", "a POST body is a JWS, verified before anything else looks at it", verified_first},
    {"8555-6.2-2", "only the flattened serialization is taken", flattened_only},
    {"8555-6.2-3", "more than one signature is refused", one_signature},
    {"8555-6.2-4", "an unprotected header is refused", no_unprotected_header},
    {"8555-6.2-5", "unencoded payloads and unknown critical headers are refused", no_unknown_critical},
    {"8555-6.2-6", "the payload member is there, though it may be empty", payload_is_there},
    {"8555-6.2-7", "alg, nonce, url and kid must each be there", header_members},
    {"8555-6.2-8", "jwk and kid together, or neither, are refused", both_or_neither},
    {"8555-6.2-9", "alg none and MAC algorithms are refused", no_mac_and_none},
    {"8555-6.2-10", "ES256 works", es256},
    {"8555-6.2-11", "EdDSA with Ed25519 works", eddsa},
    {"8555-6.2-12", "an unsupported alg gets badSignatureAlgorithm and a list of those that work",
     unsupported_algorithm},
    {"8555-6.2-13", "a refused key gets badPublicKey with the reason", weak_key},
    {"8555-6.2-14", "newAccount is signed with jwk", new_account_wants_jwk},
    {"8555-6.2-15", "everything else is signed with kid", others_want_kid},
    {"8555-6.2-16", "kid is the account URL, to the letter", kid_to_the_letter},
    {"8555-6.2-17", "another media type gets 415", media_type},
    {"8555-6.2-18", "alg fits the key, signatures have their exact form, keys are whole", algorithm_fits},
    {"8555-6.2-19", "duplicate members, trailing data and long bodies are refused", strict_json},
};

}  // namespace

std::span<Check const> jws_checks() { return kJwsChecks; }

}  // namespace lenscap::conformance
