// RFC 9773: renewal information.
#include "base/time.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

// base64url(key identifier) "." base64url(serial number's content octets), section 4.1.
std::string id_of(x509::Certificate const& leaf) {
  auto serial = leaf.serial();
  if (!serial.empty() && (serial[0] & 0x80) != 0) serial.insert(serial.begin(), 0);
  return to_base64url(leaf.authority_key_id()) + "." + to_base64url(serial);
}

std::string info_url(Probe& p, std::string const& id) { return p.url_of("renewalInfo") + "/" + id; }

void path(Probe& p) {
  p.url_of("renewalInfo");
  auto const id = id_of(p.issued().chain.front());
  auto const answer = p.get(info_url(p, id));
  p.expect(answer.status == 200 && answer.media_type() == "application/json",
           "a certificate's renewal information got " + std::to_string(answer.status));
}

void spelling(Probe& p) {
  p.url_of("renewalInfo");
  auto const id = id_of(p.issued().chain.front());
  p.expect_problem(p.get(info_url(p, id + "=")), {400, 404}, {"malformed"}, "an id with padding");
  p.expect_problem(p.get(info_url(p, "nonsense")), {400, 404}, {"malformed"}, "an id that is none");
  auto const unknown =
      to_base64url(p.issued().chain.front().authority_key_id()) + "." + to_base64url(as_bytes("\x01unknown"));
  p.expect_problem(p.get(info_url(p, unknown)), {404}, {}, "an unknown certificate");
}

// What the certificate was issued to does not matter: no account signs.
void unsigned_get(Probe& p) {
  p.url_of("renewalInfo");
  auto const answer = p.get(info_url(p, id_of(p.issued().chain.front())));
  p.expect(answer.status == 200, "an unsigned GET got " + std::to_string(answer.status));
}

struct Window {
  Time start, end;
};

Window window_of(Probe& p, Answer const& answer) {
  auto const window = json::need_object(answer.json(), "suggestedWindow");
  p.require(window.ok(), "there is no suggestedWindow");
  auto const read = [&](char const* name) {
    auto text = member_text(*window, name);
    if (auto const dot = text.find('.'); dot != std::string::npos) text = text.substr(0, dot) + "Z";
    auto const time = parse_rfc3339(text);
    p.require(time.ok(), std::string(name) + " is no RFC 3339 time: " + text);
    return *time;
  };
  return {read("start"), read("end")};
}

void window(Probe& p) {
  p.url_of("renewalInfo");
  auto const& leaf = p.issued().chain.front();
  auto const seen = window_of(p, p.get(info_url(p, id_of(leaf))));
  p.expect(seen.start < seen.end, "the window does not start before it ends");
  p.expect(seen.start >= leaf.not_before() && seen.end <= leaf.not_after(),
           "the window lies outside of the certificate's life");
}

void revoked_window(Probe& p) {
  p.url_of("renewalInfo");
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const revoked = p.issue(account, {{"dns", p.fresh_name()}});
  p.require_ok(
      p.post(account, p.url_of("revokeCert"), json::Object{{"certificate", to_base64url(revoked.chain.front().der())}}),
      "revocation");
  auto const now = window_of(p, p.get(info_url(p, id_of(revoked.chain.front()))));
  p.expect(now.start < now.end && now.end <= SystemClock().now() + kMinute,
           "a revoked certificate's window is not in the past");
}

void retry_after(Probe& p) {
  p.url_of("renewalInfo");
  auto const answer = p.get(info_url(p, id_of(p.issued().chain.front())));
  p.expect(!answer.header("Retry-After").empty(), "there is no Retry-After");
}

void replaces(Probe& p) {
  p.url_of("renewalInfo");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  auto const id = id_of(issued.chain.front());
  Names const names{{"dns", issued.name}};
  auto const first = p.try_order(account, names, {{"replaces", id}});
  p.require(first.status == 201, "an order with replaces got " + std::to_string(first.status) + " " + first.problem());
  p.expect(first.text("replaces") == id, "the order does not show what it replaces");
  p.expect(p.read(account, first.header("Location")).text("replaces") == id,
           "the order does not show what it replaces when it is read");
  // An order that comes to nothing sets it free.
  p.require_ok(p.post(account, first.texts("authorizations").at(0), json::Object{{"status", "deactivated"}}),
               "deactivation of the authorization");
  if (p.read(account, first.header("Location")).text("status") != "invalid") return;
  p.expect(p.try_order(account, names, {{"replaces", id}}).status == 201,
           "an invalid order keeps its predecessor replaced");
}

void already_replaced(Probe& p) {
  p.url_of("renewalInfo");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  auto const id = id_of(issued.chain.front());
  Names const names{{"dns", issued.name}};
  p.require(p.try_order(account, names, {{"replaces", id}}).status == 201, "an order with replaces is refused");
  p.expect_problem(p.try_order(account, names, {{"replaces", id}}), {409}, {"alreadyReplaced"},
                   "a second order that replaces the same certificate");
}

// The server may refuse such an order, or pass over what it says; to show it would be to agree.
void unrelated_predecessor(Probe& p) {
  p.url_of("renewalInfo");
  auto& account = p.account();
  auto const id = id_of(p.issue(account, {{"dns", p.fresh_name()}}).chain.front());
  auto const answer = p.try_order(account, {{"dns", p.fresh_name()}}, {{"replaces", id}});
  p.expect(answer.status >= 400 || answer.text("replaces").empty(),
           "an order replaces a certificate with which it has no name in common");
}

constexpr Check kRenewalInfoChecks[] = {
    {"9773-4.1-1", "renewalInfo is announced, and its path is built from key identifier and serial", path},
    {"9773-4.1-2", "other spellings of a certificate's id are malformed, unknown ones not found", spelling},
    {"9773-4.1-3", "it is read by GET, unsigned", unsigned_get},
    {"9773-4.2-1", "the window has start before end, inside the certificate's life", window},
    {"9773-4.2-2", "that of a revoked certificate lies in the past", revoked_window},
    {"9773-4.3-1", "Retry-After is there", retry_after},
    {"9773-5-1", "replaces is reflected, and freed by an order that fails", replaces},
    {"9773-5-2", "a certificate that is replaced already gets 409 alreadyReplaced", already_replaced},
    {"9773-5-3", "a predecessor has a name in common with the order, or is not shown", unrelated_predecessor},
    {"9773-5-4", "of orders at once that replace one certificate one succeeds", nullptr,
     "which of two requests came first cannot be told from outside; the tests of the server do it in its store"},
    {"9773-5-5", "a renewal is not held up by the limit of open orders", nullptr,
     "the limit is the server's own, and reaching it would stop the other checks"},
};

}  // namespace

std::span<Check const> renewal_info_checks() { return kRenewalInfoChecks; }

}  // namespace lenscap::conformance
