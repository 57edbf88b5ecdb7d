#include "base/net/http_client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/err.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <mutex>

#include "base/ossl.h"

namespace lenscap::net {
namespace asio = boost::asio;
using boost::system::error_code;

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

// Bound of all header fields of one answer; cameras send less than 2 KiB.
constexpr std::size_t kAnswerHeaderBytesMax = 64 * 1024;
// A body may come octet by octet in chunks, which is six octets for one; but chunk sizes, extensions and trailers,
// which may go on for ever without adding an octet to it, end here.
constexpr std::size_t framed_bytes_max(std::size_t body_bytes_max) { return 16 * body_bytes_max + 16 * 1024; }
// Groups of kept connections; an agent has one for its ACME server and now and then some for devices.
constexpr std::size_t kPoolsMax = 32;

// --- libcurl's memory: what it frees may have held a password or an Authorization field, so it is wiped
// ---------------

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

using EasyPtr = ossl::Ptr<CURL, curl_easy_cleanup>;
using MultiPtr = ossl::Ptr<CURLM, curl_multi_cleanup>;
using UrlPtr = ossl::Ptr<CURLU, curl_url_cleanup>;
using ListPtr = ossl::Ptr<curl_slist, curl_slist_free_all>;

// --- the request, judged before anything is sent
// -----------------------------------------------------------------------

struct UrlParts {
  bool tls = false;
  std::string host;  // without brackets
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string value(text);
  curl_free(text);
  return value;
}

Result<UrlParts> parse_url(std::string const& text) {
  UrlPtr url(curl_url());
  ossl::check(url != nullptr, "curl_url");
  bool const good = text.find('\0') == std::string::npos &&
                    curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK;
  if (!good) return Error(Errc::usage, "this is no URL that can be asked for");
  auto const scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return Error(Errc::usage, "only http and https URLs can be asked for");
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty())
    return Error(Errc::usage, "a URL must not carry a user name or password");
  UrlParts parts{scheme == "https", url_part(url.get(), CURLUPART_HOST)};
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<> check_headers(Headers const& headers) {
  for (auto const& [name, value] : headers.fields()) {
    if (name.empty() || !is_one_line(name) || !is_one_line(value) || name.find(':') != std::string::npos)
      return Error(Errc::usage, "a header field of the request is malformed");
  }
  for (auto const* name : {"Host", "Content-Length", "Transfer-Encoding", "Authorization"}) {
    if (headers.find(name) != nullptr)
      return Error(Errc::usage, std::string("the header field ") + name + " is not for the caller to set");
  }
  return {};
}

Result<> check_credentials(ClientRequest const& request, bool tls) {
  if (request.auth == HttpAuth::none) return {};
  if (request.auth == HttpAuth::basic && !tls)
    return Error(Errc::usage, "a password is never sent over plain HTTP with Basic authentication");
  if (request.user.empty() || !is_one_line(request.user) || !is_one_line(request.password.text()))
    return Error(Errc::usage, "the user name or password cannot be sent in a request");
  return {};
}

// --- TLS: who is at the other end?
// -------------------------------------------------------------------------------------

Sha256 spki_hash(X509* certificate) { return sha256(ossl::to_der(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY)); }

bool is_address(std::string const& host) {
  ossl::Asn1OctetStringPtr const octets(a2i_IPADDRESS(host.c_str()));
  return octets != nullptr;
}

// What the handshake showed and why it was refused, if it was.
struct Peer {
  std::vector<x509::Certificate> chain;
  std::optional<Sha256> spki;
  std::string tls_version;
  std::string refusal;
};

void note_peer(Peer& peer, X509* leaf, STACK_OF(X509) * chain, SSL const* ssl) {
  peer = Peer{};
  if (ssl != nullptr) peer.tls_version = SSL_get_version(ssl);
  if (leaf == nullptr) return;
  peer.spki = spki_hash(leaf);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    auto certificate = x509::Certificate::from_native(sk_X509_value(chain, i));
    if (!certificate) break;
    peer.chain.push_back(std::move(certificate).value());
  }
  ossl::take_errors();  // from_native may have left some, and libcurl reads this queue
}

}  // namespace

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
  static void set_up(Transfer& transfer);
  static void set_up_tls(Transfer& transfer);
  static int judge_peer(X509_STORE_CTX* context, void* transfer);
  static std::string judge(Transfer& transfer, X509* leaf, STACK_OF(X509) * sent);
  static CURLcode prepare_context(CURL* easy, void* ssl_ctx, void* transfer);
};

