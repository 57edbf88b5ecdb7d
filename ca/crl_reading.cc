#include "ca/crl_reading.h"

#include <algorithm>

#include "ca/issuer_messages.h"

namespace lenscap::ca {

Result<KnownIssuer const*> need_issuer(Issuing const& issuing, ByteView key_id) {
  if (auto const* found = issuing.find(key_id)) return found;
  return Error(Errc::internal, "the signer has no issuer " + to_hex(key_id) + "; start the service anew");
}

CrlReading::CrlReading(Issuing const& issuing, ByteView begin)
    : id_(message_id(begin)), so_far_(open(issuing, begin)) {}

Result<> CrlReading::open(Issuing const& issuing, ByteView begin) {
  TRY(auto const wanted, decode_wanted(begin));
  auto const* list = std::get_if<CrlWanted>(&wanted);
  if (list == nullptr) bug("a message of another kind read as a list");
  TRY(auto const* known, need_issuer(issuing, list->issuer));
  auto const& issuer = *known->issuer;
  auto const hash = issuer.algorithm().hash;
  work_.emplace(
      Work{known, CrlJudge(issuer.certificate(), issuer.crl_places()), RunningDigest(HashAlgorithm::sha256), {}});
  if (hash != HashAlgorithm::sha256) work_->other.emplace(hash);
  return take(list->tbs);
}

Result<> CrlReading::take(ByteView octets) {
  CHECK_OK(work_->judge.add(octets));
  work_->sha256.add(octets);
  if (work_->other) work_->other->add(octets);
  return {};
}

void CrlReading::add(ByteView octets) {
  if (so_far_) so_far_ = take(octets);
}

Result<CrlReading::Read> CrlReading::finish(Time now) && {
  CHECK_OK(std::move(so_far_));
  TRY(auto seen, std::move(work_->judge).finish(now));
  Read read{.issuer = work_->issuer, .seen = std::move(seen), .digest = std::move(work_->sha256).finish()};
  std::ranges::copy(read.digest, read.hash.begin());
  if (work_->other) read.digest = std::move(*work_->other).finish();
  return read;
}

}  // namespace lenscap::ca
