// Our verdict on names under constraints against two independent judges in this process, OpenSSL and GnuTLS, over
// thousands of generated chains. What we would issue both must accept: a certificate that a client refuses is worse
// than a clear refusal at the order. What both refuse we must refuse. Where a judge is known to differ, the difference
// has a name and a reason in a table below, and every row of the tables has to be met by some case.
//
// LENSCAP_NAME_CASES=20 makes twenty times as many cases; LENSCAP_NAME_SEED another choice of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "ca/constraint_order.h"
#include "tests/base/x509/chain_maker.h"
#include "tests/ca/fixture.h"
#include "tests/ca/gnutls_judge.h"
#include "tests/ca/random_names.h"

namespace lenscap::ca::test {
namespace {

using x509::NameConstraints;
using x509::testing::build;
using x509::testing::to_certificate;

unsigned number_of(char const* variable, unsigned usual) {
  char const* text = std::getenv(variable);
  return text == nullptr ? usual : static_cast<unsigned>(std::atoi(text));
}
// A sanitizer takes three times as long for each case, and finds in an eighth of them what there is to find.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kShare = 8;
#else
constexpr unsigned kShare = 1;
#endif
unsigned share_of(unsigned sets) { return sets * number_of("LENSCAP_NAME_CASES", 1) / kShare; }
unsigned seed() { return number_of("LENSCAP_NAME_SEED", 5280); }

Time const kFrom = kNow - kDay;
Time const kUntil = kNow + 300 * kDay;

struct Keys {
  x509::PrivateKey root = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey policy = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey issuing = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey leaf = x509::PrivateKey::generate(x509::KeyType::ec_p256);
};
Keys const& keys() {
  static Keys const all;
  return all;
}

// The CAs of one case, each with its constraints or none.
struct Cas {
  x509::Certificate issuing;
  std::vector<x509::Certificate> above;  // a policy CA now and then, and the root
  ossl::X509Ptr native;                  // the issuing one
  std::vector<NameConstraints> limits;

