#include "ca/root_crl.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "ca/clock_mark.h"
#include "ca/crl.h"

namespace lenscap::ca {
namespace {

using CrlPtr = ossl::Ptr<X509_CRL, X509_CRL_free>;
using EnumeratedPtr = ossl::Ptr<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;

Error unusable(std::string const& why) {
  return {Errc::settings, "the revocation list of the root cannot be used: " + why};
}

Result<Time> time_of(ASN1_TIME const* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return unusable("a time cannot be read");
  return from_unix(::timegm(&parts));
}

// As certificates write it: no sign octet, lower case.
Result<std::string> serial_of(ASN1_INTEGER const* serial) {
  ossl::BnPtr const number(serial == nullptr ? nullptr : ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number || BN_is_negative(number.get()) == 1 || BN_is_zero(number.get()) == 1)
    return unusable("an entry has no serial number");
  Bytes octets(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), octets.data());
  return to_hex(octets);
}

Result<std::uint64_t> number_of(X509_CRL* crl) {
  ossl::Asn1IntegerPtr const integer(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  std::uint64_t number = 0;
  if (!integer || ASN1_INTEGER_get_uint64(&number, integer.get()) != 1)
    return unusable("it has no number as ours have");
  return number;
}

Result<RevokedCertificate> entry_of(X509_REVOKED const* revoked) {
  RevokedCertificate entry;
  TRY(entry.serial_hex, serial_of(X509_REVOKED_get0_serialNumber(revoked)));
  TRY(entry.revoked_at, time_of(X509_REVOKED_get0_revocationDate(revoked)));
  if (X509_REVOKED_get_ext_count(revoked) == 0) return entry;
  EnumeratedPtr const code(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, nullptr, nullptr)));
  entry.reason = code ? x509::revocation_reason_of(ASN1_ENUMERATED_get(code.get())) : std::nullopt;
  if (!entry.reason || X509_REVOKED_get_ext_count(revoked) != 1) return unusable("an entry says more than a reason");
  return entry;
}

// Of a whole list: AKI and number. What is a part, or tells of changes alone, has one more.
constexpr int kExtensions = 2;

Result<> check_frame(X509_CRL* crl, x509::Certificate const& root) {
  if (X509_CRL_get_version(crl) != 1) return unusable("it is not of version 2");
  if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(root.native())) != 0 ||
      X509_CRL_verify(crl, root.key().native()) != 1)
    return unusable("the key of " + root.subject() + " has not signed it");
  if (X509_CRL_get_ext_count(crl) != kExtensions) return unusable("it is not a whole list as ours are");
  return {};
}

}  // namespace

RevokedCertificate const* RootCrl::find(std::string_view serial_hex) const {
  auto const found = std::ranges::find(revoked, serial_hex, &RevokedCertificate::serial_hex);
  return found == revoked.end() ? nullptr : &*found;
}

RootCrlAge age_at(Time this_update, Time next_update, Time now) {
  auto const life = next_update - this_update;
  auto const left = next_update - now;
  if (left <= Seconds(0)) return RootCrlAge::ended;
  if (left <= std::min(30 * kDay, life / 12)) return RootCrlAge::urgent;
  return left <= std::min(90 * kDay, life / 4) ? RootCrlAge::ending : RootCrlAge::fresh;
}

Result<RootCrl> parse_root_crl(ByteView der, x509::Certificate const& root) {
  ossl::QuietErrors const quiet;
  auto const* at = der.data();
  CrlPtr const crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (!crl || at != der.data() + der.size()) return unusable("it is damaged, or no list in DER");
  CHECK_OK(check_frame(crl.get(), root));
  constexpr std::size_t kTagDigits = 16;
  RootCrl list{.der = to_bytes(der), .tag = to_hex(sha256(der)).substr(0, kTagDigits)};
  TRY(list.number, number_of(crl.get()));
  TRY(list.this_update, time_of(X509_CRL_get0_lastUpdate(crl.get())));
  TRY(list.next_update, time_of(X509_CRL_get0_nextUpdate(crl.get())));
  auto* const entries = X509_CRL_get_REVOKED(crl.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    TRY(auto entry, entry_of(sk_X509_REVOKED_value(entries, i)));
    list.revoked.push_back(std::move(entry));
  }
  return list;
}

namespace {

Result<> check_lifetime(Seconds lifetime) {
  if (lifetime >= kRootCrlLifetimeMin && lifetime <= kRootCrlLifetimeMax) return {};
  return Error(Errc::usage, "a list of the root lives " + std::to_string(kRootCrlLifetimeMin / kDay) + " to " +
                                std::to_string(kRootCrlLifetimeMax / kDay) + " days");
}

Result<Time> begin_of(x509::Certificate const& root, std::optional<RootCrl> const& last, Time now) {
  if (now >= root.not_after() || now < root.not_before())
    return Error(Errc::settings, "the root is valid from " + to_rfc3339(root.not_before()) + " to " +
                                     to_rfc3339(root.not_after()) + ", and this machine's clock says " +
                                     to_rfc3339(now));
  auto const begin = std::max(now - limits::kIssuerBackdate, root.not_before());
  if (!last || last->this_update <= begin) return begin;
  // Two that are made one after the other, by a clock that was put right in between.
  if (last->this_update <= begin + kClockStepBack) return last->this_update;
  return Error(Errc::unavailable, "the last list of the root begins at " + to_rfc3339(last->this_update) +
                                      ", and this machine's clock says " + to_rfc3339(now) +
                                      ": set the clock, or wait until then");
}

std::uint64_t number_after(std::optional<RootCrl> const& last, Time now) {
  auto const of_time = static_cast<std::uint64_t>(std::max(0LL, to_unix(now)));
  return last ? std::max(last->number + 1, of_time) : of_time;
}

Bytes sign(CrlDraft const& draft, x509::Certificate const& root, x509::PrivateKey const& key) {
  auto const algorithm = signature_algorithm(root.key());
  Bytes octets(kCrlFrontRoom);
  octets.insert(octets.end(), draft.tbs().begin(), draft.tbs().end());
  return assemble_crl(std::move(octets), kCrlFrontRoom, algorithm, key.sign(algorithm.hash, draft.tbs()));
}

}  // namespace

Result<RootCrl> make_root_crl(x509::Certificate const& root, x509::PrivateKey const& key,
                              std::optional<RootCrl> const& last, std::vector<RootRevocation> const& more,
                              Seconds lifetime, Time now) {
  if (!(root.key() == key.public_key()))
    return Error(Errc::conflict, "this is not the key of the root certificate " + root.subject());
  CHECK_OK(check_lifetime(lifetime));
  if (last && last->number == std::numeric_limits<std::uint64_t>::max())
    return unusable("no number comes after its own");
  TRY(auto const begin, begin_of(root, last, now));
  CrlBuilder builder(root,
                     {.number = number_after(last, now),
                      .this_update = begin,
                      .next_update = std::min(now + lifetime, root.not_after())},
                     more.size() + (last ? last->revoked.size() : 0));
  if (last)
    for (auto const& each : last->revoked) builder.add(each);
  for (auto const& each : more) {
    if (last && last->find(each.serial_hex) != nullptr)
      return Error(Errc::already_revoked, "the list of " + root.subject() + " names " + each.serial_hex + " already");
    builder.add({.serial_hex = each.serial_hex, .not_after = {}, .revoked_at = begin, .reason = each.reason});
  }
  auto list = parse_root_crl(sign(std::move(builder).finish(), root, key), root);
  if (!list) bug("a list of the root does not read right after it was signed");
  return list;
}

}  // namespace lenscap::ca
