// Certificates in a PEM file that are no chain, such as the roots of a CA and what leads from one of them to another.
// A chain is read by parse_pem_chain(), with a limit of its own.
#pragma once

#include <string_view>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::x509 {

// As parse_pem_chain(), but for the number: at most `certificates_max`.
Result<std::vector<Certificate>> parse_pem_certificates(std::string_view pem, std::size_t certificates_max);

}  // namespace lenscap::x509
