// One fetch of the HTTP client on its way, and the client's own state: shared by http_client.cc, transfer.cc,
// transfer_tls.cc and transfer_pool.cc, and no others.
#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/net/http_client.h"
#include "base/ossl.h"

namespace lenscap::net {
namespace asio = boost::asio;
using boost::system::error_code;

using EasyPtr = ossl::Ptr<CURL, curl_easy_cleanup>;
using MultiPtr = ossl::Ptr<CURLM, curl_multi_cleanup>;
using UrlPtr = ossl::Ptr<CURLU, curl_url_cleanup>;
using ListPtr = ossl::Ptr<curl_slist, curl_slist_free_all>;

struct UrlParts {
  bool tls = false;
  std::string host;  // without brackets
};

// What the handshake showed and why it was refused, if it was.
struct Peer {
  std::vector<x509::Certificate> chain;
  std::optional<Sha256> spki;
  std::string tls_version;
  std::string refusal;
};

// transfer_tls.cc
void note_peer(Peer& peer, X509* leaf, STACK_OF(X509) * chain, SSL const* ssl);

// One fetch on its way. Made on the caller's thread, then touched on the client's thread alone until `done` is posted
// back.
struct Transfer {
  Transfer(ClientRequest r, UrlParts u, asio::any_io_executor c)
      : request(std::move(r)), url(std::move(u)), caller(std::move(c)) {}

  ClientRequest request;
  UrlParts url;
  asio::any_io_executor caller;
  asio::steady_timer* wake = nullptr;  // in the caller's frame, used on the caller's thread
  bool done = false;

  EasyPtr easy;
  ListPtr headers;
  ListPtr connect_to;
  ossl::X509StorePtr store;  // roots; null = the system's
  X509_STORE* system_store = nullptr;
  char error_text[CURL_ERROR_SIZE] = {};
  Peer peer;
  std::size_t header_octets = 0;
  std::size_t framed_octets = 0;
  std::string too_much;  // why we broke off
  ClientResponse response;
  std::optional<Result<ClientResponse>> outcome;
};

// --- transfer.cc ---

// The request, judged before anything is sent: Errc::usage.
Result<UrlParts> parse_url(std::string const& text);
Result<> check_headers(Headers const& headers);
Result<> check_credentials(ClientRequest const& request, bool tls);

// Why a transfer failed, for people.
Error error_of(Transfer const& transfer, CURLcode code);
// Gives the transfer back to the thread that awaits it.
void wake(std::shared_ptr<Transfer> const& transfer, Result<ClientResponse> outcome);

// Reads the Trust of a request; a friend of it by way of HttpClient.
struct HttpClient::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor e, std::chrono::milliseconds k) : executor(std::move(e)), keep_idle(k) {}

  struct Pool;
  asio::any_io_executor executor;
  std::chrono::milliseconds keep_idle;
  std::list<std::shared_ptr<Pool>> pools;  // last used first
  ossl::X509StorePtr system_store;

  void start(std::shared_ptr<Transfer> const& transfer);
  Pool& pool_for(Transfer const& transfer);
  X509_STORE* system_roots();
  void close();

  static std::string reuse_key(Transfer const& transfer);
  static void set_up(Transfer& transfer);  // transfer.cc
  // transfer_tls.cc
  static void set_up_tls(Transfer& transfer);
  static int judge_peer(X509_STORE_CTX* context, void* transfer);
  static std::string judge(Transfer& transfer, X509* leaf, STACK_OF(X509) * sent);
  static CURLcode prepare_context(CURL* easy, void* ssl_ctx, void* transfer);
};

}  // namespace lenscap::net
