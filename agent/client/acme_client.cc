#include "agent/client/acme_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "acme/wire/jws.h"
#include "acme/wire/names.h"
#include "acme/wire/problem.h"
#include "base/time.h"
#include "base/x509/pem_certificates.h"

namespace lenscap::agent {
namespace {

constexpr int kBadNonceTries = 5;  // each with the nonce of the refusal before; a server that never likes one is broken
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr Seconds kRetryAfterMax = 10 * kMinute;  // no server may put us to sleep for longer

constexpr std::size_t kUrlBytesMax = 2048;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_url_character(char c) { return c > ' ' && c < 0x7f; }

std::string text_of(net::Headers const& headers, std::string_view name) {
  auto const* field = headers.find(name);
  return field == nullptr ? std::string() : *field;
}

// Both forms (RFC 9110 10.2.3). A date is held against the server's own, so that our clock plays no part; without one
// it says nothing.
std::optional<Seconds> retry_after(net::Headers const& headers, Seconds most = kRetryAfterMax) {
  auto const* field = headers.find(acme::names::kRetryAfter);
  if (field == nullptr) return std::nullopt;
  if (auto const at = parse_http_date(*field); at.ok()) {
    auto const sent = parse_http_date(text_of(headers, "Date"));
    if (!sent.ok()) return std::nullopt;
    return std::clamp(*at - *sent, Seconds(0), most);
  }
  long long count = 0;
  auto const [end, error] = std::from_chars(field->data(), field->data() + field->size(), count);
  if (error != std::errc() || end != field->data() + field->size() || count < 0) return std::nullopt;
  return std::min(Seconds(count), most);
}

bool is_media_type(std::string_view field, std::string_view type) {
  auto const value = field.substr(0, field.find_first_of("; \t"));
  return std::ranges::equal(value, type, [](char a, char b) { return lower(a) == lower(b); });
}

// What a refusal means. Only a problem document speaks for the ACME server; another text comes from something in
// between, whose "404" must not be taken for an order that is gone.
Error server_error(net::ClientResponse const& response) {
  Error error = acme::read_problem(response.body, response.status);
  bool const spoken = is_media_type(text_of(response.headers, acme::names::kContentType), acme::names::kProblemJson);
  if (!spoken && response.status < 500 && response.status != 429) {
    error = Error(Errc::incorrect_response,
                  fmt::format("HTTP status {} without a problem document came from the ACME server's address; is a "
                              "proxy or another server there?",
                              response.status));
  }
  error.retry_after = retry_after(response.headers);
  return error;
}

// A text of the server's, fit for a sentence: what a terminal would act upon, or a shell, must not get there as it is.
std::string shown(std::string_view text, std::size_t most = 120) {
  std::string out(text.substr(0, most));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c >= 0x7f; }, '?');
  return text.size() > most ? out + "..." : out;
}

// An answer that is none: told as what it is, since it may be a proxy's page and pass by itself. `why` quotes it.
Error bad_answer(std::string_view what, Error const& why) {
  constexpr std::size_t kQuotedMax = 400;
  return {Errc::incorrect_response,
          fmt::format("the ACME server's {} cannot be used: {}", what, shown(why.detail(), kQuotedMax))};
}

Error wrong_media_type(std::string_view what, std::string_view type, std::string_view wanted) {
  return {Errc::incorrect_response,
          fmt::format("the ACME server sent the {} as '{}' and not as {}", what, shown(type), wanted)};
}

Result<> check_json(std::string_view what, net::ClientResponse const& response) {
  auto const type = text_of(response.headers, acme::names::kContentType);
  if (!is_media_type(type, acme::names::kJson)) return wrong_media_type(what, type, acme::names::kJson);
  return {};
}

}  // namespace

std::string https_origin(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() > kUrlBytesMax || !std::ranges::all_of(url, is_url_character)) return {};
  auto const host = url.substr(kScheme.size());
  auto const end = host.find_first_of("/?#");
  auto const authority = host.substr(0, end);
  if (authority.empty() || authority.find_first_of("@\\") != std::string_view::npos) return {};
  std::string origin = std::string(kScheme) + std::string(authority);
  std::ranges::transform(origin, origin.begin(), lower);
  if (origin.ends_with(":443")) origin.resize(origin.size() - 4);
  return origin;
}

AcmeClient::AcmeClient(Fetch fetch, AcmeServer server, x509::PrivateKey const& key, std::string account_url)
    : fetch_(std::move(fetch)), server_(std::move(server)), key_(key), account_url_(std::move(account_url)) {}

