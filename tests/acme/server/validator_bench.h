// What the tests of validators stand on: io threads, an HTTP client, a DNS server with its resolver, and tools that may
// reach this machine.
#pragma once

#include <gtest/gtest.h>

#include "acme/server/resolver.h"
#include "acme/server/target_limits.h"
#include "acme/server/validator.h"
#include "base/net/io_threads.h"
#include "tests/fakes/dns_server.h"

namespace lenscap::acme::test {

class ValidatorBench : public ::testing::Test {
 protected:
  static constexpr char const* kToken = "DGyRejmCefe7v4NfDGDKfA";
  static constexpr char const* kAnswer = "DGyRejmCefe7v4NfDGDKfA.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";

  net::IoThreads threads{1};
  net::HttpClient http{threads.executor(0)};
  fakes::DnsServer dns;
  Resolver resolver{{.servers = {dns.resolver()}}};
  std::vector<x509::IpBlock> may_reach{x509::IpBlock::parse("127.0.0.0/8").value(),
                                       x509::IpBlock::parse("::1/128").value()};
  TargetLimits targets{1'000, RateLimit{}};
  SystemClock clock;
  bool redirects = false;
  unsigned short tls_port = 0;  // 0: the same as the plain one
  std::chrono::milliseconds deadline = limits::kValidationDeadline;

  ~ValidatorBench() override {
    threads.stop();
    threads.join();
  }

  Result<> validate(std::string_view type, Identifier identifier, unsigned short port = 1) {
    ValidationTools tools{http,      resolver, targets, clock, may_reach, port, tls_port != 0 ? tls_port : port,
                          redirects, deadline};
    ChallengeToCheck challenge{std::move(identifier), kToken, kAnswer};
    return net::run(threads.executor(0), find_validator(type)->validate(tools, std::move(challenge)));
  }
};

}  // namespace lenscap::acme::test