  x509::Certificate const& root() const { return above.back(); }
  std::vector<x509::Certificate> intermediates() const {
    std::vector<x509::Certificate> all{issuing};
    all.insert(all.end(), above.begin(), above.end() - 1);
    return all;
  }
  std::string text() const {
    std::string out = issuing.subject() + " [" + text_of(issuing) + "]";
    for (auto const& each : above) out += "\n  below " + each.subject() + " [" + text_of(each) + "]";
    return out;
  }
  static std::string text_of(x509::Certificate const& certificate) {
    auto const constraints = certificate.name_constraints();
    return constraints ? constraints->text() : "no constraints";
  }
};

ossl::X509Ptr make_ca(x509::DirectoryName const& subject, NameConstraints const& constraints,
                      x509::PrivateKey const& key, x509::PrivateKey const& signer, X509* issuer, long serial) {
  std::vector<x509::testing::Extension> extensions;
  if (constraints != NameConstraints{}) extensions.push_back({NID_name_constraints, true, constraints.to_der()});
  return build({.subject = subject.der(),
                .ca = true,
                .not_before = kFrom,
                .not_after = kUntil,
                .extensions = std::move(extensions),
                .serial = serial},
               key.native(), signer.native(), issuer);
}

Cas make_cas(RandomNames& random, RandomNames::Types const& types) {
  auto const in_issuing = random.constraints(types);
  // The product writes the same into both.
  auto const in_root = random.once_in(3)   ? random.constraints(types)
                       : random.once_in(2) ? in_issuing
                                           : NameConstraints{};
  auto root = make_ca(random.ca_name("Root"), in_root, keys().root, keys().root, nullptr, 1);
  if (!random.once_in(4)) {
    auto issuing = make_ca(random.ca_name("Issuing"), in_issuing, keys().issuing, keys().root, root.get(), 2);
    auto certificate = to_certificate(issuing);
    return {std::move(certificate), {to_certificate(root)}, std::move(issuing), {in_issuing, in_root}};
  }
  auto const in_policy = random.once_in(2) ? random.constraints(types) : NameConstraints{};
  auto policy = make_ca(random.ca_name("Policy"), in_policy, keys().policy, keys().root, root.get(), 3);
  auto issuing = make_ca(random.ca_name("Issuing"), in_issuing, keys().issuing, keys().policy, policy.get(), 2);
  auto certificate = to_certificate(issuing);
  return {std::move(certificate),
          {to_certificate(policy), to_certificate(root)},
          std::move(issuing),
          {in_issuing, in_policy, in_root}};
}

// What a leaf says: names of every type, as we would never issue it.
struct Leaf {
  x509::Certificate certificate;
  x509::CertificateNames names;
  std::string text;
};

Leaf make_leaf(RandomNames& random, Cas const& cas) {
  namespace der = x509::der;
  Bytes all;
  std::string text;
  auto const add = [&](std::uint8_t tag, ByteView content, std::string const& shown) {
    auto const one = der::element(tag, content);
    all.insert(all.end(), one.begin(), one.end());
    text += (text.empty() ? "" : ", ") + shown;
  };
  auto subject = random.once_in(2) ? random.directory(3) : random.directory(0);
  for (unsigned i = 1 + random.below(2); i > 0; --i) {
    switch (random.below(8)) {
      case 0: {
        auto const mail = random.mail();
        add(der::context(1), as_bytes(mail), "mail " + mail);
        break;
      }
      case 1: {
        auto const uri = random.uri();
        add(der::context(6), as_bytes(uri), "URI " + uri);
        break;
      }
      case 2: {
        auto const name = random.directory(3);
        add(der::context_constructed(4), name.der(), "directory " + name.text());
        break;
      }
      case 3:
      case 4: {
        auto const address = random.address(random.once_in(2));
        add(der::context(7), address.octets(), address.text());
        break;
      }
      default: {
        auto const name = random.dns(true);
        add(der::context(2), as_bytes(name.text()), name.text());
      }
    }
  }
  static constexpr std::uint8_t kEmailAddress[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};
  if (random.once_in(12)) subject = random.below_of(subject, kEmailAddress, V_ASN1_IA5STRING, random.mail());
  auto certificate = to_certificate(
      build({.subject = subject.der(),
             .not_before = kFrom,
             .not_after = kUntil,
             .extensions = {{NID_subject_alt_name, subject.empty(), der::element(der::kSequence, ByteView(all))}},
             .serial = 4},
            keys().leaf.native(), keys().issuing.native(), cas.native.get()));
  auto names = x509::names_of(certificate).value();
  return {std::move(certificate), std::move(names), "subject " + subject.text() + ", " + text};
}

bool openssl_accepts(x509::Certificate const& leaf, Cas const& cas) {
  return x509::verify_chain(leaf, cas.intermediates(), {cas.root()}, kNow).ok();
}
bool gnutls_accepts(x509::Certificate const& leaf, Cas const& cas) {
  return test::gnutls_accepts(leaf, cas.intermediates(), cas.root(), kNow);
}

// --- where judges are known to differ from us ---

using Names = x509::CertificateNames;

struct Difference {
  char const* name;
  char const* reason;
  bool (*applies)(Cas const& cas, Names const& names);
  bool is_rare = false;  // the usual number of cases need not meet it: it has a case of its own below
};

bool any_limit(Cas const& cas, Names const& names, bool (*test)(NameConstraints const&, Names const&)) {
  return std::ranges::any_of(cas.limits, [&](NameConstraints const& limit) { return test(limit, names); });
}

bool limits_uri(NameConstraints const& limit) { return !limit.permitted_uri.empty() || !limit.excluded_uri.empty(); }

bool wildcard_above_excluded(Cas const& cas, Names const& names) {
  return any_limit(cas, names, [](NameConstraints const& limit, Names const& of_leaf) {
    return std::ranges::any_of(of_leaf.hosts.dns, [&](x509::DnsName const& name) {
      return name.is_wildcard() && std::ranges::any_of(limit.excluded_dns, [&](x509::DnsSubtree const& excluded) {
               return excluded.is_met_by_wildcard(name);
             });
    });
  });
}

bool uri_by_address(Cas const& cas, Names const& names) {
  return any_limit(cas, names, [](NameConstraints const& limit, Names const& of_leaf) {
    return limits_uri(limit) &&
           std::ranges::any_of(of_leaf.uri, [](std::string const& uri) { return !x509::host_of_uri(uri).ok(); });
  });
}

bool limits_directory(Cas const& cas, Names const& names) {
  return any_limit(cas, names, [](NameConstraints const& limit, Names const&) { return limit.limits_directory(); });
}

bool uri_under_constraints(Cas const& cas, Names const& names) {
  return any_limit(cas, names, [](NameConstraints const& limit, Names const& of_leaf) {
    return limits_uri(limit) && !of_leaf.uri.empty();
  });
}

bool has_empty_directory_name(Cas const&, Names const& names) {
  return std::ranges::any_of(names.directory, [](auto const& name) { return name.empty(); });
}

bool has_mail_in_subject(Cas const&, Names const& names) {
  return std::ranges::any_of(names.directory, [](auto const& name) { return !name.mail_addresses().empty(); });
}

bool several_sets(Cas const& cas, Names const&) {
  auto const first = std::ranges::find_if(cas.limits, [](auto const& limit) { return limit != NameConstraints{}; });
  return std::any_of(first, cas.limits.end(),
                     [&](auto const& limit) { return limit != NameConstraints{} && limit != *first; });
}

bool has_nested_blocks(NameConstraints const& limit) {
  auto const& blocks = limit.permitted_ip;
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t j = 0; j < blocks.size(); ++j)
      if (i != j && blocks[i].contains(blocks[j])) return true;
  return false;
}

bool nested_blocks_in_several_sets(Cas const& cas, Names const& names) {
  return !names.hosts.ip.empty() && several_sets(cas, names) && std::ranges::any_of(cas.limits, has_nested_blocks);
}

bool other_ip_version(Cas const& cas, Names const& names) {
  return any_limit(cas, names, [](NameConstraints const& limit, Names const& of_leaf) {
    return std::ranges::any_of(of_leaf.hosts.ip, [&](x509::IpAddress const& address) {
      return !limit.permitted_ip.empty() && std::ranges::none_of(limit.permitted_ip, [&](x509::IpBlock const& block) {
        return block.base().is_v6() == address.is_v6();
      });
    });
  });
}

// We accept, and GnuTLS refuses.
constexpr Difference kGnutlsRefuses[] = {
    {"directory constraints", "GnuTLS does not know them and refuses what they may be about", limits_directory},
    {"URI constraints", "GnuTLS does not know them and refuses every URI where they stand", uri_under_constraints},
    {"nested blocks in several sets",
     "putting different sets together, GnuTLS loses a permitted block beside another that lies inside of it",
     nested_blocks_in_several_sets, true},
};
// We refuse, and OpenSSL accepts.
constexpr Difference kOpensslAccepts[] = {
    {"wildcard above excluded", "the wildcard names hosts inside the excluded subtree; the text alone does not",
     wildcard_above_excluded},
    {"URI by address",
     "RFC 5280 4.2.1.10: to be refused where URIs are constrained; OpenSSL takes it for a host's name", uri_by_address},
};
// We refuse, and GnuTLS accepts.
constexpr Difference kGnutlsAccepts[] = {
    {"wildcard above excluded", "as for OpenSSL", wildcard_above_excluded},
    {"directory constraints", "GnuTLS does not hold subjects against them", limits_directory},
    {"another version of IP", "GnuTLS does not let permitted blocks of one version limit addresses of the other",
     other_ip_version},
    {"permitted URIs", "GnuTLS lets go of them where it puts the constraints of a chain together; excluded ones hold",
     uri_under_constraints},
    {"empty directory name", "GnuTLS looks at no alternative name behind it", has_empty_directory_name},
    {"mail in the subject", "GnuTLS looks there only when no alternative name is a mail address, as RFC 5280 demands",
     has_mail_in_subject},
    {"several sets", "GnuTLS intersects the permitted subtrees of a chain, and takes an empty result for no limit",
     several_sets},
};

// How often each difference was met.
class Tally {
 public:
  bool knows(std::span<Difference const> table, Cas const& cas, Names const& names) {
    bool found = false;
    for (auto const& each : table) {
      if (!each.applies(cas, names)) continue;
      ++met_[&each];
      found = true;
    }
    return found;
  }
  // A row that no case meets is out of date.
  void expect_all_met(std::span<Difference const> table, char const* title) {
    for (auto const& each : table)
      EXPECT_TRUE(each.is_rare || kShare != 1 || met_[&each] > 0) << title << ": " << each.name;
  }

