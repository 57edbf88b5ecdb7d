// RFC 8555 sections 5 and 6.1: what everything travels over.
#include <algorithm>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

void json_is_utf8(Probe& p) {
  auto const directory = p.get(p.site.options.directory);
  p.expect(!directory.json().empty(), "the directory is no JSON object in UTF-8");
  // A body that is not UTF-8 inside the signature: nothing may come of it but a refusal.
  auto const url = p.url_of("newOrder");
  auto const answer = p.post(
      p.account(), url,
      std::string("{\"identifiers\":[{\"type\":\"dns\",\"value\":\"\xff\xfe.") + p.site.options.domain + "\"}]}");
  p.expect_problem(answer, {}, {}, "a payload that is not UTF-8");
}

void https_only(Probe& p) {
  for (auto const& [name, value] : p.site.directory.members())
    if (auto const* url = value.as_string())
      p.expect(url->starts_with("https://"), name + " is not an https URL: " + *url);
  auto const url = parse_url(p.site.options.directory);
  auto const answer = p.site.http.raw("https://" + url->authority + "/", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  p.expect(!answer.empty(), "the server does not answer over TLS");
  // The same port in clear must not serve the directory.
  std::string clear;
  try {
    clear = p.site.http.raw("http://" + url->authority + url->target,
                            "GET " + url->target + " HTTP/1.1\r\nHost: " + url->authority + "\r\n\r\n");
  } catch (NoAnswer const&) {
  }
  p.expect(clear.find("newNonce") == std::string::npos, "the directory is served without TLS");
}

void tls_is_new_enough(Probe& p) {
  p.expect(!p.site.http.handshakes_with(p.site.options.directory, TLS1_1_VERSION), "TLS 1.1 is accepted");
  p.get(p.site.options.directory);
}

void no_user_agent(Probe& p) {
  auto const answer = p.get(p.site.options.directory, {{"User-Agent", ""}});
  p.expect(answer.status == 200 || (answer.status >= 400 && answer.status < 500),
           "a request without User-Agent got " + std::to_string(answer.status));
}

void cors(Probe& p) {
  auto const answer = p.get(p.site.options.directory, {{"Origin", "https://client.example"}});
  auto const allowed = answer.header("Access-Control-Allow-Origin");
  if (allowed.empty()) p.skip("browser clients are not served: no Access-Control-Allow-Origin");
  p.expect(allowed == "*", "Access-Control-Allow-Origin is not *: " + allowed);
  auto const nonce = p.get(p.url_of("newNonce"), {{"Origin", "https://client.example"}});
  auto exposed = nonce.header("Access-Control-Expose-Headers");
  std::transform(exposed.begin(), exposed.end(), exposed.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (auto const* name : {"replay-nonce", "location", "link"})
    p.expect(exposed.find(name) != std::string::npos, std::string("scripts may not read ") + name);
}

void padding_is_refused(Probe& p) {
  auto& account = p.account();
  auto const url = p.url_of("newOrder");
  auto const header = p.header(account, url);
  auto const protected_text = base64url_of(json::write(header));
  auto payload = json::write(json::Object{{"identifiers", identifiers({{"dns", p.fresh_name()}})}});
  while (payload.size() % 3 == 0) payload += " ";
  auto const payload_text = base64url_of(payload) + (payload.size() % 3 == 1 ? "==" : "=");
  p.expect_problem(p.post(url, sign_encoded(account.key, protected_text, payload_text)), {400}, {"malformed"},
                   "a padded payload");

  // A CSR inside the payload is base64url of its own.
  auto const ready = p.ready_order(account, {{"dns", p.fresh_name()}});
  auto name = ready.answer.json();
  auto const first = json::need_array(name, "identifiers");
  auto const value = member_text(*(*first)[0].as_object(), "value");
  Bytes csr;
  do csr = csr_for(new_key(), {{"dns", value}});
  while (csr.size() % 3 == 0);
  auto const text = to_base64url(csr) + (csr.size() % 3 == 1 ? "==" : "=");
  p.expect_problem(p.post(account, ready.answer.text("finalize"), {{"csr", text}}), {}, {"malformed", "badCSR"},
                   "a padded csr");
}

void accept_language(Probe& p) {
  auto const answer = p.post_text(p.url_of("newOrder"), "{}");
  p.expect(answer.text("detail").empty() || answer.status >= 400, "an error has no error status");
  if (answer.header("Content-Language").empty()) p.skip("details are in one language, which is not named");
  p.expect(answer.header("Content-Language").find("en") != std::string::npos, "English was asked for");
}

constexpr Check kTransportChecks[] = {
    {"8555-5-1", "all JSON is UTF-8", json_is_utf8},
    {"8555-6.1-1", "resources are served by HTTPS alone", https_only},
    {"8555-6.1-2", "no TLS before 1.2", tls_is_new_enough},
    {"8555-6.1-3", "a request without User-Agent does no harm", no_user_agent},
    {"8555-6.1-4", "CORS fields, when browser clients are served", cors},
    {"8555-6.1-5", "padded base64url is refused", padding_is_refused},
    {"8555-6.1-6", "Accept-Language is honoured where details are translated", accept_language},
};

}  // namespace

std::span<Check const> transport_checks() { return kTransportChecks; }

}  // namespace lenscap::conformance
