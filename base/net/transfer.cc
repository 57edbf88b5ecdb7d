// What libcurl is told of a request, and what it tells of an answer: judged, bounded, and put into words.
#include "base/net/transfer.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace lenscap::net {
namespace {

// Bound of all header fields of one answer; cameras send less than 2 KiB.
constexpr std::size_t kAnswerHeaderBytesMax = 64 * 1024;
// A body may come octet by octet in chunks, which is six octets for one; but chunk sizes, extensions and trailers,
// which may go on for ever without adding an octet to it, end here.
constexpr std::size_t framed_bytes_max(std::size_t body_bytes_max) { return 16 * body_bytes_max + 16 * 1024; }

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string value(text);
  curl_free(text);
  return value;
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

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

// --- callbacks of one transfer ---

namespace {

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

// --- options of one transfer ---

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

}  // namespace

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

void wake(std::shared_ptr<Transfer> const& transfer, Result<ClientResponse> outcome) {
  transfer->outcome = std::move(outcome);
  asio::post(transfer->caller, [transfer] {
    transfer->done = true;
    transfer->wake->cancel();
  });
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

}  // namespace lenscap::net