 private:
  std::map<Difference const*, int> met_;
};

TEST(NameJudges, RandomChainsOfEveryTypeOfName) {
  RandomNames random(seed());
  Tally tally;
  int accepted = 0;
  int cases = 0;
  for (unsigned set = 0; set < share_of(1200); ++set) {
    auto const cas = make_cas(random, {});
    bool const chain_is_fine = check_chain_names(cas.issuing, cas.above).ok();
    for (int i = 0; i < 5; ++i, ++cases) {
      auto const leaf = make_leaf(random, cas);
      auto const allows = [&](NameConstraints const& limit) { return limit.test(leaf.names).ok(); };
      bool const ours = chain_is_fine && std::ranges::all_of(cas.limits, allows);
      bool const by_openssl = openssl_accepts(leaf.certificate, cas);
      bool const by_gnutls = gnutls_accepts(leaf.certificate, cas);
      auto const text = cas.text() + "\n  leaf: " + leaf.text;
      accepted += ours ? 1 : 0;
      if (ours) {
        EXPECT_TRUE(by_openssl) << text;
        EXPECT_TRUE(by_gnutls || tally.knows(kGnutlsRefuses, cas, leaf.names)) << text;
      } else {
        EXPECT_TRUE(!by_openssl || tally.knows(kOpensslAccepts, cas, leaf.names)) << text;
        EXPECT_TRUE(!by_gnutls || tally.knows(kGnutlsAccepts, cas, leaf.names)) << text;
      }
    }
  }
  tally.expect_all_met(kGnutlsRefuses, "GnuTLS refuses");
  tally.expect_all_met(kOpensslAccepts, "OpenSSL accepts");
  tally.expect_all_met(kGnutlsAccepts, "GnuTLS accepts");
  // The generator is worth something only while both answers are common.
  EXPECT_GT(accepted, cases / 8);
  EXPECT_LT(accepted, cases * 7 / 8);
}

// The form that `init` writes, in root and issuing CA alike: whoever steals the keys is held to the same by both
// judges.
TEST(NameJudges, WhatInitWritesMeansTheSameToAll) {
  RandomNames random(seed() + 1);
  int accepted = 0;
  int cases = 0;
  for (unsigned set = 0; set < share_of(240); ++set) {
    auto const constraints = random.what_init_writes();
    auto const root = make_ca(random.ca_name("Root"), constraints, keys().root, keys().root, nullptr, 1);
    auto issuing = make_ca(random.ca_name("Issuing"), constraints, keys().issuing, keys().root, root.get(), 2);
    auto certificate = to_certificate(issuing);
    Cas const cas{std::move(certificate), {to_certificate(root)}, std::move(issuing), {constraints, constraints}};
    ASSERT_TRUE(check_chain_names(cas.issuing, cas.above).ok());
    for (int i = 0; i < 4; ++i) {
      auto const leaf = make_leaf(random, cas);
      if (has_empty_directory_name(cas, leaf.names) || has_mail_in_subject(cas, leaf.names)) continue;
      auto const text = cas.text() + "\n  leaf: " + leaf.text;
      bool const ours = constraints.test(leaf.names).ok();
      EXPECT_EQ(openssl_accepts(leaf.certificate, cas), ours) << "OpenSSL, " << text;
      EXPECT_EQ(gnutls_accepts(leaf.certificate, cas), ours) << "GnuTLS, " << text;
      accepted += ours ? 1 : 0;
      ++cases;
    }
  }
  EXPECT_GT(accepted, cases / 20);
}

// The issuer itself: what it prepares both judges accept once it is signed, and what it refuses for its names they do
// not both accept.
TEST(NameJudges, WhatTheIssuerPrepares) {
  RandomNames random(seed() + 2);
  auto const used = profile("camera-https");
  Tally tally;
  int issued = 0;
  int refused = 0;
  int without_subject = 0;
  for (unsigned set = 0; set < share_of(800); ++set) {
    auto const cas = make_cas(random, {});
    auto const issuer =
        Issuer::make(cas.issuing, cas.above, std::make_unique<MemoryKey>(keys().issuing), "http://pki.example/a.cer");
    EXPECT_EQ(issuer.ok(), check_chain_names(cas.issuing, cas.above).ok()) << cas.text();
    if (!issuer.ok()) continue;
    for (int i = 0; i < 5; ++i) {
      IssueRequest const wanted{used.name, keys().leaf.public_key(), random.hosts(), {}};
      x509::CertificateNames names;
      names.hosts = wanted.names;
      auto const text = cas.text() + "\n  leaf: " + wanted.names.text();
      auto draft = (*issuer)->prepare(used, wanted, kNow);
      if (draft.ok()) {
        without_subject += draft->what().has_empty_subject() && !wanted.names.dns.empty() ? 1 : 0;
        auto const certificate = (*issuer)->sign(*std::move(draft)).value();
        EXPECT_TRUE(openssl_accepts(certificate, cas)) << text;
        EXPECT_TRUE(gnutls_accepts(certificate, cas) || tally.knows(kGnutlsRefuses, cas, names)) << text;
        ++issued;
        continue;
      }
      EXPECT_EQ(draft.error().code(), Errc::rejected_identifier) << text;
      auto const what =
          build_template(used, wanted, {cas.issuing, (*issuer)->ca_issuers_url()}, new_serial(kNow), kNow);
      auto const algorithm = signature_algorithm(cas.issuing.key());
      Bytes const tbs = encode_tbs(what, algorithm);
      auto const forged =
          x509::Certificate::from_der(assemble_certificate(tbs, algorithm, keys().issuing.sign(algorithm.hash, tbs)))
              .value();
      EXPECT_FALSE(openssl_accepts(forged, cas) && gnutls_accepts(forged, cas) && !wildcard_above_excluded(cas, names))
          << text << ": " << draft.error().detail();
      ++refused;
    }
  }
  EXPECT_GT(issued, 50);
  EXPECT_GT(refused, 50);
  EXPECT_GT(without_subject, 0) << "no chain forbade the common name as a directory name";
}

// A further issuer's constraints inside its parent's: below both, OpenSSL accepts whatever it accepts below the inner
// ones alone.
TEST(NameJudges, WhatIsNarrowerPermitsNothingMore) {
  RandomNames random(seed() + 3);
  int narrower = 0, accepted = 0;
  for (unsigned set = 0; set < share_of(1200); ++set) {
    auto const outer = random.constraints({});
    auto inner = random.constraints({});
    if (random.once_in(2)) {
      inner.permitted_dns = outer.permitted_dns;
      inner.permitted_ip = outer.permitted_ip;
      inner.excludes_all_dns = outer.excludes_all_dns;
    }
    keep_limits_of(outer, inner);
    if (!is_narrower_or_equal(inner, outer)) continue;
    auto const root_name = random.ca_name("Root");
    auto const name = random.ca_name("Issuing");
    auto const chain = [&](NameConstraints const& in_root) -> Cas {
      auto root = make_ca(root_name, in_root, keys().root, keys().root, nullptr, 1);
      auto issuing = make_ca(name, inner, keys().issuing, keys().root, root.get(), 2);
      auto certificate = to_certificate(issuing);
      return {std::move(certificate), {to_certificate(root)}, std::move(issuing), {inner, in_root}};
    };
    auto const alone = chain({});
    auto const below = chain(outer);
    if (!check_chain_names(below.issuing, below.above).ok()) continue;  // the issuer's own name is refused
    ++narrower;
    for (int i = 0; i < 5; ++i) {
      auto const leaf = make_leaf(random, alone);
      if (!openssl_accepts(leaf.certificate, alone)) continue;
      ++accepted;
      EXPECT_TRUE(openssl_accepts(leaf.certificate, below)) << below.text() << "\n  leaf: " << leaf.text;
    }
  }
  EXPECT_GT(narrower, static_cast<int>(share_of(1200)) / 20);
  EXPECT_GT(accepted, narrower / 2);
}

// The rare row of the table: no set that `init` writes is met by it, since root and issuing CA have the same.
TEST(NameJudges, GnutlsLosesABlockBesideOneInside) {
  auto const permitting = [](char const* one, char const* other) {
    NameConstraints out;
    out.permitted_ip = {x509::IpBlock::parse(one).value(), x509::IpBlock::parse(other).value()};
    return out;
  };
  auto const inner = permitting("fd00::/12", "fd01:8000::/96");
  auto const outer = permitting("fd00::/8", "fd14:8000::/96");
  RandomNames random(seed());
  for (bool const same : {false, true}) {
    auto const& in_root = same ? inner : outer;
    auto const root = make_ca(random.ca_name("Root"), in_root, keys().root, keys().root, nullptr, 1);
    auto issuing = make_ca(random.ca_name("Issuing"), inner, keys().issuing, keys().root, root.get(), 2);
    auto certificate = to_certificate(issuing);
    Cas const cas{std::move(certificate), {to_certificate(root)}, std::move(issuing), {inner, in_root}};
    auto const address = x509::IpAddress::parse("fd00:1500::").value();
    auto const leaf =
        to_certificate(build({.not_before = kFrom,
                              .not_after = kUntil,
                              .extensions = {x509::testing::subject_alt_name({}, {to_bytes(address.octets())})},
                              .serial = 4},
                             keys().leaf.native(), keys().issuing.native(), cas.native.get()));
    EXPECT_TRUE(inner.test(address).ok() && outer.test(address).ok());
    EXPECT_TRUE(openssl_accepts(leaf, cas)) << same;
    EXPECT_EQ(gnutls_accepts(leaf, cas), same);
  }
}

// Why a common name is written only beside a DNS name: both judges hold it against the DNS constraints when the
// subjectAltName has addresses alone, and then refuse a chain whose every name is permitted.
TEST(NameJudges, CommonNameBesideAddressesAlone) {
  auto const constraints = NameConstraints::permit_only({x509::DnsName::parse("cams.example").value()},
                                                        {x509::IpBlock::parse("10.20.0.0/15").value()});
  RandomNames random(seed());
  auto const root = make_ca(random.ca_name("Root"), constraints, keys().root, keys().root, nullptr, 1);
  auto issuing = make_ca(random.ca_name("Issuing"), constraints, keys().issuing, keys().root, root.get(), 2);
  auto certificate = to_certificate(issuing);
  Cas const cas{std::move(certificate), {to_certificate(root)}, std::move(issuing), {constraints, constraints}};
  std::vector<std::string> const name{"cam1.cams.example"};
  std::vector<Bytes> const address{Bytes{10, 20, 0, 1}};
  struct Case {
    char const* common_name;
    bool beside_name;
    bool by_openssl, by_gnutls;
  };
  Case const cases[] = {
      {"", false, true, true},
      {"camera", false, true, false},  // no dot: not a name to OpenSSL
      {"cam1.cams.example", false, true, true},
      {"10.20.0.1", false, false, false},
      {"cam1.cams.example", true, true, true},
      {"10.20.0.1", true, true, true},
  };
  for (auto const& c : cases) {
    auto const names = x509::testing::subject_alt_name(c.beside_name ? name : std::vector<std::string>(), address);
    auto const leaf = to_certificate(build(
        {.common_name = c.common_name, .not_before = kFrom, .not_after = kUntil, .extensions = {names}, .serial = 4},
        keys().leaf.native(), keys().issuing.native(), cas.native.get()));
    EXPECT_EQ(openssl_accepts(leaf, cas), c.by_openssl) << "CN " << c.common_name << ", " << c.beside_name;
    EXPECT_EQ(gnutls_accepts(leaf, cas), c.by_gnutls) << "CN " << c.common_name << ", " << c.beside_name;
  }
}

}  // namespace
}  // namespace lenscap::ca::test
