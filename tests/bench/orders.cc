#include "tests/bench/orders.h"

#include <stdexcept>
#include <thread>

#include "acme/wire/jws.h"
#include "acme/wire/key_authorization.h"
#include "base/json.h"
#include "base/x509/csr.h"

namespace lenscap::bench {
namespace {

// Both ends are on one machine: a poll costs little, and a long pause would measure the pause.
constexpr auto kPollPause = std::chrono::milliseconds(20);
constexpr int kPollsMax = 500;

json::Object object_of(Answer const& answer, std::string const& what) {
  auto object = json::parse_object(answer.body);
  if (!object.ok()) throw std::runtime_error(what + ": no JSON object: " + answer.body);
  return *std::move(object);
}

std::string text(json::Object const& object, std::string_view member) {
  auto value = json::need_string(object, member);
  if (!value.ok()) throw std::runtime_error(value.error().detail());
  return *std::move(value);
}

x509::NameSet names_of(std::vector<std::string> const& addresses) {
  x509::NameSet names;
  for (auto const& address : addresses) names.ip.insert(x509::IpAddress::parse(address).value());
  return names;
}

}  // namespace

Directory read_directory(Connection& connection, std::string const& url) {
  auto const directory = object_of(connection.get(url), "directory");
  return {text(directory, "newNonce"), text(directory, "newAccount"), text(directory, "newOrder")};
}

Answer Client::post(std::string const& what, std::string const& url, std::string const& payload, bool with_kid) {
  // A server may refuse nonces that are good (Pebble does so on purpose): once more, as clients do.
  constexpr int kAttempts = 10;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (nonce_.empty()) nonce_ = connection_.get(directory_.new_nonce, true).nonce;
    auto answer = connection_.post(
        url, acme::sign_jws(key_, {.url = url, .nonce = nonce_, .kid = with_kid ? kid_ : ""}, payload));
    nonce_ = answer.nonce;
    if (answer.status < 300) {
      times_[what].push_back(answer.took);
      return answer;
    }
    if (answer.body.find("badNonce") == std::string::npos)
      throw std::runtime_error(what + ": " + std::to_string(answer.status) + " " + answer.body);
  }
  throw std::runtime_error(what + ": no nonce is good enough");
}

void Client::new_account(Eab const& eab) {
  json::Object request{{"termsOfServiceAgreed", true}};
  if (!eab.kid.empty())
    request.set("externalAccountBinding", acme::make_eab(eab.kid, eab.mac_key, acme::MacAlgorithm::hs256,
                                                         directory_.new_account, key_.public_key()));
  kid_ = post("newAccount", directory_.new_account, json::write(request), false).location;
}

void Client::prove(std::string const& authorization_url) {
  auto authorization = object_of(post("authorization", authorization_url, ""), "authorization");
  std::string token;
  for (int polls = 0; text(authorization, "status") != "valid"; ++polls) {
    if (text(authorization, "status") != "pending" || polls == kPollsMax)
      throw std::runtime_error("authorization: " + json::write(authorization));
    if (token.empty()) {
      auto const* challenges = authorization.find("challenges");
      if (challenges == nullptr || challenges->as_array() == nullptr) throw std::runtime_error("no challenges");
      for (auto const& item : *challenges->as_array()) {
        auto const* challenge = item.as_object();
        if (challenge == nullptr || text(*challenge, "type") != "http-01") continue;
        token = text(*challenge, "token");
        responder_.answer(token, acme::key_authorization(token, key_.public_key()));
        post("challenge", text(*challenge, "url"), "{}");
        break;
      }
      if (token.empty()) throw std::runtime_error("no http-01 challenge");
    } else {
      std::this_thread::sleep_for(kPollPause);
    }
    authorization = object_of(post("authorization", authorization_url, ""), "authorization");
  }
  if (!token.empty()) responder_.forget(token);
}

Answer Client::new_order(std::vector<std::string> const& addresses) {
  json::Array identifiers;
  for (auto const& address : addresses) identifiers.emplace_back(json::Object{{"type", "ip"}, {"value", address}});
  json::Object const wish{{"identifiers", std::move(identifiers)}};
  return post("newOrder", directory_.new_order, json::write(wish));
}

void Client::leave_pending(std::vector<std::string> const& addresses) {
  if (text(object_of(new_order(addresses), "order"), "status") != "pending") throw std::runtime_error("not pending");
}

void Client::order(std::vector<std::string> const& addresses, bool fresh, x509::PrivateKey const& certificate_key) {
  auto const begin = std::chrono::steady_clock::now();
  if (fresh) {
    connection_.close();
    nonce_.clear();
  }
  auto const made = new_order(addresses);
  auto order = object_of(made, "order");
  if (text(order, "status") == "pending") {
    auto const authorizations = json::need_strings(order, "authorizations");
    if (!authorizations.ok()) throw std::runtime_error(authorizations.error().detail());
    for (auto const& url : *authorizations) prove(url);
  }
  auto const csr = x509::make_csr(certificate_key, names_of(addresses));
  json::Object const finalize{{"csr", to_base64url(csr)}};
  order = object_of(post("finalize", text(order, "finalize"), json::write(finalize)), "finalize");
  for (int polls = 0; text(order, "status") != "valid"; ++polls) {
    if (text(order, "status") == "invalid" || polls == kPollsMax)
      throw std::runtime_error("order: " + json::write(order));
    std::this_thread::sleep_for(kPollPause);
    order = object_of(post("order", made.location, ""), "order");
  }
  auto const certificate = post("certificate", text(order, "certificate"), "");
  if (!certificate.body.starts_with("-----BEGIN CERTIFICATE-----"))
    throw std::runtime_error("certificate: " + certificate.body);
  times_["whole order"].push_back(std::chrono::steady_clock::now() - begin);
}

}  // namespace lenscap::bench