// --- libcurl's multi interface on Asio
// --------------------------------------------------------------------------------- libcurl says which sockets it waits
// for and until when; we wait with Asio and tell it what happened. A Pool keeps connections that were made under one
// Trust and must not serve another.

struct HttpClient::State::Pool : std::enable_shared_from_this<Pool> {
  Pool(State& state, std::string k)
      : key(std::move(k)), owner(state.weak_from_this()), timer(state.executor), idle(state.executor) {
    multi.reset(curl_multi_init());
    ossl::check(multi != nullptr, "curl_multi_init");
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 8L);
  }
  ~Pool() { close(); }
  Pool(Pool const&) = delete;
  Pool& operator=(Pool const&) = delete;

  // A duplicate of libcurl's descriptor: ours to watch and to close, whatever libcurl does with its own.
  struct Socket {
    explicit Socket(asio::any_io_executor const& executor) : descriptor(executor) {}
    asio::posix::stream_descriptor descriptor;
    int wanted = CURL_POLL_NONE;
    bool reading = false;  // a wait is under way
    bool writing = false;
  };

  std::string key;
  std::weak_ptr<State> owner;
  asio::steady_timer timer;      // libcurl's
  asio::steady_timer idle;       // runs while there is no transfer
  std::uint64_t timer_turn = 0;  // tells a timer that fired from one that was replaced meanwhile
  std::map<curl_socket_t, std::shared_ptr<Socket>> sockets;
  std::map<CURL*, std::shared_ptr<Transfer>> transfers;
  MultiPtr multi;
  bool closed = false;

  void close() {
    if (closed) return;
    closed = true;
    timer.cancel();
    idle.cancel();
    for (auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi.get(), easy);
    transfers.clear();
    multi.reset();  // closes the kept connections, with on_socket for some
    sockets.clear();
  }

  void add(std::shared_ptr<Transfer> const& transfer) {
    CURL* easy = transfer->easy.get();
    if (curl_multi_add_handle(multi.get(), easy) != CURLM_OK) throw std::runtime_error("curl_multi_add_handle");
    transfers.emplace(easy, transfer);
    idle.cancel();
    // libcurl sets its timer to "now" and begins there
  }

  void act(curl_socket_t socket, int events) {
    if (closed) return;
    int running = 0;
    curl_multi_socket_action(multi.get(), socket, events, &running);
    int left = 0;
    while (CURLMsg const* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
    }
  }

  void finish(CURL* easy, CURLcode code);

  void leave_when_idle(std::chrono::milliseconds after) {
    idle.expires_after(after);
    idle.async_wait([weak = weak_from_this()](error_code ec) {
      auto strong = weak.lock();
      if (ec || !strong || !strong->transfers.empty()) return;
      strong->close();
      if (auto state = strong->owner.lock()) state->pools.remove(strong);
    });
  }

  static int on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
    auto& pool = *static_cast<Pool*>(self);
    auto const turn = ++pool.timer_turn;
    pool.timer.cancel();
    if (timeout_ms < 0 || pool.closed) return 0;
    pool.timer.expires_after(std::chrono::milliseconds(timeout_ms));
    // Never acts inside this callback, not even for 0 ms: libcurl must not be entered twice.
    pool.timer.async_wait([weak = pool.weak_from_this(), turn](error_code ec) {
      auto strong = weak.lock();
      if (!ec && strong && strong->timer_turn == turn) strong->act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
  }

  static int on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*per_socket*/) {
    auto& pool = *static_cast<Pool*>(self);
    if (what == CURL_POLL_REMOVE || pool.closed) {
      if (auto found = pool.sockets.find(fd); found != pool.sockets.end()) {
        found->second->wanted = CURL_POLL_NONE;
        error_code ignored;
        found->second->descriptor.close(ignored);
        pool.sockets.erase(found);
      }
      return 0;
    }
    auto& socket = pool.sockets[fd];
    if (!socket) {
      socket = std::make_shared<Socket>(pool.timer.get_executor());
      int const copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
      error_code ec;
      if (copy >= 0) socket->descriptor.assign(copy, ec);
      if (copy < 0 || ec) {  // out of descriptors: the transfer fails by its time-out
        if (copy >= 0) ::close(copy);
        pool.sockets.erase(fd);
        return 0;
      }
    }
    socket->wanted = what;
    pool.watch(fd, socket);
    return 0;
  }

  void watch(curl_socket_t fd, std::shared_ptr<Socket> const& socket) {
    if ((socket->wanted & CURL_POLL_IN) != 0 && !socket->reading) {
      socket->reading = true;
      socket->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                    [weak = weak_from_this(), fd, socket](error_code ec) {
                                      socket->reading = false;
                                      if (auto strong = weak.lock()) strong->ready(fd, socket, CURL_POLL_IN, ec);
                                    });
    }
    if ((socket->wanted & CURL_POLL_OUT) != 0 && !socket->writing) {
      socket->writing = true;
      socket->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                    [weak = weak_from_this(), fd, socket](error_code ec) {
                                      socket->writing = false;
                                      if (auto strong = weak.lock()) strong->ready(fd, socket, CURL_POLL_OUT, ec);
                                    });
    }
  }

  void ready(curl_socket_t fd, std::shared_ptr<Socket> const& socket, int direction, error_code ec) {
    if (ec == asio::error::operation_aborted || closed) return;
    if ((socket->wanted & direction) != 0) {
      auto const event = direction == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
      act(fd, ec ? CURL_CSELECT_ERR : event);
    }
    auto const now = sockets.find(fd);  // libcurl may have let it go, or have another of this number
    if (now != sockets.end() && now->second == socket) watch(fd, socket);
  }
};

