// A ledger in memory, and what is put into it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ca/ledger_visits.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {

class Ledger : public ::testing::Test {
 protected:
  Draft draft(x509::NameSet const& wanted, Time now = kNow, std::string const& profile_name = "camera-https") {
    return ca.issuer->prepare(profile(profile_name), request(wanted, profile_name), now).value();
  }
  Result<> intend(Draft const& wanted, std::string const& reference = "order-1",
                  std::string const& subscriber = "account-1") {
    Result<> outcome;
    store->write(
        [&](store::WriteTxn& txn) { return (outcome = record_intent(txn, wanted, reference, subscriber)).ok(); });
    return outcome;
  }
  Result<> complete(x509::Certificate const& certificate, Time now = kNow) {
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) { return (outcome = record_issued(txn, certificate, now)).ok(); });
    return outcome;
  }
  x509::Certificate issue(x509::NameSet const& wanted, Time now = kNow) {
    auto made = draft(wanted, now);
    EXPECT_TRUE(intend(made).ok());
    auto certificate = ca.issuer->sign(std::move(made)).value();
    EXPECT_TRUE(complete(certificate, now).ok());
    return certificate;
  }
  Result<> revoke(std::string const& serial, Time at, std::optional<x509::RevocationReason> reason = {}) {
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) {
      return (outcome = record_revoked(txn, serial, {.at = at, .reason = reason, .by = "account-1"})).ok();
    });
    return outcome;
  }
  template <class Function>
  auto read(Function const& function) {
    decltype(function(std::declval<store::ReadTxn&>())) result{};
    store->read([&](store::ReadTxn& txn) { result = function(txn); });
    return result;
  }
  // First DNS names of what a visit sees.
  template <class Visit>
  std::vector<std::string> seen(Visit const& visit, std::size_t at_most = 1000) {
    std::vector<std::string> found;
    store->read([&](store::ReadTxn& txn) {
      visit(txn, [&](CertificateRecord const& record) {
        found.push_back(record.names.dns.empty() ? record.names.text() : record.names.dns.begin()->text());
        return found.size() < at_most;
      });
    });
    return found;
  }
  std::vector<std::string> newest(std::size_t at_most = 1000) {
    return seen([](store::ReadTxn& txn, RecordVisitor const& visit) { visit_newest(txn, "", visit); }, at_most);
  }

  TestCa ca;
  std::unique_ptr<store::Store> store = store::open("memory:", "").value();
};

}  // namespace lenscap::ca::test
