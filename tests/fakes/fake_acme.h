// An ACME server in memory, behind a Fetch instead of a socket: it checks what a client sends (signature, nonce, url,
// account), grants every authorization at once or wants http-01, and issues with keys of its own by OpenSSL alone. It
// shares nothing with acme/server, and can be told to misbehave:
//   FakeAcme acme(clock);
//   acme.instead = [](auto const& seen) { ... return a hostile answer, or nothing to go on as usual };
#pragma once

#include <map>
#include <set>

#include "acme/wire/account.h"
#include "acme/wire/authorization.h"
#include "acme/wire/directory.h"
#include "acme/wire/jws.h"
#include "acme/wire/names.h"
#include "acme/wire/order.h"
#include "acme/wire/problem.h"
#include "agent/client/acme_client.h"
#include "base/random.h"
#include "base/x509/csr.h"
#include "tests/base/x509/chain_maker.h"

namespace lenscap::fakes {

class FakeAcme {
 public:
  struct Seen {
    net::Method method = net::Method::get;
    std::string url;
    std::string payload;  // of a JWS; empty for POST-as-GET and for what is no JWS
    bool with_jwk = false;
    bool with_eab = false;
  };
  using Answer = Result<net::ClientResponse>;

  explicit FakeAcme(Clock const& clock) : clock_(clock) {}

  agent::Fetch fetch() {
    return [this](net::ClientRequest request) { return answer(std::move(request)); };
  }

  // --- what a test may change ---

  std::function<std::optional<Answer>(Seen const&)> instead;     // asked first, with every request
  std::function<void(Seen const&, net::ClientResponse&)> spoil;  // called last, with every answer
  acme::AuthorizationStatus authorizations = acme::AuthorizationStatus::valid;
  bool wants_http_01 = false;  // every name has to be proved
  // What becomes of a challenge that the client posts to. The token, of the authorization at this URL.
  std::function<bool(std::string const& token)> sees = [](std::string const&) { return true; };
  int looks_until_proven = 0;                 // so many looks at an authorization then show `pending`
  int looks_until_valid = 0;                  // so many looks at a finalized order show `processing`
  std::optional<x509::NameSet> issued_names;  // instead of the order's
  std::optional<x509::PublicKey> issued_key;  // instead of the CSR's
  Seconds issued_from = -kHour;               // seen from now
  Seconds issued_until = 90 * kDay;
  std::vector<x509::Certificate> known_roots;           // with their vouchers; empty: not offered
  std::optional<acme::RenewalInfoObject> renewal_info;  // what every certificate is told; empty: not offered
  std::string renewal_retry_after = "21600";
  std::set<std::string> replaced;  // identifiers that no order may replace any more
  std::string eab_kid;             // demanded of new accounts unless empty
  SecretBytes eab_mac_key;

  // --- what a test may look at ---

  std::vector<Seen> requests;
  std::vector<std::string> violations;  // of the protocol, by the client: there should be none
  x509::testing::Authority authority;
  struct Order {
    acme::OrderObject object;
    std::string chain_pem;
    int looks = 0;
    std::set<std::string> proven;  // URLs of authorizations, where names have to be proved
  };
  std::map<std::string, Order> orders;              // by URL
  std::map<std::string, x509::PublicKey> accounts;  // by URL
  std::string root_pem() const { return authority.roots().front().pem(); }
  std::string directory_url() const { return base_ + "/directory"; }

  int count(std::string_view url_part) const {
    int found = 0;
    for (auto const& seen : requests) found += seen.url.find(url_part) != std::string::npos ? 1 : 0;
    return found;
  }

  // --- answers, for `instead` too ---

