#include "tests/conformance/dns_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/x509/name.h"

namespace lenscap::conformance {
namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void put_text(Bytes& out, std::string const& text) {  // a character-string
  out.push_back(static_cast<std::uint8_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

void put_name(Bytes& out, std::string const& name) {
  for (std::size_t from = 0; from < name.size();) {
    auto const dot = std::min(name.find('.', from), name.size());
    put_text(out, name.substr(from, dot - from));
    from = dot + 1;
  }
  out.push_back(0);
}

void put_record(Bytes& out, std::string const& name, RecordType type, Bytes const& content) {
  put_name(out, name);
  put16(out, static_cast<std::uint16_t>(type));
  put16(out, 1);  // IN
  put16(out, 0);  // a time to live of zero: nobody may keep it
  put16(out, 0);
  put16(out, content.size());
  out.insert(out.end(), content.begin(), content.end());
}

constexpr std::uint8_t kServerFailure = 2, kNoSuchName = 3;
constexpr int kAliasesMax = 8;

}  // namespace

DnsServer::DnsServer(std::string const& address, unsigned short port, std::string domain, std::string default_address)
    : domain_(lower(std::move(domain))),
      default_address_(std::move(default_address)),
      udp_(bind_udp(address, port)),
      tcp_(listen_tcp(address, port_of(udp_))),
      udp_waiter_(udp_.fd(), [this] { serve_udp(); }),
      tcp_waiter_(tcp_.fd(), [this] { serve_tcp(); }) {}

void DnsServer::set_address(std::string const& name, std::vector<std::string> const& addresses) {
  std::lock_guard lock(mutex_);
  auto& v4 = records_[{lower(name), RecordType::a}] = {};
  auto& v6 = records_[{lower(name), RecordType::aaaa}] = {};
  for (auto const& text : addresses)
    if (auto const address = x509::IpAddress::parse(text))
      (address->is_v6() ? v6 : v4).push_back(to_bytes(address->octets()));
}

void DnsServer::set_alias(std::string const& name, std::string const& target) {
  std::lock_guard lock(mutex_);
  aliases_[lower(name)] = lower(target);
}

void DnsServer::set_txt(std::string const& name, std::vector<std::vector<std::string>> const& records) {
  std::lock_guard lock(mutex_);
  auto& list = records_[{lower(name), RecordType::txt}] = {};
  for (auto const& strings : records) {
    auto& content = list.emplace_back();
    for (auto const& text : strings) put_text(content, text);
  }
}

void DnsServer::set_caa(std::string const& name, std::vector<Caa> const& records) {
  std::lock_guard lock(mutex_);
  auto& list = records_[{lower(name), RecordType::caa}] = {};
  for (auto const& caa : records) {  // RFC 8659 section 4.1.1
    auto& content = list.emplace_back();
    content.push_back(static_cast<std::uint8_t>(caa.flags));
    put_text(content, caa.tag);
    content.insert(content.end(), caa.value.begin(), caa.value.end());
  }
}

void DnsServer::fail_at(std::string const& name, RecordType type) {
  std::lock_guard lock(mutex_);
  failing_.emplace(lower(name), type);
}

std::vector<DnsQuestion> DnsServer::questions() const {
  std::lock_guard lock(mutex_);
  return questions_;
}

void DnsServer::serve_udp() {
  Bytes query(4096);
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  auto const got = ::recvfrom(udp_.fd(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
  if (got <= 0) return;
  query.resize(static_cast<std::size_t>(got));
  auto reply = answer(query);
  if (reply.empty()) return;
  if (reply.size() > 512) {  // the asker comes again over TCP
    reply.resize(512);
    reply[2] |= 0x02;
  }
  ::sendto(udp_.fd(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
}

void DnsServer::serve_tcp() {
  auto const connection = take_connection(tcp_);
  Bytes head(2);
  if (::recv(connection.fd(), head.data(), 2, MSG_WAITALL) != 2) return;
  Bytes query(static_cast<std::size_t>(head[0] << 8 | head[1]));
  if (::recv(connection.fd(), query.data(), query.size(), MSG_WAITALL) != static_cast<ssize_t>(query.size())) return;
  auto const reply = answer(query);
  Bytes framed;
  put16(framed, reply.size());
  framed.insert(framed.end(), reply.begin(), reply.end());
  ::send(connection.fd(), framed.data(), framed.size(), MSG_NOSIGNAL);
}

Bytes DnsServer::answer(ByteView query) {
  std::string name;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0 && query[at] < 64 && at + query[at] < query.size()) {
    name += (name.empty() ? "" : ".") + std::string(as_text(query.subspan(at + 1, query[at])));
    at += query[at] + 1u;
  }
  if (at + 5 > query.size() || query[at] != 0) return {};
  auto const type = static_cast<std::uint16_t>(query[at + 1] << 8 | query[at + 2]);
  auto const question = query.subspan(12, at + 5 - 12);  // as it was asked: some mix the case to know their answers
  name = lower(name);

  std::lock_guard lock(mutex_);
  questions_.push_back({name, type});
  bool const inside = name == domain_ || name.ends_with("." + domain_);
  bool const is_parent = domain_.ends_with("." + name) || name.empty();
  std::uint8_t rcode = 0;
  Bytes records;
  unsigned count = 0;
  if (failing_.contains({name, static_cast<RecordType>(type)}))
    rcode = kServerFailure;
  else if (inside)
    count = append_records(records, name, static_cast<RecordType>(type), 0);
  else
    rcode = is_parent ? 0 : kNoSuchName;

  Bytes reply(query.begin(), query.begin() + 2);
  reply.push_back(0x85);                                     // an answer, authoritative, recursion as desired
  reply.push_back(static_cast<std::uint8_t>(0x80 | rcode));  // recursion available: to a forwarder we are a resolver
  put16(reply, 1);
  put16(reply, count);
  bool const empty = count == 0 && rcode != kServerFailure;
  put16(reply, empty ? 1 : 0);
  put16(reply, 0);
  reply.insert(reply.end(), question.begin(), question.end());
  reply.insert(reply.end(), records.begin(), records.end());
  if (empty) {  // RFC 2308: who says that there is nothing says since when
    Bytes soa;
    put_name(soa, "ns." + domain_);
    put_name(soa, "nobody." + domain_);
    for (std::size_t number : {1, 60, 60, 60, 0}) {
      put16(soa, 0);
      put16(soa, number);
    }
    put_record(reply, inside ? domain_ : "", RecordType::soa, soa);
  }
  return reply;
}

unsigned DnsServer::append_records(Bytes& out, std::string const& name, RecordType type, int depth) const {
  if (auto const alias = aliases_.find(name); alias != aliases_.end() && depth < kAliasesMax) {
    Bytes target;
    put_name(target, alias->second);
    put_record(out, name, RecordType::cname, target);
    return 1 + (type == RecordType::cname ? 0 : append_records(out, alias->second, type, depth + 1));
  }
  auto const found = records_.find({name, type});
  if (found == records_.end()) {
    auto const address = x509::IpAddress::parse(default_address_);
    bool const has_default =
        address && type == (address->is_v6() ? RecordType::aaaa : RecordType::a) && !records_.contains({name, type});
    if (!has_default) return 0;
    put_record(out, name, type, to_bytes(address->octets()));
    return 1;
  }
  for (auto const& content : found->second) put_record(out, name, type, content);
  return static_cast<unsigned>(found->second.size());
}

}  // namespace lenscap::conformance
