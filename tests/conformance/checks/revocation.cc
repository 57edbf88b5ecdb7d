// RFC 8555 section 7.6: revocation.
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

json::Object payload_for(x509::Certificate const& certificate, int reason = -1) {
  json::Object payload{{"certificate", to_base64url(certificate.der())}};
  if (reason >= 0) payload.set("reason", reason);
  return payload;
}

Answer revoke(Probe& p, Account const& account, x509::Certificate const& certificate, int reason = -1) {
  return p.post(account, p.url_of("revokeCert"), payload_for(certificate, reason));
}

Answer revoke_by_key(Probe& p, x509::PrivateKey const& key, x509::Certificate const& certificate) {
  return p.post_with_key(key, p.url_of("revokeCert"), payload_for(certificate));
}

void right_first(Probe& p) {
  p.url_of("revokeCert");
  auto const& leaf = p.issued().chain.front();
  p.expect_problem(revoke(p, p.stranger(), leaf), {401, 403}, {"unauthorized"},
                   "revocation by an account that has no right");
  p.expect_problem(revoke_by_key(p, new_key(), leaf), {401, 403}, {"unauthorized"},
                   "revocation by a key that is not the certificate's");
  auto& account = p.account();
  auto const url = p.url_of("revokeCert");
  auto jws = sign(new_key(), p.header(account, url), json::write(payload_for(leaf)));
  p.expect_problem(p.post(url, jws), {400, 401, 403}, {"malformed", "unauthorized"},
                   "revocation with a wrong signature");
  auto const owner = p.make_account();
  auto const fresh = p.issue(owner, {{"dns", p.fresh_name()}});
  p.expect_ok(revoke(p, owner, fresh.chain.front()), "the owner, after all these");
}

void who_may(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const first = p.issue(account, {{"dns", p.fresh_name()}});
  p.expect_ok(revoke(p, account, first.chain.front()), "the account that was issued the certificate");
  auto const second = p.issue(account, {{"dns", p.fresh_name()}});
  p.expect_ok(revoke_by_key(p, second.key, second.chain.front()), "the certificate's own key");
  // Another account that holds authorizations for all of its names, and one that holds them for some.
  auto const name = p.fresh_name();
  auto const other_name = p.fresh_name();
  auto const third = p.issue(account, {{"dns", name}, {"dns", other_name}});
  auto const other = p.make_account();
  p.ready_order(other, {{"dns", name}});
  p.expect_problem(revoke(p, other, third.chain.front()), {401, 403}, {"unauthorized"},
                   "an account with an authorization for one of two names");
  p.ready_order(other, {{"dns", other_name}});
  p.expect_ok(revoke(p, other, third.chain.front()), "an account with authorizations for all names");
}

void reasons(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  for (int const reason : {7, 42})
    p.expect_problem(revoke(p, account, issued.chain.front(), reason), {400, 403}, {"badRevocationReason"},
                     "the reason " + std::to_string(reason));
  p.expect_ok(revoke(p, account, issued.chain.front(), 1), "the reason 1, keyCompromise");
}

void outcome(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  auto const& leaf = issued.chain.front();
  auto const answer = revoke(p, account, leaf);
  p.expect(answer.status == 200, "revocation got " + std::to_string(answer.status));
  p.expect_problem(revoke(p, account, leaf), {400}, {"alreadyRevoked"}, "the same again");
  p.expect_problem(revoke(p, account, issued.chain.back()), {}, {},
                   "a certificate that is not of this CA's making for a client");
  p.expect_problem(p.post(account, p.url_of("revokeCert"), json::Object{{"certificate", "AAAA"}}), {}, {"malformed"},
                   "a certificate that is none");
  // A deactivated account's certificate can still be revoked by its key.
  auto const gone = p.make_account();
  auto const left = p.issue(gone, {{"dns", p.fresh_name()}});
  p.require_ok(p.post(gone, gone.url, json::Object{{"status", "deactivated"}}), "deactivation");
  p.expect_ok(revoke_by_key(p, left.key, left.chain.front()), "the key of a certificate whose account is deactivated");
}

// The CRL that the certificate points to; skips without one.
ossl::Ptr<X509_CRL, X509_CRL_free> fetch_crl(Probe& p, x509::Certificate const& leaf) {
  auto* points =
      static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(leaf.native(), NID_crl_distribution_points, nullptr, nullptr));
  if (points == nullptr) p.skip("certificates name no CRL");
  std::string url;
  for (int i = 0; i < sk_DIST_POINT_num(points); ++i) {
    auto const* name = sk_DIST_POINT_value(points, i)->distpoint;
    if (name == nullptr || name->type != 0) continue;
    for (int j = 0; j < sk_GENERAL_NAME_num(name->name.fullname); ++j) {
      auto const* general = sk_GENERAL_NAME_value(name->name.fullname, j);
      if (general->type == GEN_URI && url.empty())
        url.assign(reinterpret_cast<char const*>(ASN1_STRING_get0_data(general->d.uniformResourceIdentifier)),
                   static_cast<std::size_t>(ASN1_STRING_length(general->d.uniformResourceIdentifier)));
    }
  }
  CRL_DIST_POINTS_free(points);
  auto const answer = p.get(url);
  p.require(answer.status == 200, "the CRL at " + url + " got " + std::to_string(answer.status));
  auto const* in = reinterpret_cast<unsigned char const*>(answer.body.data());
  ossl::Ptr<X509_CRL, X509_CRL_free> crl(d2i_X509_CRL(nullptr, &in, static_cast<long>(answer.body.size())));
  p.require(crl != nullptr, "what is at " + url + " is no CRL in DER");
  return crl;
}

