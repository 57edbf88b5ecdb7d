// How the ledger's records are written, and the keys by which indexes lead to them. For the ledger's own .cc files.
#pragma once

#include <string>
#include <string_view>

#include "ca/ledger.h"
#include "ca/ledger_visits.h"

namespace lenscap::ca::records {

// A serial as a key: what is none could not be one of ours.
bool is_key(std::string_view serial_hex);

std::string to_json(CertificateRecord const& record);
// Our own record that does not read is a broken store, not a refusal.
CertificateRecord read(std::string_view serial, std::string_view json);

// The value of an intent has both.
std::string intent(CertificateRecord const& record, std::string_view tbs);
std::string_view record_of_intent(std::string_view value);
std::string_view tbs_of_intent(std::string_view value);

// Fixed width, so that byte order is the order of time.
std::string time_key(Time time);
Time time_of_key(std::string_view key);

std::string name_prefix(x509::DnsName const& name);
std::string name_prefix(x509::IpAddress const& address);

// A row of the index of revocations. An entry of a list is made of it alone, without JSON, which for a million entries
// takes seconds.
std::string revoked_key(CertificateRecord const& record);
std::string revoked_value(Revocation const& revocation);
// `revoked` gets what the value says; false when it cannot be read.
bool read_revoked_value(std::string_view value, RevokedCertificate& revoked);

}  // namespace lenscap::ca::records