namespace {

// --- callbacks of one transfer
// -----------------------------------------------------------------------------------------

void note_kept_connection(Transfer& transfer) {
  if (!transfer.url.tls || transfer.peer.spki) return;
  curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(transfer.easy.get(), CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == nullptr) return;
  if (session->backend != CURLSSLBACKEND_OPENSSL || session->internals == nullptr) return;
  auto const* ssl = static_cast<SSL*>(session->internals);
  note_peer(transfer.peer, SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl), ssl);
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::size_t on_header(char const* data, std::size_t /*one*/, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  std::string_view const line(data, size);
  transfer.header_octets += size;
  if (transfer.header_octets > kAnswerHeaderBytesMax) {
    transfer.too_much = "the answer's header is longer than 64 KiB";
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // a new answer: after 100 Continue, after a 401
    transfer.response.headers = {};
    transfer.response.body.clear();
    note_kept_connection(transfer);
    return size;
  }
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  transfer.response.headers.add(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
  return size;
}

std::size_t on_body(char const* data, std::size_t /*one*/, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto& body = transfer.response.body;
  if (size > transfer.request.body_bytes_max - std::min(body.size(), transfer.request.body_bytes_max)) {
    transfer.too_much = "the answer is longer than " + std::to_string(transfer.request.body_bytes_max) + " octets";
    return 0;
  }
  body.append(data, size);
  return size;
}

// What comes of a body, before chunks are undone. It cannot break off; on_progress, which follows at once, can.
int on_debug(CURL* /*easy*/, curl_infotype what, char* /*data*/, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (what != CURLINFO_DATA_IN) return 0;
  transfer.framed_octets += size;
  auto const most = framed_bytes_max(transfer.request.body_bytes_max);
  if (transfer.framed_octets > most && transfer.too_much.empty())
    transfer.too_much = "the answer is longer than " + std::to_string(most) + " octets with what frames it";
  return 0;
}

int on_progress(void* self, curl_off_t /*down_total*/, curl_off_t /*down*/, curl_off_t /*up_total*/,
                curl_off_t /*up*/) {
  return static_cast<Transfer*>(self)->too_much.empty() ? 0 : 1;
}

// libcurl copies the text; our copy with its final zero is wiped.
void set_password(CURL* easy, SecretBytes const& password) {
  Bytes text;
  text.reserve(password.size() + 1);
  text.assign(password.view().begin(), password.view().end());
  text.push_back(0);
  SecretBytes const holder(std::move(text));
  curl_easy_setopt(easy, CURLOPT_PASSWORD, holder.text().data());
}

void append(ListPtr& list, std::string const& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list.release();
  list.reset(longer);
}

void set_method(CURL* easy, ClientRequest const& request) {
  auto const has_body = request.method == Method::post || request.method == Method::put ||
                        request.method == Method::patch || !request.body.empty();
  if (request.method == Method::head) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());  // borrowed: lives as long as the transfer
  }
  if (request.method != Method::head && request.method != Method::get && request.method != Method::post)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string(to_string(request.method)).c_str());
}

