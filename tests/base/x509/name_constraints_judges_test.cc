// Our name constraints against two independent judges, OpenSSL (in this process) and GnuTLS (`certtool --verify`), over
// generated sets of constraints and names. What we would certify both must accept: a certificate that a client refuses
// is worse than a clear refusal at the order. What both refuse we must refuse. Where judges differ is written out
// below.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/base/x509/chain_maker.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::x509 {
namespace {

using testing::build;
using testing::kNow;
using testing::subject_alt_name;
using testing::to_certificate;

constexpr unsigned kSeed = 5280;
constexpr int kCases = 600;
constexpr int kGnutlsCases = 240;  // a process each
constexpr int kInitCases = 120;

class Generator {
 public:
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  bool once_in(unsigned n) { return below(n) == 0; }

  // Few labels, so that names often meet: equal, below, above, beside, or alike in letters only.
  DnsName name(bool may_be_wildcard) {
    static constexpr char const* kLabels[] = {"a", "b", "cams", "xcams", "site", "xn--bcher-kva"};
    static constexpr char const* kEnds[] = {"example", "lan", "xexample"};
    std::string text = kEnds[below(3) % (once_in(3) ? 3U : 2U)];
    for (unsigned i = below(4); i > 0; --i) text = std::string(kLabels[below(6)]) + "." + text;
    if (may_be_wildcard && once_in(4)) text = "*." + text;
    return DnsName::parse(text).value();
  }
  IpAddress address(bool v6) {
    Bytes octets = v6 ? Bytes{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} : Bytes{10, 0, 0, 0};
    for (std::size_t i : {std::size_t{1}, std::size_t{2}, octets.size() - 1}) {
      static constexpr std::uint8_t kOctets[] = {0, 1, 20, 21, 128, 255};
      octets[i] = kOctets[below(6)];
    }
    return IpAddress::from_octets(octets).value();
  }
  IpBlock block(bool v6) {
    static constexpr int kBits[] = {0, 7, 8, 12, 15, 16, 17, 23, 24, 32};
    int const bits = kBits[below(10)] + (v6 && once_in(3) ? 96 : 0);
    auto octets = to_bytes(address(v6).octets());
    for (int i = bits; i < static_cast<int>(octets.size()) * 8; ++i) {
      auto& octet = octets[static_cast<std::size_t>(i / 8)];
      octet = static_cast<std::uint8_t>(octet & ~(0x80U >> (i % 8)));
    }
    return IpBlock::make(IpAddress::from_octets(octets).value(), bits).value();
  }
  NameConstraints what_init_writes() {
    std::vector<DnsName> dns;
    std::vector<IpBlock> ip;
    for (unsigned i = below(3); i > 0; --i) dns.push_back(name(false));
    for (unsigned i = below(3); i > 0; --i) ip.push_back(block(once_in(2)));
    return NameConstraints::permit_only(std::move(dns), std::move(ip));
  }
  NameConstraints constraints() {
    if (once_in(4)) return what_init_writes();
    NameConstraints out;
    for (unsigned i = below(3); i > 0; --i) out.permitted_dns.push_back(name(false));
    for (unsigned i = below(2); i > 0; --i) out.excluded_dns.push_back(name(false));
    for (unsigned i = below(3); i > 0; --i) out.permitted_ip.push_back(block(once_in(2)));
    for (unsigned i = below(2); i > 0; --i) out.excluded_ip.push_back(block(once_in(2)));
    out.excludes_all_dns = once_in(12);
    return out;
  }
  NameSet names() {
    NameSet out;
    for (unsigned i = 1 + below(2); i > 0; --i) {
      switch (below(4)) {
        case 0:
          out.ip.insert(address(false));
          break;
        case 1:
          out.ip.insert(address(true));
          break;
        default:
          out.dns.insert(name(true));
      }
    }
    return out;
  }

