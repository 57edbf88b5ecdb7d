// RFC 8555 section 7.1: the directory, and the objects as they are shown.
#include <algorithm>
#include <set>

#include "base/time.h"
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

bool is_time(std::string const& text) {
  if (parse_rfc3339(text)) return true;
  auto const dot = text.find('.');  // RFC 3339 allows a fraction, which we do not read
  return dot != std::string::npos && parse_rfc3339(text.substr(0, dot) + "Z").ok();
}

bool is_status(std::string const& text, std::set<std::string, std::less<>> const& known) {
  return known.contains(text);
}

void directory_members(Probe& p) {
  auto const answer = p.get(p.site.options.directory);
  p.expect(answer.media_type() == "application/json", "the directory's media type is " + answer.media_type());
  for (auto const* name : {"newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"})
    p.expect(!answer.text(name).empty(), std::string("the directory has no ") + name);
}

void links_and_locations(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  std::vector<std::pair<std::string, Answer>> const list{{"newOrder", order.answer},
                                                         {"an order", p.read(account, order.url)},
                                                         {"an authorization", p.authorization(account, order)},
                                                         {"an account", p.read(account, account.url)},
                                                         {"newNonce", p.get(p.url_of("newNonce"))},
                                                         {"an error", p.post_text(p.url_of("newOrder"), "no JSON")}};
  for (auto const& [what, answer] : list) {
    auto const links = answer.links("index");
    p.expect(std::count(links.begin(), links.end(), p.site.options.directory) != 0,
             what + " has no Link of rel index to the directory");
  }
  p.expect(order.answer.header("Location").starts_with("https://"), "Location of a new order is no absolute URL");
}

void no_empty_promise(Probe& p) {
  if (!p.offers("newAuthz")) return;
  auto const answer = p.post(p.account(), p.url_of("newAuthz"),
                             json::Object{{"identifier", json::Object{{"type", "dns"}, {"value", p.fresh_name()}}}});
  p.expect(answer.status != 501 && answer.status != 404 && answer.status != 405,
           "newAuthz is in the directory and answers " + std::to_string(answer.status));
}

void meta_members(Probe& p) {
  auto const* found = p.site.directory.find("meta");
  if (found == nullptr) p.skip("the directory has no meta");
  p.require(found->as_object() != nullptr, "meta is no object");
  auto const& meta = *found->as_object();
  for (auto const* name : {"termsOfService", "website"})
    if (meta.find(name) != nullptr) p.expect(parse_url(member_text(meta, name)).ok(), std::string(name) + " is no URL");
  if (auto const* flag = meta.find("externalAccountRequired"))
    p.expect(flag->as_bool() != nullptr, "externalAccountRequired is no boolean");
  if (meta.find("caaIdentities") != nullptr) {
    auto const names = json::need_strings(meta, "caaIdentities");
    p.require(names.ok(), "caaIdentities is no array of text");
    for (auto const& name : *names)
      p.expect(x509::DnsName::parse(name).ok(), "a CAA identity is no domain name: " + name);
  }
}

void account_members(Probe& p) {
  auto& account = p.account();
  auto const answer = p.read(account, account.url);
  p.require_ok(answer, "reading the account");
  p.expect(answer.text("status") == "valid", "the account's status is " + answer.text("status"));
  p.expect(answer.text("orders").starts_with("https://"), "the account has no URL `orders`");
  if (auto const* contact = answer.json().find("contact"))
    p.expect(contact->as_array() != nullptr, "contact is no array");
}

void orders_list(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto next = p.read(account, account.url).text("orders");
  if (next.empty()) p.skip("the account object has no `orders` (8555-7.1.2-1)");
  auto const first = next;
  bool found = false;
  for (int page = 0; page < 50 && !next.empty() && !found; ++page) {
    auto const answer = p.read(account, next);
    p.require_ok(answer, "reading the list of orders");
    p.require(json::need_strings(answer.json(), "orders").ok(), "the list is no object with an array `orders`");
    auto const urls = answer.texts("orders");
    found = std::count(urls.begin(), urls.end(), order.url) != 0;
    auto const links = answer.links("next");
    next = links.empty() ? "" : links.front();
  }
  p.expect(found, "a pending order is not in the list");
  p.expect_problem(p.read(p.stranger(), first), {401, 403, 404}, {}, "the list for another account");
}

