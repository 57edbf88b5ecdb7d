#include "tests/conformance/http.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/x509/name.h"

namespace lenscap::conformance {
namespace {

constexpr int kAnswerSeconds = 60;  // a server may validate before it answers
constexpr std::size_t kAnswerBytes = 4 * 1024 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

void set_timeout(int fd, int seconds) {
  timeval const limit{seconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int dial(Url const& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &list) != 0)
    throw NoAnswer("the name " + url.host + " has no address here");
  int fd = -1;
  for (auto const* at = list; at != nullptr && fd < 0; at = at->ai_next) {
    fd = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    set_timeout(fd, kAnswerSeconds);
    if (::connect(fd, at->ai_addr, at->ai_addrlen) == 0) break;
    ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(list);
  if (fd < 0) throw NoAnswer("nobody listens at " + url.authority);
  int const on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  auto const bad = [&] { return Error(Errc::usage, "\"" + std::string(text) + "\" is not an http or https URL"); };
  Url url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) return bad();
  auto rest = text.substr(url.tls ? 8 : 7);
  auto const slash = std::min(rest.find('/'), rest.find('?'));
  url.authority = std::string(rest.substr(0, slash));
  url.target = slash == rest.npos ? "/" : std::string(rest.substr(slash));
  if (url.target[0] != '/') url.target.insert(0, "/");
  std::string_view host = url.authority;
  url.port = url.tls ? 443 : 80;
  auto const colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    auto const port = host.substr(colon + 1);
    auto const [end, ec] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (ec != std::errc() || end != port.data() + port.size()) return bad();
    host = host.substr(0, colon);
  }
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  url.host = std::string(host);
  if (url.host.empty()) return bad();
  return url;
}

std::string Answer::header(std::string_view name) const {
  auto const* found = headers.find(name);
  return found == nullptr ? "" : *found;
}

std::string Answer::text(std::string_view member) const {
  auto const* found = document.find(member);
  return found != nullptr && found->as_string() != nullptr ? *found->as_string() : "";
}

std::vector<std::string> Answer::texts(std::string_view member) const {
  auto found = json::get_strings(document, member);
  return found && *found ? **found : std::vector<std::string>();
}

std::string Answer::problem() const {
  constexpr std::string_view kUrn = "urn:ietf:params:acme:error:";
  auto type = text("type");
  return type.starts_with(kUrn) ? type.substr(kUrn.size()) : type;
}

std::string Answer::media_type() const {
  auto const field = header("Content-Type");
  return lower(trim(std::string_view(field).substr(0, field.find(';'))));
}

// RFC 8288: <target>; rel="a b", ... We read what ACME servers send, quoted or not.
std::vector<std::string> Answer::links(std::string_view relation) const {
  std::vector<std::string> found;
  for (auto const& [name, value] : headers.fields()) {
    if (lower(name) != "link") continue;
    std::string_view rest = value;
    while (true) {
      auto const open = rest.find('<');
      auto const close = rest.find('>', open == rest.npos ? 0 : open);
      if (open == rest.npos || close == rest.npos) break;
      auto const target = rest.substr(open + 1, close - open - 1);
      rest = rest.substr(close + 1);
      auto const parameters = lower(rest.substr(0, rest.find('<')));
      auto const rel = parameters.find("rel=");
      if (rel == std::string::npos) continue;
      auto names = parameters.substr(rel + 4);
      names = names[0] == '"' ? names.substr(1, names.find('"', 1) - 1) : names.substr(0, names.find_first_of(";, "));
      if ((" " + names + " ").find(" " + std::string(relation) + " ") != std::string::npos) found.emplace_back(target);
    }
  }
  return found;
}

struct Http::Connection {
  int fd = -1;
  ossl::SslPtr tls;
  std::string pending;  // read and not consumed

