#include "acme/server/ocsp_responder.h"

#include <algorithm>

#include "acme/server/records/meta.h"

namespace lenscap::acme {

struct OcspResponder::Signer {
  x509::Certificate certificate;
  x509::PrivateKey key;

  Time due() const { return certificate.not_before() + (certificate.not_after() - certificate.not_before()) / 2; }
};

std::string ocsp_signer_meta(std::string_view issuer_id) { return "ocsp_signer " + std::string(issuer_id); }

OcspResponder::OcspResponder(ca::Authority const& authority, store::Store& store, Db const& db, Seconds lifetime,
                             Clock const& clock, Log log)
    : store_(store),
      db_(db),
      lifetime_(lifetime),
      clock_(clock),
      log_(std::move(log)),
      authority_(authority),
      is_served_(!authority.issuer().ocsp_url().empty()) {
  for (auto const& issuer : authority.issuers())
    issuers_.push_back({.issuer = &issuer, .hashes = ca::OcspIssuer(issuer.issuer->certificate())});
}

// --- the signers ---

bool OcspResponder::is_due(Answering const& answering, Time now) const {
  if (answering.issuer->is_over(now)) return false;
  std::shared_ptr<Signer const> current;
  {
    std::lock_guard const lock(mutex_);
    current = answering.signer;
  }
  if (!current || now >= current->due()) return true;
  bool is_revoked = false;
  store_.read([&](store::ReadTxn& txn) {
    is_revoked = ca::find_revocation(txn, current->certificate.serial_hex()).has_value();
  });
  return is_revoked;
}

Result<> OcspResponder::renew(Answering& answering, Time now) {
  auto key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  ca::IssueRequest const request{std::string(ca::kOcspSignerProfile), key.public_key(), {}, {}};
  TRY(auto certificate, authority_.issue_by(*answering.issuer, request, "ocsp", now));
  auto next = std::make_shared<Signer const>(Signer{std::move(certificate), std::move(key)});
  store_.write([&](store::WriteTxn& txn) {
    save_meta(txn, ocsp_signer_meta(answering.issuer->id()), next->certificate.serial_hex());
    return true;
  });
  log_.info("ocsp.signer_made", {{"issuer", answering.issuer->rule.name},
                                 {"serial", next->certificate.serial_hex()},
                                 {"due", to_rfc3339(next->due())}});
  std::lock_guard const lock(mutex_);
  answering.signer = std::move(next);
  // The former one may have been revoked.
  young_.clear();
  old_.clear();
  return {};
}

void OcspResponder::renew_if_due() {
  if (!is_served_) return;
  auto const now = clock_.now();
  std::string why;
  try {
    for (auto& answering : issuers_) {
      if (!is_due(answering, now)) continue;
      auto const renewed = renew(answering, now);
      if (!renewed) why = renewed.error().detail();
    }
  } catch (store::Broken const& broken) {
    why = broken.what();
    db_.tell_broken(why);
  } catch (std::exception const& e) {
    why = e.what();
  }
  if (!why.empty()) log_.warning("ocsp.signer_not_made", {{"error", why}});
  std::lock_guard const lock(mutex_);
  failed_ = !why.empty();
}

OcspResponder::Signers OcspResponder::signers() const {
  std::lock_guard const lock(mutex_);
  Signers all;
  for (auto const& each : issuers_)
    if (each.signer) all[each.issuer->id()] = each.signer;
  return all;
}

void OcspResponder::take_over(Signers const& former) {
  std::lock_guard const lock(mutex_);
  for (auto& each : issuers_) {
    auto const found = former.find(each.issuer->id());
    if (is_served_ && found != former.end()) each.signer = found->second;
  }
}

void OcspResponder::start() {
  constexpr std::string_view kServed = "ocsp_served";
  bool was_served = false;
  store_.read([&](store::ReadTxn& txn) { was_served = load_meta(txn, kServed).has_value(); });
  if (is_served_ && !was_served)
    store_.write([&](store::WriteTxn& txn) {
      save_meta(txn, kServed, "1");
      return true;
    });
  if (!is_served_ && was_served)
    log_.warning("ocsp.no_longer_served", {{"why",
                                            "certificates of before name an OCSP responder that does not answer any "
                                            "more, and strict clients refuse them; see docs/revoke.md"}});
  renew_if_due();
}

std::shared_ptr<OcspResponder::Signer const> OcspResponder::signer(Answering const& answering, Time now) const {
  std::lock_guard const lock(mutex_);
  return answering.signer && now < answering.signer->certificate.not_after() ? answering.signer : nullptr;
}

OcspCondition OcspResponder::condition(Time now) const {
  if (!is_served_) return OcspCondition::none_served;
  auto const lacks_signer = [&](Answering const& each) { return !each.issuer->is_over(now) && !signer(each, now); };
  if (std::ranges::any_of(issuers_, lacks_signer)) return OcspCondition::no_signer;
  std::lock_guard const lock(mutex_);
  return failed_ ? OcspCondition::overdue : OcspCondition::good;
}

// --- what is kept ---

bool OcspResponder::may_sign(Effort effort, Time now) {
  auto const& limit = effort == Effort::for_many ? limits.signed_for_many : limits.signed_for_one;
  auto& use = effort == Effort::for_many ? signed_for_many_ : signed_for_one_;
  std::lock_guard const lock(mutex_);
  if (time_to_wait(limit, use, now) > Seconds(0)) return false;
  use = count_use(limit, use, now);
  return true;
}

std::shared_ptr<OcspReply const> OcspResponder::find_kept(std::string const& cert_id, ca::OcspStatus const& status,
                                                          Time now) {
  std::lock_guard const lock(mutex_);
  auto found = young_.find(cert_id);
  if (found == young_.end()) {
    found = old_.find(cert_id);
    if (found == old_.end()) return nullptr;
  }
  auto const& known = found->second;
  bool const is_fresh = known.reply->kept->made <= now && now < known.reply->kept->until;
  return is_fresh && known.status == status ? known.reply : nullptr;
}

void OcspResponder::keep(std::string cert_id, ca::OcspStatus const& status, std::shared_ptr<OcspReply const> reply) {
  std::lock_guard const lock(mutex_);
  if (young_.size() >= limits.kept) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(std::move(cert_id), Known{status, std::move(reply)});
}

// --- answers ---

namespace {

std::shared_ptr<OcspReply const> refuse(ca::OcspRefusal refusal) {
  return std::make_shared<OcspReply const>(OcspReply{ca::write_ocsp_refusal(refusal), std::nullopt});
}

}  // namespace

std::shared_ptr<OcspReply const> OcspResponder::sign(Signer const& signer, ca::OcspAnswers what) const {
  // An answer by a certificate that has ended is none.
  what.next_update = std::min(what.this_update + lifetime_, signer.certificate.not_after());
  OcspReply reply;
  reply.der = ca::sign_ocsp_answers(what, signer.certificate, signer.key);
  if (what.answers.size() == 1 && !what.nonce && what.answers.front().status.kind != ca::OcspStatus::Kind::unknown)
    reply.kept = {.made = what.this_update,
                  .until = what.this_update + (what.next_update - what.this_update) / 2,
                  .next_update = what.next_update,
                  .tag = "\"" + to_hex(sha256(reply.der)).substr(0, 32) + "\""};
  return std::make_shared<OcspReply const>(std::move(reply));
}

std::shared_ptr<OcspReply const> OcspResponder::answer_parsed(ca::OcspRequest const& request, Time now) {
  // One answer has one signer, of one issuer; what is another's is unknown to it.
  auto const knows_one = [&](Answering const& each) {
    return std::ranges::any_of(request.certificates, [&](ca::OcspCertId const& id) { return each.hashes.is_of(id); });
  };
  auto const answering = std::ranges::find_if(issuers_, knows_one);
  if (answering == issuers_.end()) return refuse(ca::OcspRefusal::unauthorized);
  auto const is_ours = [&](ca::OcspCertId const& id) { return answering->hashes.is_of(id); };
  auto const by = signer(*answering, now);
  if (!by) return refuse(ca::OcspRefusal::try_later);

  ca::OcspAnswers what{.answers = {}, .this_update = now, .next_update = {}, .nonce = {}};
  store_.read([&](store::ReadTxn& txn) {
    what.answers.clear();
    for (auto const& id : request.certificates)
      what.answers.push_back(
          {id.der, is_ours(id) ? ca::find_ocsp_status(txn, answering->issuer->id(), id.serial_hex) : ca::OcspStatus{}});
  });

  auto const& first = what.answers.front();
  bool const is_for_many = what.answers.size() == 1 && first.status.kind != ca::OcspStatus::Kind::unknown;
  bool const wants_own = request.nonce || !is_for_many;
  if (wants_own && may_sign(Effort::for_one, now)) {
    what.nonce = request.nonce;
    return sign(*by, std::move(what));
  }
  // Where there is too much to do for single clients, a nonce is passed over, as RFC 6960 4.4.1 and RFC 5019 4 allow.
  if (!is_for_many) return refuse(ca::OcspRefusal::try_later);
  std::string cert_id(as_text(first.cert_id));
  auto const status = first.status;
  if (auto kept = find_kept(cert_id, status, now)) return kept;
  if (!may_sign(Effort::for_many, now)) return refuse(ca::OcspRefusal::try_later);
  auto reply = sign(*by, std::move(what));
  keep(std::move(cert_id), status, reply);
  return reply;
}

std::shared_ptr<OcspReply const> OcspResponder::answer(ByteView octets) {
  auto const request = ca::parse_ocsp_request(octets);
  if (!request) return refuse(ca::OcspRefusal::malformed_request);
  try {
    return answer_parsed(*request, clock_.now());
  } catch (std::exception const& e) {
    log_.error("ocsp.not_answered", {{"error", e.what()}});
    return refuse(ca::OcspRefusal::internal_error);
  }
}

}  // namespace lenscap::acme
