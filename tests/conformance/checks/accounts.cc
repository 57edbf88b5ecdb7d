// RFC 8555 sections 7.3 to 7.3.3 and 7.3.6: accounts.
#include <algorithm>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

void created(Probe& p) {
  auto const key = new_key();
  auto const answer = p.post_with_key(key, p.url_of("newAccount"), p.new_account(key));
  p.require(answer.status == 201, "newAccount with a new key got " + std::to_string(answer.status) + ", not 201");
  p.expect(answer.header("Location").starts_with("https://"), "201 without an absolute Location");
  p.expect(answer.text("status") == "valid", "the answer is no account object with status valid");
}

void existing_only(Probe& p) {
  auto const key = new_key();
  auto const url = p.url_of("newAccount");
  p.expect_problem(p.post_with_key(key, url, p.new_account(key, {{"onlyReturnExisting", true}})), {400},
                   {"accountDoesNotExist"}, "onlyReturnExisting with an unknown key");
  p.expect_problem(p.post_with_key(key, url, {{"onlyReturnExisting", true}}), {400}, {"accountDoesNotExist"},
                   "the same again: the first must not have created one");
}

void unknown_members(Probe& p) {
  auto const key = new_key();
  json::Object const more{
      {"orders", "https://elsewhere.example/orders"}, {"onlyReturnExisting", false}, {"mystery", 7}};
  auto const answer = p.post_with_key(key, p.url_of("newAccount"), p.new_account(key, more));
  p.require(answer.status == 201, "unknown members keep newAccount from working");
  for (auto const* name : {"onlyReturnExisting", "mystery"})
    p.expect(answer.json().find(name) == nullptr, std::string("the account object reflects ") + name);
  p.expect(answer.text("orders") != "https://elsewhere.example/orders", "`orders` of the request was taken");
}

void contacts(Probe& p) {
  auto const url = p.url_of("newAccount");
  auto const ask = [&](json::Array contact) {
    auto const key = new_key();
    return p.post_with_key(key, url, p.new_account(key, {{"contact", std::move(contact)}}));
  };
  p.expect(ask({"mailto:admin@" + p.site.options.domain}).status == 201, "mailto is refused");
  auto const unsupported = ask({"tel:+46123456"});
  p.expect_problem(unsupported, {}, {"unsupportedContact"}, "a tel: contact");
  p.expect(unsupported.status < 400 || !unsupported.text("detail").empty(), "unsupportedContact without explanation");
  p.expect_problem(ask({"mailto:nobody"}), {}, {"invalidContact"}, "an address without @");
  p.expect_problem(ask({"mailto:a@" + p.site.options.domain + ",b@" + p.site.options.domain}), {}, {"invalidContact"},
                   "two addresses in one contact");
  p.expect_problem(ask({"mailto:a@" + p.site.options.domain + "?subject=x"}), {}, {"invalidContact"},
                   "header fields in a mailto");
}

void terms(Probe& p) {
  if (member_text(p.meta(), "termsOfService").empty()) p.skip("the server has no terms of service");
  auto const key = new_key();
  auto const payload = without(p.new_account(key), "termsOfServiceAgreed");
  p.expect_problem(p.post_with_key(key, p.url_of("newAccount"), payload), {}, {"userActionRequired", "malformed"},
                   "newAccount without agreement");
  auto const other = new_key();
  auto disagreed = p.new_account(other);
  disagreed.set("termsOfServiceAgreed", false);
  p.expect_problem(p.post_with_key(other, p.url_of("newAccount"), disagreed), {}, {"userActionRequired", "malformed"},
                   "newAccount with agreement: false");
}

void known_key(Probe& p) {
  auto const key = new_key();
  auto const url = p.url_of("newAccount");
  auto const first =
      p.post_with_key(key, url, p.new_account(key, {{"contact", json::Array{"mailto:one@" + p.site.options.domain}}}));
  p.require(first.status == 201, "newAccount got " + std::to_string(first.status));
  auto const again =
      p.post_with_key(key, url, p.new_account(key, {{"contact", json::Array{"mailto:two@" + p.site.options.domain}}}));
  p.expect(again.status == 200, "newAccount with a known key got " + std::to_string(again.status) + ", not 200");
  p.expect(again.header("Location") == first.header("Location"), "Location is another than at first");
  auto const* before = first.json().find("contact");
  if (before != nullptr)
    p.expect(again.texts("contact") == first.texts("contact"), "the second newAccount changed the contact");
  // Neither binding nor agreement is needed to find one's account.
  auto const found = p.post_with_key(key, url, {{"onlyReturnExisting", true}});
  p.expect(found.status == 200 && found.header("Location") == first.header("Location"),
           "onlyReturnExisting does not find the account: " + std::to_string(found.status));
  p.expect(found.text("status") == "valid", "the answer for a known key has no account object");
}