  net::ClientResponse respond(int status, std::string_view content_type, std::string body) {
    net::ClientResponse response;
    response.status = status;
    response.headers.add("Content-Type", std::string(content_type));
    response.headers.add("Replay-Nonce", fresh_nonce());
    response.body = std::move(body);
    return response;
  }
  net::ClientResponse respond(int status, json::Object const& object, std::string location = {}) {
    auto response = respond(status, acme::names::kJson, json::write(object));
    if (!location.empty()) response.headers.add("Location", std::move(location));
    return response;
  }
  net::ClientResponse problem(Error const& error) {
    return respond(acme::http_status(error), acme::names::kProblemJson, json::write(acme::to_problem(error)));
  }
  void forget_nonces() { nonces_.clear(); }

 private:
  net::Awaitable<Answer> answer(net::ClientRequest request) {
    auto good = handle(request);
    if (spoil && good.ok()) spoil(requests.back(), *good);
    co_return good;
  }

  Answer handle(net::ClientRequest const& request) {
    Seen seen{.method = request.method, .url = request.url, .payload = {}, .with_jwk = false, .with_eab = false};
    std::optional<acme::Jws> jws;
    if (request.method == net::Method::post) {
      auto parsed = acme::parse_jws(request.body);
      if (!parsed.ok()) return violation("a POST that is no JWS: " + parsed.error().detail());
      jws = *std::move(parsed);
      seen.payload = jws->payload;
      seen.with_jwk = jws->jwk.has_value();
      seen.with_eab = jws->payload.find("externalAccountBinding") != std::string::npos;
    }
    requests.push_back(seen);
    if (instead) {
      if (auto other = instead(seen)) return *std::move(other);
    }
    if (!jws) return read(seen);
    if (nonces_.erase(jws->nonce) == 0) return problem(Error(Errc::bad_nonce, "unknown nonce"));
    if (jws->url != request.url) return violation("the JWS is for another url");
    if (auto const* type = request.headers.find("Content-Type"); type == nullptr || *type != acme::names::kJoseJson)
      return violation("a POST without the media type of JOSE");
    if (seen.with_jwk) return new_account(seen, *jws);
    auto const account = accounts.find(jws->kid);
    if (account == accounts.end()) return problem(Error(Errc::account_does_not_exist, "no such account"));
    if (!acme::verify(*jws, account->second).ok()) return violation("a wrong signature");
    return post(seen);
  }

  Answer violation(std::string text) {
    violations.push_back(text);
    return problem(Error(Errc::malformed, std::move(text)));
  }

  Answer read(Seen const& seen) {
    if (seen.url == directory_url()) {
      acme::Directory directory;
      directory.new_nonce = base_ + "/new-nonce";
      directory.new_account = base_ + "/new-account";
      directory.new_order = base_ + "/new-order";
      if (renewal_info) directory.renewal_info = base_ + "/renewal-info";
      if (!known_roots.empty()) directory.roots = base_ + "/roots";
      net::ClientResponse response;  // without a nonce, as most servers do
      response.status = 200;
      response.headers.add("Content-Type", std::string(acme::names::kJson));
      response.body = json::write(acme::to_json(directory));
      return response;
    }
    if (seen.url == base_ + "/new-nonce") return respond(seen.method == net::Method::head ? 200 : 204, "", "");
    if (renewal_info && seen.url.starts_with(base_ + "/renewal-info/")) {
      net::ClientResponse response;
      response.status = 200;
      response.headers.add("Content-Type", std::string(acme::names::kJson));
      if (!renewal_retry_after.empty()) response.headers.add("Retry-After", renewal_retry_after);
      response.body = json::write(acme::to_json(*renewal_info));
      return response;
    }
    if (seen.url.starts_with("http://ca.example/roots/")) {
      net::ClientResponse response;
      response.status = 200;
      response.body = root_pem();
      return response;
    }
    return violation("a GET of " + seen.url);
  }