void order_members(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto const pending = p.read(account, order.url);
  auto const valid = p.read(account, p.issued().order_url);
  for (auto const* answer : {&order.answer, &pending, &valid}) {
    auto const what = "an order that is " + answer->text("status") + " has no ";
    p.expect(is_time(answer->text("expires")), what + "expires in RFC 3339");
    p.expect(json::need_array(answer->json(), "identifiers").ok(), what + "identifiers");
    p.expect(!answer->texts("authorizations").empty(), what + "authorizations");
    p.expect(!answer->text("finalize").empty(), what + "finalize");
    p.expect((answer->text("status") == "valid") == !answer->text("certificate").empty(),
             "an order has `certificate` that is not valid, or has none that is: " + answer->text("status"));
  }
  p.expect(order.answer.status == 201 && order.answer.media_type() == "application/json",
           "a new order is not 201 application/json");
}

Ordered wildcard_order(Probe& p, std::string const& base) {
  auto answer = p.try_order(p.account(), {{"dns", "*." + base}});
  if (answer.status != 201) p.skip("the server refuses wildcards here: " + answer.problem());
  return {answer.header("Location"), answer};
}

void wildcard_authorization(Probe& p) {
  auto const base = p.fresh_name();
  auto const order = wildcard_order(p, base);
  auto const authorization = p.authorization(p.account(), order);
  auto const identifier = json::need_object(authorization.json(), "identifier");
  p.require(identifier.ok(), "the authorization has no identifier");
  p.expect(member_text(*identifier, "value") == base,
           "the authorization of *." + base + " is for " + member_text(*identifier, "value"));
  auto const flag = json::need_bool(authorization.json(), "wildcard");
  p.expect(flag.ok() && *flag, "the authorization of a wildcard has no wildcard: true");
}

void order_never_changes(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = p.ready_order(account, {{"dns", name}});
  auto const same = [&](Answer const& a, Answer const& b, char const* member) {
    auto const first = a.json();
    auto const second = b.json();
    return first.find(member) != nullptr && second.find(member) != nullptr &&
           *first.find(member) == *second.find(member);
  };
  auto const made = p.read(account, order.url);
  p.require_ok(p.finalize(account, order, csr_for(new_key(), {{"dns", name}})), "finalize");
  auto const end = p.poll_status(account, order.url, {"valid", "invalid"});
  for (auto const* member : {"identifiers", "authorizations"})
    p.expect(same(made, end, member), std::string("an order's ") + member + " changed");
}

void all_authorizations_listed(Probe& p) {
  auto& account = p.account();
  auto const first = p.fresh_name();
  auto const second = p.fresh_name();
  p.ready_order(account, {{"dns", first}});
  auto const order = p.order(account, {{"dns", first}, {"dns", second}});
  auto const urls = order.answer.texts("authorizations");
  p.require(urls.size() == 2, "an order of two names lists " + std::to_string(urls.size()) + " authorizations");
  std::set<std::string, std::less<>> names;
  for (auto const& url : urls) {
    auto const identifier = json::need_object(p.read(account, url).json(), "identifier");
    if (identifier) names.insert(member_text(*identifier, "value"));
  }
  p.expect(names.contains(first) && names.contains(second), "the authorizations are not those of the order's names");
}

void authorization_members(Probe& p) {
  auto& account = p.account();
  auto const order = p.ready_order(account, {{"dns", p.fresh_name()}});
  auto const authorization = p.authorization(account, order);
  p.expect(is_time(authorization.text("expires")), "a valid authorization has no expires");
  p.expect(authorization.json().find("wildcard") == nullptr,
           "an authorization that is no wildcard's has the member wildcard");
}

void names_in_certificate_form(Probe& p) {
  auto const& domain = p.site.options.domain;
  for (auto const& name :
       {"b\xc3\xbc"
        "cher." +
            domain,
        "xn--a." + domain, "a..b." + domain, "-a." + domain, "a_b." + domain, std::string("127.0.0.1")})
    p.expect_problem(p.try_order(p.account(), {{"dns", name}}), {},
                     {"malformed", "rejectedIdentifier", "unsupportedIdentifier", "compound"},
                     "the dns value \"" + name + "\"");
}

