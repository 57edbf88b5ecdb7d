#include "tests/conformance/http_responder.h"

#include <sys/socket.h>

#include "acme/wire/names.h"

namespace lenscap::conformance {
namespace {

std::string path_of(std::string const& token) { return std::string(acme::names::kHttp01Path) + token; }

std::string field(std::string const& head, std::string const& name) {
  auto const at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  auto const from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

}  // namespace

HttpResponder::HttpResponder(std::string const& address, unsigned short port)
    : listener_(listen_tcp(address, port)), waiter_(listener_.fd(), [this] { serve(); }) {}

void HttpResponder::set(std::string const& token, WebAnswer answer) { set_in_turn(token, {std::move(answer)}); }

void HttpResponder::set_in_turn(std::string const& token, std::vector<WebAnswer> answers) {
  std::lock_guard lock(mutex_);
  answers_[path_of(token)] = std::move(answers);
}

std::vector<WebRequest> HttpResponder::requests(std::string const& token) const {
  std::lock_guard lock(mutex_);
  std::vector<WebRequest> found;
  for (auto const& request : requests_)
    if (request.path == path_of(token)) found.push_back(request);
  return found;
}

void HttpResponder::serve() {
  auto const connection = take_connection(listener_);
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < 16384) {
    char block[4096];
    auto const n = ::recv(connection.fd(), block, sizeof block, 0);
    if (n <= 0) return;
    head.append(block, static_cast<std::size_t>(n));
  }
  auto const from = head.find(' ');
  auto const path = head.substr(from + 1, head.find(' ', from + 1) - from - 1);
  WebAnswer answer{.status = 404, .body = "there is nothing here"};
  {
    std::lock_guard lock(mutex_);
    requests_.push_back({path, field(head, "Host")});
    if (auto const found = answers_.find(path); found != answers_.end()) {
      answer = found->second.front();
      if (found->second.size() > 1) found->second.erase(found->second.begin());
    }
  }
  auto const text = "HTTP/1.1 " + std::to_string(answer.status) +
                    " Answer\r\nContent-Type: application/octet-stream\r\n" +
                    "Content-Length: " + std::to_string(answer.body.size()) + "\r\nConnection: close\r\n" +
                    answer.fields + "\r\n" + answer.body;
  for (std::string_view rest = text; !rest.empty();) {
    auto const n = ::send(connection.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace lenscap::conformance
