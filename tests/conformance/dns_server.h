// A small authoritative DNS server (RFC 1035) over UDP and TCP, for one domain: A, AAAA, TXT, CAA and CNAME as it is
// told; every name inside the domain has the responders' address unless told otherwise. Time to live is always zero.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/conformance/sockets.h"

namespace lenscap::conformance {

enum class RecordType : std::uint16_t { a = 1, cname = 5, soa = 6, txt = 16, aaaa = 28, caa = 257 };

struct DnsQuestion {
  std::string name;  // lower case, without final dot
  std::uint16_t type = 0;
};

class DnsServer {
 public:
  // `default_address`: for every name inside `domain` that nothing else was said about.
  DnsServer(std::string const& address, unsigned short port, std::string domain, std::string default_address);

  void set_address(std::string const& name, std::vector<std::string> const& addresses);  // both kinds; empty: none
  void set_alias(std::string const& name, std::string const& target);                    // CNAME
  // Each record is a list of character-strings, which a reader joins.
  void set_txt(std::string const& name, std::vector<std::vector<std::string>> const& records);
  struct Caa {
    unsigned flags = 0;  // 128: critical
    std::string tag, value;
  };
  void set_caa(std::string const& name, std::vector<Caa> const& records);
  void fail_at(std::string const& name, RecordType type);  // SERVFAIL
  std::vector<DnsQuestion> questions() const;
  unsigned short port() const { return port_of(udp_); }

 private:
  void serve_udp();
  void serve_tcp();
  Bytes answer(ByteView query);
  // Appends the records of this type at this name, and those that an alias leads to.
  unsigned append_records(Bytes& out, std::string const& name, RecordType type, int depth) const;

  std::string domain_, default_address_;
  Socket udp_, tcp_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, RecordType>, std::vector<Bytes>> records_;  // contents (RDATA)
  std::map<std::string, std::string> aliases_;
  std::set<std::pair<std::string, RecordType>> failing_;
  std::vector<DnsQuestion> questions_;
  Waiter udp_waiter_, tcp_waiter_;  // last: they use all of the above
};

}  // namespace lenscap::conformance