  ~Connection() {
    if (tls) SSL_shutdown(tls.get());
    tls.reset();
    if (fd >= 0) ::close(fd);
  }
  bool write(std::string_view octets) {
    while (!octets.empty()) {
      auto const n =
          tls ? SSL_write(tls.get(), octets.data(), static_cast<int>(std::min<std::size_t>(octets.size(), 1 << 20)))
              : static_cast<int>(::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL));
      if (n <= 0) {
        ERR_clear_error();
        return false;
      }
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool read() {  // more octets into pending; false at the end
    char block[16384];
    auto const n =
        tls ? SSL_read(tls.get(), block, sizeof block) : static_cast<int>(::recv(fd, block, sizeof block, 0));
    if (n <= 0) {
      ERR_clear_error();
      return false;
    }
    pending.append(block, static_cast<std::size_t>(n));
    if (pending.size() > kAnswerBytes) throw NoAnswer("the answer has more than 4 MiB");
    return true;
  }
  // Up to and without `mark`, which is consumed; throws at the end of the stream.
  std::string until(std::string_view mark) {
    std::size_t at;
    while ((at = pending.find(mark)) == std::string::npos)
      if (!read()) throw NoAnswer("the connection ended inside an answer");
    auto text = pending.substr(0, at);
    pending.erase(0, at + mark.size());
    return text;
  }
  std::string exactly(std::size_t count) {
    while (pending.size() < count)
      if (!read()) throw NoAnswer("the connection ended inside a body");
    auto text = pending.substr(0, count);
    pending.erase(0, count);
    return text;
  }
};

Http::Http(std::vector<x509::Certificate> roots) : context_(SSL_CTX_new(TLS_client_method())) {
  ossl::check(context_ != nullptr, "SSL_CTX_new");
  SSL_CTX_set_mode(context_.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  for (auto const& root : roots) X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), root.native());
}

Http::~Http() = default;

std::unique_ptr<Http::Connection> Http::connect(Url const& url, int version_max) {
  auto connection = std::make_unique<Connection>();
  connection->fd = dial(url);
  if (!url.tls) return connection;
  connection->tls.reset(SSL_new(context_.get()));
  auto* tls = connection->tls.get();
  ossl::check(tls != nullptr && SSL_set_fd(tls, connection->fd) == 1, "SSL_new");
  if (version_max != 0) {
    SSL_set_min_proto_version(tls, TLS1_VERSION);
    SSL_set_max_proto_version(tls, version_max);
    SSL_set_security_level(tls, 0);
    SSL_set_cipher_list(tls, "ALL:@SECLEVEL=0");
  }
  if (auto const address = x509::IpAddress::parse(url.host)) {
    X509_VERIFY_PARAM_set1_ip(SSL_get0_param(tls), address->octets().data(), address->octets().size());
  } else {
    SSL_set_tlsext_host_name(tls, url.host.c_str());
    SSL_set1_host(tls, url.host.c_str());
  }
  if (SSL_connect(tls) != 1) throw NoAnswer("no TLS handshake with " + url.authority + ": " + ossl::take_errors());
  return connection;
}

Answer Http::read_answer(Connection& connection, bool is_head, std::string& seen) {
  Answer answer;
  std::string head;
  do {
    head = connection.until("\r\n\r\n");
    seen += head + "\r\n\r\n";
  } while (head.starts_with("HTTP/1.1 100"));
  std::size_t at = head.find("\r\n");
  auto const line = head.substr(0, at);
  if (line.size() < 12 || !line.starts_with("HTTP/1.") ||
      std::from_chars(line.data() + 9, line.data() + 12, answer.status).ec != std::errc())
    throw NoAnswer("this is not HTTP: " + line);
  while (at != std::string::npos) {
    auto const end = head.find("\r\n", at + 2);
    auto const field = std::string_view(head).substr(at + 2, end == std::string::npos ? end : end - at - 2);
    if (auto const colon = field.find(':'); colon != field.npos)
      answer.headers.add(std::string(field.substr(0, colon)), std::string(trim(field.substr(colon + 1))));
    at = end;
  }
  auto const coding = lower(answer.header("Transfer-Encoding"));
  if (is_head || answer.status == 204 || answer.status == 304) {
  } else if (coding == "chunked") {
    for (;;) {
      auto const size_line = connection.until("\r\n");
      std::size_t size = 0;
      std::from_chars(size_line.data(), size_line.data() + size_line.size(), size, 16);
      if (size == 0) {
        while (!connection.until("\r\n").empty()) {
        }
        break;
      }
      answer.body += connection.exactly(size);
      connection.until("\r\n");
    }
  } else if (auto const length = answer.header("Content-Length"); !length.empty()) {
    std::size_t size = 0;
    std::from_chars(length.data(), length.data() + length.size(), size);
    if (size > kAnswerBytes) throw NoAnswer("the answer has more than 4 MiB");
    answer.body = connection.exactly(size);
  } else {
    while (connection.read()) {
    }
    answer.body = std::exchange(connection.pending, {});
  }
  seen += answer.body;
  if (auto object = json::parse_object(answer.body, {.bytes = kAnswerBytes, .depth = 32, .members = 100'000}))
    answer.document = *std::move(object);
  return answer;
}

Answer Http::send(std::string_view method, std::string const& url_text, Fields fields, std::string_view body) {
  auto const parsed = parse_url(url_text);
  if (!parsed) throw NoAnswer("the server gave a URL that is none: " + url_text);
  auto const& url = *parsed;
  auto const has = [&fields](std::string_view name) {
    return std::any_of(fields.begin(), fields.end(), [&](auto const& field) { return lower(field.first) == name; });
  };
  std::string octets = std::string(method) + " " + url.target + " HTTP/1.1\r\n";
  if (!has("host")) octets += "Host: " + url.authority + "\r\n";
  if (!has("user-agent")) octets += "User-Agent: acme-conformance/1\r\nAccept-Language: en\r\n";
  if (!has("content-length") && (!body.empty() || method == "POST"))
    octets += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (auto const& [name, value] : fields)
    if (!value.empty()) octets += name + ": " + value + "\r\n";  // an empty one only keeps the default away
  octets += "\r\n";
  octets += body;

  auto& exchange = exchanges_.emplace_back(Exchange{octets, ""});
  for (int attempt = 0;; ++attempt) {
    bool const reused = kept_ != nullptr && kept_for_ == url.authority;
    try {
      auto connection = reused ? std::move(kept_) : connect(url);
      kept_.reset();
      // A server may end a kept connection at any moment; then the request goes out once more on a fresh one.
      if (!connection->write(octets) || (connection->pending.empty() && !connection->read())) {
        if (reused) continue;
        throw NoAnswer("the connection was closed without an answer");
      }
      auto answer = read_answer(*connection, method == "HEAD", exchange.answer);
      if (lower(answer.header("Connection")) != "close") {
        kept_ = std::move(connection);
        kept_for_ = url.authority;
      }
      return answer;
    } catch (NoAnswer const& why) {
      exchange.answer += std::string("(") + why.what() + ")";
      throw;
    }
  }
}

std::string Http::raw(std::string const& url_text, std::string_view octets) {
  auto const url = parse_url(url_text);
  if (!url) throw NoAnswer("not a URL: " + url_text);
  auto connection = connect(*url);
  set_timeout(connection->fd, 2);
  auto& exchange = exchanges_.emplace_back(Exchange{std::string(octets), ""});
  connection->write(octets);
  while (connection->read()) {
  }
  exchange.answer = connection->pending;
  return connection->pending;
}

bool Http::handshakes_with(std::string const& url_text, int version_max) {
  auto const url = parse_url(url_text);
  if (!url) return false;
  auto& exchange = exchanges_.emplace_back(Exchange{"(a TLS handshake, TLS 1.1 at most)", ""});
  try {
    auto const connection = connect(*url, version_max);
    exchange.answer = std::string("(") + SSL_get_version(connection->tls.get()) + ")";
    return true;
  } catch (NoAnswer const& why) {
    exchange.answer = std::string("(") + why.what() + ")";
    return false;
  }
}

}  // namespace lenscap::conformance
