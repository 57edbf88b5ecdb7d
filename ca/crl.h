// A certificate revocation list of version 2 (RFC 5280 5), written as octets: a million entries take a tenth of the
// time and of the memory that OpenSSL's objects would take. Pure: number, times and entries are parameters. It does NOT
// know which list is due, which number comes next or where lists are published; Issuer::sign_crl signs what it makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ca/ledger_visits.h"
#include "ca/template.h"

namespace lenscap::ca {

struct CrlHeading {
  std::uint64_t number = 0;  // higher than that of every earlier list of the issuer and scope (5.2.3)
  Time this_update{};
  Time next_update{};  // later than this_update
  // The http URL at which this list is a part of all that is revoked, as it stands in the certificates that belong to
  // the part; with it the list says that it is no whole (5.2.5). Empty: the list is whole.
  std::string part_url = {};
};

// A list that waits for its signature. Can be signed once: Issuer::sign_crl takes it.
class CrlDraft {
 public:
  CrlDraft(CrlDraft&&) noexcept = default;
  CrlDraft& operator=(CrlDraft&&) noexcept = default;
  CrlDraft(CrlDraft const&) = delete;
  CrlDraft& operator=(CrlDraft const&) = delete;

  ByteView tbs() const { return ByteView(octets_).subspan(begin_); }
  Bytes const& issuer_key_id() const { return issuer_key_id_; }

 private:
  friend class CrlBuilder;
  friend class Issuer;
  CrlDraft(Bytes octets, std::size_t begin, Bytes issuer_key_id)
      : octets_(std::move(octets)), begin_(begin), issuer_key_id_(std::move(issuer_key_id)) {}
  Bytes octets_;       // the list stands once in memory: room in front, then the TBSCertList; empty once signed
  std::size_t begin_;  // of the TBSCertList
  Bytes issuer_key_id_;
};

class CrlBuilder {
 public:
  // `expected`: how many entries will come; with more of them the list is right all the same, but memory for it is
  // taken twice for a moment.
  CrlBuilder(x509::Certificate const& issuer, CrlHeading heading, std::size_t expected);

  // In any order, each serial once.
  void add(RevokedCertificate const& revoked);
  std::size_t entries() const { return entries_; }
  CrlDraft finish() &&;

 private:
  CrlHeading heading_;
  Bytes issuer_key_id_;
  Bytes before_entries_;  // version to nextUpdate
  std::size_t room_;      // in front of the entries, for what is known last: the lengths
  Bytes octets_;
  std::size_t entries_ = 0;
};

// CertificateList ::= SEQUENCE { tbs, algorithm, BIT STRING signature }, in the memory of the to-be-signed octets
// themselves: `octets` from `tbs_begin` on, which must be at least kCrlFrontRoom.
constexpr std::size_t kCrlFrontRoom = 6;  // tag and length of a SEQUENCE of less than 4 GiB
Bytes assemble_crl(Bytes octets, std::size_t tbs_begin, SignatureAlgorithm const& algorithm, ByteView signature);

}  // namespace lenscap::ca
