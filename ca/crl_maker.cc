#include "ca/crl_maker.h"

#include <charconv>
#include <set>

#include "ca/clock_mark.h"
#include "ca/crl.h"
#include "ca/ledger_visits.h"

namespace lenscap::ca {
namespace {

// Serials are random, so the parts are about equal; more entries than expected cost time, not the list.
std::size_t expected_entries(CrlState const& state, unsigned parts) {
  if (parts == 1) return state.revocations;
  constexpr std::size_t kUneven = 64;
  auto const even = state.revocations / parts;
  return even + even / 8 + kUneven;
}

Result<std::vector<CrlBegin>> begin_crls(store::Store& store, std::string_view issuer, unsigned parts,
                                         CrlPlan const& plan, Time now) {
  std::vector<CrlBegin> begun;
  Result<> clock;
  store.write([&](store::WriteTxn& txn) {
    begun.clear();
    clock = check_clock(clock_mark(txn), now);
    if (!clock.ok()) return false;
    lift_clock_mark(txn, now);  // a list bears its time, as an intent does, and the signer remembers both
    for (unsigned part = 0; part < parts; ++part)
      begun.push_back(begin_crl(txn, plan, issuer, crl_scope(parts, part), now));
    return true;
  });
  if (!clock.ok()) return std::move(clock).error();
  return begun;
}

unsigned part_of(RevokedCertificate const& revoked, unsigned parts) {
  if (parts == 1) return 0;
  auto const serial = from_hex(revoked.serial_hex);
  if (!serial.ok()) bug("a serial that is not hex");
  return crl_part_of(*serial, parts);
}

}  // namespace

// The signature stands at the end, and is of every octet of the list.
std::string crl_tag(ByteView der) {
  constexpr std::size_t kOfSignature = 48;
  constexpr std::size_t kDigits = 16;
  return to_hex(sha256(der.last(std::min(der.size(), kOfSignature)))).substr(0, kDigits);
}

Result<std::vector<SignedCrl>> make_crls(store::Store& store, Issuer const& issuer, unsigned parts, CrlPlan const& plan,
                                         Time now) {
  auto const& certificate = issuer.certificate();
  if (now >= certificate.not_after())
    return Error(Errc::unavailable, "the issuing certificate ended at " + to_rfc3339(certificate.not_after()));
  auto const key_id = to_hex(certificate.subject_key_id());
  TRY(auto const begun, begin_crls(store, key_id, parts, plan, now));

  std::vector<CrlBuilder> builders;
  Time ends_from = begun.front().ends_from;
  for (unsigned part = 0; part < parts; ++part) {
    auto const& [state, from] = begun[part];
    ends_from = std::min(ends_from, from);
    CrlHeading heading{.number = state.number,
                       .this_update = state.this_update,
                       .next_update = state.next_update,
                       .part_url = parts == 1 ? "" : issuer.crl_places().url(crl_scope(parts, part))};
    builders.emplace_back(certificate, std::move(heading), expected_entries(state, parts));
  }
  std::vector<std::size_t> entries(parts);
  store.read([&](store::ReadTxn& txn) {
    auto const this_update = begun.front().state.this_update;
    visit_revoked(txn, key_id, ends_from, [&](RevokedCertificate const& revoked) {
      auto const part = part_of(revoked, parts);
      ++entries[part];
      auto& builder = builders[part];
      if (revoked.revoked_at <= this_update) return builder.add(revoked), true;
      // By a clock that ran ahead: no list has entries of a time after its own, and the signer would refuse it.
      auto of_now = revoked;
      of_now.revoked_at = this_update;
      builder.add(of_now);
      return true;
    });
  });

  std::vector<SignedCrl> lists;
  for (unsigned part = 0; part < parts; ++part) {
    TRY(auto der, issuer.sign_crl(std::move(builders[part]).finish()));
    auto tag = crl_tag(der);
    lists.push_back({crl_scope(parts, part), begun[part].state, std::move(der), entries[part], std::move(tag)});
  }
  store.write([&](store::WriteTxn& txn) {
    for (auto const& list : lists)
      record_signed_crl(txn, key_id, list.scope, SignedCrlState{list.state, list.entries, list.tag});
    return true;
  });
  return lists;
}

std::vector<unsigned> crl_divisions(store::ReadTxn& txn, std::string_view issuer) {
  std::set<unsigned> found;
  visit_crl_scopes(txn, issuer, [&](std::string_view scope) {
    unsigned parts = scope.empty() ? 1 : 0;
    std::from_chars(scope.data(), scope.data() + scope.size(), parts);
    if (parts >= 1 && parts <= kCrlPartsMax) found.insert(parts);
  });
  return {found.begin(), found.end()};
}

}  // namespace lenscap::ca
