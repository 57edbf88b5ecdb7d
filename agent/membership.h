// What this agent is at its ACME server: the account, and the two kinds of trust, which are apart from each other: the
// roots of the server's own TLS certificate, and the roots under which devices' certificates must chain.
#pragma once

#include "acme/wire/join.h"
#include "agent/client/acme_client.h"
#include "base/seal.h"
#include "store/store.h"

namespace lenscap::agent {

struct Membership {
  std::string directory_url;
  std::string account_url;  // empty while joining: the key exists, the server has not answered yet
  x509::PrivateKey account_key;
  std::vector<x509::Certificate> server_roots;
  std::vector<x509::Certificate> device_roots;

  AcmeServer server() const { return {directory_url, server_roots}; }
};

// Nothing when this agent never joined. Errc::wrong_passphrase, or malformed for a damaged record.
Result<std::optional<Membership>> load_membership(store::ReadTxn& txn, Sealer const& sealer);
void save_membership(store::WriteTxn& txn, Sealer const& sealer, Membership const& membership);

// What it was at the server before, as long as a device has a certificate of that one: for its roots.
Result<std::optional<Membership>> load_former_membership(store::ReadTxn& txn, Sealer const& sealer);
// Forgets it once no device is to be moved any more. True when it did.
bool forget_former_if_moved(store::WriteTxn& txn);

enum class JoinMode {
  first,
  // Leave the server that we are at: in one transaction with the new account, what we were there becomes the former
  // membership, and every device that has a certificate is to be moved (Device::moves_from). Each then gets one of the
  // new server by the ordinary plan, with its way back.
  replace,
};

// Fetches the root and compares its hash with the one in the join string, makes an account key, binds it with the EAB
// credentials, and keeps the result. After a crash the same join string may be used again: the key was kept before it
// was bound. Errc::conflict when this agent has an account already (JoinMode::replace:
// at this very server, while devices are still being moved from another one, or while a device is being changed); tls
// when the root is not the one of the join string (nothing but the request for it was sent then); unreachable; and the
// server's own refusals.
net::Awaitable<Result<Membership>> join(store::Store& store, Sealer const& sealer, Fetch fetch, acme::JoinString word,
                                        JoinMode mode = JoinMode::first);

}  // namespace lenscap::agent
