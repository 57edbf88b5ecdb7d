// A DNS server on loopback for tests: answers from a table of records over UDP and TCP, NXDOMAIN for other names, and
// does wrong on request: silence, refusals, answers that a function of the test has spoilt. Answers that do not fit
// into UDP are cut off with the TC bit. No compression besides the question's name.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/x509/name.h"

namespace lenscap::fakes {

inline constexpr int kDnsA = 1;
inline constexpr int kDnsCname = 5;
inline constexpr int kDnsTxt = 16;
inline constexpr int kDnsAaaa = 28;
inline constexpr int kDnsRrsig = 46;
inline constexpr int kDnsNsec = 47;
inline constexpr int kDnsDnskey = 48;
inline constexpr int kDnsCaa = 257;

inline std::string dns_u16(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string dns_u32(std::size_t value) { return dns_u16(value >> 16) + dns_u16(value); }

// "cam1.example" as labels with their lengths.
inline std::string dns_wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    auto const label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return wire + '\0';
}

// The data of a TXT record: strings of at most 255 octets.
inline std::string dns_text(std::string_view text, std::size_t piece = 255) {
  std::string data;
  do {
    auto const part = text.substr(0, piece);
    data += static_cast<char>(part.size());
    data += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return data;
}

inline std::string dns_caa(std::string_view tag, std::string_view value, int flags = 0) {
  return std::string(1, static_cast<char>(flags)) + static_cast<char>(tag.size()) + std::string(tag) +
         std::string(value);
}

class DnsServer {
 public:
  using Records = std::map<int, std::vector<std::string>>;  // data of each record, by type

  DnsServer() : bell_(::eventfd(0, EFD_CLOEXEC)) {
    // Both sockets on one port: another program may have the TCP one of a UDP port that is free.
    for (int tries = 0; tries < 100 && tcp_ < 0; ++tries) {
      if (udp_ >= 0) ::close(udp_);
      udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      port_ = bind_loopback(udp_, 0);
      tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (bind_loopback(tcp_, port_) != 0 && ::listen(tcp_, 64) == 0) break;
      ::close(tcp_);
      tcp_ = -1;
    }
    if (port_ == 0 || tcp_ < 0) throw std::runtime_error("DNS server: no socket");
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    stop();
    ::close(udp_);
    ::close(tcp_);
    ::close(bell_);
  }
  // No more answers; what the functions that were given refer to may go.
  void stop() {
    if (!thread_.joinable()) return;
    std::uint64_t const one = 1;
    [[maybe_unused]] auto written = ::write(bell_, &one, sizeof one);
    thread_.join();
  }
  DnsServer(DnsServer const&) = delete;
  DnsServer& operator=(DnsServer const&) = delete;

  std::string resolver() const { return "127.0.0.1@" + std::to_string(port_); }  // as in the settings

  // Addresses, in place of those it had.
  void set(std::string const& name, std::vector<std::string> const& addresses) {
    std::lock_guard lock(mutex_);
    set_addresses(name, addresses);
  }
  // The next questions for the name get these addresses, one set each; the last stays. The same type once more in a row
  // is the same question: a resolver repeats it when the answer is late.
  void set_in_turn(std::string const& name, std::vector<std::vector<std::string>> answers) {
    std::lock_guard lock(mutex_);
    turns_[name] = {std::move(answers)};
  }
  void set_records(std::string const& name, int type, std::vector<std::string> data) {
    std::lock_guard lock(mutex_);
    zone_[name][type] = std::move(data);
  }
  void set_texts(std::string const& name, std::vector<std::string> const& texts) {
    std::vector<std::string> data;
    for (auto const& text : texts) data.push_back(dns_text(text));
    set_records(name, kDnsTxt, std::move(data));
  }
  // More TXT records, asked for with each question: for those that programs set, by way of files.
  using Texts = std::function<std::vector<std::string>(std::string const& name)>;
  void take_texts_from(Texts more_texts) {
    std::lock_guard lock(mutex_);
    more_texts_ = std::move(more_texts);
  }
  void set_cname(std::string const& name, std::string const& target) {
    set_records(name, kDnsCname, {dns_wire_name(target)});
  }

  void be_silent_about(std::string const& name) {
    std::lock_guard lock(mutex_);
    silent_.insert(name);
  }
  // 2 is SERVFAIL, 5 REFUSED; 0 ends it.
  void fail(std::string const& name, int rcode) {
    std::lock_guard lock(mutex_);
    rcodes_[name] = rcode;
  }
  // What is sent in place of each answer about the name: any octets, several datagrams, none. UDP alone.
  using Spoil = std::function<std::vector<std::string>(std::string const& good)>;
  void spoil(std::string const& name, Spoil spoil) {
    std::lock_guard lock(mutex_);
    spoil_[name] = std::move(spoil);
  }
  // What more to put into an answer (signatures), given the question, the answer's type and its data.
  struct Addition {
    std::string answers, authorities;  // whole records, names in full
    int answer_count = 0, authority_count = 0;
    bool no_error = false;  // instead of NXDOMAIN
  };
  using Sign = std::function<Addition(std::string const& name, int type, std::vector<std::string> const& data)>;
  void sign_with(Sign sign) {
    std::lock_guard lock(mutex_);
    sign_ = std::move(sign);
  }

  int questions() const { return count(questions_); }
  int questions_by_tcp() const { return count(tcp_questions_); }
  // "TYPE name" of each question, as they came.
  std::vector<std::string> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  static unsigned short bind_loopback(int socket, unsigned short port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      return 0;
    return ntohs(address.sin_port);
  }

  int count(int const& counter) const {
    std::lock_guard lock(mutex_);
    return counter;
  }

  void serve() {
    for (;;) {
      pollfd fds[] = {{bell_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
      if (::poll(fds, 3, -1) < 0) continue;
      if (fds[0].revents != 0) return;
      if (fds[1].revents != 0) serve_udp();
      if (fds[2].revents != 0) serve_tcp();
    }
  }

  void serve_udp() {
    std::string query(1500, '\0');
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    auto const got = ::recvfrom(udp_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 17) return;
    query.resize(static_cast<std::size_t>(got));
    for (auto const& reply : answer(query, false))
      ::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }

  void serve_tcp() {
    int const peer = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return;
    timeval const patience{5, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    unsigned char length[2];
    if (::recv(peer, length, 2, MSG_WAITALL) == 2) {
      std::string query(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
      if (query.size() >= 17 &&
          ::recv(peer, query.data(), query.size(), MSG_WAITALL) == static_cast<ssize_t>(query.size()))
        for (auto const& reply : answer(query, true)) {
          auto const framed = dns_u16(reply.size()) + reply;
          for (std::size_t sent = 0; sent < framed.size();) {
            auto const n = ::send(peer, framed.data() + sent, framed.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) break;
            sent += static_cast<std::size_t>(n);
          }
        }
    }
    ::close(peer);
  }

  void set_addresses(std::string const& name, std::vector<std::string> const& addresses) {
    auto& records = zone_[name];
    records.erase(kDnsA);
    records.erase(kDnsAaaa);
    for (auto const& text : addresses) {
      auto const octets = x509::IpAddress::parse(text).value();
      records[octets.is_v6() ? kDnsAaaa : kDnsA].emplace_back(as_text(octets.octets()));
    }
  }

  struct Turns {
    std::vector<std::vector<std::string>> answers;  // the first: to the question that was asked last
    int asked_type = 0;                             // 0: none was
  };

  std::vector<std::string> answer(std::string const& query, bool tcp) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      auto const length = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
      at += length + 1u;
    }
    if (at + 5 > query.size()) return {};
    for (auto& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');  // libunbound mixes the case of questions
    int const type = static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]);
    auto const question = query.substr(12, at + 5 - 12);

    std::lock_guard lock(mutex_);
    ++questions_;
    if (tcp) ++tcp_questions_;
    asked_.push_back(std::to_string(type) + " " + name);
    if (silent_.contains(name)) return {};
    if (auto const found = turns_.find(name); found != turns_.end()) {
      auto& [answers, asked_type] = found->second;
      if (asked_type != 0 && asked_type != type && answers.size() > 1) answers.erase(answers.begin());
      asked_type = type;
      set_addresses(name, answers.front());
    }
    auto const found = zone_.find(name);
    int answer_type = type;
    std::vector<std::string> data;
    if (found != zone_.end()) {
      if (!found->second.contains(type) && found->second.contains(kDnsCname)) answer_type = kDnsCname;
      if (auto const records = found->second.find(answer_type); records != found->second.end()) data = records->second;
    }
    bool is_there = found != zone_.end();
    if (more_texts_ && type == kDnsTxt)
      for (auto const& text : more_texts_(name)) {
        data.push_back(dns_text(text));
        is_there = true;
      }
    std::string body;
    for (auto const& each : data)
      body += "\xc0\x0c" + dns_u16(static_cast<std::size_t>(answer_type)) + dns_u16(1) + dns_u32(60) +
              dns_u16(each.size()) + each;
    Addition const more = sign_ ? sign_(name, answer_type, data) : Addition{};
    int rcode = !is_there && !more.no_error ? 3 : 0;
    if (auto const failing = rcodes_.find(name); failing != rcodes_.end() && failing->second != 0)
      rcode = failing->second;
    auto const counts = dns_u16(data.size() + static_cast<std::size_t>(more.answer_count)) +
                        dns_u16(static_cast<std::size_t>(more.authority_count)) + dns_u16(0);
    auto reply = query.substr(0, 2) + "\x85" + static_cast<char>(0x80 | rcode) + dns_u16(1) + counts + question + body +
                 more.answers + more.authorities;
    constexpr std::size_t kUdpMax = 1232;
    if (!tcp && reply.size() > kUdpMax)
      reply = query.substr(0, 2) + "\x87\x80" + dns_u16(1) + std::string(6, '\0') + question;  // TC: cut off
    if (auto const spoil = spoil_.find(name); !tcp && spoil != spoil_.end()) return spoil->second(reply);
    return {reply};
  }

  int bell_;
  int udp_ = -1, tcp_ = -1;
  unsigned short port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Records> zone_;
  std::map<std::string, Turns> turns_;
  std::set<std::string> silent_;
  std::map<std::string, int> rcodes_;
  std::map<std::string, Spoil> spoil_;
  Sign sign_;
  Texts more_texts_;
  int questions_ = 0, tcp_questions_ = 0;
  std::vector<std::string> asked_;
  std::thread thread_;
};

}  // namespace lenscap::fakes