  Answer new_account(Seen const& seen, acme::Jws const& jws) {
    if (seen.url != base_ + "/new-account") return violation("a jwk outside newAccount");
    if (!acme::verify(jws, *jws.jwk).ok()) return violation("a wrong signature");
    auto request = acme::parse_new_account(jws.payload);
    if (!request.ok()) return violation(request.error().detail());
    if (!eab_kid.empty()) {
      if (!request->external_account_binding) return problem(Error(Errc::external_account_required, "no binding"));
      auto eab = acme::read_eab(*request->external_account_binding);
      bool const good = eab.ok() && acme::verify(*eab, eab_mac_key).ok() && eab->kid == eab_kid &&
                        eab->url == seen.url && eab->key == *jws.jwk;
      if (!good) return problem(Error(Errc::unauthorized, "the binding is not good"));
    }
    acme::AccountObject account;
    account.orders = base_ + "/orders";
    for (auto const& [url, key] : accounts) {
      if (key == *jws.jwk) return respond(200, acme::to_json(account), url);
    }
    auto const url = base_ + "/account/" + std::to_string(accounts.size() + 1);
    accounts.emplace(url, *jws.jwk);
    return respond(201, acme::to_json(account), url);
  }

  Answer post(Seen const& seen) {
    if (seen.url == base_ + "/new-order") return new_order(seen);
    if (seen.url == base_ + "/roots") return respond(200, acme::names::kPemChain, x509::to_pem(known_roots));
    if (auto order = orders.find(seen.url); order != orders.end()) return show_order(order->second);
    for (auto& [url, order] : orders) {
      if (seen.url == order.object.finalize) return finalize(seen, order);
      if (seen.url == url + "/certificate") return respond(200, acme::names::kPemChain, order.chain_pem);
      for (std::size_t i = 0; i < order.object.authorizations.size(); ++i) {
        if (seen.url != order.object.authorizations[i]) continue;
        acme::AuthorizationObject authorization{.identifier = order.object.identifiers[i], .status = authorizations};
        authorization.expires = clock_.now() + kDay;
        if (wants_http_01) show_proof(authorization, seen.url, order);
        return respond(200, acme::to_json(authorization));
      }
    }
    if (auto const at = seen.url.find("/http-01"); wants_http_01 && at != std::string::npos)
      return accept_challenge(seen, proofs_[seen.url.substr(0, at)]);
    return problem(Error(Errc::not_found, "there is nothing at this URL"));
  }

  // Of an authorization that wants http-01.
  struct ToProve {
    std::string token = random_token();
    acme::ChallengeStatus status = acme::ChallengeStatus::pending;
    int looks = 0;
  };
  void show_proof(acme::AuthorizationObject& authorization, std::string const& url, Order& order) {
    auto& proof = proofs_[url];
    authorization.status = acme::AuthorizationStatus::pending;
    bool const decided = proof.status != acme::ChallengeStatus::pending && ++proof.looks > looks_until_proven;
    if (decided) {
      bool const valid = proof.status == acme::ChallengeStatus::valid;
      authorization.status = valid ? acme::AuthorizationStatus::valid : acme::AuthorizationStatus::invalid;
      order.proven.insert(url);
      if (!valid) order.object.status = acme::OrderStatus::invalid;
      if (order.object.status == acme::OrderStatus::pending &&
          order.proven.size() == order.object.authorizations.size())
        order.object.status = acme::OrderStatus::ready;
    }
    if (!decided) authorization.challenges.push_back({.type = "dns-01", .url = url + "/dns-01", .token = proof.token});
    authorization.challenges.push_back({.type = "http-01", .url = url + "/http-01", .token = proof.token});
    if (decided) authorization.challenges.back().status = proof.status;
    if (decided && proof.status == acme::ChallengeStatus::invalid)
      authorization.challenges.back().error = Error(Errc::connection, "nobody answers there");
  }
  Answer accept_challenge(Seen const& seen, ToProve& proof) {
    if (seen.payload != "{}") return violation("an answer to a challenge that is not {}");
    if (proof.status != acme::ChallengeStatus::pending) return violation("a challenge that was accepted before");
    proof.status = sees(proof.token) ? acme::ChallengeStatus::valid : acme::ChallengeStatus::invalid;
    acme::ChallengeObject const shown{
        .type = "http-01", .url = seen.url, .status = acme::ChallengeStatus::processing, .token = proof.token};
    return respond(200, acme::to_json(shown));
  }

