// One X.509 extension: a row that turns a template into the extension, or into nothing where it does not belong. A new
// one is a file in extensions/ and a line in extensions/table.cc. Rows do NOT check anything; lint.h does, from the
// octets.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.h"

namespace lenscap::ca {

struct Template;

struct ExtensionValue {
  bool critical = false;
  Bytes der;  // what stands inside extnValue
};

struct Extension {
  char const* name;  // as RFC 5280 spells it
  char const* oid;   // dotted
  std::optional<ExtensionValue> (*encode)(Template const& what);
};

// In the order in which they are written.
std::span<Extension const> extensions();

std::optional<ExtensionValue> encode_basic_constraints(Template const& what);         // 4.2.1.9
std::optional<ExtensionValue> encode_key_usage(Template const& what);                 // 4.2.1.3
std::optional<ExtensionValue> encode_extended_key_usage(Template const& what);        // 4.2.1.12
std::optional<ExtensionValue> encode_subject_key_identifier(Template const& what);    // 4.2.1.2
std::optional<ExtensionValue> encode_authority_key_identifier(Template const& what);  // 4.2.1.1
std::optional<ExtensionValue> encode_name_constraints(Template const& what);          // 4.2.1.10
std::optional<ExtensionValue> encode_authority_info_access(Template const& what);     // 4.2.2.1
std::optional<ExtensionValue> encode_crl_distribution_points(Template const& what);   // 4.2.1.13
std::optional<ExtensionValue> encode_ocsp_no_check(Template const& what);             // RFC 6960 4.2.2.2.1
std::optional<ExtensionValue> encode_subject_alt_name(Template const& what);          // 4.2.1.6

}  // namespace lenscap::ca
