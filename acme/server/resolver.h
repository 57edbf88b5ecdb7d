// DNS for validation: libunbound as a stub of the resolvers in the settings, or of the system's. It follows CNAME, goes
// over to TCP when an answer does not fit, matches answers to questions, and checks DNSSEC. Answers are asked for anew
// each time a name is validated; nothing here decides whether an address may be contacted (validation does).
// One thread owns libunbound; the functions may be awaited from any io context, which must outlive the Resolver.
//
// Every refusal is Errc::dns and says in our own words what happened; nothing of an answer is in it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/net/awaitable.h"
#include "base/time.h"
#include "base/x509/name.h"

namespace lenscap::acme {

enum class Dnssec {
  off,        // not looked at
  if_signed,  // what a trust anchor covers must verify; other names are taken as they come
  require,    // every answer must verify
};

struct ResolverOptions {
  std::vector<std::string> servers = {};  // "10.0.0.53" or "127.0.0.1@8053"; none: /etc/resolv.conf and /etc/hosts
  Dnssec dnssec = Dnssec::off;
  std::vector<std::string> trust_anchors = {};  // files with DS or DNSKEY records; read once
  bool tcp = false;                             // never UDP: forged answers then need more than a guess (8555-11.2-1)
};

class Resolver {
 public:
  // Throws on a text that libunbound refuses.
  explicit Resolver(ResolverOptions const& options);
  ~Resolver();
  Resolver(Resolver const&) = delete;
  Resolver& operator=(Resolver const&) = delete;

  // Is this a text the constructor accepts? (for the settings)
  static bool is_server(std::string_view text);

  using Deadline = std::chrono::steady_clock::time_point;
  static Deadline in(std::chrono::milliseconds from_now) { return std::chrono::steady_clock::now() + from_now; }

  // IPv6 addresses first, then IPv4 (8555-8.3-1). No such name, no address, and no answer in time are refusals.
  net::Awaitable<Result<std::vector<x509::IpAddress>>> addresses(x509::DnsName name, Deadline deadline);

  // The data of each record of one type at a name, in wire form (acme/flow/dns_records.h reads it); CNAME is followed.
  // A name that does not exist has none. More than kRecords records or kOctets octets are a refusal.
  net::Awaitable<Result<std::vector<Bytes>>> txt(std::string name, Deadline deadline);
  net::Awaitable<Result<std::vector<Bytes>>> caa(std::string name, Deadline deadline);

  static constexpr std::size_t kRecords = 64;  // several clients may prove one name at a time; nobody needs more
  static constexpr std::size_t kOctets = 16 * 1024;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lenscap::acme