  Answer new_order(Seen const& seen) {
    auto request = acme::parse_new_order(seen.payload);
    if (!request.ok()) return problem(request.error());
    if (request->replaces && !renewal_info) return violation("replaces without renewal information");
    if (request->replaces && !replaced.insert(*request->replaces).second)
      return problem(Error(Errc::already_replaced, "another order replaces it"));
    auto const url = base_ + "/order/" + std::to_string(orders.size() + 1);
    Order order;
    bool const granted = authorizations == acme::AuthorizationStatus::valid && !wants_http_01;
    order.object.status = granted ? acme::OrderStatus::ready : acme::OrderStatus::pending;
    order.object.expires = clock_.now() + kDay;
    order.object.identifiers = request->identifiers;
    order.object.profile = request->profile.value_or("");
    order.object.replaces = request->replaces.value_or("");
    order.object.finalize = url + "/finalize";
    for (std::size_t i = 0; i < request->identifiers.size(); ++i)
      order.object.authorizations.push_back(url + "/authorization/" + std::to_string(i));
    auto const& kept = orders.emplace(url, std::move(order)).first->second;
    return respond(201, acme::to_json(kept.object), url);
  }

  Answer show_order(Order& order) {
    if (order.object.status == acme::OrderStatus::processing && ++order.looks > looks_until_valid) {
      order.object.status = acme::OrderStatus::valid;
    }
    return respond(200, acme::to_json(order.object));
  }

  Answer finalize(Seen const& seen, Order& order) {
    if (order.object.status != acme::OrderStatus::ready)
      return problem(Error(Errc::order_not_ready, "the order is not ready"));
    auto der = acme::parse_finalize(seen.payload);
    if (!der.ok()) return problem(der.error());
    auto csr = x509::parse_csr(*der);
    if (!csr.ok()) return problem(csr.error());
    auto const names = issued_names.value_or(acme::to_name_set(order.object.identifiers));
    order.chain_pem = issue(issued_key.value_or(csr->key), names);
    bool const at_once = looks_until_valid == 0;
    order.object.status = at_once ? acme::OrderStatus::valid : acme::OrderStatus::processing;
    for (auto const& [url, candidate] : orders) {
      if (&candidate == &order) order.object.certificate = url + "/certificate";
    }
    auto shown = order.object;
    if (!at_once) shown.certificate.clear();
    return respond(200, acme::to_json(shown));
  }

  std::string issue(x509::PublicKey const& key, x509::NameSet const& names) {
    std::vector<std::string> dns;
    std::vector<Bytes> ip;
    for (auto const& name : names.dns) dns.push_back(name.text());
    for (auto const& address : names.ip) ip.emplace_back(address.octets().begin(), address.octets().end());
    x509::testing::Spec spec;
    spec.not_before = clock_.now() + issued_from;
    spec.not_after = clock_.now() + issued_until;
    spec.serial = ++serial_;
    spec.extensions = {x509::testing::subject_alt_name(dns, ip)};
    auto const leaf = x509::testing::build(spec, key.native(), authority.issuing_key.native(), authority.issuing.get());
    return x509::testing::to_certificate(leaf).pem() + authority.intermediates().front().pem();
  }

  std::string fresh_nonce() {
    std::string nonce = random_token();
    nonces_.insert(nonce);
    return nonce;
  }

  Clock const& clock_;
  std::string base_ = "https://ca.example";
  std::set<std::string> nonces_;
  std::map<std::string, ToProve> proofs_;  // by the authorization's URL
  long serial_ = 1000;
};

}  // namespace lenscap::fakes
