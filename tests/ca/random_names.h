// Random name constraints and random names, from few labels, so that they often meet: equal, below, above, beside, or
// alike in letters only. Of one seed, so that a failure comes again.
#pragma once

#include <random>

#include "base/x509/certificate_names.h"
#include "base/x509/der.h"

namespace lenscap::ca::test {

class RandomNames {
 public:
  explicit RandomNames(unsigned seed) : engine_(seed) {}

  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  bool once_in(unsigned n) { return below(n) == 0; }
  template <std::size_t kCount>
  char const* one_of(char const* const (&texts)[kCount]) {
    return texts[below(kCount)];
  }

  std::string host() {
    std::string text = one_of({"example", "lan", "xexample"});
    for (unsigned i = below(4); i > 0; --i)
      text = std::string(one_of({"a", "b", "cams", "xcams", "site", "xn--bcher-kva"})) + "." + text;
    return text;
  }
  x509::DnsName dns(bool may_be_wildcard) {
    return x509::DnsName::parse((may_be_wildcard && once_in(4) ? "*." : "") + host()).value();
  }
  // With a dot in front now and then, as no RFC has it and corporations write it.
  x509::DnsSubtree dns_subtree() { return x509::DnsSubtree::parse((once_in(5) ? "." : "") + host()).value(); }
  x509::IpAddress address(bool v6) {
    Bytes octets = v6 ? Bytes{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} : Bytes{10, 0, 0, 0};
    for (std::size_t i : {std::size_t{1}, std::size_t{2}, octets.size() - 1}) {
      static constexpr std::uint8_t kOctets[] = {0, 1, 20, 21, 128, 255};
      octets[i] = kOctets[below(6)];
    }
    return x509::IpAddress::from_octets(octets).value();
  }
  x509::IpBlock block(bool v6) {
    static constexpr int kBits[] = {0, 7, 8, 12, 15, 16, 17, 23, 24, 32};
    int const bits = kBits[below(10)] + (v6 && once_in(3) ? 96 : 0);
    auto octets = to_bytes(address(v6).octets());
    for (int i = bits; i < static_cast<int>(octets.size()) * 8; ++i) {
      auto& octet = octets[static_cast<std::size_t>(i / 8)];
      octet = static_cast<std::uint8_t>(octet & ~(0x80U >> (i % 8)));
    }
    return x509::IpBlock::make(x509::IpAddress::from_octets(octets).value(), bits).value();
  }
  std::string mail() {
    return std::string(one_of({"info", "Info", "postmaster"})) + "@" + (once_in(3) ? upper(host()) : host());
  }
  x509::MailSubtree mail_subtree() {
    auto const text = once_in(3) ? mail() : (once_in(2) ? "." : "") + host();
    return x509::MailSubtree::parse(text).value();
  }
  std::string uri() {
    std::string text = std::string(one_of({"http", "https", "sip"})) + "://" + (once_in(4) ? upper(host()) : host());
    switch (below(8)) {
      case 0:
        return text + ":8443/path";
      case 1:
        return "urn:example:a";
      case 2:
        return "https://10.20.0.1/";
      case 3:
        return text;
      default:
        return text + "/path?query";
    }
  }
  x509::UriSubtree uri_subtree() { return x509::UriSubtree::parse((once_in(2) ? "." : "") + host()).value(); }

  // Of an organization's tree, or beside it; now and then spelled otherwise, or of another string type.
  x509::DirectoryName directory(unsigned depth_max) {
    namespace der = x509::der;
    struct Level {
      Bytes type;
      char const* values[3];
    };
    static Level const kLevels[] = {{{0x55, 4, 6}, {"DE", "DE", "FR"}},
                                    {{0x55, 4, 10}, {"Example Cameras", "EXAMPLE  cameras", "Example"}},
                                    {{0x55, 4, 11}, {"Plant 4", " plant 4", "Plant 5"}}};
    Bytes all;
    for (unsigned i = 0; i < std::min(below(depth_max + 1), 3U); ++i) {
      auto const tag = once_in(2) ? der::kPrintableString : der::kUtf8String;
      auto const* value = kLevels[i].values[once_in(2) ? 0 : below(3)];
      append(all, kLevels[i].type, tag, value);
    }
    return x509::DirectoryName::from_der(der::element(der::kSequence, ByteView(all))).value();
  }
  // The same with a common name or a mail address below.
  x509::DirectoryName below_of(x509::DirectoryName const& above, ByteView type, std::uint8_t tag,
                               std::string const& text) {
    auto all = to_bytes(x509::der::Reader(above.der(), Errc::malformed, "").next().value().content);
    append(all, type, tag, text);
    return x509::DirectoryName::from_der(x509::der::element(x509::der::kSequence, ByteView(all))).value();
  }
  x509::DirectoryName ca_name(char const* common_name) {
    static constexpr std::uint8_t kCommonName[] = {0x55, 4, 3};
    return below_of(directory(3), kCommonName, x509::der::kUtf8String, common_name);
  }

  struct Types {
    bool mail = true, uri = true, directory = true;
  };
  x509::NameConstraints constraints(Types const& types) {
    if (once_in(4)) return what_init_writes();
    x509::NameConstraints out;
    if (!once_in(3)) {
      for (unsigned i = below(3); i > 0; --i) out.permitted_dns.push_back(dns_subtree());
      for (unsigned i = below(2); i > 0; --i) out.excluded_dns.push_back(dns_subtree());
      out.excludes_all_dns = once_in(12);
    }
    if (!once_in(3)) {
      for (unsigned i = below(3); i > 0; --i) out.permitted_ip.push_back(block(once_in(2)));
      for (unsigned i = below(2); i > 0; --i) out.excluded_ip.push_back(block(once_in(2)));
    }
    if (types.mail && once_in(2)) {
      for (unsigned i = below(3); i > 0; --i) out.permitted_mail.push_back(mail_subtree());
      for (unsigned i = below(2); i > 0; --i) out.excluded_mail.push_back(mail_subtree());
    }
    if (types.uri && once_in(2)) {
      for (unsigned i = below(3); i > 0; --i) out.permitted_uri.push_back(uri_subtree());
      for (unsigned i = below(2); i > 0; --i) out.excluded_uri.push_back(uri_subtree());
    }
    if (types.directory && once_in(3)) {
      for (unsigned i = below(3); i > 0; --i) out.permitted_directory.push_back(directory(2));
      if (once_in(3)) out.excluded_directory.push_back(directory(3));
    }
    return out;
  }
  x509::NameConstraints what_init_writes() {
    std::vector<x509::DnsName> names;
    std::vector<x509::IpBlock> blocks;
    for (unsigned i = below(3); i > 0; --i) names.push_back(dns(false));
    for (unsigned i = below(3); i > 0; --i) blocks.push_back(block(once_in(2)));
    return x509::NameConstraints::permit_only(std::move(names), std::move(blocks));
  }
  x509::NameSet hosts() {
    x509::NameSet out;
    for (unsigned i = 1 + below(2); i > 0; --i) {
      if (once_in(2))
        out.ip.insert(address(once_in(2)));
      else
        out.dns.insert(dns(true));
    }
    return out;
  }

 private:
  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
  }
  static void append(Bytes& all, ByteView type, std::uint8_t tag, std::string_view value) {
    namespace der = x509::der;
    auto const attribute =
        der::element(der::kSequence, {der::element(der::kOid, type), der::element(tag, as_bytes(value))});
    auto const relative = der::element(der::kSet, ByteView(attribute));
    all.insert(all.end(), relative.begin(), relative.end());
  }

  std::mt19937 engine_;
};

}  // namespace lenscap::ca::test
