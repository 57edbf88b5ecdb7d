// RFC 8555 sections 6.3 and 6.4: GET and POST-as-GET, and the URL that was signed.
#include <algorithm>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

void get_is_refused(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  std::vector<std::string> urls{account.url, p.url_of("newAccount"), p.url_of("newOrder"), order.url,
                                order.answer.text("finalize")};
  for (auto const& url : order.answer.texts("authorizations")) urls.push_back(url);
  for (auto const& url : urls) {
    auto const answer = p.get(url);
    p.expect_problem(answer, {405}, {"malformed"}, "GET on " + url);
    if (answer.status == 405) p.expect(!answer.header("Allow").empty(), "405 without Allow (RFC 9110 15.5.6)");
  }
}

void post_as_get(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto const answer = p.read(account, order.url);
  p.require_ok(answer, "POST-as-GET of an order");
  p.expect(answer.text("finalize") == order.answer.text("finalize"), "POST-as-GET does not answer with the order");
  auto const header = p.header(account, order.url);
  p.expect_problem(p.post(order.url, sign(new_key(), header, "")), {400, 401, 403}, {},
                   "POST-as-GET with a wrong signature");
}

void object_is_no_read(Probe& p) {
  auto& account = p.account();
  auto const order = p.dns_order(account);
  auto const authorization = p.authorization(account, order);
  p.expect_problem(p.post(account, order.url, "{}"), {}, {}, "{} to an order");
  auto const list = json::need_array(authorization.json(), "challenges");
  p.require(list.ok() && !list->empty(), "the authorization has no challenges");
  auto const url = member_text(*(*list)[0].as_object(), "url");
  p.expect_ok(p.read(account, url), "POST-as-GET of a challenge");
  auto const after = p.read(account, order.answer.texts("authorizations")[0]);
  p.expect(after.text("status") == authorization.text("status"), "reading a challenge started it");
}

void open_resources(Probe& p) {
  auto& account = p.account();
  auto const directory = p.read(account, p.site.options.directory);
  p.expect(directory.status == 200 && !directory.text("newOrder").empty(), "the directory does not answer POST-as-GET");
  auto const nonce = p.read(account, p.url_of("newNonce"));
  p.expect(nonce.status == 204 || nonce.status == 200,
           "newNonce does not answer POST-as-GET: " + std::to_string(nonce.status));
  p.expect(!nonce.header("Replay-Nonce").empty(), "newNonce by POST-as-GET gives no nonce");
}

void own_objects_only(Probe& p) {
  auto& account = p.account();
  auto& stranger = p.stranger();
  auto const order = p.dns_order(account);
  auto const authorization = p.authorization(account, order);
  auto const list = json::need_array(authorization.json(), "challenges");
  std::vector<std::string> urls{order.url, order.answer.texts("authorizations")[0], account.url};
  if (list && !list->empty()) urls.push_back(member_text(*(*list)[0].as_object(), "url"));
  urls.push_back(member_text(p.issued().order, "certificate"));
  for (auto const& url : urls) {
    auto const foreign = p.read(stranger, url);
    p.expect_problem(foreign, {401, 403, 404}, {}, "reading another account's object " + url);
  }
  // What is not there must look as what is another's.
  auto const absent = p.read(stranger, order.url + "x");
  auto const foreign = p.read(stranger, order.url);
  p.expect(absent.status == foreign.status && absent.problem() == foreign.problem(),
           "a foreign order (" + std::to_string(foreign.status) + ") can be told from an absent one (" +
               std::to_string(absent.status) + ")");
}

void url_is_there(Probe& p) {
  auto& account = p.account();
  auto header = p.header(account, account.url);
  p.expect_problem(p.post(account.url, sign(account.key, without(header, "url"), "")), {400, 401, 403},
                   {"malformed", "unauthorized"}, "no url");
  header = p.header(account, account.url);
  header.set("url", 7);
  p.expect_problem(p.post(account.url, sign(account.key, header, "")), {400, 401, 403}, {"malformed", "unauthorized"},
                   "a url that is a number");
}

void other_url(Probe& p) {
  auto& account = p.account();
  auto const header = p.header(account, p.url_of("newOrder"));
  p.expect_problem(p.post(account.url, sign(account.key, header, "")), {401, 403}, {"unauthorized"},
                   "a url of another resource");
}

void exact_url(Probe& p) {
  auto& account = p.account();
  auto const url = parse_url(account.url).value();
  auto upper = url.authority;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  std::vector<std::string> wrong{account.url + "/", account.url + "?x=1", "http://" + url.authority + url.target};
  if (upper != url.authority) wrong.push_back("https://" + upper + url.target);
  for (auto const& text : wrong) {
    auto const header = p.header(account, text);
    p.expect_problem(p.post(account.url, sign(account.key, header, "")), {400, 401, 403}, {"unauthorized", "malformed"},
                     "the signed url " + text);
  }
}

void host_is_not_believed(Probe& p) {
  auto const directory = p.get(p.site.options.directory, {{"Host", "elsewhere.example"}});
  p.expect(directory.status >= 400 || directory.text("newOrder").find("elsewhere.example") == std::string::npos,
           "URLs of the directory follow the Host field");
  auto& account = p.account();
  auto const header = p.header(account, "https://elsewhere.example" + parse_url(account.url)->target);
  auto const answer =
      p.site.http.send("POST", account.url, {{"Host", "elsewhere.example"}, {"Content-Type", "application/jose+json"}},
                       json::write(sign(account.key, header, "")));
  p.expect_problem(answer, {}, {}, "a url that agrees with the Host field and not with the server");
}

constexpr Check kAccessChecks[] = {
    {"8555-6.3-1", "GET works for directory and newNonce only; elsewhere 405 and malformed", get_is_refused},
    {"8555-6.3-2", "POST-as-GET is authenticated and answers with the object", post_as_get},
    {"8555-6.3-3", "an object as payload is not POST-as-GET", object_is_no_read},
    {"8555-6.3-4", "directory and newNonce answer POST-as-GET too", open_resources},
    {"8555-6.3-5", "an account reads its own objects only, and cannot tell foreign from absent", own_objects_only},
    {"8555-6.4-1", "the protected url is there and is text", url_is_there},
    {"8555-6.4-2", "a url other than the requested one is unauthorized", other_url},
    {"8555-6.4-3", "the comparison is of exact text", exact_url},
    {"8555-6.4-4", "the base URL does not come from the Host field", host_is_not_believed},
};

}  // namespace

std::span<Check const> access_checks() { return kAccessChecks; }

}  // namespace lenscap::conformance
