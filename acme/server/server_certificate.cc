#include "acme/server/server_certificate.h"

#include "acme/server/records/meta.h"
#include "base/json.h"
#include "ca/gap.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kKept = "server_certificate";

Time due_of(x509::Certificate const& leaf) {
  return leaf.not_before() + (leaf.not_after() - leaf.not_before()) * 2 / 3;
}

}  // namespace

struct ServerCertificate::Identity {
  Chain chain;
  x509::PrivateKey key;
};

Result<x509::NameSet> ServerCertificate::names(Urls const& urls) {
  x509::NameSet names;
  if (urls.host_is_ip()) {
    TRY(auto address, x509::IpAddress::parse(urls.host()));
    names.ip.insert(std::move(address));
  } else {
    TRY(auto name, x509::DnsName::parse(urls.host()));
    names.dns.insert(std::move(name));
  }
  return names;
}

// --- a new one ---

// Empty when its issuer is none of ours.
ServerCertificate::Chain ServerCertificate::chain_of(x509::Certificate leaf) const {
  auto const* by = app_.authority->issuer_of(leaf);
  if (by == nullptr) return {};
  Chain chain{std::move(leaf), by->issuer->certificate()};
  auto const& above = by->issuer->above();
  chain.insert(chain.end(), above.begin(), above.end() - 1);  // whoever verifies has the root
  return chain;
}

Result<ServerCertificate::Identity> ServerCertificate::issue(Time now) const {
  auto key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const common_name = names_.dns.empty() ? std::string() : names_.dns.begin()->text();
  ca::IssueRequest const request{std::string(kProfile), key.public_key(), names_, common_name};
  TRY(auto leaf, app_.authority->issue_for_server(request, now));
  return Identity{chain_of(std::move(leaf)), std::move(key)};
}

Result<> ServerCertificate::renew(Time now) {
  TRY(auto identity, issue(now));
  CHECK_OK(front_.show(identity.chain, identity.key));
  take(identity.chain, due_of(identity.chain.front()));
  keep(identity);
  return {};
}

void ServerCertificate::take(Chain const& chain, Time due) {
  due_ = due;
  serial_hex_ = chain.front().serial_hex();
}

Result<bool> ServerCertificate::renew_if_due(Time now, bool is_revoked) {
  if (now < due_.load() && !is_revoked) return false;
  CHECK_OK(renew(now));
  return true;
}

// --- one of before ---

void ServerCertificate::keep(Identity const& identity) const {
  auto const note = json::write(
      json::Object{{"chain", x509::to_pem(identity.chain)}, {"key", app_.sealer.seal(identity.key.to_pem(), kKept)}});
  auto write = [&](store::WriteTxn& txn) -> Result<> {
    save_meta(txn, kKept, note);
    return {};
  };
  if (auto const kept = app_.db.write_blocking(write); !kept)
    app_.log.warning("server.certificate_not_kept", {{"error", kept.error().detail()}});
}

Result<ServerCertificate::Identity> ServerCertificate::find_kept() const {
  auto const note = app_.db.read_blocking([](store::ReadTxn& txn) { return load_meta(txn, kKept); });
  if (!note) return Error(Errc::not_found, "no certificate of before is kept");
  TRY(auto const object, json::parse_object(*note));
  TRY(auto const pem, json::need_string(object, "chain"));
  TRY(auto chain, x509::parse_pem_chain(pem));
  TRY(auto const sealed, json::need_string(object, "key"));
  TRY(auto const secret, app_.sealer.open(sealed, kKept));
  TRY(auto key, x509::PrivateKey::from_pem(as_text(secret.view()), SecretBytes()));
  return Identity{std::move(chain), std::move(key)};
}

// May it be shown, for want of another? Whatever its time: better than none.
bool ServerCertificate::is_ours(Chain const& chain) const {
  return !chain.empty() && chain.front().names() == names_ && chain == chain_of(chain.front());
}

// Would a new one differ in nothing but its key and its time?
bool ServerCertificate::is_as_a_new_one(Chain const& chain, Time now) const {
  if (!is_ours(chain) || now < chain.front().not_before() || now >= due_of(chain.front())) return false;
  auto const issuer = app_.authority->choose(kProfile, names_, now);
  if (!issuer || *issuer != app_.authority->issuer_of(chain.front())) return false;
  auto const serial = chain.front().serial_hex();
  auto const record = app_.db.read_blocking([&](store::ReadTxn& txn) { return ca::find_by_serial(txn, serial); });
  return record && !record->revocation &&
         record->profile_hash == to_hex(app_.authority->find_profile(kProfile)->hash());
}

// It is due at once, so that another is tried for.
Result<> ServerCertificate::go_on_with_kept(Time now) {
  if (is_ours(front_.shown())) {
    take(front_.shown(), now);
    return {};
  }
  // What is in a store that was restored may be shown by another machine.
  if (app_.db.read_blocking([](store::ReadTxn& txn) { return ca::find_gap(txn).has_value(); }))
    return Error(Errc::conflict, "nothing of before a restore is shown");
  TRY(auto const kept, find_kept());
  if (!is_ours(kept.chain)) return Error(Errc::not_found, "the one of before is none for this host");
  CHECK_OK(front_.show(kept.chain, kept.key));
  take(kept.chain, now);
  return {};
}

Result<> ServerCertificate::begin(Time now) {
  if (is_as_a_new_one(front_.shown(), now)) {
    take(front_.shown(), due_of(front_.shown().front()));
    return {};
  }
  auto renewed = renew(now);
  if (renewed) return {};
  auto const kept = go_on_with_kept(now);
  if (!kept) return std::move(renewed).error().with_context("the server's own certificate: ");
  app_.log.error("server.certificate_not_renewed",
                 {{"error", renewed.error().detail()}, {"ends", to_rfc3339(front_.shown().front().not_after())}});
  return {};
}

Result<std::unique_ptr<ServerCertificate>> ServerCertificate::make(App& app, Front& front, Time now) {
  TRY(auto own, names(app.settings.urls));
  std::unique_ptr<ServerCertificate> certificate(new ServerCertificate(app, std::move(own), front));
  CHECK_OK(certificate->begin(now));
  return certificate;
}

}  // namespace lenscap::acme
