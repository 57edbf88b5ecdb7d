#include "base/x509/csr.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/limits.h"
#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

using der::Reader;

Error bad_csr(std::string_view why) { return {Errc::bad_csr, "the CSR " + std::string(why)}; }

template <std::size_t kSize>
constexpr std::array<std::uint8_t, kSize> oid(std::uint8_t const (&content)[kSize]) {
  return std::to_array(content);
}
constexpr auto kCommonName = oid({0x55, 0x04, 0x03});
constexpr auto kSubjectAltName = oid({0x55, 0x1d, 0x11});
constexpr auto kBasicConstraints = oid({0x55, 0x1d, 0x13});
constexpr auto kKeyUsage = oid({0x55, 0x1d, 0x0f});
constexpr auto kExtendedKeyUsage = oid({0x55, 0x1d, 0x25});
// 1.2.840.113549.1.9.14
constexpr auto kExtensionRequest = oid({0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e});
// 1.3.6.1.4.1.311.2.1.14: the same under Microsoft's number; a reader that knows only one of them sees half a request
constexpr auto kMicrosoftExtensions = oid({0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0e});

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// --- signature -------------------------------------------------------------------------------------------------------

struct SignatureScheme {
  char const* name;
  std::array<std::uint8_t, 9> oid;  // content, zero-filled
  std::size_t oid_size;
  bool rsa;                           // also: NULL parameters; the others have none
  std::optional<HashAlgorithm> hash;  // nothing: known and refused
};
constexpr SignatureScheme kSchemes[] = {
    {"SHA-256 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}, 9, true, HashAlgorithm::sha256},
    {"SHA-384 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}, 9, true, HashAlgorithm::sha384},
    {"SHA-512 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}, 9, true, HashAlgorithm::sha512},
    {"ECDSA with SHA-256", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}, 8, false, HashAlgorithm::sha256},
    {"ECDSA with SHA-384", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}, 8, false, HashAlgorithm::sha384},
    {"ECDSA with SHA-512", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}, 8, false, HashAlgorithm::sha512},
    {"MD5 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04}, 9, true, std::nullopt},
    {"SHA-1 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05}, 9, true, std::nullopt},
    {"SHA-224 with RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e}, 9, true, std::nullopt},
    {"RSASSA-PSS", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}, 9, true, std::nullopt},
    {"ECDSA with SHA-1", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}, 7, false, std::nullopt},
    {"ECDSA with SHA-224", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01}, 8, false, std::nullopt},
};

Result<HashAlgorithm> read_scheme(Reader algorithm, bool rsa_key) {
  TRY(auto found, algorithm.next(der::kOid, "identifier"));
  for (auto const& scheme : kSchemes) {
    if (!same(found.content, ByteView(scheme.oid).first(scheme.oid_size))) continue;
    if (!scheme.hash) {
      return bad_csr(std::string("is signed by ") + scheme.name +
                     "; use SHA-256, SHA-384 or SHA-512 (RSA: PKCS#1 v1.5)");
    }
    if (scheme.rsa != rsa_key)
      return bad_csr(std::string("is signed by ") + scheme.name + ", its key is of another type");
    if (scheme.rsa) CHECK_OK(algorithm.next(der::kNull, "NULL parameters"));
    CHECK_OK(algorithm.end());
    return *scheme.hash;
  }
  return bad_csr("is signed by an algorithm that is not accepted; use RSA or ECDSA with SHA-256, SHA-384 or SHA-512");
}

// --- subject ---------------------------------------------------------------------------------------------------------

