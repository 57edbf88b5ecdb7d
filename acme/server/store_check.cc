#include "acme/server/store_check.h"

#include <algorithm>
#include <functional>
#include <set>

#include "acme/server/audit_key.h"
#include "acme/server/records.h"
#include "acme/server/records/fields.h"
#include "acme/server/urls.h"
#include "acme/wire/jwk.h"
#include "ca/audit_break.h"
#include "ca/ledger.h"
#include "ca/ledger_tables.h"

namespace lenscap::acme {
namespace {

using namespace records;
using ca::Findings;
using store::ReadTxn;
using store::Table;

constexpr char const* kRestore = "stop the service, keep a copy of the store, and restore a back-up";
constexpr char const* kLook =
    "stop the service, keep a copy of the store and of the log, and report it: this is a fault of lenscap";
constexpr char const* kRevoke = "revoke the certificate, keep a copy of the store and of the log, and report it";

std::string at(Table table, std::string_view key) { return std::string(table.name) + "/" + std::string(key); }

// What `load` gives; where the record cannot be read, that is a finding and there is nothing.
template <class Load>
auto try_load(Table table, std::string_view key, Findings const& report, Load const& load) -> decltype(load()) {
  try {
    return load();
  } catch (store::Broken const& broken) {
    report({at(table, key), broken.what(), kRestore});
    return {};
  }
}

// Every order, and every authorization that an order made.
void visit_orders(ReadTxn& txn, Findings const& report, std::function<void(Order const&)> const& visit) {
  txn.scan(kOrders, "", [&](std::string_view id, std::string_view) {
    if (!order_of(id).empty()) return true;
    auto const order = try_load(kOrders, id, report, [&] { return load_order(txn, id); });
    if (order) visit(*order);
    return true;
  });
}
Findings const kSilent = [](ca::Finding const&) {};  // where another check tells of it

std::optional<ca::CertificateRecord> find_record(ReadTxn& txn, std::string_view serial) {
  return try_load(ca::tables::kRecords, serial, kSilent, [&] { return ca::find_by_serial(txn, serial); });
}

// --- I3: what a client was told is there ---

void check_told(ReadTxn& txn, CheckedBy const&, Findings const& report) {
  ca::check_certificates(txn, report);
  visit_orders(txn, report, [&](Order const& order) {
    if (order.status != OrderStatus::valid) return;
    auto const record = find_record(txn, order.certificate);
    if (!record || record->status != ca::CertificateStatus::issued)
      report({at(kOrders, order.id), "the order is valid, and its certificate is not on record", kRestore});
  });
}

// --- I4: at most one certificate for each order ---

// How many numbers one pass keeps in memory: 8 MiB.
constexpr std::size_t kReferencesPerPass = 1'000'000;

// Certificates with one reference, without an index of references: their hashes are sorted, in as many passes as it
// takes to keep the memory small. Two references with one hash do not happen by chance. Each record is shown to
// `look_at` on the way.
void check_references(ReadTxn& txn, Findings const& report,
                      std::function<void(ca::CertificateRecord const&)> const& look_at) {
  auto const visit = [&](auto const& visitor) {
    txn.scan(ca::tables::kRecords, "", [&](std::string_view serial, std::string_view) {
      // The server's own certificates belong to no order and to no account.
      auto const record = find_record(txn, serial);
      if (record && !record->subscriber.empty()) visitor(*record);
      return true;
    });
  };
  std::size_t count = 0;
  txn.scan(ca::tables::kRecords, "", [&](std::string_view, std::string_view) { return ++count > 0; });
  std::hash<std::string> const hash;
  std::size_t const passes = count / kReferencesPerPass + 1;
  std::set<std::size_t> twice;
  for (std::size_t pass = 0; pass < passes; ++pass) {
    std::vector<std::size_t> hashes;
    hashes.reserve(std::min(count, kReferencesPerPass));
    visit([&](ca::CertificateRecord const& record) {
      if (pass == 0) look_at(record);
      if (auto const one = hash(record.reference); one % passes == pass) hashes.push_back(one);
    });
    std::ranges::sort(hashes);
    for (std::size_t i = 1; i < hashes.size(); ++i)
      if (hashes[i] == hashes[i - 1]) twice.insert(hashes[i]);
  }
  if (twice.empty()) return;
  visit([&](ca::CertificateRecord const& record) {
    if (twice.contains(hash(record.reference)))
      report({at(ca::tables::kRecords, record.serial_hex),
              "the order " + record.reference + " has more than one certificate", kRevoke});
  });
}

void check_one_certificate(ReadTxn& txn, CheckedBy const&, Findings const& report) {
  check_references(txn, report, [&](ca::CertificateRecord const& record) {
    auto const order = try_load(kOrders, record.reference, kSilent, [&] { return load_order(txn, record.reference); });
    if (!order) return;  // orders go when they have been kept long enough
    if (order->status != OrderStatus::valid || order->certificate != record.serial_hex)
      report({at(ca::tables::kRecords, record.serial_hex), "its order " + order->id + " does not name it", kRevoke});
  });
  std::set<std::string> claimed;  // being signed, and what a crash has left: never many
  txn.scan(ca::tables::kIntents, "", [&](std::string_view serial, std::string_view) {
    auto const record = find_record(txn, serial);
    if (record && !record->given_up_at) claimed.insert(record->reference);
    return true;
  });
  visit_orders(txn, kSilent, [&](Order const& order) {
    if (order.status == OrderStatus::processing && !claimed.contains(order.id))
      report({at(kOrders, order.id), "the order is being issued, and there is no open intent for it", kLook});
  });
}

// --- I5: names are those of the order, and were authorized ---

// What was valid when the certificate was made may be past, withdrawn or removed now; it was never pending or failed.
bool may_have_been_valid(AuthorizationStatus status) {
  return status != AuthorizationStatus::pending && status != AuthorizationStatus::invalid;
}

void check_authorizations_of(ReadTxn& txn, Order const& order, Time used_at, Findings const& report) {
  auto const say = [&](std::string const& id, std::string_view what) {
    report({at(kOrders, order.id), "its authorization " + id + " " + std::string(what), kRevoke});
  };
  for (std::size_t i = 0; i < order.authorizations.size(); ++i) {
    auto const& id = order.authorizations[i];
    auto const authorization = try_load(kOrders, id, report, [&] { return load_authorization(txn, id); });
    if (!authorization) continue;  // they go when they have ended
    if (authorization->account_id != order.account_id) say(id, "is another account's");
    if (i >= order.identifiers.size() || ordered_identifier(*authorization) != order.identifiers[i])
      say(id, "is for another name");
    if (!may_have_been_valid(authorization->status)) say(id, "was never valid");
    if (used_at >= authorization->expires) say(id, "had expired");
  }
}

void check_names(ReadTxn& txn, CheckedBy const&, Findings const& report) {
  visit_orders(txn, report, [&](Order const& order) {
    if (order.status == OrderStatus::pending || order.status == OrderStatus::invalid) return;
    if (order.authorizations.size() != order.identifiers.size())
      report({at(kOrders, order.id), "it has not one authorization for each name", kRevoke});
    auto const record = order.status == OrderStatus::valid ? find_record(txn, order.certificate)
                                                           : std::optional<ca::CertificateRecord>();
    // A ready order's authorizations are looked at again when it is finalized: only what was used must have been good.
    if (record || order.status == OrderStatus::ready)
      check_authorizations_of(txn, order, record ? record->recorded_at : order.created, report);
    if (!record) return;
    if (to_identifiers(record->names).size() != order.identifiers.size() ||
        !std::ranges::all_of(to_identifiers(record->names), [&](Identifier const& name) {
          return std::ranges::find(order.identifiers, name) != order.identifiers.end();
        }))
      report({at(kOrders, order.id), "the names of its certificate are not those of the order", kRevoke});
    if (record->subscriber != order.account_id)
      report({at(kOrders, order.id), "its certificate is another account's", kRevoke});
    if (record->reference != order.id)
      report({at(kOrders, order.id), "its certificate was made for another order", kRevoke});
  });
}

// --- I6: indexes ---

std::string_view before_slash(std::string_view key) { return key.substr(0, key.find('/')); }

void check_account_indexes(ReadTxn& txn, Findings const& report) {
  txn.scan(kAccounts, "", [&](std::string_view id, std::string_view) {
    auto const account = try_load(kAccounts, id, report, [&] { return load_account(txn, id); });
    if (!account) return true;
    if (txn.get(kAccountKeys, thumbprint(account->key)) != id)
      report({at(kAccounts, id), "the account's key leads to another account or to none", kLook});
    if (!account->eab_kid.empty() && !txn.get(kEabAccounts, joined(account->eab_kid, id)))
      report({at(kAccounts, id), "the account is not among those of its EAB key", kLook});
    return true;
  });
  txn.scan(kAccountKeys, "", [&](std::string_view key, std::string_view id) {
    auto const account = try_load(kAccounts, id, kSilent, [&] { return load_account(txn, id); });
    if (!account || thumbprint(account->key) != key)
      report({at(kAccountKeys, key), "the key leads to an account that has another", kLook});
    return true;
  });
}

void check_eab_indexes(ReadTxn& txn, Findings const& report) {
  txn.scan(kEabKeys, "", [&](std::string_view kid, std::string_view) {
    auto const eab = try_load(kEabKeys, kid, report, [&] { return load_eab(txn, kid); });
    if (!eab) return true;
    std::size_t bound = 0;
    store::scan_prefix(txn, kEabAccounts, joined(kid, ""), [&](std::string_view, std::string_view) { return ++bound; });
    if (bound != eab->key.accounts)
      report({at(kEabKeys, kid),
              "the key has bound " + std::to_string(bound) + " accounts, and says " + std::to_string(eab->key.accounts),
              kLook});
    return true;
  });
  txn.scan(kEabAccounts, "", [&](std::string_view key, std::string_view) {
    auto const id = after_slash(key);
    auto const account = try_load(kAccounts, id, kSilent, [&] { return load_account(txn, id); });
    if (!account || account->eab_kid != before_slash(key) || !txn.get(kEabKeys, before_slash(key)))
      report({at(kEabAccounts, key), "the key or the account is not there, or they do not belong together", kLook});
    return true;
  });
}

void check_open_count(ReadTxn& txn, std::string const& account, std::size_t open, Findings const& report) {
  if (account.empty() || count_open_orders(txn, account) == open) return;
  report({at(kOpenOrders, account),
          "the account has " + std::to_string(open) + " open orders, and " +
              std::to_string(count_open_orders(txn, account)) + " are counted",
          kLook});
}

void check_order_indexes(ReadTxn& txn, Findings const& report) {
  visit_orders(txn, kSilent, [&](Order const& order) {
    if (!txn.get(kAccountOrders, joined(order.account_id, order.id)))
      report({at(kOrders, order.id), "the order is not among those of its account", kLook});
    if (!txn.get(kAccounts, order.account_id))
      report({at(kOrders, order.id), "the order's account is not there", kLook});
  });
  std::string account;  // of which the open orders are being counted: its rows lie together
  std::size_t open = 0;
  txn.scan(kAccountOrders, "", [&](std::string_view key, std::string_view) {
    if (account != before_slash(key)) {
      check_open_count(txn, account, open, report);
      account = before_slash(key);
      open = 0;
    }
    auto const id = after_slash(key);
    auto const order = try_load(kOrders, id, kSilent, [&] { return load_order(txn, id); });
    if (!order || order->account_id != account)
      report({at(kAccountOrders, key), "the order is not there, or another account's", kLook});
    open += order && !is_final(order->status) ? 1 : 0;
    return true;
  });
  check_open_count(txn, account, open, report);
  txn.scan(kOpenOrders, "", [&](std::string_view id, std::string_view) {
    if (!has_orders(txn, id)) report({at(kOpenOrders, id), "open orders are counted, and there is none", kLook});
    return true;
  });
  txn.scan(kReplacements, "", [&](std::string_view key, std::string_view id) {
    auto const order = try_load(kOrders, id, kSilent, [&] { return load_order(txn, id); });
    if (!order || order->replaces != key)
      report({at(kReplacements, key), "the order is not there, or replaces another certificate", kLook});
    return true;
  });
}

void check_authorization_indexes(ReadTxn& txn, Findings const& report) {
  txn.scan(kOrders, "", [&](std::string_view id, std::string_view) {
    if (!order_of(id).empty() && !txn.get(kOrders, order_of(id)))
      report({at(kOrders, id), "an authorization without the order that made it", kLook});
    return true;
  });
  txn.scan(kAuthorizations, "", [&](std::string_view id, std::string_view) {
    auto const found = try_load(kAuthorizations, id, report, [&] { return load_authorization(txn, id); });
    if (found && found->status == AuthorizationStatus::pending &&
        !txn.get(kPreAuthorizations, joined(found->account_id, id)))
      report({at(kAuthorizations, id), "the authorization is not among those that wait", kLook});
    return true;
  });
  txn.scan(kPreAuthorizations, "", [&](std::string_view key, std::string_view) {
    auto const id = after_slash(key);
    auto const found = try_load(kAuthorizations, id, kSilent, [&] { return load_authorization(txn, id); });
    if (!found || found->account_id != before_slash(key) || found->status != AuthorizationStatus::pending)
      report({at(kPreAuthorizations, key), "the authorization is not there, or does not wait", kLook});
    return true;
  });
  txn.scan(kReusable, "", [&](std::string_view key, std::string_view id) {
    auto const found = try_load(kAuthorizations, id, kSilent, [&] { return load_authorization(txn, id); });
    if (!found || key != joined(found->account_id, tagged(ordered_identifier(*found))) ||
        !may_have_been_valid(found->status))
      report({at(kReusable, key), "the authorization is not there, for another name, or was never valid", kLook});
    return true;
  });
}

// Rows of what is due stand aside: one that is missing keeps its object too long, and breaks nothing.
void check_indexes(ReadTxn& txn, CheckedBy const&, Findings const& report) {
  ca::check_ledger_indexes(txn, report);
  check_account_indexes(txn, report);
  check_eab_indexes(txn, report);
  check_order_indexes(txn, report);
  check_authorization_indexes(txn, report);
}

// --- the table ---

void check_intents(ReadTxn& txn, CheckedBy const& by, Findings const& report) {
  ca::check_intents(txn, by.issuers, report);
}
void check_serials(ReadTxn& txn, CheckedBy const&, Findings const& report) { ca::check_serials(txn, report); }
void check_revocations(ReadTxn& txn, CheckedBy const& by, Findings const& report) {
  ca::check_revocations(txn, by.crl_plan, by.now, report);
  if (by.revokes_possibly_issued) ca::check_given_up(txn, by.now, report);
}

void check_audit(ReadTxn& txn, CheckedBy const&, Findings const& report) {
  if (auto const verdict = ca::verify_audit_trail(txn, find_audit_key(txn)); !verdict.fault.empty())
    report({"ca_audit", verdict.fault,
            "lenscap-ca audit verify --head FILE, with a head that was kept elsewhere; then find who could write the "
            "store"});
}

constexpr Invariant kInvariants[] = {
    {"I1", "every signature has an intent that was on record before", check_intents},
    {"I2", "no serial number is used twice", check_serials},
    {"I3", "what a client was told is there", check_told},
    {"I4", "an order has at most one certificate", check_one_certificate},
    {"I5", "a certificate's names are those of its order, and were authorized to its account", check_names},
    {"I6", "every index agrees with the records", check_indexes},
    {"I7", "the audit trail is as it was written", check_audit},
    {"I8", "what is revoked, or was possibly issued, and has not ended is in a list in time", check_revocations},
};

}  // namespace

std::span<Invariant const> invariants() { return kInvariants; }

std::vector<Checked> check_store(ReadTxn& txn, CheckedBy const& by, std::size_t kept) {
  std::vector<Checked> all;
  for (auto const& invariant : kInvariants) {
    auto& checked = all.emplace_back(Checked{.invariant = &invariant});
    auto const report = [&](ca::Finding finding) {
      if (checked.count++ < kept) checked.first.push_back(std::move(finding));
    };
    try {
      invariant.check(txn, by, report);
    } catch (store::Broken const& broken) {
      report({"the store", broken.what(), kRestore});
    }
  }
  return all;
}

}  // namespace lenscap::acme
