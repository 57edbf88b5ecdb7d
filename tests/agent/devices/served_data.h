// The certificates and requests of tests/data/served.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/x509/certificate.h"
#include "base/x509/csr.h"

namespace lenscap::agent {

inline std::string served_text(std::string const& name) {
  std::ifstream file(std::string(LENSCAP_SOURCE_DIR) + "/tests/data/served/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline x509::Certificate served_certificate(std::string const& name) {
  auto certificate = x509::Certificate::from_pem(served_text(name + ".pem"));
  EXPECT_TRUE(certificate.ok()) << name;
  return *std::move(certificate);
}

inline x509::Csr served_csr(std::string const& name) {
  auto csr = x509::parse_csr_text(served_text(name + ".csr"));
  EXPECT_TRUE(csr.ok()) << name;
  return *std::move(csr);
}

inline x509::NameSet names_of(std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
  x509::NameSet names;
  for (auto const& name : dns) names.dns.insert(*x509::DnsName::parse(name));
  for (auto const& address : ip) names.ip.insert(*x509::IpAddress::parse(address));
  return names;
}

inline Time const kIn2030 = from_unix(1'900'000'000);

}  // namespace lenscap::agent
