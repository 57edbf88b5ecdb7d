#include "agent/membership.h"

#include <fmt/format.h>

#include "agent/journal_record.h"
#include "agent/plan.h"

namespace lenscap::agent {
namespace {

constexpr store::Table kMembership{"membership"};
constexpr std::string_view kKey = "1";
constexpr std::string_view kFormer = "former";
constexpr std::string_view kNext = "next";  // while it joins in the place of kKey: its key, and no account yet
constexpr std::string_view kAccountKeyContext = "membership/account_key";

Result<Membership> from_record(std::string const& record, Sealer const& sealer) {
  TRY(auto object, json::parse_object(record, {.bytes = store::kValueBytesMax}));
  TRY(auto directory, json::need_string(object, "directory"));
  TRY(auto account, json::need_string(object, "account"));
  TRY(auto sealed, json::need_string(object, "account_key"));
  TRY(auto pem, sealer.open(sealed, kAccountKeyContext));
  TRY(auto key, x509::PrivateKey::from_pem(pem.text(), SecretBytes()));
  TRY(auto server_pem, json::need_string(object, "server_roots"));
  TRY(auto device_pem, json::need_string(object, "device_roots"));
  TRY(auto server_roots, x509::parse_pem_chain(server_pem));
  TRY(auto device_roots, x509::parse_pem_chain(device_pem));
  return Membership{std::move(directory), std::move(account), std::move(key), std::move(server_roots),
                    std::move(device_roots)};
}

// The root as PEM or DER, whose hash is the authority; the transport need not be.
net::Awaitable<Result<x509::Certificate>> fetch_root(Fetch const& fetch, std::string url, Sha256 expected) {
  net::ClientRequest request;
  request.url = std::move(url);
  request.trust = net::Trust::anybody();
  request.body_bytes_max = 64 * 1024;
  CO_TRY(auto response, co_await fetch(std::move(request)));
  if (response.status != 200) {
    co_return Error(Errc::unreachable,
                    fmt::format("the server answered {} when asked for its root certificate; is the join string of "
                                "this server, and was the root replaced since?",
                                response.status));
  }
  auto root = response.body.starts_with("-----BEGIN") ? x509::Certificate::from_pem(response.body)
                                                      : x509::Certificate::from_der(as_bytes(response.body));
  if (!root.ok()) co_return std::move(root).error().with_context("the server's root certificate: ");
  if (root->fingerprint() != expected) {
    co_return Error(
        Errc::tls,
        fmt::format("the root certificate that was served has SHA-256 {}, the join string says {}; somebody may be "
                    "between this agent and its server. Nothing was sent",
                    to_hex(root->fingerprint()), to_hex(expected)));
  }
  co_return root;
}

}  // namespace

namespace {

Result<std::optional<Membership>> load(store::ReadTxn& txn, Sealer const& sealer, std::string_view which) {
  auto const record = txn.get(kMembership, which);
  if (!record) return std::optional<Membership>();
  auto membership = from_record(*record, sealer);
  if (!membership.ok()) return std::move(membership).error().with_context("what this agent knows of its ACME server: ");
  return std::optional<Membership>(*std::move(membership));
}

void save(store::WriteTxn& txn, Sealer const& sealer, Membership const& membership, std::string_view which) {
  json::Object const record{
      {"v", 1},
      {"directory", membership.directory_url},
      {"account", membership.account_url},
      {"account_key", sealer.seal(membership.account_key.to_pem(), kAccountKeyContext)},
      {"server_roots", x509::to_pem(membership.server_roots)},
      {"device_roots", x509::to_pem(membership.device_roots)},
  };
  txn.put(kMembership, which, json::write(record));
}

}  // namespace

Result<std::optional<Membership>> load_membership(store::ReadTxn& txn, Sealer const& sealer) {
  return load(txn, sealer, kKey);
}
Result<std::optional<Membership>> load_former_membership(store::ReadTxn& txn, Sealer const& sealer) {
  return load(txn, sealer, kFormer);
}
void save_membership(store::WriteTxn& txn, Sealer const& sealer, Membership const& membership) {
  save(txn, sealer, membership, kKey);
}

bool forget_former_if_moved(store::WriteTxn& txn) {
  if (!txn.get(kMembership, kFormer) || is_any_to_move(txn)) return false;
  txn.erase(kMembership, kFormer);
  return true;
}

namespace {

Result<> check_may_replace(store::ReadTxn& txn, Membership const& before, std::string const& directory) {
  if (before.directory_url == directory)
    return Error(Errc::conflict, "this agent belongs to " + directory + " already: there is nothing to replace");
  if (txn.get(kMembership, kFormer))
    return Error(Errc::conflict,
                 "cameras are still to be moved to " + before.directory_url +
                     "; let that come to an end first: lenscap-agent enroll --all, and lenscap-agent status");
  for (Device const& device : all_devices(txn)) {
    auto const journal = load_journal(txn, device.serial);
    if (journal && next_step(*journal))
      return Error(Errc::conflict, device.serial +
                                       " is in the middle of a change; let it come to an end first: lenscap-agent "
                                       "enroll " +
                                       device.serial);
  }
  return {};
}

// The new account takes the place of the old one, and every certificate of the old CA is to be replaced.
void move_over(store::WriteTxn& txn, Sealer const& sealer, Membership const& before, Membership const& next) {
  save(txn, sealer, before, kFormer);
  save(txn, sealer, next, kKey);
  txn.erase(kMembership, kNext);
  for (Device device : all_devices(txn)) {
    if (!device.live) continue;
    // One that never got away from an earlier CA is still that one's; or it is back there, and with it where it was.
    if (device.moves_from.empty())
      device.moves_from = before.directory_url;
    else if (device.moves_from == next.directory_url)
      device.moves_from.clear();
    device.wrong_certificates = 0;  // they were of the other CA
    save_device(txn, device);
  }
  forget_former_if_moved(txn);  // where there is no device to move
}

}  // namespace

net::Awaitable<Result<Membership>> join(store::Store& store, Sealer const& sealer, Fetch fetch, acme::JoinString word,
                                        JoinMode mode) {
  Result<std::optional<Membership>> loaded = std::optional<Membership>();
  store.read([&](store::ReadTxn& txn) { loaded = load_membership(txn, sealer); });
  CO_TRY(auto before, std::move(loaded));
  bool const is_member = before && !before->account_url.empty();
  if (is_member && mode == JoinMode::first) {
    co_return Error(Errc::conflict,
                    fmt::format("this agent belongs to {} already; give another --state for a second server, or "
                                "--replace to leave it and move the cameras over",
                                before->directory_url));
  }
  auto const place = is_member ? kNext : kKey;
  Result<std::optional<Membership>> begun = std::optional<Membership>();
  Result<> fine;
  store.read([&](store::ReadTxn& txn) {
    begun = load(txn, sealer, place);
    fine = is_member ? check_may_replace(txn, *before, word.directory) : Result<>();
  });
  CO_CHECK_OK(std::move(fine));
  CO_TRY(auto attempt, std::move(begun));
  CO_TRY(auto root, co_await fetch_root(fetch, word.root_url, word.root_sha256));

  // The key is kept before it is bound, so that a crash between the two cannot lose the account. What an earlier
  // attempt left behind is this server's key, or another server's that never came to anything.
  bool const again = attempt && attempt->directory_url == word.directory;
  auto key = again ? std::move(attempt->account_key) : x509::PrivateKey::generate(x509::KeyType::ec_p256);
  Membership membership{word.directory, "", std::move(key), {root}, {root}};
  store.write([&](store::WriteTxn& txn) { return save(txn, sealer, membership, place), true; });

  AcmeClient client(fetch, membership.server(), membership.account_key, "");
  CO_TRY(auto account, co_await client.new_account(word.eab_kid, word.eab_mac_key.clone()));
  membership.account_url = account.url;
  store.write([&](store::WriteTxn& txn) {
    if (is_member)
      move_over(txn, sealer, *before, membership);
    else
      save_membership(txn, sealer, membership);
    return true;
  });
  co_return membership;
}

}  // namespace lenscap::agent