void no_star_inside(Probe& p) {
  auto const& domain = p.site.options.domain;
  for (auto const& name : {"a.*." + domain, "*.*." + domain, "a*." + domain})
    p.expect_problem(p.try_order(p.account(), {{"dns", name}}), {},
                     {"malformed", "rejectedIdentifier", "unsupportedIdentifier", "compound"},
                     "the dns value \"" + name + "\"");
}

void challenges_shown(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto const before = p.authorization(account, order);
  auto const list = json::need_array(before.json(), "challenges");
  p.require(list.ok() && !list->empty(), "a pending authorization has no challenges");
  p.prove(account, order);
  auto const after = p.authorization(account, order);
  auto const end = json::need_array(after.json(), "challenges");
  p.require(end.ok() && !end->empty(), "a valid authorization has no challenges");
  int valid = 0;
  for (auto const& item : *end) valid += member_text(*item.as_object(), "status") == "valid" ? 1 : 0;
  p.expect(valid == 1, "of a valid authorization's challenges " + std::to_string(valid) + " are valid, not one");
}

void registered_statuses(Probe& p) {
  auto& account = p.account();
  auto const name = p.fresh_name();
  auto const order = p.dns_order(account);
  p.expect(is_status(order.answer.text("status"), {"pending", "ready"}),
           "a new order is " + order.answer.text("status"));
  auto const authorization = p.authorization(account, order);
  p.expect(is_status(authorization.text("status"), {"pending", "valid"}),
           "a new authorization is " + authorization.text("status"));
  auto const list = json::need_array(authorization.json(), "challenges");
  p.require(list.ok(), "the authorization has no challenges");
  for (auto const& item : *list)
    p.expect(is_status(member_text(*item.as_object(), "status"), {"pending", "processing", "valid", "invalid"}),
             "a challenge is " + member_text(*item.as_object(), "status"));
  p.prove(account, order);
  auto const ready = p.poll_status(account, order.url, {"ready", "invalid"});
  p.expect(ready.text("status") == "ready", "an order whose authorizations are valid is " + ready.text("status"));
  auto const refused = p.post(account, order.answer.texts("authorizations")[0], json::Object{{"status", "expired"}});
  p.expect_problem(refused, {}, {}, "a client that sets an authorization to expired");
}

constexpr Check kObjectChecks[] = {
    {"8555-7.1-1", "newNonce, newAccount, newOrder, revokeCert and keyChange are in the directory", directory_members},
    {"8555-7.1-2", "Link index on all but the directory, Location on creation", links_and_locations},
    {"8555-7.1.1-1", "newAuthz is absent where pre-authorization is not offered", no_empty_promise},
    {"8555-7.1.1-2", "meta is an object with correct members", meta_members},
    {"8555-7.1.2-1", "the account object has its members", account_members},
    {"8555-7.1.2.1-1", "the orders list is an object with an array of URLs, for its owner", orders_list},
    {"8555-7.1.3-1", "an order has expires while pending or valid, and its other members where they belong",
     order_members},
    {"8555-7.1.3-2", "a wildcard's authorization carries the base name and wildcard true", wildcard_authorization},
    {"8555-7.1.3-3", "an order's identifiers and authorizations never change", order_never_changes},
    {"8555-7.1.3-4", "an order lists every authorization, reused ones too", all_authorizations_listed},
    {"8555-7.1.4-1", "an authorization has expires when valid, and wildcard only where due", authorization_members},
    {"8555-7.1.4-2", "a dns value is in certificate form", names_in_certificate_form},
    {"8555-7.1.4-3", "no star but as the first label", no_star_inside},
    {"8555-7.1.4-4", "challenges: all while pending, the successful one when valid", challenges_shown},
    {"8555-7.1.6-1", "statuses are registered ones and follow each other as in the figures", registered_statuses},
};

}  // namespace

std::span<Check const> object_checks() { return kObjectChecks; }

}  // namespace lenscap::conformance