Result<> AcmeClient::check_url(std::string_view what, std::string_view url) const {
  std::string const ours = https_origin(server_.directory_url);
  if (ours.empty()) return Error(Errc::settings, "the ACME directory's URL must begin with https://");
  if (url.empty()) return Error(Errc::incorrect_response, fmt::format("the ACME server gave no URL for its {}", what));
  if (https_origin(url) == ours) return {};
  return Error(Errc::incorrect_response,
               fmt::format("the ACME server named a URL outside {} for its {}: {}; nothing was sent there", ours, what,
                           shown(url)));
}

net::Awaitable<Result<net::ClientResponse>> AcmeClient::send(net::ClientRequest request, std::string what) {
  CO_CHECK_OK(check_url(what, request.url));
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
  CO_TRY(auto response, co_await send(std::move(request), "directory"));
  if (response.status != 200) co_return server_error(response);
  CO_CHECK_OK(check_json("directory", response));
  auto directory = acme::parse_directory(response.body);
  if (!directory.ok()) co_return bad_answer("directory", directory.error());
  CO_CHECK_OK(check_url("newNonce", directory->new_nonce));
  CO_CHECK_OK(check_url("newAccount", directory->new_account));
  CO_CHECK_OK(check_url("newOrder", directory->new_order));
  directory_ = *directory;
  co_return directory;
}

net::Awaitable<Result<std::string>> AcmeClient::fresh_nonce() {
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  CO_TRY(auto directory, co_await this->directory());
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  net::ClientRequest request;
  request.method = net::Method::head;
  request.url = directory.new_nonce;
  CO_TRY(auto response, co_await send(std::move(request), "newNonce"));
  if (auto nonce = nonces_.take()) co_return *std::move(nonce);
  co_return Error(Errc::incorrect_response,
                  fmt::format("the ACME server's newNonce answered {} without a nonce", response.status));
}