void set_headers(Transfer& transfer) {
  auto const& fields = transfer.request.headers;
  for (auto const& [name, value] : fields.fields()) {
    append(transfer.headers, value.empty() ? name + ";" : name + ": " + value);
  }
  append(transfer.headers, "Expect:");  // embedded servers do not know it
  if (fields.find("Content-Type") == nullptr) append(transfer.headers, "Content-Type:");
  if (fields.find("Accept") == nullptr) append(transfer.headers, "Accept: */*");
  curl_easy_setopt(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.headers.get());
}

void set_auth(Transfer& transfer) {
  auto const& request = transfer.request;
  if (request.auth == HttpAuth::none) return;
  CURL* easy = transfer.easy.get();
  unsigned long methods = CURLAUTH_DIGEST;
  if (request.auth == HttpAuth::basic) methods = CURLAUTH_BASIC;
  if (request.auth == HttpAuth::any_but_basic_on_plain && transfer.url.tls) methods = CURLAUTH_DIGEST | CURLAUTH_BASIC;
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH, methods);
  curl_easy_setopt(easy, CURLOPT_USERNAME, request.user.c_str());
  set_password(easy, request.password);
}

Errc errc_of(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
      return Errc::tls;
    case CURLE_WRITE_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
      return Errc::incorrect_response;
    case CURLE_URL_MALFORMAT:
      return Errc::usage;
    default:
      return Errc::unreachable;
  }
}

Error error_of(Transfer const& transfer, CURLcode code) {
  auto const& host = transfer.url.host;
  // libcurl's word for a line of 100 KiB; memory that is really at its end would throw elsewhere.
  if (code == CURLE_OUT_OF_MEMORY)
    return Error(Errc::incorrect_response, host + ": a line of the answer's header is too long");
  if (!transfer.too_much.empty()) return Error(Errc::incorrect_response, host + ": " + transfer.too_much);
  if (!transfer.peer.refusal.empty()) return Error(Errc::tls, host + ": " + transfer.peer.refusal);
  std::string text = transfer.error_text[0] != '\0' ? transfer.error_text : curl_easy_strerror(code);
  return Error(errc_of(code), host + ": " + text);
}

// Gives the transfer back to the thread that awaits it.
void wake(std::shared_ptr<Transfer> const& transfer, Result<ClientResponse> outcome) {
  transfer->outcome = std::move(outcome);
  asio::post(transfer->caller, [transfer] {
    transfer->done = true;
    transfer->wake->cancel();
  });
}

}  // namespace

void HttpClient::State::Pool::finish(CURL* easy, CURLcode code) {
  auto const found = transfers.find(easy);
  if (found == transfers.end()) return;
  auto transfer = std::move(found->second);
  transfers.erase(found);
  curl_multi_remove_handle(multi.get(), easy);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer->easy.reset();
  if (auto state = owner.lock(); state && transfers.empty()) leave_when_idle(state->keep_idle);
  if (code == CURLE_OK) {
    auto& response = transfer->response;
    response.status = static_cast<int>(status);
    response.peer_chain = std::move(transfer->peer.chain);
    response.peer_spki = transfer->peer.spki;
    response.tls_version = transfer->peer.tls_version;
    wake(transfer, std::move(response));
  } else {
    wake(transfer, error_of(*transfer, code));
  }
}

