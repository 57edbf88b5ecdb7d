// RFC 8555 section 7.4: orders and finalize.
#include <algorithm>

#include "base/time.h"
#include "tests/conformance/probe.h"
#include "tests/conformance/requests.h"

namespace lenscap::conformance {
namespace {

void created(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = p.dns_order(account);
  p.expect(order.answer.status == 201 && order.url.starts_with("https://"),
           "newOrder gives no 201 with an absolute Location");
  p.expect_problem(p.try_order(account, {}), {}, {"malformed"}, "an order of no identifiers");
  p.expect_problem(p.post(account, p.url_of("newOrder"), "{}"), {}, {"malformed"}, "an order without identifiers");
  // Twice the same: refused, or merged into one.
  auto upper = name;
  upper[0] = 'C';
  auto const twice = p.try_order(account, {{"dns", name}, {"dns", upper}});
  if (twice.status == 201) {
    auto const list = json::need_array(twice.json(), "identifiers");
    p.expect(list.ok() && list->size() == 1 && twice.texts("authorizations").size() == 1,
             "an order has the same name twice");
  } else {
    p.expect_problem(twice, {}, {"malformed", "rejectedIdentifier", "compound", "unsupportedIdentifier"},
                     "one name in two spellings");
  }
}

void as_asked(Probe& p) {
  auto& account = p.account();
  auto const now = SystemClock().now();
  // No private CA gives a certificate of a hundred years: refused, or else it must be what was asked for.
  auto const wanted = to_rfc3339(now + 36'500 * kDay);
  auto const name = p.fresh_name();
  auto const answer = p.try_order(account, {{"dns", name}}, {{"notAfter", wanted}});
  if (answer.status == 201) {
    Ordered order{answer.header("Location"), answer};
    p.expect(answer.text("notAfter").starts_with(wanted.substr(0, 10)), "notAfter was dropped without a word");
    p.prove(account, order);
    auto const finalized = p.finalize(account, order, csr_for(new_key(), {{"dns", name}}));
    p.expect(
        finalized.status >= 400 || p.poll_status(account, order.url, {"valid", "invalid"}).text("status") != "valid",
        "a certificate of a hundred years was asked for; look at what came");
  }
  p.expect(answer.status == 201 || answer.status < 500, "notAfter beyond policy got " + std::to_string(answer.status));
  auto const reversed =
      p.try_order(account, {{"dns", p.fresh_name()}},
                  {{"notBefore", to_rfc3339(now + 20 * kDay)}, {"notAfter", to_rfc3339(now + 10 * kDay)}});
  p.expect_problem(reversed, {}, {}, "notBefore after notAfter");
  p.expect_problem(p.try_order(account, {{"dns", p.fresh_name()}}, {{"notAfter", "tomorrow"}}), {}, {"malformed"},
                   "a notAfter that is no time");
}

void identifier_types(Probe& p) {
  auto& account = p.account();
  auto const one = p.try_order(account, {{"mystery", "value"}});
  p.expect_problem(one, {}, {"unsupportedIdentifier"}, "an unknown identifier type");
  if (!p.site.options.refused_name.empty())
    p.expect_problem(p.try_order(account, {{"dns", p.site.options.refused_name}}), {400, 403}, {"rejectedIdentifier"},
                     "a name that policy refuses");
}

Ordered ready(Probe& p, std::string const& name) { return p.ready_order(p.account(), {{"dns", name}}); }

void names_equal(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const other = p.fresh_name();
  auto const order = ready(p, name);
  auto const try_csr = [&](Bytes const& csr, std::string const& what) {
    auto const answer = p.finalize(account, order, csr);
    p.expect_problem(answer, {400, 403}, {"badCSR", "malformed", "unauthorized", "badPublicKey", "rejectedIdentifier"},
                     what);
    p.require(answer.status >= 400, what + " was accepted");
  };
  auto const key = new_key();
  try_csr(csr_for(key, {{"dns", other}}), "a CSR with another name");
  try_csr(csr_for(key, {{"dns", name}, {"dns", other}}), "a CSR with one more name");
  try_csr(csr_with(key, other, "DNS:" + name), "a CSR with another name as its common name");
  try_csr(csr_with(key, "", "DNS:" + name + ",email:admin@" + name), "a CSR with a mail address too");
  try_csr(csr_with(key, "", "DNS:" + name + ",IP:192.0.2.1"), "a CSR with an address too");
  try_csr(csr_with(key, "", "DNS:" + name + ",URI:https://" + name + "/"), "a CSR with a URI too");
  // The name as common name and as alternative name is one name.
  auto const fine = p.finalize(account, order, csr_with(key, name, "DNS:" + name));
  p.require_ok(fine, "a CSR with the name in both places");
  auto const valid = p.poll_status(account, order.url, {"valid", "invalid"});
  auto const chain = x509::parse_pem_chain(p.read(account, valid.text("certificate")).body);
  p.require(chain.ok() && !chain->empty(), "the certificate is no PEM chain");
  p.expect(chain->front().names().text() == name,
           "the certificate names " + chain->front().names().text() + " instead of " + name);
}

void only_the_common_name(Probe& p, std::string const& name) {
  auto const order = ready(p, name);
  p.expect_ok(p.finalize(p.account(), order, csr_with(new_key(), name, "")),
              "a CSR with its name in the common name alone (7.4 allows either place)");
}

void dangerous_requests(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = ready(p, name);
  auto const csr = csr_with(new_key(), "", "DNS:" + name, {{"basicConstraints", "critical,CA:TRUE"}});
  auto const answer = p.finalize(account, order, csr);
  if (answer.status >= 400) {
    p.expect_problem(answer, {400, 403}, {"badCSR", "malformed"}, "a CSR with CA:TRUE");
    return;
  }
  auto const valid = p.poll_status(account, order.url, {"valid", "invalid"});
  if (valid.text("status") != "valid") return;
  auto const chain = x509::parse_pem_chain(p.read(account, valid.text("certificate")).body);
  p.require(chain.ok() && !chain->empty() && !chain->front().is_ca(),
            "a client got a CA certificate by asking for one");
}

void csr_checks(Probe& p) {
  names_equal(p);
  only_the_common_name(p, p.fresh_name());
  dangerous_requests(p);
}

void bad_csr(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = ready(p, name);
  auto const broken = p.finalize(account, order, to_bytes("this is no DER"));
  p.expect_problem(broken, {400, 403}, {"badCSR", "malformed"}, "a csr that is no DER");
  auto const key = new_key();
  auto csr = csr_for(key, {{"dns", name}});
  csr.back() ^= 1;
  auto const wrong = p.finalize(account, order, csr);
  p.expect_problem(wrong, {400, 403}, {"badCSR"}, "a csr with a wrong signature");
  p.expect(!wrong.text("detail").empty(), "badCSR without a detail");
  p.expect_problem(
      p.finalize(account, order, csr_for(x509::PrivateKey::generate(x509::KeyType::rsa, 1024), {{"dns", name}})),
      {400, 403}, {"badCSR", "badPublicKey"}, "a csr with an RSA key of 1024 bits");
  p.expect_problem(p.post(account, order.answer.text("finalize"), "{}"), {400, 403}, {"malformed", "badCSR"},
                   "finalize without csr");
  p.expect(p.read(account, order.url).text("status") == "ready", "the order is not ready any more after a bad CSR");
  p.expect_ok(p.finalize(account, order, csr_for(key, {{"dns", name}})), "a good CSR after bad ones");
}

void not_ready(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = p.order(account, {{"dns", name}});
  if (order.answer.text("status") != "pending") p.skip("orders are born " + order.answer.text("status") + " here");
  p.expect_problem(p.finalize(account, order, csr_for(new_key(), {{"dns", name}})), {403}, {"orderNotReady"},
                   "finalize of a pending order");
  auto& issued = p.issued();
  auto const again = p.post(account, member_text(issued.order, "finalize"),
                            {{"csr", to_base64url(csr_for(new_key(), {{"dns", issued.name}}))}});
  p.expect_problem(again, {403}, {"orderNotReady"}, "finalize of a valid order");
}

void one_certificate(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = ready(p, name);
  auto const url = order.answer.text("finalize");
  std::vector<std::string> bodies;
  for (int i = 0; i < 2; ++i) {
    p.site.nonce = "";
    auto const payload = json::write(json::Object{{"csr", to_base64url(csr_for(new_key(), {{"dns", name}}))}});
    bodies.push_back(json::write(sign(account.key, p.header(account, url), payload)));
  }
  auto const [first, second] = p.post_both(url, bodies[0], bodies[1]);
  p.expect(first.status < 500 && second.status < 500, "a double finalize is a server error");
  p.expect((first.status == 200) != (second.status == 200),
           "of two finalizes at once " + std::string(first.status == 200 ? "both" : "none") + " succeeded");
}

void outcome(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = ready(p, name);
  auto const answer = p.finalize(account, order, csr_for(new_key(), {{"dns", name}}));
  p.require_ok(answer, "finalize");
  auto const status = answer.text("status");
  p.expect(status == "processing" || status == "valid", "finalize answers with an order that is " + status);
  if (status == "processing") p.expect(!answer.header("Retry-After").empty(), "processing without Retry-After");
  auto const end = p.poll_status(account, order.url, {"valid", "invalid"});
  p.expect(end.text("status") == "valid" && end.text("certificate").starts_with("https://"),
           "a valid order has no certificate URL");
  p.expect(end.json().find("error") == nullptr, "a valid order has an error");
}

constexpr Check kOrderChecks[] = {
    {"8555-7.4-1", "a new order gets 201 and Location; identifiers are not empty and not double", created},
    {"8555-7.4-2", "a request that cannot be met as asked is refused", as_asked},
    {"8555-7.4-3", "an expired pending order is invalid", nullptr, "pending orders live longer than a run"},
    {"8555-7.4-4", "unknown types are unsupportedIdentifier, refused names rejectedIdentifier", identifier_types},
    {"8555-7.4-5", "the CSR names exactly the order's identifiers, in SAN or CN, and asks for nothing else",
     csr_checks},
    {"8555-7.4-6", "a bad CSR is badCSR with detail, and the order stays ready", bad_csr},
    {"8555-7.4-7", "finalize of an order that is not ready is 403 orderNotReady", not_ready},
    {"8555-7.4-8", "of two finalizes at once, one certificate", one_certificate},
    {"8555-7.4-9", "processing has Retry-After, valid has certificate", outcome},
};

}  // namespace

std::span<Check const> order_checks() { return kOrderChecks; }

}  // namespace lenscap::conformance