net::Awaitable<Result<AcmeClient::Answer>> AcmeClient::post(std::string what, std::string url, std::string payload,
                                                            Signer signer) {
  bool const with_jwk = signer == Signer::key;
  if (!with_jwk && account_url_.empty())
    co_return Error(Errc::account_does_not_exist, "there is no ACME account yet: run lenscap-agent join first");
  CO_CHECK_OK(check_url(what, url));
  for (int tries = 1;; ++tries) {
    CO_TRY(auto nonce, co_await fresh_nonce());
    net::ClientRequest request;
    request.method = net::Method::post;
    request.url = url;
    request.headers.add(std::string(acme::names::kContentType), std::string(acme::names::kJoseJson));
    acme::SigningHeader const header{.url = url, .nonce = nonce, .kid = with_jwk ? std::string() : account_url_};
    request.body = acme::sign_jws(key_, header, payload);
    CO_TRY(auto response, co_await send(std::move(request), what));
    if (response.status >= 200 && response.status < 300) {
      co_return Answer{.body = std::move(response.body),
                       .location = text_of(response.headers, acme::names::kLocation),
                       .content_type = text_of(response.headers, acme::names::kContentType),
                       .retry_after = retry_after(response.headers)};
    }
    Error error = server_error(response);
    if (error.code() != Errc::bad_nonce || tries == kBadNonceTries) co_return error;
    // A server that forgot this nonce has forgotten those before it as well; only the refusal's own is good.
    nonces_.clear();
    nonces_.put(text_of(response.headers, acme::names::kReplayNonce));
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
  std::string payload = json::write(acme::to_json(request));
  CO_TRY(auto answer, co_await post("newAccount", directory.new_account, std::move(payload), Signer::key));
  CO_CHECK_OK(check_url("account", answer.location));
  CO_TRY(auto const body, json_of("account", answer));
  auto account = acme::parse_account(body);
  if (!account.ok()) co_return bad_answer("account", account.error());
  if (account->status != acme::AccountStatus::valid) {
    co_return Error(Errc::account_deactivated,
                    fmt::format("the ACME account of this agent's key is {}; join with a new join string and another "
                                "--state",
                                acme::to_string(account->status)));
  }
  account_url_ = answer.location;
  co_return Fetched<acme::AccountObject>{answer.location, *std::move(account), answer.retry_after};
}

Result<std::string_view> AcmeClient::json_of(std::string_view what, Answer const& answer) {
  if (!is_media_type(answer.content_type, acme::names::kJson))
    return wrong_media_type(what, answer.content_type, acme::names::kJson);
  return std::string_view(answer.body);
}

// What the server answered about an order, whose URL is known.
Result<Fetched<acme::OrderObject>> AcmeClient::read_order(std::string url, Answer const& answer) {
  TRY(auto const body, json_of("order", answer));
  auto order = acme::parse_order(body);
  if (!order.ok()) return bad_answer("order", order.error());
  return Fetched<acme::OrderObject>{std::move(url), *std::move(order), answer.retry_after};
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::new_order(acme::NewOrderRequest request) {
  CO_TRY(auto directory, co_await this->directory());
  std::string payload = json::write(acme::to_json(request));
  CO_TRY(auto answer, co_await post("newOrder", directory.new_order, std::move(payload), Signer::account));
  CO_CHECK_OK(check_url("order", answer.location));
  co_return read_order(answer.location, answer);
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::order(std::string url) {
  CO_TRY(auto answer, co_await post("order", url, "", Signer::account));
  co_return read_order(std::move(url), answer);
}

net::Awaitable<Result<Fetched<acme::AuthorizationObject>>> AcmeClient::authorization(std::string url) {
  CO_TRY(auto answer, co_await post("authorization", url, "", Signer::account));
  CO_TRY(auto const body, json_of("authorization", answer));
  auto authorization = acme::parse_authorization(body);
  if (!authorization.ok()) co_return bad_answer("authorization", authorization.error());
  co_return Fetched<acme::AuthorizationObject>{std::move(url), *std::move(authorization), answer.retry_after};
}

net::Awaitable<Result<acme::ChallengeObject>> AcmeClient::respond(std::string challenge_url) {
  CO_TRY(auto answer, co_await post("challenge", std::move(challenge_url), "{}", Signer::account));
  CO_TRY(auto const body, json_of("challenge", answer));
  auto challenge = acme::parse_challenge(body);
  if (!challenge.ok()) co_return bad_answer("challenge", challenge.error());
  co_return *std::move(challenge);
}

net::Awaitable<Result<Fetched<acme::OrderObject>>> AcmeClient::finalize(acme::OrderObject order, std::string order_url,
                                                                        Bytes csr_der) {
  std::string payload = json::write(acme::finalize_to_json(csr_der));
  CO_TRY(auto answer, co_await post("finalize", order.finalize, std::move(payload), Signer::account));
  co_return read_order(std::move(order_url), answer);
}

net::Awaitable<Result<std::vector<x509::Certificate>>> AcmeClient::certificate(std::string url) {
  CO_TRY(auto answer, co_await post("certificate", std::move(url), "", Signer::account));
  if (!is_media_type(answer.content_type, acme::names::kPemChain))
    co_return wrong_media_type("certificate", answer.content_type, acme::names::kPemChain);
  auto chain = x509::parse_pem_chain(answer.body);  // 8555-11.4-1
  if (!chain.ok()) co_return bad_answer("certificate chain", chain.error());
  co_return *std::move(chain);
}

net::Awaitable<Result<std::vector<x509::Certificate>>> AcmeClient::roots(acme::TrustReport report) {
  using Roots = std::vector<x509::Certificate>;
  CO_TRY(auto directory, co_await this->directory());
  if (directory.roots.empty()) co_return Roots();
  std::string payload = json::write(acme::to_json(report));
  CO_TRY(auto answer, co_await post("roots", directory.roots, std::move(payload), Signer::account));
  if (!is_media_type(answer.content_type, acme::names::kPemChain))
    co_return wrong_media_type("roots", answer.content_type, acme::names::kPemChain);
  auto roots = x509::parse_pem_certificates(answer.body, kRootCertificatesMax);
  if (!roots.ok()) co_return bad_answer("roots", roots.error());
  co_return *std::move(roots);
}

net::Awaitable<Result<std::optional<Fetched<acme::RenewalInfoObject>>>> AcmeClient::renewal_info(
    std::string certificate_id) {
  using Answered = std::optional<Fetched<acme::RenewalInfoObject>>;
  CO_TRY(auto directory, co_await this->directory());
  if (directory.renewal_info.empty()) co_return Answered();
  std::string const slash = directory.renewal_info.ends_with('/') ? "" : "/";
  net::ClientRequest request;
  request.url = directory.renewal_info + slash + certificate_id;
  std::string url = request.url;
  CO_TRY(auto response, co_await send(std::move(request), "renewalInfo"));
  if (response.status != 200) co_return server_error(response);
  CO_CHECK_OK(check_json("renewal information", response));
  auto info = acme::parse_renewal_info(response.body);
  if (!info.ok()) co_return bad_answer("renewal information", info.error());
  Fetched<acme::RenewalInfoObject> fetched{std::move(url), *std::move(info), retry_after(response.headers, kDay)};
  co_return Answered(std::move(fetched));
}

}  // namespace lenscap::agent
