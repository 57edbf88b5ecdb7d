// Every name of a certificate that name constraints judge (RFC 5280 4.2.1.10): those of its subjectAltName and those of
// its subject. Of somebody else's certificate, so it may hold what we would never write. For the names that a TLS
// client looks for, see Certificate::names().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "base/x509/directory_name.h"

namespace lenscap::x509 {

struct CertificateNames {
  NameSet hosts;                         // dNSName and iPAddress
  std::vector<std::string> mail;         // rfc822Name, and the subject's emailAddress
  std::vector<std::string> uri;          // uniformResourceIdentifier
  std::vector<DirectoryName> directory;  // the subject unless it is empty, and directoryName
  // A dNSName or iPAddress that is none: nobody can say whether constraints permit it.
  std::vector<std::string> unreadable_dns, unreadable_ip;
};

// Errc::malformed when the subject or the subjectAltName cannot be read. Names of further types are left out.
Result<CertificateNames> names_of(Certificate const& certificate);

}  // namespace lenscap::x509