X509_REVOKED* entry_of(X509_CRL* crl, x509::Certificate const& leaf) {
  X509_REVOKED* entry = nullptr;
  X509_CRL_get0_by_serial(crl, &entry, X509_get_serialNumber(leaf.native()));
  return entry;
}

// A revocation shows within the time that the server states for itself, which no message tells: so long as one is ready
// to wait. Gives the last list.
ossl::Ptr<X509_CRL, X509_CRL_free> fetch_crl_until(Probe& p, x509::Certificate const& leaf,
                                                   std::function<bool(X509_CRL*)> const& done) {
  constexpr std::chrono::milliseconds kInterval{100};
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(p.site.options.patience_seconds);
  for (;;) {
    auto crl = fetch_crl(p, leaf);
    if (done(crl.get()) || std::chrono::steady_clock::now() >= end) return crl;
    std::this_thread::sleep_for(kInterval);
  }
}

ossl::Ptr<X509_CRL, X509_CRL_free> fetch_crl_with(Probe& p, x509::Certificate const& leaf) {
  return fetch_crl_until(p, leaf, [&](X509_CRL* crl) { return entry_of(crl, leaf) != nullptr; });
}

void in_the_crl(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  p.expect(entry_of(fetch_crl(p, issued.chain.front()).get(), issued.chain.front()) == nullptr,
           "a valid certificate is in the CRL");
  p.require_ok(revoke(p, account, issued.chain.front(), 4), "revocation");
  auto const crl = fetch_crl_with(p, issued.chain.front());
  auto* entry = entry_of(crl.get(), issued.chain.front());
  p.expect(entry != nullptr, "a revoked certificate is not in the CRL");
  p.expect(issued.chain.size() < 2 || X509_CRL_verify(crl.get(), issued.chain[1].key().native()) == 1,
           "the CRL is not signed by the issuer");
  if (entry == nullptr) return;
  auto* reason = static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr));
  p.expect(reason != nullptr && ASN1_ENUMERATED_get(reason) == 4,
           "the CRL has not the reason that was given (4, superseded)");
  ASN1_ENUMERATED_free(reason);
}

void no_reason(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  fetch_crl(p, issued.chain.front());
  p.require_ok(revoke(p, account, issued.chain.front()), "revocation without a reason");
  auto const crl = fetch_crl_with(p, issued.chain.front());
  auto* entry = entry_of(crl.get(), issued.chain.front());
  p.require(entry != nullptr, "a revoked certificate is not in the CRL");
  p.expect(X509_REVOKED_get_ext_by_NID(entry, NID_crl_reason, -1) < 0,
           "a revocation without reason has a reason code in the CRL");
}

void crl_numbers(Probe& p) {
  p.url_of("revokeCert");
  auto& account = p.account();
  auto const number = [&p](X509_CRL* crl) {
    auto* value = static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr));
    p.require(value != nullptr, "the CRL has no number");
    std::uint64_t out = 0;
    ASN1_INTEGER_get_uint64(&out, value);
    ASN1_INTEGER_free(value);
    return out;
  };
  auto const issued = p.issue(account, {{"dns", p.fresh_name()}});
  auto const& leaf = issued.chain.front();
  auto const before = number(fetch_crl(p, leaf).get());
  p.require_ok(revoke(p, account, issued.chain.front()), "revocation");
  p.expect(number(fetch_crl_with(p, leaf).get()) > before, "the CRL's number did not rise with a revocation");
}

constexpr Check kRevocationChecks[] = {
    {"8555-7.6-1", "a revocation's signature and right are checked first", right_first},
    {"8555-7.6-2", "the account, an account with all authorizations, or the certificate's key may revoke", who_may},
    {"8555-7.6-3", "no reason means no reason code", no_reason},
    {"8555-7.6-4", "a reason that is not taken is badRevocationReason", reasons},
    {"8555-7.6-5", "success is 200, the second time alreadyRevoked, a foreign certificate is refused", outcome},
    {"8555-7.6-6", "a revocation shows in the CRL, signed by the issuer", in_the_crl},
    {"5280-5.2.3-1", "CRL numbers rise", crl_numbers},
};

}  // namespace

std::span<Check const> revocation_checks() { return kRevocationChecks; }

}  // namespace lenscap::conformance
