#include "tests/conformance/probe.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "acme/wire/jwk.h"
#include "acme/wire/key_authorization.h"
#include "acme/wire/names.h"
#include "base/x509/csr.h"

namespace lenscap::conformance {
namespace {

namespace names = acme::names;
constexpr std::chrono::milliseconds kPollInterval{100};

std::string join(std::vector<std::string> const& texts) {
  std::string out;
  for (auto const& text : texts) out += (out.empty() ? "" : " or ") + text;
  return out;
}

std::string seen(Answer const& answer) {
  auto out = "got " + std::to_string(answer.status);
  if (auto const problem = answer.problem(); !problem.empty()) out += " " + short_text(problem, 80);
  return out;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  return outcome == Outcome::pass ? "pass" : outcome == Outcome::fail ? "fail" : "not-applicable";
}

Verdict judge(Check const& check, Site& site) {
  Verdict verdict{.check = check};
  if (check.run == nullptr) {
    verdict.outcome = Outcome::not_applicable;
    verdict.reason = check.unseen;
    return verdict;
  }
  site.http.exchanges().clear();
  Probe probe(site);
  auto const last = [&site] { return site.http.exchanges().empty() ? 0 : site.http.exchanges().size() - 1; };
  try {
    check.run(probe);
  } catch (Skipped const& why) {
    verdict.outcome = Outcome::not_applicable;
    verdict.reason = why.what();
  } catch (Failed const& why) {
    probe.findings.push_back({why.what(), last()});
  } catch (NoAnswer const& why) {
    probe.findings.push_back({std::string("no answer: ") + why.what(), last()});
  } catch (std::exception const& why) {  // an answer that the check did not think of
    probe.findings.push_back({std::string("the check could not go on: ") + why.what(), last()});
  }
  verdict.findings = std::move(probe.findings);
  if (!verdict.findings.empty()) verdict.outcome = Outcome::fail;
  verdict.exchanges = std::move(site.http.exchanges());
  site.http.exchanges().clear();
  return verdict;
}

json::Array identifiers(Names const& names) {
  json::Array array;
  for (auto const& [type, value] : names) array.emplace_back(json::Object{{"type", type}, {"value", value}});
  return array;
}

// --- judgment ---

void Probe::expect(bool fine, std::string const& what) {
  auto const count = site.http.exchanges().size();
  if (!fine) findings.push_back({what, count == 0 ? 0 : count - 1});
}

void Probe::require(bool fine, std::string const& what) {
  if (!fine) throw Failed(what);
}

void Probe::skip(std::string const& why) { throw Skipped(why); }

void Probe::expect_problem(Answer const& answer, std::vector<int> const& statuses,
                           std::vector<std::string> const& types, std::string const& what) {
  bool const status_fits = statuses.empty() ? answer.status >= 400 && answer.status < 500
                                            : std::count(statuses.begin(), statuses.end(), answer.status) != 0;
  std::vector<std::string> wanted;
  for (int status : statuses) wanted.push_back(std::to_string(status));
  expect(status_fits, what + ": wanted status " + (wanted.empty() ? "4xx" : join(wanted)) + ", " + seen(answer));
  if (answer.status < 400) return;
  expect(types.empty() || std::count(types.begin(), types.end(), answer.problem()) != 0,
         what + ": wanted the problem type " + join(types) + ", " + seen(answer));
}

void Probe::expect_ok(Answer const& answer, std::string const& what) {
  expect(answer.status / 100 == 2, what + ": wanted success, " + seen(answer));
}

void Probe::require_ok(Answer const& answer, std::string const& what) {
  require(answer.status / 100 == 2, what + ": wanted success, " + seen(answer));
}

// --- requests ---

std::string Probe::url_of(std::string_view resource) {
  auto const url = member_text(site.directory, resource);
  if (url.empty()) skip("the directory has no " + std::string(resource));
  return url;
}

bool Probe::offers(std::string_view resource) const { return !member_text(site.directory, resource).empty(); }

json::Object Probe::meta() const {
  auto const* found = site.directory.find("meta");
  return found != nullptr && found->as_object() != nullptr ? *found->as_object() : json::Object();
}

Answer Probe::get(std::string const& url, Http::Fields fields) { return site.http.send("GET", url, std::move(fields)); }

std::string Probe::nonce() {
  if (!site.nonce.empty()) return std::exchange(site.nonce, "");
  auto const nonce = site.http.send("HEAD", url_of("newNonce")).header("Replay-Nonce");
  require(!nonce.empty(), "HEAD on newNonce gives no Replay-Nonce");
  return nonce;
}

json::Object Probe::header(Account const& account, std::string const& url) {
  return {
      {"alg", algorithm_of(account.key.public_key().type())}, {"kid", account.url}, {"nonce", nonce()}, {"url", url}};
}

json::Object Probe::key_header(x509::PrivateKey const& key, std::string const& url) {
  return {{"alg", algorithm_of(key.public_key().type())},
          {"jwk", acme::to_jwk(key.public_key())},
          {"nonce", nonce()},
          {"url", url}};
}

Answer Probe::post_text(std::string const& url, std::string const& body, std::string const& media_type) {
  auto answer = site.http.send("POST", url, {{"Content-Type", media_type}}, body);
  site.nonce = answer.header("Replay-Nonce");
  return answer;
}

Answer Probe::post(Account const& account, std::string const& url, std::string_view payload, Http::Fields fields) {
  fields.emplace_back("Content-Type", "application/jose+json");
  Answer answer;
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto const body = json::write(sign(account.key, header(account, url), payload));
    answer = site.http.send("POST", url, fields, body);
    site.nonce = answer.header("Replay-Nonce");
    if (answer.problem() != "badNonce") break;
  }
  return answer;
}

Answer Probe::post_with_key(x509::PrivateKey const& key, std::string const& url, json::Object const& payload) {
  Answer answer;
  for (int attempt = 0; attempt < 3; ++attempt) {
    answer = post(url, sign(key, key_header(key, url), json::write(payload)));
    if (answer.problem() != "badNonce") break;
  }
  return answer;
}

std::pair<Answer, Answer> Probe::post_both(std::string const& url, std::string const& first,
                                           std::string const& second) {
  if (!site.options.races) skip("this run sends no two requests at once (--one-at-a-time)");
  Http other(site.roots);
  Answer second_answer;
  std::string trouble;
  std::thread thread([&] {
    try {
      second_answer = other.send("POST", url, {{"Content-Type", "application/jose+json"}}, second);
    } catch (NoAnswer const& why) {
      trouble = why.what();
    }
  });
  Answer first_answer;
  try {
    first_answer = site.http.send("POST", url, {{"Content-Type", "application/jose+json"}}, first);
  } catch (NoAnswer const& why) {
    trouble = why.what();
  }
  thread.join();
  site.nonce = "";
  auto& exchanges = site.http.exchanges();
  exchanges.insert(exchanges.end(), other.exchanges().begin(), other.exchanges().end());
  require(trouble.empty(), "one of two requests at once got no answer: " + trouble);
  return {first_answer, second_answer};
}

// --- objects ---

bool Probe::wants_binding() const {
  auto const* found = std::as_const(site.directory).find("meta");
  if (found == nullptr || found->as_object() == nullptr) return false;
  auto const* flag = found->as_object()->find("externalAccountRequired");
  return flag != nullptr && flag->as_bool() != nullptr && *flag->as_bool();
}

json::Object Probe::binding(x509::PublicKey const& key) {
  if (site.options.eab_kid.empty()) skip("this run has no external account key (--eab)");
  json::Object const header{{"alg", "HS256"}, {"kid", site.options.eab_kid}, {"url", url_of("newAccount")}};
  return sign_by_mac(site.options.eab_key.view(), header, json::write(acme::to_jwk(key)));
}

json::Object Probe::new_account(x509::PrivateKey const& key, json::Object more) {
  json::Object payload{{"termsOfServiceAgreed", true}};
  if (wants_binding()) payload.set("externalAccountBinding", binding(key.public_key()));
  for (auto const& [name, value] : more.members()) payload.set(name, value);
  return payload;
}

Account Probe::make_account(x509::KeyType type) {
  auto key = new_key(type);
  auto const made = post_with_key(key, url_of("newAccount"), new_account(key));
  require(made.status == 201 && !made.header("Location").empty(),
          "a new account is needed here, and newAccount " + seen(made));
  return {std::move(key), made.header("Location")};
}

Account& Probe::account() {
  if (!site.account) site.account = make_account();
  return *site.account;
}

Account& Probe::stranger() {
  if (!site.stranger) site.stranger = make_account();
  return *site.stranger;
}

std::string Probe::refused_name() {
  if (site.options.refused_name.empty()) skip("the server's policy refuses no names (--refused-name)");
  return site.options.refused_name;
}

std::string Probe::fresh_name() {
  return "c" + std::to_string(++site.names_made) + "-" + site.run_id + "." + site.options.domain;
}

Answer Probe::try_order(Account const& account, Names const& names, json::Object more) {
  json::Object payload{{"identifiers", identifiers(names)}};
  for (auto const& [name, value] : more.members()) payload.set(name, value);
  return post(account, url_of("newOrder"), payload);
}

Ordered Probe::order(Account const& account, Names const& names, json::Object more) {
  auto answer = try_order(account, names, std::move(more));
  require(answer.status == 201 && !answer.header("Location").empty(),
          "an order is needed here, and newOrder " + seen(answer));
  return {answer.header("Location"), answer};
}

Answer Probe::authorization(Account const& account, Ordered const& order, std::size_t index) {
  auto const urls = order.answer.texts("authorizations");
  require(index < urls.size(), "the order lists too few authorizations");
  auto answer = read(account, urls[index]);
  require_ok(answer, "reading the authorization");
  return answer;
}

json::Object Probe::find_challenge(Answer const& authorization, std::string_view type) {
  auto const list = json::need_array(authorization.json(), "challenges");
  if (!list) return {};
  for (auto const& item : *list)
    if (auto const* object = item.as_object(); object != nullptr && member_text(*object, "type") == type)
      return *object;
  return {};
}

bool Probe::can_meet(std::string_view type) const {
  return (type == names::kHttp01 && site.web) || (type == names::kTlsAlpn01 && site.tls) ||
         (type == names::kDns01 && site.zone);
}

json::Object Probe::challenge(Answer const& authorization, std::string_view type) {
  if (!can_meet(type)) skip("this run has no responder for " + std::string(type));
  if (authorization.text("status") != "pending")
    skip("the authorization is " + authorization.text("status") + " from the start: there is nothing to prove");
  auto const found = find_challenge(authorization, type);
  if (found.empty()) skip("the server offers no " + std::string(type) + " here");
  return found;
}

void Probe::respond(Account const& account, std::string const& name, json::Object const& challenge) {
  auto const type = member_text(challenge, "type");
  auto const token = member_text(challenge, "token");
  auto const text = acme::key_authorization(token, account.key.public_key());
  auto const digest = sha256(as_bytes(text));
  if (type == names::kHttp01) {
    site.web->set(token, {.body = text});
  } else if (type == names::kTlsAlpn01) {
    auto const address = x509::IpAddress::parse(name);
    site.tls->set(address ? reverse_name(*address) : name, {.names = {name}, .digest = digest});
  } else {
    site.zone->set_txt("_acme-challenge." + name, {to_base64url(digest)});
  }
}

void Probe::prove_authorization(Account const& account, std::string const& url) {
  auto const authorization = read(account, url);
  require_ok(authorization, "reading the authorization");
  if (authorization.text("status") == "valid") return;
  auto const identifier = json::need_object(authorization.json(), "identifier");
  require(identifier.ok(), "the authorization has no identifier");
  for (auto const type : {names::kHttp01, names::kTlsAlpn01, names::kDns01}) {
    auto const offered = find_challenge(authorization, type);
    if (offered.empty() || !can_meet(type)) continue;
    respond(account, member_text(*identifier, "value"), offered);
    require_ok(post(account, member_text(offered, "url"), "{}"), "answering the " + std::string(type) + " challenge");
    auto const end = poll_status(account, url, {"valid", "invalid"});
    require(end.text("status") == "valid",
            "the authorization became " + end.text("status") + " though its challenge was met");
    return;
  }
  skip("the server offers no challenge that this run can meet");
}

void Probe::prove(Account const& account, Ordered const& order) {
  for (auto const& url : order.answer.texts("authorizations")) prove_authorization(account, url);
}

Ordered Probe::ready_order(Account const& account, Names const& names, json::Object more) {
  auto made = order(account, names, std::move(more));
  prove(account, made);
  made.answer = poll_status(account, made.url, {"ready", "invalid"});
  require(made.answer.text("status") == "ready",
          "the order became " + made.answer.text("status") + " though all was proven");
  return made;
}

Answer Probe::finalize(Account const& account, Ordered const& order, ByteView csr) {
  return post(account, order.answer.text("finalize"), {{"csr", to_base64url(csr)}});
}

Answer Probe::poll(Account const& account, std::string const& url, std::function<bool(Answer const&)> const& done) {
  auto const seconds = site.options.patience_seconds;
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  auto const first = site.http.exchanges().size();
  for (;;) {
    auto const count = site.http.exchanges().size();
    auto answer = read(account, url);
    // Of many polls only the last one is evidence.
    auto& exchanges = site.http.exchanges();
    if (count > first)
      exchanges.erase(exchanges.begin() + static_cast<std::ptrdiff_t>(first),
                      exchanges.begin() + static_cast<std::ptrdiff_t>(count));
    if (answer.status != 200 || done(answer)) return answer;
    require(std::chrono::steady_clock::now() < end,
            "nothing happened for " + std::to_string(seconds) + " s; the last answer says " + answer.text("status"));
    std::this_thread::sleep_for(kPollInterval);
  }
}

Answer Probe::poll_status(Account const& account, std::string const& url, std::vector<std::string> const& statuses) {
  auto const done = [&](Answer const& answer) {
    return std::count(statuses.begin(), statuses.end(), answer.text("status")) != 0;
  };
  return poll(account, url, done);
}

Issued Probe::issue(Account const& account, Names const& names, json::Object more) {
  auto const made = ready_order(account, names, std::move(more));
  auto key = new_key();
  auto const finalized = finalize(account, made, csr_for(key, names));
  require_ok(finalized, "finalize");
  auto const valid = poll_status(account, made.url, {"valid", "invalid"});
  require(valid.text("status") == "valid", "the order became " + valid.text("status") + " after finalize");
  auto const certificate = read(account, valid.text("certificate"));
  require_ok(certificate, "reading the certificate");
  auto chain = x509::parse_pem_chain(certificate.body);
  require(chain.ok() && !chain->empty(),
          "the certificate is no chain of PEM certificates: " + (chain.ok() ? "it is empty" : chain.error().detail()));
  return {made.url, valid.json(), names.front().second, std::move(key), certificate.body, *std::move(chain)};
}

Issued& Probe::issued() {
  if (!site.issued) site.issued = issue(account(), {{"dns", fresh_name()}});
  return *site.issued;
}

// --- values ---

Bytes csr_for(x509::PrivateKey const& key, Names const& names, std::string const& common_name) {
  x509::NameSet set;
  for (auto const& [type, value] : names) {
    if (type == "ip")
      set.ip.insert(x509::IpAddress::parse(value).value());
    else
      set.dns.insert(x509::DnsName::parse(value).value());
  }
  return x509::make_csr(key, set, common_name);
}

x509::PrivateKey new_key(x509::KeyType type) { return x509::PrivateKey::generate(type); }

std::string short_text(std::string text, std::size_t length) {
  if (text.size() > length) text = text.substr(0, length) + "...";
  return text;
}

bool is_base64url(std::string_view text) { return !text.empty() && from_base64url(text).ok(); }

std::string member_text(json::Object const& object, std::string_view name) {
  auto const* found = object.find(name);
  return found != nullptr && found->as_string() != nullptr ? *found->as_string() : "";
}

}  // namespace lenscap::conformance
