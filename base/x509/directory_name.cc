#include "base/x509/directory_name.h"

#include <algorithm>

#include "base/ossl.h"
#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

Error bad_name(std::string const& why) { return {Errc::malformed, "a directory name " + why}; }

bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The characters of a string as UTF-8; nullopt when they are not what the type says.
std::optional<std::string> utf8_of(der::Element const& value) {
  ossl::QuietErrors const quiet;
  ossl::Ptr<ASN1_STRING, ASN1_STRING_free> const string(ASN1_STRING_type_new(value.tag));
  ossl::check(
      string && ASN1_STRING_set(string.get(), value.content.data(), static_cast<int>(value.content.size())) == 1,
      "ASN1_STRING_set");
  unsigned char* utf8 = nullptr;
  int const size = ASN1_STRING_to_UTF8(&utf8, string.get());
  if (size < 0) return std::nullopt;
  std::string out(reinterpret_cast<char const*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return out;
}

bool is_string(std::uint8_t tag) {
  static constexpr int kStrings[] = {V_ASN1_UTF8STRING,    V_ASN1_PRINTABLESTRING, V_ASN1_T61STRING, V_ASN1_IA5STRING,
                                     V_ASN1_VISIBLESTRING, V_ASN1_UNIVERSALSTRING, V_ASN1_BMPSTRING};
  return std::ranges::find(kStrings, tag) != std::end(kStrings);
}

// Without white space at the ends, one space for each run of it inside, ASCII letters in lower case.
std::string folded(std::string_view text) {
  std::string out;
  bool space = false;
  for (char c : text) {
    if (is_space(static_cast<unsigned char>(c))) {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return out;
}

constexpr std::uint8_t kEmailAddress[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};  // PKCS #9

// One AttributeTypeAndValue in the form that is compared.
Result<Bytes> read_attribute(der::Reader attribute, std::vector<std::string>& mail) {
  TRY(auto const type, attribute.next(der::kOid, "attribute type"));
  TRY(auto const value, attribute.next());
  CHECK_OK(attribute.end());
  if (!is_string(value.tag)) return der::element(der::kSequence, {type.whole, value.whole});
  auto const text = utf8_of(value);
  if (!text) return bad_name("holds a string that is not of its own type");
  if (std::ranges::equal(type.content, kEmailAddress)) mail.push_back(*text);
  return der::element(der::kSequence, {type.whole, der::element(der::kUtf8String, as_bytes(folded(*text)))});
}

Result<Bytes> read_relative(der::Reader relative, std::vector<std::string>& mail) {
  if (relative.at_end()) return bad_name("has an empty relative name");
  std::vector<Bytes> attributes;
  while (!relative.at_end()) {
    TRY(auto attribute, relative.enter(der::kSequence, "attribute"));
    TRY(auto read, read_attribute(std::move(attribute), mail));
    attributes.push_back(std::move(read));
  }
  std::ranges::sort(attributes);  // a SET has no order of its own
  Bytes all;
  for (Bytes const& each : attributes) all.insert(all.end(), each.begin(), each.end());
  return all;
}

}  // namespace

namespace {

// Values that OpenSSL does not take for attributes would make it refuse the whole certificate.
bool openssl_reads(ByteView der) {
  ossl::QuietErrors const quiet;
  unsigned char const* at = der.data();
  ossl::X509NamePtr const name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  return name != nullptr && at == der.data() + der.size();
}

}  // namespace

Result<DirectoryName> DirectoryName::from_der(ByteView der) {
  der::Reader outer(der, Errc::malformed, "a directory name");
  TRY(auto names, outer.enter(der::kSequence, "sequence"));
  CHECK_OK(outer.end());
  DirectoryName out;
  out.der_ = to_bytes(der);
  while (!names.at_end()) {
    TRY(auto relative, names.enter(der::kSet, "relative name"));
    TRY(auto read, read_relative(std::move(relative), out.mail_));
    out.relative_.push_back(std::move(read));
  }
  if (!openssl_reads(der)) return bad_name("holds values that do not belong there");
  return out;
}

bool DirectoryName::is_within(DirectoryName const& subtree) const {
  return relative_.size() >= subtree.relative_.size() &&
         std::equal(subtree.relative_.begin(), subtree.relative_.end(), relative_.begin());
}

// --- text ---

std::string DirectoryName::text() const {
  ossl::QuietErrors const quiet;
  unsigned char const* at = der_.data();
  ossl::X509NamePtr const name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der_.size())));
  ossl::BioPtr const bio(BIO_new(BIO_s_mem()));
  ossl::check(bio != nullptr, "BIO_new");
  // ESC_MSB off: people read the text, and it is UTF-8.
  if (!name || X509_NAME_print_ex(bio.get(), name.get(), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    return "(unreadable name)";
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

namespace {

struct Attribute {
  std::string type, value;
};

// RFC 4514 2: a backslash takes the next character as it is, or is the first of two hexadecimal digits before.
Result<char> read_escaped(std::string_view& rest) {
  if (rest.empty()) return bad_name("ends with a backslash");
  if (rest.size() >= 2)
    if (auto const octet = from_hex(std::string(rest.substr(0, 2)))) {
      rest.remove_prefix(2);
      return static_cast<char>(octet->front());
    }
  char const c = rest.front();
  rest.remove_prefix(1);
  return c;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Takes one "TYPE=VALUE" and the comma behind it.
Result<Attribute> read_text(std::string_view& rest) {
  auto const equals = rest.find('=');
  if (equals == rest.npos) return bad_name("is written as in \"O=Example Cameras,C=DE\"");
  Attribute out;
  out.type = trimmed(rest.substr(0, equals));
  rest.remove_prefix(equals + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  std::size_t kept = 0;  // as far as trailing spaces count
  while (!rest.empty() && rest.front() != ',') {
    char c = rest.front();
    rest.remove_prefix(1);
    bool const escaped = c == '\\';
    if (escaped) {
      TRY(c, read_escaped(rest));
    } else if (c == '+') {
      return bad_name("with several attributes in one relative name (\"+\") cannot be written here");
    } else if (c == '"' || c == ';' || c == '<' || c == '>' || (c == '#' && out.value.empty())) {
      return bad_name(std::string("needs a backslash before ") + c);
    }
    out.value += c;
    if (escaped || c != ' ') kept = out.value.size();
  }
  out.value.resize(kept);
  if (out.value.empty()) return bad_name("has an empty attribute " + out.type);
  return out;
}

}  // namespace

Result<DirectoryName> DirectoryName::parse(std::string_view text) {
  ossl::QuietErrors const quiet;
  ossl::X509NamePtr const name(X509_NAME_new());
  ossl::check(name != nullptr, "X509_NAME_new");
  std::string_view rest = text;
  for (bool more = true; more;) {
    TRY(auto const attribute, read_text(rest));
    more = rest.starts_with(',');
    if (more) rest.remove_prefix(1);
    ossl::Asn1ObjectPtr const type(OBJ_txt2obj(attribute.type.c_str(), 0));
    if (!type)
      return bad_name("has an unknown attribute \"" + attribute.type + "\"; C, ST, L, O, OU, CN and DC are known");
    // In front of the others: the text begins with what the encoding ends with.
    if (X509_NAME_add_entry_by_OBJ(name.get(), type.get(), MBSTRING_UTF8,
                                   reinterpret_cast<unsigned char const*>(attribute.value.data()),
                                   static_cast<int>(attribute.value.size()), 0, 0) != 1)
      return bad_name("cannot have " + attribute.type + "=" + attribute.value +
                      ": it is too long, or of characters that do not belong there");
  }
  return from_der(ossl::to_der(name.get(), i2d_X509_NAME));
}

}  // namespace lenscap::x509
