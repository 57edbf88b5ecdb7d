// A distinguished name (X.501 Name, RFC 5280 4.1.2.4): of a subject, or a subtree of name constraints. Compared as RFC
// 5280 7.1 says: strings by their characters, whatever their type, without regard to the case of ASCII letters and to
// how much white space there is. Letters beyond ASCII keep their case, as they do in OpenSSL.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace lenscap::x509 {

class DirectoryName {
 public:
  // RFC 4514, most specific first, as `root show` prints it: "O=Example Cameras,C=DE". One attribute in each relative
  // name; attributes by their short names or dotted. Errc::malformed.
  static Result<DirectoryName> parse(std::string_view text);
  static Result<DirectoryName> from_der(ByteView der);

  Bytes const& der() const { return der_; }
  std::string text() const;
  bool empty() const { return relative_.empty(); }
  // Is it `subtree` itself or below it? Everything is within the empty name.
  bool is_within(DirectoryName const& subtree) const;
  // Of its attributes emailAddress, which old software puts there.
  std::vector<std::string> const& mail_addresses() const { return mail_; }

  bool operator==(DirectoryName const& other) const { return relative_ == other.relative_; }
  auto operator<=>(DirectoryName const& other) const { return relative_ <=> other.relative_; }

 private:
  DirectoryName() = default;
  Bytes der_;
  std::vector<Bytes> relative_;  // in the form that is compared, most general first
  std::vector<std::string> mail_;
};

}  // namespace lenscap::x509
