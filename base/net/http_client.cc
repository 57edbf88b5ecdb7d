// The client itself: which connections may be shared, and the way of a fetch to the client's thread and back.
#include "base/net/http_client.h"

#include <malloc.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/net/transfer.h"
#include "base/net/transfer_pool.h"

namespace lenscap::net {

Trust Trust::roots(std::vector<x509::Certificate> roots, std::vector<x509::Certificate> intermediates) {
  Trust trust(Kind::roots);
  trust.roots_ = std::move(roots);
  trust.intermediates_ = std::move(intermediates);
  return trust;
}

Trust Trust::pin(Sha256 const& spki) {
  Trust trust(Kind::pin);
  trust.spki_ = spki;
  return trust;
}

namespace {

// Groups of kept connections; an agent has one for its ACME server and now and then some for devices.
constexpr std::size_t kPoolsMax = 32;

// --- libcurl's memory: what it frees may have held a password or an Authorization field, so it is wiped ---

void wiping_free(void* memory) {
  if (memory == nullptr) return;
  OPENSSL_cleanse(memory, malloc_usable_size(memory));
  std::free(memory);
}

void* wiping_realloc(void* old, std::size_t size) {
  if (old == nullptr) return std::malloc(size);
  void* fresh = std::malloc(size);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, old, std::min(size, malloc_usable_size(old)));
  wiping_free(old);
  return fresh;
}

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    auto const code =
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free, wiping_realloc, strdup, calloc);
    if (code != CURLE_OK) throw std::runtime_error("libcurl does not start");
  });
}

}  // namespace

X509_STORE* HttpClient::State::system_roots() {
  if (!system_store) {
    system_store.reset(X509_STORE_new());
    ossl::check(system_store && X509_STORE_set_default_paths(system_store.get()) == 1, "X509_STORE_set_default_paths");
  }
  return system_store.get();
}

// Two fetches may share a connection only if they would have judged its other end alike. libcurl itself compares host,
// port and connect_to.
std::string HttpClient::State::reuse_key(Transfer const& transfer) {
  auto const& request = transfer.request;
  if (request.fresh_connection || request.handshake_only) return "fresh";
  if (!transfer.url.tls) return "http";
  std::string key = std::to_string(static_cast<int>(request.trust.kind_)) + (request.allow_weak_tls ? "w" : "s");
  key += as_text(request.trust.spki_);
  for (auto const* list : {&request.trust.roots_, &request.trust.intermediates_}) {
    for (auto const& certificate : *list) key += as_text(certificate.fingerprint());
    key += '|';
  }
  return key + request.expected_name;
}

HttpClient::State::Pool& HttpClient::State::pool_for(Transfer const& transfer) {
  auto const key = reuse_key(transfer);
  auto const found = std::find_if(pools.begin(), pools.end(), [&](auto const& pool) { return pool->key == key; });
  if (found != pools.end()) {
    pools.splice(pools.begin(), pools, found);
    return *pools.front();
  }
  for (auto it = pools.end(); pools.size() >= kPoolsMax && it != pools.begin();) {
    --it;
    if (!(*it)->transfers.empty()) continue;
    (*it)->close();
    it = pools.erase(it);
  }
  pools.push_front(std::make_shared<Pool>(*this, key));
  return *pools.front();
}

void HttpClient::State::start(std::shared_ptr<Transfer> const& transfer) {
  try {
    set_up(*transfer);
    transfer->request.password = SecretBytes();  // libcurl has it now
    if (transfer->request.trust.kind_ == Trust::Kind::system) transfer->system_store = system_roots();
    pool_for(*transfer).add(transfer);
  } catch (std::exception const&) {  // the environment broke; it must not break the loop of all other fetches
    wake(transfer, Error(Errc::internal, transfer->url.host + ": the request could not be prepared"));
  }
}

void HttpClient::State::close() {
  for (auto& pool : pools) pool->close();
  pools.clear();
}

HttpClient::HttpClient(asio::any_io_executor executor, std::chrono::milliseconds keep_idle) {
  init_curl_once();
  state_ = std::make_shared<State>(std::move(executor), keep_idle);
}

// The last handle ends on the client's own thread, or with its loop.
HttpClient::~HttpClient() {
  auto const executor = state_->executor;
  asio::post(executor, [state = std::move(state_)] { state->close(); });
}

Awaitable<Result<ClientResponse>> HttpClient::fetch(ClientRequest request) {
  CO_TRY(auto url, parse_url(request.url));
  CO_CHECK_OK(check_headers(request.headers));
  CO_CHECK_OK(check_credentials(request, url.tls));
  if (request.auth != HttpAuth::none && url.tls && request.trust.kind_ == Trust::Kind::anybody)
    bug("a request that trusts anybody carries a password");

  asio::any_io_executor const caller = co_await asio::this_coro::executor;
  asio::steady_timer wake(caller, asio::steady_timer::time_point::max());
  auto transfer = std::make_shared<Transfer>(std::move(request), std::move(url), caller);
  transfer->wake = &wake;
  asio::post(state_->executor, [state = state_, transfer] { state->start(transfer); });
  while (!transfer->done) {
    error_code ignored;
    co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  auto outcome = *std::move(transfer->outcome);
  co_return outcome;
}

}  // namespace lenscap::net
