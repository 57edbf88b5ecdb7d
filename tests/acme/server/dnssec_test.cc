// What each setting of `dnssec` takes and refuses, with a zone that is signed in the test and one that is not.
#include <gtest/gtest.h>

#include "acme/flow/dns_records.h"
#include "acme/server/resolver.h"
#include "base/file.h"
#include "base/net/io_threads.h"
#include "tests/fakes/dns_signer.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme {
namespace {

using fakes::DnsSigner;
using Fault = DnsSigner::Fault;

class DnssecTest : public ::testing::Test {
 protected:
  fakes::TempDir directory;
  fakes::DnsServer dns;
  DnsSigner signer{dns, "signed.example"};
  net::IoThreads threads{1};

  DnssecTest() {
    dns.set_texts("a.signed.example", {"one", "two"});
    dns.set_cname("alias.signed.example", "a.signed.example");
    dns.set_texts("a.plain.example", {"one", "two"});
  }
  ~DnssecTest() override {
    threads.stop();
    threads.join();
    dns.stop();
  }

  std::string anchor_file() {
    auto const file = directory.path() + "/anchors";
    EXPECT_TRUE(write_file(file, signer.anchor()).ok());
    return file;
  }
  // How many TXT records there are; -1 when the look-up is refused.
  int ask(Resolver& resolver, std::string const& name) {
    auto const found = net::run(threads.executor(0), resolver.txt(name, Resolver::in(std::chrono::seconds(20))));
    if (found.ok()) return static_cast<int>(found->size());
    EXPECT_EQ(found.error().code(), Errc::dns);
    return -1;
  }
};

TEST_F(DnssecTest, WhatEachModeTakes) {  // 8555-11.2-1
  struct Case {
    char const* name;
    Fault fault;
    char const* asked;
    int off, if_signed, require;  // records, or -1
  };
  Case const cases[] = {
      {"signed", Fault::none, "a.signed.example", 2, 2, 2},
      {"signed alias", Fault::none, "alias.signed.example", 2, 2, 2},
      {"signed denial", Fault::none, "b.signed.example", 0, 0, 0},
      {"not signed", Fault::no_signature, "a.signed.example", 2, -1, -1},
      {"signature of last week", Fault::expired, "a.signed.example", 2, -1, -1},
      {"changed on the way", Fault::over_other_data, "a.signed.example", 2, -1, -1},
      {"signed by another", Fault::by_another_key, "a.signed.example", 2, -1, -1},
      {"denial that is not signed", Fault::no_signature, "b.signed.example", 0, -1, -1},
      {"another zone", Fault::none, "a.plain.example", 2, 2, -1},
      {"another zone's denial", Fault::none, "b.plain.example", 0, 0, -1},
  };
  Resolver off({.servers = {dns.resolver()}, .dnssec = Dnssec::off, .trust_anchors = {anchor_file()}});
  Resolver if_signed({.servers = {dns.resolver()}, .dnssec = Dnssec::if_signed, .trust_anchors = {anchor_file()}});
  Resolver require({.servers = {dns.resolver()}, .dnssec = Dnssec::require, .trust_anchors = {anchor_file()}});
  for (auto const& c : cases) {
    signer.fault = c.fault;
    EXPECT_EQ(ask(off, c.asked), c.off) << c.name << ", off";
    EXPECT_EQ(ask(if_signed, c.asked), c.if_signed) << c.name << ", if-signed";
    EXPECT_EQ(ask(require, c.asked), c.require) << c.name << ", require";
  }
}

TEST_F(DnssecTest, AZoneThatIsRepairedIsGoodAtOnce) {
  Resolver resolver({.servers = {dns.resolver()}, .dnssec = Dnssec::if_signed, .trust_anchors = {anchor_file()}});
  signer.fault = Fault::expired;
  EXPECT_EQ(ask(resolver, "a.signed.example"), -1);
  signer.fault = Fault::none;
  EXPECT_EQ(ask(resolver, "a.signed.example"), 2);
}

TEST_F(DnssecTest, WithoutAnchorsNothingIsChecked) {
  Resolver resolver({.servers = {dns.resolver()}, .dnssec = Dnssec::if_signed});
  signer.fault = Fault::over_other_data;
  EXPECT_EQ(ask(resolver, "a.signed.example"), 2);
}

TEST_F(DnssecTest, AnchorsThatCannotBeReadStopTheStart) {
  auto const make = [&](std::string const& file) {
    Resolver resolver({.servers = {dns.resolver()}, .dnssec = Dnssec::if_signed, .trust_anchors = {file}});
  };
  EXPECT_THROW(make(directory.path() + "/absent"), std::runtime_error);
  auto const noise = directory.path() + "/noise";
  EXPECT_TRUE(write_file(noise, "this is no key\n").ok());
  EXPECT_THROW(make(noise), std::runtime_error);
}

}  // namespace
}  // namespace lenscap::acme
