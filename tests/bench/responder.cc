#include "tests/bench/responder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lenscap::bench {

Responder::Responder(std::uint16_t port) : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  int const yes = 1;
  ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  constexpr int kBacklog = 1024;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening_, kBacklog) != 0) {
    std::string const why = std::strerror(errno);
    ::close(listening_);
    throw std::runtime_error("http-01 responder: port " + std::to_string(port) + ": " + why);
  }
  thread_ = std::thread([this] { serve(); });
}

Responder::~Responder() {
  stopping_ = true;
  thread_.join();
  ::close(listening_);
}

void Responder::answer(std::string token, std::string key_authorization) {
  std::lock_guard const lock(mutex_);
  answers_.insert_or_assign(std::move(token), std::move(key_authorization));
}

void Responder::forget(std::string const& token) {
  std::lock_guard const lock(mutex_);
  answers_.erase(token);
}

std::string Responder::body_of(std::string_view request) {
  constexpr std::string_view kPath = "/.well-known/acme-challenge/";
  auto const at = request.find(kPath);
  if (at == std::string_view::npos) return "";
  auto const token = request.substr(at + kPath.size(), request.find(' ', at) - at - kPath.size());
  std::lock_guard const lock(mutex_);
  auto const found = answers_.find(token);
  return found == answers_.end() ? "" : found->second;
}

void Responder::serve() {
  while (!stopping_) {
    pollfd waiting{listening_, POLLIN, 0};
    constexpr int kLookForTheEndMs = 100;
    if (::poll(&waiting, 1, kLookForTheEndMs) <= 0) continue;
    int const peer = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    std::array<char, 4096> buffer{};
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < buffer.size()) {
      auto const count = ::recv(peer, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    auto const body = body_of(request);
    auto const text = std::string(body.empty() ? "HTTP/1.1 404 Not Found" : "HTTP/1.1 200 OK") +
                      "\r\nContent-Type: application/octet-stream\r\nConnection: close\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body;
    [[maybe_unused]] auto const sent = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
    ::close(peer);
  }
}

}  // namespace lenscap::bench
