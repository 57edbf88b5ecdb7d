#include "raw_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace lenscap::net::test {
namespace {

void set_timeout(int fd) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write knows no MSG_NOSIGNAL
  timeval const limit{60, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int const yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string data_path(std::string const& name) { return std::string(LENSCAP_SOURCE_DIR) + "/tests/data/net/" + name; }

std::string data(std::string const& name) {
  std::ifstream file(data_path(name));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string RawResponse::header(std::string_view name) const {
  std::stringstream lines(head);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size(); ++i) same = same && lower(line[i]) == lower(name[i]);
    if (!same) continue;
    auto value = line.substr(name.size() + 1);
    while (!value.empty() && value.front() == ' ') value.erase(0, 1);
    while (!value.empty() && value.back() == '\r') value.pop_back();
    return value;
  }
  return {};
}

RawConnection::RawConnection(RawConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ssl_(std::exchange(other.ssl_, nullptr)), buffer_(std::move(other.buffer_)) {}

RawConnection& RawConnection::operator=(RawConnection&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    ssl_ = std::exchange(other.ssl_, nullptr);
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

RawConnection::~RawConnection() { close(); }

void RawConnection::close() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
  if (fd_ >= 0) ::close(fd_);
  ssl_ = nullptr;
  fd_ = -1;
}

bool RawConnection::send(std::string_view octets) {
  while (!octets.empty()) {
    auto const n = ssl_ != nullptr ? static_cast<long>(SSL_write(ssl_, octets.data(), static_cast<int>(octets.size())))
                                   : ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool RawConnection::fill() {
  char octets[4096];
  auto const n = ssl_ != nullptr ? static_cast<long>(SSL_read(ssl_, octets, sizeof octets))
                                 : ::recv(fd_, octets, sizeof octets, 0);
  if (n <= 0) return false;
  buffer_.append(octets, static_cast<std::size_t>(n));
  return true;
}

std::string RawConnection::read_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill()) return {};
  }
  auto text = buffer_.substr(0, at + end.size());
  buffer_.erase(0, text.size());
  return text;
}

std::string RawConnection::read_exactly(std::size_t count) {
  while (buffer_.size() < count && fill()) {
  }
  auto text = buffer_.substr(0, count);
  buffer_.erase(0, text.size());
  return text;
}

std::string RawConnection::read_all() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

RawResponse RawConnection::read_response(bool with_body) {
  RawResponse response;
  response.head = read_until("\r\n\r\n");
  if (response.head.size() < 12) return response;
  response.status = std::atoi(response.head.c_str() + 9);
  if (with_body && !response.header("Content-Length").empty())
    response.body = read_exactly(static_cast<std::size_t>(std::stoul(response.header("Content-Length"))));
  return response;
}

bool RawConnection::is_closed() {
  errno = 0;
  return buffer_.empty() && !fill() && errno != EAGAIN;
}

void RawConnection::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void RawConnection::reset() {
  linger const hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(std::exchange(fd_, -1));
}

RawConnection connect_raw(std::uint16_t port, int receive_buffer) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_timeout(fd);
  if (receive_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  auto const address = loopback(port);
  if (::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    ::close(fd);
    return {};
  }
  return {fd, nullptr};
}

RawConnection connect_tls(std::uint16_t port, std::function<void(SSL*)> const& configure) {
  auto plain = connect_raw(port);
  if (plain.fd() < 0) return {};
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  SSL_CTX_free(context);
  if (configure) configure(ssl);
  SSL_set_fd(ssl, plain.fd());
  if (SSL_connect(ssl) != 1) {
    SSL_free(ssl);
    return plain;
  }
  RawConnection connection(::dup(plain.fd()), ssl);
  set_timeout(connection.fd());
  SSL_set_fd(ssl, connection.fd());
  return connection;
}

RawServer::RawServer(Script script, std::string const& chain, std::string const& key, bool weak_tls)
    : script_(std::move(script)) {
  if (!chain.empty()) {
    context_ = SSL_CTX_new(TLS_server_method());
    if (weak_tls) {
      SSL_CTX_set_security_level(context_, 0);
      SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context_, TLS1_VERSION);
    }
    bool const good = SSL_CTX_use_certificate_chain_file(context_, data_path(chain).c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context_, data_path(key).c_str(), SSL_FILETYPE_PEM) == 1;
    if (!good) std::abort();
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) std::abort();
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

RawServer::~RawServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  {
    std::lock_guard const lock(mutex_);
    for (int const fd : open_) ::shutdown(fd, SHUT_RD);  // what has come can still be read
  }
  for (auto& thread : serving_) thread.join();
  ::close(listener_);
  if (context_ != nullptr) SSL_CTX_free(context_);
}

void RawServer::serve(int fd) {
  set_timeout(fd);
  SSL* ssl = nullptr;
  if (context_ != nullptr) {
    ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) {
      SSL_free(ssl);
      std::lock_guard const lock(mutex_);
      open_.erase(fd);
      ::close(fd);
      return;
    }
  }
  RawConnection connection(fd, ssl);
  script_(connection);
  std::lock_guard const lock(mutex_);
  open_.erase(fd);
}

void RawServer::run() {
  while (!stopping_) {
    int const fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    ++connections_;
    {
      std::lock_guard const lock(mutex_);
      open_.insert(fd);
    }
    serving_.emplace_back([this, fd] { serve(fd); });
  }
}

bool eventually(std::function<bool()> const& condition) {
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();  // a machine that stood still is no reason
}

}  // namespace lenscap::net::test
