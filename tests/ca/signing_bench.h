// A signer in memory with a ledger on disk, and a front end that asks it.
#pragma once

#include "ca/clock_mark.h"
#include "ca/issuer_process.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {

inline constexpr unsigned kCrlParts = 4;

// A signer of `ca`. A new one on the same ledger is a restart.
inline std::unique_ptr<IssuerProcess> open_signer(GeneratedCa const& ca, std::string const& ledger, Time now,
                                                  SigningCaps const& caps = {}, bool accept_clock = false,
                                                  MemoryKey** key = nullptr,
                                                  std::optional<FrontCertificate> front = {}) {
  auto holder = std::make_unique<MemoryKey>(ca.issuing_key);
  if (key != nullptr) *key = holder.get();
  auto const signer = std::make_shared<KeySigner>(std::move(holder));
  auto issuing =
      issuing_by(Issuer::make(ca.issuing, {ca.root}, std::shared_ptr<Signer>(signer), kHttpUrl + aia_path(ca.issuing),
                              {.base = kHttpUrl + crl_path(ca.issuing), .parts = kCrlParts})
                     .value(),
                 {profile("camera-https"), profile("server")});
  return IssuerProcess::make(std::move(issuing), {signer}, ledger, caps, accept_clock, now, std::move(front)).value();
}

// What a front end puts on record and asks for, built without any check.
struct Asked {
  CertificateWanted wanted;
  Bytes tbs;
};
inline Bytes build(GeneratedCa const& ca, Profile const& rules, IssueRequest const& request, Bytes const& serial,
                   Time now) {
  std::string const url = kHttpUrl + aia_path(ca.issuing);
  CrlPlaces const places{.base = kHttpUrl + crl_path(ca.issuing), .parts = kCrlParts};
  IssuerView const view(ca.issuing, url, std::max(ca.issuing.not_before(), ca.root.not_before()),
                        std::min(ca.issuing.not_after(), ca.root.not_after()), places.url_for(serial));
  return encode_tbs(build_template(rules, request, view, serial, now), signature_algorithm(ca.issuing.key()));
}
inline Asked ask(GeneratedCa const& ca, IssueRequest const& request, Time now) {
  auto const rules = profile(request.profile);
  auto const serial = new_serial(now);
  auto tbs = build(ca, rules, request, serial, now);
  auto const hash = sha256(tbs);
  return {{.id = 7,
           .issuer = ca.issuing.subject_key_id(),
           .request = request,
           .profile_hash = rules.hash(),
           .serial = serial,
           .prepared_at = now,
           .tbs_hash = hash},
          std::move(tbs)};
}

// A whole message with a list.
inline Bytes encode_crl_wanted(std::uint64_t id, ByteView issuer, ByteView tbs) {
  auto frame = encode_crl_front(id, issuer, tbs.size());
  frame.insert(frame.end(), tbs.begin(), tbs.end());
  return frame;
}

// A frame without its length.
inline Bytes message_of(Bytes const& frame) { return {frame.begin() + 4, frame.end()}; }

inline Answer answer(IssuerProcess& signer, Bytes const& frame, Time now) {
  auto const answers = signer.answer({message_of(frame)}, now);
  return decode_answer(message_of(answers.at(0))).value();
}
// Why not; empty when it was signed.
inline std::string refusal(Answer const& answer) {
  auto const* refused = std::get_if<Refused>(&answer);
  return refused == nullptr ? "" : refused->error.detail();
}

inline std::vector<SignedEntry> entries_of(std::string const& ledger) {
  std::vector<SignedEntry> entries;
  auto const read = visit_signing_ledger(ledger, [&](SignedEntry const& entry) { entries.push_back(entry); });
  if (!read) throw std::runtime_error(read.error().detail());
  return entries;
}

}  // namespace lenscap::ca::test
