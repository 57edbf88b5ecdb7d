#include "agent/client/acme_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "acme/wire/jws.h"
#include "acme/wire/names.h"
#include "acme/wire/problem.h"

namespace lenscap::agent {
namespace {

constexpr int kBadNonceTries = 5;  // each with the nonce of the refusal before; a server that never likes one is broken
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr Seconds kRetryAfterMax = 10 * kMinute;  // no server may put us to sleep for longer

std::optional<Seconds> retry_after(net::Headers const& headers) {
  auto const* field = headers.find(acme::names::kRetryAfter);
  if (field == nullptr) return std::nullopt;
  long long count = 0;
  auto const [end, error] = std::from_chars(field->data(), field->data() + field->size(), count);
  if (error != std::errc() || end != field->data() + field->size() || count < 0)
    return std::nullopt;  // dates are not taken
  return std::min(Seconds(count), kRetryAfterMax);
}

std::string text_of(net::Headers const& headers, std::string_view name) {
  auto const* field = headers.find(name);
  return field == nullptr ? std::string() : *field;
}

Error server_error(net::ClientResponse const& response) {
  Error error = acme::read_problem(response.body, response.status);
  error.retry_after = retry_after(response.headers);
  return error;
}

}  // namespace

std::string https_origin(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return {};
  auto const host = url.substr(kScheme.size());
  auto const end = host.find_first_of("/?#");
  auto const authority = host.substr(0, end);
  if (authority.empty() || authority.find_first_of("@\\ \t\r\n") != std::string_view::npos) return {};
  std::string origin = std::string(kScheme) + std::string(authority);
  std::ranges::transform(origin, origin.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (origin.ends_with(":443")) origin.resize(origin.size() - 4);
  return origin;
}

AcmeClient::AcmeClient(Fetch fetch, AcmeServer server, x509::PrivateKey const& key, std::string account_url)
    : fetch_(std::move(fetch)), server_(std::move(server)), key_(key), account_url_(std::move(account_url)) {}

Result<> AcmeClient::same_origin(std::string_view url) const {
  std::string const origin = https_origin(url);
  if (!origin.empty() && origin == https_origin(server_.directory_url)) return {};
  return Error(Errc::incorrect_response,
               "the ACME server named a URL outside its own https origin; nothing was sent there");
}

net::Awaitable<Result<net::ClientResponse>> AcmeClient::send(net::ClientRequest request) {
  CO_CHECK_OK(same_origin(request.url));
  request.trust = net::Trust::roots(server_.roots);
  request.body_bytes_max = kAnswerBytesMax;
  request.headers.add("User-Agent", "lenscap-agent");
  CO_TRY(auto response, co_await fetch_(std::move(request)));
  if (auto const* nonce = response.headers.find(acme::names::kReplayNonce)) nonces_.put(*nonce);
  co_return response;
}

net::Awaitable<Result<acme::Directory>> AcmeClient::directory() {
  if (directory_) co_return *directory_;
  net::ClientRequest request;
  request.url = server_.directory_url;
  CO_TRY(auto response, co_await send(std::move(request)));
  if (response.status != 200) co_return server_error(response);
  CO_TRY(auto directory, acme::parse_directory(response.body));
  directory_ = directory;
  co_return directory;
}

net::Awaitable<Result<std::string>> AcmeClient::fresh_nonce() {
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  CO_TRY(auto directory, co_await this->directory());
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  net::ClientRequest request;
  request.method = net::Method::head;
  request.url = directory.new_nonce;
  CO_TRY(auto response, co_await send(std::move(request)));
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  co_return Error(Errc::incorrect_response,
                  fmt::format("the ACME server's newNonce answered {} without a nonce", response.status));
}

net::Awaitable<Result<AcmeClient::Answer>> AcmeClient::post(std::string url, std::string payload, bool with_jwk) {
  if (!with_jwk && account_url_.empty())
    co_return Error(Errc::account_does_not_exist, "there is no ACME account yet: run join first");
  for (int tries = 1;; ++tries) {
    CO_TRY(auto nonce, co_await fresh_nonce());
    net::ClientRequest request;
    request.method = net::Method::post;
    request.url = url;
    request.headers.add(std::string(acme::names::kContentType), std::string(acme::names::kJoseJson));
    acme::SigningHeader const header{.url = url, .nonce = nonce, .kid = with_jwk ? std::string() : account_url_};
    request.body = acme::sign_jws(key_, header, payload);
    CO_TRY(auto response, co_await send(std::move(request)));
    if (response.status >= 200 && response.status < 300) {
      co_return Answer{.body = std::move(response.body),
                       .location = text_of(response.headers, acme::names::kLocation),
                       .content_type = text_of(response.headers, acme::names::kContentType),
                       .retry_after = retry_after(response.headers)};
    }
    Error error = server_error(response);
    if (error.code() != Errc::bad_nonce || tries == kBadNonceTries) co_return error;
  }
}

net::Awaitable<Result<Fetched<acme::AccountObject>>> AcmeClient::new_account(std::string eab_kid,
                                                                             SecretBytes eab_mac_key) {
  CO_TRY(auto directory, co_await this->directory());
  acme::NewAccountRequest request;
  request.terms_of_service_agreed = true;
  if (!eab_kid.empty()) {
    request.external_account_binding =
        acme::make_eab(eab_kid, eab_mac_key, acme::MacAlgorithm::hs256, directory.new_account, key_.public_key());
  }
  CO_TRY(auto answer, co_await post(directory.new_account, json::write(acme::to_json(request)), /*with_jwk=*/true));
  CO_CHECK_OK(same_origin(answer.location));
  CO_TRY(auto account, acme::parse_account(answer.body));
  account_url_ = answer.location;
  co_return Fetched<acme::AccountObject>{answer.location, std::move(account), answer.retry_after};
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::new_order(acme::NewOrderRequest request) {
  CO_TRY(auto directory, co_await this->directory());
  CO_TRY(auto answer, co_await post(directory.new_order, json::write(acme::to_json(request)), /*with_jwk=*/false));
  CO_CHECK_OK(same_origin(answer.location));
  CO_TRY(auto order, acme::parse_order(answer.body));
  co_return Fetched<acme::OrderObject>{answer.location, std::move(order), answer.retry_after};
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::order(std::string url) {
  CO_TRY(auto answer, co_await post(url, "", /*with_jwk=*/false));
  CO_TRY(auto order, acme::parse_order(answer.body));
  co_return Fetched<acme::OrderObject>{url, std::move(order), answer.retry_after};
}

net::Awaitable<Result<Fetched<acme::AuthorizationObject>>> AcmeClient::authorization(std::string url) {
  CO_TRY(auto answer, co_await post(url, "", /*with_jwk=*/false));
  CO_TRY(auto authorization, acme::parse_authorization(answer.body));
  co_return Fetched<acme::AuthorizationObject>{url, std::move(authorization), answer.retry_after};
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::finalize(acme::OrderObject order, std::string order_url,
                                                                        Bytes csr_der) {
  CO_TRY(auto answer, co_await post(order.finalize, json::write(acme::finalize_to_json(csr_der)), /*with_jwk=*/false));
  CO_TRY(auto next, acme::parse_order(answer.body));
  co_return Fetched<acme::OrderObject>{std::move(order_url), std::move(next), answer.retry_after};
}

net::Awaitable<Result<std::vector<x509::Certificate>>> AcmeClient::certificate(std::string url) {
  CO_TRY(auto answer, co_await post(std::move(url), "", /*with_jwk=*/false));
  if (!answer.content_type.starts_with(acme::names::kPemChain)) {
    co_return Error(Errc::incorrect_response, "the ACME server sent the certificate in a form that we did not ask for");
  }
  co_return x509::parse_pem_chain(answer.body);
}

}  // namespace lenscap::agent