 private:
  std::mt19937 engine_{kSeed};
};

struct Keys {
  PrivateKey root = PrivateKey::generate(KeyType::ec_p256);
  PrivateKey issuing = PrivateKey::generate(KeyType::ec_p256);
  PrivateKey leaf = PrivateKey::generate(KeyType::ec_p256);
};

struct Chain {
  Certificate root, issuing, leaf;
};

std::vector<testing::Extension> extension(NameConstraints const& constraints) {
  if (constraints == NameConstraints{}) return {};
  return {{NID_name_constraints, true, constraints.to_der()}};
}

Chain make_chain(Keys const& keys, NameConstraints const& in_root, NameConstraints const& in_issuing,
                 NameSet const& names, std::string const& common_name = {}) {
  // Valid now for both judges: certtool takes the time of the machine.
  Time const from = from_unix(1'000'000'000);
  Time const until = from_unix(2'500'000'000);
  std::vector<std::string> dns;
  std::vector<Bytes> ip;
  for (auto const& name : names.dns) dns.push_back(name.text());
  for (auto const& address : names.ip) ip.push_back(to_bytes(address.octets()));
  auto const root = build(
      {.common_name = "Root", .ca = true, .not_before = from, .not_after = until, .extensions = extension(in_root)},
      keys.root.native(), keys.root.native(), nullptr);
  auto const issuing = build({.common_name = "Issuing",
                              .ca = true,
                              .not_before = from,
                              .not_after = until,
                              .extensions = extension(in_issuing),
                              .serial = 2},
                             keys.issuing.native(), keys.root.native(), root.get());
  auto const leaf = build({.common_name = common_name,
                           .not_before = from,
                           .not_after = until,
                           .extensions = {subject_alt_name(dns, ip)},
                           .serial = 3},
                          keys.leaf.native(), keys.issuing.native(), issuing.get());
  return {to_certificate(root), to_certificate(issuing), to_certificate(leaf)};
}

bool openssl_accepts(Chain const& chain) { return verify_chain(chain.leaf, {chain.issuing}, {chain.root}, kNow).ok(); }

bool gnutls_accepts(Chain const& chain, fakes::TempDir const& folder) {
  std::ofstream(folder.path("root.pem")) << chain.root.pem();
  std::ofstream(folder.path("chain.pem")) << chain.leaf.pem() << chain.issuing.pem();
  std::string const command = "certtool --verify --load-ca-certificate " + folder.path("root.pem") + " --infile " +
                              folder.path("chain.pem") + " >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

bool has_certtool() { return std::system("certtool --version >/dev/null 2>&1") == 0; }

// We refuse a wildcard above an excluded subtree, since it names hosts inside; OpenSSL compares the text alone.
bool wildcard_above_excluded(NameConstraints const& constraints, NameSet const& names) {
  for (auto const& name : names.dns) {
    for (auto const& excluded : constraints.excluded_dns) {
      if (name.is_wildcard() && excluded.is_within(name.base())) return true;
    }
  }
  return false;
}

// GnuTLS does not let permitted blocks of one IP version limit the other version's addresses. What `permit_only` writes
// is safe from that.
bool other_version_unlimited(NameConstraints const& constraints, NameSet const& names) {
  for (auto const& address : names.ip) {
    bool same = false;
    for (auto const& block : constraints.permitted_ip) same = same || block.base().is_v6() == address.is_v6();
    if (!constraints.permitted_ip.empty() && !same) return true;
  }
  return false;
}

std::string describe(NameConstraints const& in_root, NameConstraints const& in_issuing, NameSet const& names) {
  return "root: " + in_root.text() + " | issuing: " + in_issuing.text() + " | leaf: " + names.text();
}

TEST(NameConstraintsJudges, OpensslAndGnutlsAgreeWithUs) {
  bool const with_gnutls = has_certtool();
  fakes::TempDir const folder;
  Generator generator;
  Keys const keys;
  int accepted = 0;
  int differences = 0;
  for (int i = 0; i < kCases; ++i) {
    auto const in_issuing = generator.constraints();
    // The product writes the same in both.
    auto const in_root = generator.once_in(3)   ? generator.constraints()
                         : generator.once_in(2) ? in_issuing
                                                : NameConstraints{};
    auto const names = generator.names();
    auto const text = describe(in_root, in_issuing, names);
    auto const chain = make_chain(keys, in_root, in_issuing, names);
    bool const ours = in_root.test(names).ok() && in_issuing.test(names).ok();
    accepted += ours ? 1 : 0;

    bool const by_openssl = openssl_accepts(chain);
    bool const wildcard = wildcard_above_excluded(in_root, names) || wildcard_above_excluded(in_issuing, names);
    if (ours || !wildcard) {
      EXPECT_EQ(by_openssl, ours) << "OpenSSL, " << text;
    }
    if (!with_gnutls || i >= kGnutlsCases) continue;
    bool const by_gnutls = gnutls_accepts(chain, folder);
    bool const version = other_version_unlimited(in_root, names) || other_version_unlimited(in_issuing, names);
    // GnuTLS intersects the permitted blocks of root and issuing CA, and takes an empty result for no limit.
    bool const two_sets = in_root != NameConstraints{} && in_root != in_issuing;
    if (ours || !(wildcard || version || two_sets)) {
      EXPECT_EQ(by_gnutls, ours) << "GnuTLS, " << text;
    }
    differences += by_gnutls != ours ? 1 : 0;
  }
  // The generator is worth something only while both answers are common.
  EXPECT_GT(accepted, kCases / 8);
  EXPECT_LT(accepted, kCases * 7 / 8);
  RecordProperty("gnutls_differences", differences);
  if (!with_gnutls) GTEST_SKIP() << "certtool is missing (apt-get install gnutls-bin): only OpenSSL has judged";
}

// The form that `init` writes, in root and issuing CA alike: here no difference is allowed.
TEST(NameConstraintsJudges, WhatInitWritesMeansTheSameToAll) {
  if (!has_certtool()) GTEST_SKIP() << "certtool is missing (apt-get install gnutls-bin)";
  fakes::TempDir const folder;
  Generator generator;
  Keys const keys;
  int accepted = 0;
  for (int i = 0; i < kInitCases; ++i) {
    auto const constraints = generator.what_init_writes();
    auto const names = generator.names();
    auto const chain = make_chain(keys, constraints, constraints, names);
    bool const ours = constraints.test(names).ok();
    EXPECT_EQ(openssl_accepts(chain), ours) << "OpenSSL, " << describe(constraints, constraints, names);
    EXPECT_EQ(gnutls_accepts(chain, folder), ours) << "GnuTLS, " << describe(constraints, constraints, names);
    accepted += ours ? 1 : 0;
  }
  EXPECT_GT(accepted, kInitCases / 12);
}

// Why a common name is written only beside a DNS name: both judges hold it against the DNS constraints when the
// subjectAltName has addresses alone, and then refuse a chain whose every name is permitted.
TEST(NameConstraintsJudges, CommonNameBesideAddressesAlone) {
  if (!has_certtool()) GTEST_SKIP() << "certtool is missing (apt-get install gnutls-bin)";
  fakes::TempDir const folder;
  Keys const keys;
  auto const constraints =
      NameConstraints::permit_only({*DnsName::parse("cams.example")}, {*IpBlock::parse("10.20.0.0/15")});
  NameSet const address{{}, {*IpAddress::parse("10.20.0.1")}};
  NameSet const both{{*DnsName::parse("cam1.cams.example")}, address.ip};
  struct Case {
    char const* common_name;
    NameSet names;
    bool by_openssl, by_gnutls;
  };
  Case const cases[] = {
      {"", address, true, true},
      {"camera", address, true, false},  // no dot: not a name to OpenSSL
      {"cam1.cams.example", address, true, true},
      {"10.20.0.1", address, false, false},
      {"cam1.cams.example", both, true, true},
      {"10.20.0.1", both, true, true},
  };
  for (auto const& c : cases) {
    auto const chain = make_chain(keys, constraints, constraints, c.names, c.common_name);
    EXPECT_EQ(openssl_accepts(chain), c.by_openssl) << "CN " << c.common_name << ", " << c.names.text();
    EXPECT_EQ(gnutls_accepts(chain, folder), c.by_gnutls) << "CN " << c.common_name << ", " << c.names.text();
  }
}

}  // namespace
}  // namespace lenscap::x509
