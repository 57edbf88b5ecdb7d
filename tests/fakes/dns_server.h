// A DNS server on loopback for tests: answers A and AAAA from a table, NXDOMAIN for other names, and nothing at all for
// names that it is told to be silent about. UDP alone, no compression besides the question's name.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/x509/name.h"

namespace lenscap::fakes {

class DnsServer {
 public:
  DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), bell_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("DNS server: no socket");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto written = ::write(bell_, &one, sizeof one);
    thread_.join();
    ::close(socket_);
    ::close(bell_);
  }
  DnsServer(DnsServer const&) = delete;
  DnsServer& operator=(DnsServer const&) = delete;

  std::string resolver() const { return "127.0.0.1@" + std::to_string(port_); }  // as in the settings

  void set(std::string const& name, std::vector<std::string> const& addresses) {
    std::lock_guard lock(mutex_);
    records_[name] = addresses;
  }
  // The next questions for the name get these answers, one set each; the last stays.
  void set_in_turn(std::string const& name, std::vector<std::vector<std::string>> answers) {
    std::lock_guard lock(mutex_);
    turns_[name] = std::move(answers);
  }
  void be_silent_about(std::string const& name) {
    std::lock_guard lock(mutex_);
    silent_.insert(name);
  }
  int questions() const {
    std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  void serve() {
    for (;;) {
      pollfd fds[] = {{bell_, POLLIN, 0}, {socket_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[0].revents != 0) return;
      std::string query(1500, '\0');
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      auto const got = ::recvfrom(socket_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
      if (got < 17) continue;
      query.resize(static_cast<std::size_t>(got));
      if (auto const reply = answer(query); !reply.empty())
        ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }
  }

  std::string answer(std::string const& query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      auto const length = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
      at += length + 1u;
    }
    if (at + 5 > query.size()) return "";
    for (auto& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');  // libunbound mixes the case of questions
    auto const type = static_cast<unsigned char>(query[at + 2]);
    auto const question = query.substr(12, at + 5 - 12);

    std::lock_guard lock(mutex_);
    ++questions_;
    if (silent_.contains(name)) return "";
    auto found = records_.find(name);
    if (auto turn = turns_.find(name); turn != turns_.end()) {
      records_[name] = turn->second.front();
      if (turn->second.size() > 1) turn->second.erase(turn->second.begin());
      found = records_.find(name);
    }
    std::string body;
    unsigned char count = 0;
    if (found != records_.end())
      for (auto const& text : found->second) {
        auto const address = x509::IpAddress::parse(text).value();
        if ((type == 28) != address.is_v6() || (type != 1 && type != 28)) continue;
        body +=
            std::string("\xc0\x0c\x00", 3) + static_cast<char>(type) + std::string("\x00\x01\x00\x00\x00\x3c\x00", 7);
        body += static_cast<char>(address.octets().size());
        body += as_text(address.octets());
        ++count;
      }
    auto const rcode = found == records_.end() ? '\x83' : '\x80';
    return query.substr(0, 2) + "\x85" + rcode + std::string("\x00\x01\x00", 3) + static_cast<char>(count) +
           std::string(4, '\0') + question + body;
  }

  int socket_, bell_;
  unsigned short port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> records_;
  std::map<std::string, std::vector<std::vector<std::string>>> turns_;
  std::set<std::string> silent_;
  int questions_ = 0;
  std::thread thread_;
};

}  // namespace lenscap::fakes