void unknown_key(Probe& p) {
  p.expect_problem(p.post_with_key(new_key(), p.url_of("newAccount"), {{"onlyReturnExisting", true}}), {400},
                   {"accountDoesNotExist"}, "onlyReturnExisting with an unknown key, without binding or agreement");
}

void update(Probe& p) {
  auto const account = p.make_account();
  auto const& domain = p.site.options.domain;
  auto const changed = p.post(account, account.url, json::Object{{"contact", json::Array{"mailto:new@" + domain}}});
  p.require_ok(changed, "an update of the contact");
  p.expect(changed.status == 200 && changed.texts("contact") == std::vector{"mailto:new@" + domain},
           "the update does not answer 200 with the new object");
  auto const ignored = p.post(account, account.url,
                              json::Object{{"orders", "https://elsewhere.example/"},
                                           {"status", "revoked"},
                                           {"termsOfServiceAgreed", false},
                                           {"mystery", 1}});
  p.expect(ignored.status != 200 ||
               (ignored.text("status") == "valid" && ignored.text("orders") != "https://elsewhere.example/" &&
                ignored.json().find("mystery") == nullptr),
           "an update changed what it may not change");
  p.expect(ignored.status == 200 || ignored.status == 400,
           "an update with members that it may not change got " + std::to_string(ignored.status));
  p.expect_ok(p.post(account, account.url, "{}"), "an empty update");
  p.expect(p.read(account, account.url).texts("contact") == std::vector{"mailto:new@" + domain},
           "a POST-as-GET or an empty update lost the contact");
  auto const removed = p.post(account, account.url, json::Object{{"contact", json::Array{}}});
  p.expect(removed.status == 200 && removed.texts("contact").empty(), "contact: [] does not remove the contacts");
}

void deactivation(Probe& p) {
  auto const account = p.make_account();
  auto const answer = p.post(account, account.url, json::Object{{"status", "deactivated"}});
  p.expect(answer.status == 200 && answer.text("status") == "deactivated",
           "deactivation got " + std::to_string(answer.status) + " and status \"" + answer.text("status") + "\"");
}

void deactivated_is_out(Probe& p) {
  auto const account = p.make_account();
  auto const order = p.dns_order(account);
  p.require_ok(p.post(account, account.url, json::Object{{"status", "deactivated"}}), "deactivation");
  p.expect_problem(p.read(account, account.url), {401}, {"unauthorized"}, "POST-as-GET by a deactivated account");
  p.expect_problem(p.try_order(account, {{"dns", p.fresh_name()}}), {401}, {"unauthorized"},
                   "newOrder by a deactivated account");
  p.expect_problem(p.read(account, order.url), {401}, {"unauthorized"}, "its own order for a deactivated account");
  auto const again = p.post_with_key(account.key, p.url_of("newAccount"), p.new_account(account.key));
  p.expect(again.status != 201 && again.text("status") != "valid", "the key of a deactivated account made a new one");
}

void certificates_stay(Probe& p) {
  auto const account = p.make_account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  p.require_ok(p.post(account, account.url, json::Object{{"status", "deactivated"}}), "deactivation");
  if (!p.offers("revokeCert")) p.skip("without revokeCert there is no way to see that the certificate was not revoked");
  auto const url = p.url_of("revokeCert");
  auto const answer =
      p.post(url, sign(issued.key, p.key_header(issued.key, url),
                       json::write(json::Object{{"certificate", to_base64url(issued.chain[0].der())}})));
  p.expect(answer.problem() != "alreadyRevoked", "deactivation revoked the account's certificates");
}

constexpr Check kAccountChecks[] = {
    {"8555-7.3-1", "a new key gets 201, Location and the account object", created},
    {"8555-7.3-2", "onlyReturnExisting never creates", existing_only},
    {"8555-7.3-3", "unknown members are ignored and never reflected", unknown_members},
    {"8555-7.3-4", "contacts are checked: mailto works, others are unsupportedContact, bad ones invalidContact",
     contacts},
    {"8555-7.3-5", "terms of service, where there are any, must be agreed to", terms},
    {"8555-7.3.1-1", "a known key gets 200 and its stored object; the request changes nothing", known_key},
    {"8555-7.3.1-2", "onlyReturnExisting with an unknown key is accountDoesNotExist", unknown_key},
    {"8555-7.3.2-1", "an update ignores what it may not change and answers the full object", update},
    {"8555-7.3.3-1", "changed terms get userActionRequired with Link and instance", nullptr,
     "nobody outside can change the server's terms"},
    {"8555-7.3.6-1", "deactivation answers 200 with status deactivated", deactivation},
    {"8555-7.3.6-2", "a deactivated account gets 401 for everything", deactivated_is_out},
    {"8555-7.3.6-3", "its certificates stay", certificates_stay},
};

}  // namespace

std::span<Check const> account_checks() { return kAccountChecks; }

}  // namespace lenscap::conformance