// Why the peer is not whom the request trusts, or nothing.
std::string HttpClient::State::judge(Transfer& transfer, X509* leaf, STACK_OF(X509) * sent) {
  auto const& trust = transfer.request.trust;
  if (trust.kind_ == Trust::Kind::anybody) return {};
  if (trust.kind_ == Trust::Kind::pin) {
    if (*transfer.peer.spki == trust.spki_) return {};
    return "another key than the recorded one: expected SPKI SHA-256 " + to_hex(trust.spki_) + ", met " +
           to_hex(*transfer.peer.spki);
  }
  // Our own run of the verifier, so that intermediates we hold can help.
  ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * s) { sk_X509_free(s); }> const untrusted(sk_X509_new_null());
  ossl::X509StoreCtxPtr const context(X509_STORE_CTX_new());
  ossl::check(untrusted && context, "X509_STORE_CTX_new");
  for (int i = 0; i < sk_X509_num(sent); ++i) sk_X509_push(untrusted.get(), sk_X509_value(sent, i));
  for (auto const& known : trust.intermediates_) sk_X509_push(untrusted.get(), known.native());
  X509_STORE* store = transfer.store ? transfer.store.get() : transfer.system_store;
  ossl::check(X509_STORE_CTX_init(context.get(), store, leaf, untrusted.get()) == 1, "X509_STORE_CTX_init");
  ossl::check(X509_STORE_CTX_set_default(context.get(), "ssl_server") == 1, "X509_STORE_CTX_set_default");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(param, transfer.request.allow_weak_tls ? 0 : 2);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  auto const& name = transfer.request.expected_name.empty() ? transfer.url.host : transfer.request.expected_name;
  int const named = is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str())
                                     : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
  ossl::check(named == 1, "X509_VERIFY_PARAM_set1_host");
  if (X509_verify_cert(context.get()) == 1) return {};
  int const why = X509_STORE_CTX_get_error(context.get());
  if (why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return "the certificate does not carry the name " + name;
  return std::string("the certificate is not trusted: ") + X509_verify_cert_error_string(why);
}

// OpenSSL calls this in place of its verifier, inside the handshake; 0 ends it before a request is sent.
int HttpClient::State::judge_peer(X509_STORE_CTX* context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    auto const* ssl =
        static_cast<SSL const*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    note_peer(transfer.peer, leaf, sent, ssl);
    if (leaf == nullptr) {
      transfer.peer.refusal = "the other end showed no certificate";
    } else {
      transfer.peer.refusal = judge(transfer, leaf, sent);
    }
  } catch (std::exception const&) {
    transfer.peer.refusal = "the certificate could not be judged";
  }
  ERR_clear_error();
  bool const fine = transfer.peer.refusal.empty();
  X509_STORE_CTX_set_error(context, fine ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return fine ? 1 : 0;
}

CURLcode HttpClient::State::prepare_context(CURL* /*easy*/, void* ssl_ctx, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto* context = static_cast<SSL_CTX*>(ssl_ctx);
  SSL_CTX_set_cert_verify_callback(context, judge_peer, self);
  // A second handshake on the connection could show another certificate, to a transfer that has ended.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  if (transfer.request.allow_weak_tls) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);  // before RFC 5746
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  } else {
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  }
  return CURLE_OK;
}

void HttpClient::State::set_up_tls(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  // libcurl's own name check and roots are off: judge_peer does both, and it cannot be skipped by a resumed session.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_context);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &transfer);
  curl_easy_setopt(
      easy, CURLOPT_SSLVERSION,
      static_cast<long>(transfer.request.allow_weak_tls ? CURL_SSLVERSION_TLSv1_0 : CURL_SSLVERSION_TLSv1_2));
  if (transfer.request.allow_weak_tls) curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
  if (transfer.request.trust.kind_ != Trust::Kind::roots) return;
  transfer.store.reset(X509_STORE_new());
  ossl::check(transfer.store != nullptr, "X509_STORE_new");
  for (auto const& root : transfer.request.trust.roots_) X509_STORE_add_cert(transfer.store.get(), root.native());
}

void HttpClient::State::set_up(Transfer& transfer) {
  auto const& request = transfer.request;
  transfer.easy.reset(curl_easy_init());
  CURL* easy = transfer.easy.get();
  ossl::check(easy != nullptr, "curl_easy_init");
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // also none from the environment
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "lenscap");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs must not hold this thread
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error_text);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // or it would not call on_debug; it writes nothing anywhere then
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  if (request.fresh_connection || request.handshake_only) {
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  }
  if (request.handshake_only) curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  if (!request.connect_to.empty()) {
    append(transfer.connect_to, "::" + request.connect_to);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
  }
  set_method(easy, request);
  set_headers(transfer);
  set_auth(transfer);
  if (transfer.url.tls) set_up_tls(transfer);
}

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