// Printable text in UTF-8, nothing that ends a C string or a line of a log.
bool is_plain_utf8(ByteView text) {
  for (std::size_t i = 0; i < text.size();) {
    std::uint8_t const lead = text[i];
    std::size_t const more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : 3;
    if (lead < 0x20 || lead == 0x7f || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return false;
    if (text.size() - i <= more) return false;
    std::uint32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      if ((text[i + k] & 0xc0) != 0x80) return false;
      point = point << 6 | (text[i + k] & 0x3fU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    bool const surrogate = point >= 0xd800 && point < 0xe000;
    bool const control = point >= 0x80 && point < 0xa0;
    if (point < kLeast[more] || point > 0x10ffff || surrogate || control) return false;
    i += more + 1;
  }
  return true;
}

// The common name, empty when there is none. All other attributes are of no interest.
Result<std::string> read_common_name(Reader subject) {
  constexpr std::size_t kOctetsMax = 253;  // a DNS name's; X.520's bound of 64 characters is broken in the field
  std::optional<std::string> out;
  while (!subject.at_end()) {
    TRY(auto set, subject.enter(der::kSet, "relative name"));
    if (set.at_end()) return set.refuse("is empty");
    while (!set.at_end()) {
      TRY(auto attribute, set.enter(der::kSequence, "attribute"));
      TRY(auto type, attribute.next(der::kOid, "type"));
      TRY(auto value, attribute.next());
      CHECK_OK(attribute.end());
      if (!same(type.content, kCommonName)) continue;
      if (out) return bad_csr("has more than one common name");  // 8555-7.4-5
      if (value.tag != der::kUtf8String && value.tag != der::kPrintableString) {
        return bad_csr("has a common name that is neither UTF8String nor PrintableString");
      }
      bool const ascii = std::all_of(value.content.begin(), value.content.end(), [](auto c) { return c < 0x80; });
      if (!is_plain_utf8(value.content) || (value.tag == der::kPrintableString && !ascii)) {
        return bad_csr("has a common name with characters that are not allowed");
      }
      if (value.content.size() > kOctetsMax) return bad_csr("has a common name of more than 253 octets");
      out = std::string(as_text(value.content));
    }
  }
  return out.value_or("");
}

// --- extensions ------------------------------------------------------------------------------------------------------

Result<NameSet> read_subject_alt_name(ByteView value) {
  CHECK_OK(der::check_strict(value, Errc::bad_csr, "the CSR's subjectAltName"));
  Reader outer(value, Errc::bad_csr, "the CSR's subjectAltName");
  TRY(auto names, outer.enter(der::kSequence, "list"));
  if (names.at_end()) return bad_csr("has an empty subjectAltName");
  NameSet out;
  std::size_t count = 0;
  while (!names.at_end()) {
    TRY(auto name, names.next());
    if (++count > limits::kNamesPerOrder) {
      return bad_csr("has more than " + std::to_string(limits::kNamesPerOrder) + " names");
    }
    if (name.tag == der::context(2)) {
      auto dns = DnsName::parse(as_text(name.content));
      if (!dns.ok()) return bad_csr("has a bad name: " + dns.error().detail());
      out.dns.insert(std::move(dns).value());
    } else if (name.tag == der::context(7)) {
      auto address = IpAddress::from_octets(name.content);
      if (!address.ok()) return bad_csr("has a bad address: " + address.error().detail());
      out.ip.insert(std::move(address).value());
    } else {
      // Mail, URI, user principal name...: never dropped in silence, the one who asks would believe he got it.
      return bad_csr("asks for a name that is neither DNS name nor IP address (GeneralName of type " +
                     std::to_string(name.tag & 0x1f) + ")");
    }
  }
  return out;
}

Result<> check_basic_constraints(ByteView value) {
  CHECK_OK(der::check_strict(value, Errc::bad_csr, "the CSR's basicConstraints"));
  Reader outer(value, Errc::bad_csr, "the CSR's basicConstraints");
  TRY(auto constraints, outer.enter(der::kSequence, "value"));
  if (!constraints.next_is(der::kBoolean)) return constraints.end();
  TRY(bool is_ca, constraints.boolean("cA"));  // FALSE written out is not DER, but says nothing that could harm
  if (is_ca) return bad_csr("asks for a CA certificate");
  return constraints.end();
}

struct Requested {
  NameSet names;
  bool has_subject_alt_name = false;
};

Result<Requested> read_extensions(Reader extensions) {
  Requested out;
  std::vector<ByteView> seen;
  while (!extensions.at_end()) {
    TRY(auto extension, extensions.enter(der::kSequence, "extension"));
    TRY(auto id, extension.next(der::kOid, "identifier"));
    bool critical = false;
    if (extension.next_is(der::kBoolean)) {
      TRY(critical, extension.boolean("critical"));
      if (!critical) return extension.refuse("says critical FALSE, which DER leaves out");
    }
    TRY(auto value, extension.next(der::kOctetString, "value"));
    CHECK_OK(extension.end());
    for (auto other : seen) {
      if (same(other, id.content)) return bad_csr("asks for the same extension twice");
    }
    seen.push_back(id.content);
    if (same(id.content, kSubjectAltName)) {
      TRY(out.names, read_subject_alt_name(value.content));
      out.has_subject_alt_name = true;
    } else if (same(id.content, kBasicConstraints)) {
      CHECK_OK(check_basic_constraints(value.content));
    } else if (critical && !same(id.content, kKeyUsage) && !same(id.content, kExtendedKeyUsage)) {
      return bad_csr("asks for a critical extension that is not supported");
    }
    // Everything else is left alone: the profile makes the certificate, not the request.
  }
  return out;
}

// `attributes` is [0] IMPLICIT SET OF Attribute. Some encoders leave an empty one out altogether.
Result<Requested> read_attributes(Reader& info) {
  Requested out;
  if (info.at_end()) return out;
  TRY(auto attributes, info.enter(der::context_constructed(0), "attributes"));
  bool found = false;
  ByteView previous;
  while (!attributes.at_end()) {
    TRY(auto element, attributes.next(der::kSequence, "attribute"));
    if (std::lexicographical_compare(element.whole.begin(), element.whole.end(), previous.begin(), previous.end())) {
      return attributes.refuse("are not in DER's order");
    }
    previous = element.whole;
    Reader attribute(element.content, Errc::bad_csr, "the CSR, attribute");
    TRY(auto type, attribute.next(der::kOid, "type"));
    TRY(auto values, attribute.enter(der::kSet, "values"));
    CHECK_OK(attribute.end());
    if (same(type.content, kMicrosoftExtensions)) {
      return bad_csr("asks for extensions under Microsoft's number; use extensionRequest of PKCS#9");
    }
    if (!same(type.content, kExtensionRequest)) continue;
    if (found) return bad_csr("has two extensionRequest attributes");
    found = true;
    TRY(auto extensions, values.enter(der::kSequence, "extensions"));
    if (!values.at_end()) return bad_csr("has an extensionRequest with more than one value");
    TRY(out, read_extensions(std::move(extensions)));
  }
  return out;
}

}  // namespace

// The order matters: sizes first, then form, then the key's quality, and only then the costly signature.
Result<Csr> parse_csr(ByteView der) {
  if (der.size() > limits::kCsrBytes) {
    return bad_csr("has more than " + std::to_string(limits::kCsrBytes / 1024) + " KiB");
  }
  CHECK_OK(der::check_strict(der, Errc::bad_csr, "the CSR"));
  Reader reader(der, Errc::bad_csr, "the CSR");
  TRY(auto request, reader.enter(der::kSequence, "frame"));
  TRY(auto signed_part, request.next(der::kSequence, "information"));
  TRY(auto algorithm, request.enter(der::kSequence, "signature algorithm"));
  TRY(auto signature, request.bit_string("signature"));
  CHECK_OK(request.end());

  Reader info(signed_part.content, Errc::bad_csr, "the CSR");
  TRY(auto version, info.next(der::kInteger, "version"));
  if (version.content.size() != 1 || version.content[0] != 0)
    return bad_csr("has a version other than 1 (encoded as 0)");
  TRY(auto subject, info.enter(der::kSequence, "subject"));
  TRY(auto common_name, read_common_name(std::move(subject)));
  TRY(auto spki, info.next(der::kSequence, "public key"));
  TRY(auto requested, read_attributes(info));
  CHECK_OK(info.end());

  TRY(auto key, PublicKey::from_spki(spki.whole));
  CHECK_OK(check_key(key, /*allow_ed25519=*/false));
  TRY(auto hash, read_scheme(std::move(algorithm), key.type() == KeyType::rsa));
  if (!key.verify(hash, signed_part.whole, signature)) return bad_csr("is not signed by the key that is in it");

  Csr out{std::move(key), std::move(requested.names), std::move(common_name), requested.has_subject_alt_name,
          to_bytes(der)};
  if (!out.has_subject_alt_name) {
    // A camera's CSR may hold its name in the common name alone (8555-7.4-5). An address there is not a name.
    auto name = DnsName::parse(out.common_name);
    if (name.ok()) out.names.dns.insert(std::move(name).value());
  }
  return out;
}

Result<Csr> parse_csr_text(std::string_view text) {
  // Base64 with line ends, and a little text around it.
  if (text.size() > 2 * limits::kCsrBytes) return bad_csr("is too long");
  for (std::string_view label : {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}) {
    std::string const begin = "-----BEGIN " + std::string(label) + "-----";
    std::string const end = "-----END " + std::string(label) + "-----";
    std::size_t const from = text.find(begin);
    if (from == std::string_view::npos) continue;
    std::size_t const to = text.find(end, from + begin.size());
    if (to == std::string_view::npos) return bad_csr("ends before its END line");
    text = text.substr(from + begin.size(), to - from - begin.size());
    break;
  }
  auto der = from_base64(text);
  if (!der.ok()) return bad_csr("is neither PEM nor base64");
  return parse_csr(*der);
}

// --- our own requests ------------------------------------------------------------------------------------------------

namespace {

struct OwnScheme {
  HashAlgorithm hash;
  Bytes algorithm;
};

OwnScheme own_scheme(KeyType type) {
  constexpr auto kEd25519 = oid({0x2b, 0x65, 0x70});
  auto scheme = [](std::size_t row) {
    auto const& s = kSchemes[row];
    auto const id = der::element(der::kOid, ByteView(s.oid).first(s.oid_size));
    auto const null = der::element(der::kNull, ByteView());
    return OwnScheme{*s.hash, der::element(der::kSequence, {id, s.rsa ? ByteView(null) : ByteView()})};
  };
  switch (type) {
    case KeyType::rsa:
      return scheme(0);
    case KeyType::ec_p256:
      return scheme(3);
    case KeyType::ec_p384:
      return scheme(4);
    case KeyType::ec_p521:
      return scheme(5);
    case KeyType::ed25519:
      return {HashAlgorithm::sha512, der::element(der::kSequence, {der::element(der::kOid, kEd25519)})};
  }
  bug("unknown key type");
}

Bytes name_list(NameSet const& names) {
  Bytes content;
  auto append = [&](Bytes const& name) { content.insert(content.end(), name.begin(), name.end()); };
  for (auto const& name : names.dns) append(der::element(der::context(2), as_bytes(name.text())));
  for (auto const& address : names.ip) append(der::element(der::context(7), address.octets()));
  return der::element(der::kSequence, ByteView(content));
}

}  // namespace

Bytes make_csr(PrivateKey const& key, NameSet const& names, std::string_view common_name) {
  using der::element;
  Bytes subject;
  if (!common_name.empty()) {
    auto const value = element(der::kUtf8String, as_bytes(common_name));
    subject = element(der::kSet, {element(der::kSequence, {element(der::kOid, kCommonName), value})});
  }
  Bytes attributes;
  if (!names.empty()) {
    auto const list = name_list(names);
    auto const extension =
        element(der::kSequence, {element(der::kOid, kSubjectAltName), element(der::kOctetString, list)});
    auto const extensions = element(der::kSequence, {extension});
    attributes = element(der::kSequence, {element(der::kOid, kExtensionRequest), element(der::kSet, {extensions})});
  }
  auto const info =
      element(der::kSequence, {der::unsigned_integer({}), element(der::kSequence, ByteView(subject)),
                               key.public_key().spki(), element(der::context_constructed(0), ByteView(attributes))});
  auto const scheme = own_scheme(key.public_key().type());
  return element(der::kSequence, {info, scheme.algorithm, der::bit_string(key.sign(scheme.hash, info))});
}

}  // namespace lenscap::x509
