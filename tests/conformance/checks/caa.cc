// RFC 8659 and 8657: certification authority authorization. Whether a server looks at all is its setting: a record that
// forbids everybody tells.
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

using Caa = DnsServer::Caa;

// "issued", or the problem type of what refused it: newOrder, the challenge, or finalize.
std::string attempt(Probe& p, Names const& names) {
  auto& account = p.account();
  auto const answer = p.try_order(account, names);
  if (answer.status != 201) return answer.problem();
  Ordered order{answer.header("Location"), answer};
  for (auto const& url : answer.texts("authorizations")) {
    auto const authorization = p.read(account, url);
    if (authorization.text("status") == "valid") continue;
    bool answered = false;
    for (auto const* type : {"http-01", "dns-01", "tls-alpn-01"}) {
      auto const challenge = Probe::find_challenge(authorization, type);
      if (challenge.empty() || !p.can_meet(type)) continue;
      p.respond(account, member_text(*json::need_object(authorization.json(), "identifier"), "value"), challenge);
      p.post(account, member_text(challenge, "url"), "{}");
      answered = true;
      break;
    }
    if (!answered) p.skip("the server offers no challenge that this run can meet");
    auto const end = p.poll_status(account, url, {"valid", "invalid"});
    if (end.text("status") == "invalid") {
      auto const challenges = json::need_array(end.json(), "challenges");
      for (auto const& item : *challenges)
        if (auto const error = json::need_object(*item.as_object(), "error"))
          return member_text(*error, "type").substr(27);
      return "invalid";
    }
  }
  Names csr_names;
  for (auto const& name : names) csr_names.push_back(name);
  auto const finalized = p.finalize(account, order, csr_for(new_key(), csr_names));
  if (finalized.status >= 400) return finalized.problem();
  auto const end = p.poll_status(account, order.url, {"valid", "invalid"});
  if (end.text("status") == "valid") return "issued";
  auto const error = json::need_object(end.json(), "error");
  return error ? member_text(*error, "type").substr(27) : "invalid";
}

std::string own_identity(Probe& p) {
  if (!p.site.dns) p.skip("this run has no DNS server of its own (--dns-port)");
  auto const meta = p.meta();
  auto const identities = json::need_strings(meta, "caaIdentities");
  if (!identities || identities->empty()) p.skip("the directory names no caaIdentities: CAA is not looked at");
  return identities->front();
}

void expect_refused(Probe& p, Names const& names, std::string const& what) {
  auto const outcome = attempt(p, names);
  p.expect(outcome == "caa" || outcome == "compound", what + ": wanted caa, got " + outcome);
}
void expect_issued(Probe& p, Names const& names, std::string const& what) {
  auto const outcome = attempt(p, names);
  p.expect(outcome == "issued", what + ": wanted a certificate, got " + outcome);
}

void climb(Probe& p) {
  auto const own = own_identity(p);
  auto const base = p.fresh_name();
  p.site.dns->set_caa(base, {{0, "issue", ";"}});
  expect_refused(p, {{"dns", base}}, "a record that forbids everybody");
  expect_refused(p, {{"dns", "a.b." + base}}, "the same two levels above");
  auto const other = p.fresh_name();
  p.site.dns->set_caa(other, {{0, "issue", "elsewhere.example"}});
  expect_refused(p, {{"dns", other}}, "a record for another CA");
  auto const ours = p.fresh_name();
  p.site.dns->set_caa(ours, {{0, "issue", "elsewhere.example"}, {0, "issue", own}});
  expect_issued(p, {{"dns", ours}}, "a record for this CA beside another");
  auto const alias = p.fresh_name();
  p.site.dns->set_alias(alias, base);
  expect_refused(p, {{"dns", alias}}, "a CNAME to a name that forbids everybody");
  expect_issued(p, {{"dns", p.fresh_name()}}, "no record at all");
}

void properties(Probe& p) {
  auto const own = own_identity(p);
  auto const critical = p.fresh_name();
  p.site.dns->set_caa(critical, {{128, "mystery", "x"}, {0, "issue", own}});
  expect_refused(p, {{"dns", critical}}, "an unknown critical property");
  auto const harmless = p.fresh_name();
  p.site.dns->set_caa(harmless, {{0, "mystery", "x"}, {0, "issue", own}});
  expect_issued(p, {{"dns", harmless}}, "an unknown property that is not critical");
  auto const base = p.fresh_name();
  p.site.dns->set_caa(base, {{0, "issue", own}, {0, "issuewild", ";"}});
  auto const wild = p.try_order(p.account(), {{"dns", "*." + p.fresh_name()}});
  if (wild.status == 201) expect_refused(p, {{"dns", "*." + base}}, "a wildcard that issuewild forbids");
  expect_issued(p, {{"dns", base}}, "a name beside issuewild");
}

void parameters(Probe& p) {
  auto const own = own_identity(p);
  auto const with = [&](std::string const& parameters) {
    auto const name = p.fresh_name();
    p.site.dns->set_caa(name, {{0, "issue", own + "; " + parameters}});
    return Names{{"dns", name}};
  };
  expect_issued(p, with("accounturi=" + p.account().url), "accounturi of this account");
  expect_refused(p, with("accounturi=" + p.account().url + "x"), "accounturi of another account");
  expect_refused(p, with("validationmethods=mystery-01"), "validationmethods without the one that was used");
  expect_issued(p, with("validationmethods=http-01,dns-01,tls-alpn-01"),
                "validationmethods with the one that was used");
}

constexpr Check kCaaChecks[] = {
    {"8659-3-1", "the tree is climbed, CNAME followed", climb},
    {"8659-4-1", "issuewild goes before issue for wildcards; unknown critical properties refuse", properties},
    {"8657-3-1", "accounturi and validationmethods are honoured", parameters},
};

}  // namespace

std::span<Check const> caa_checks() { return kCaaChecks; }

}  // namespace lenscap::conformance
