// Every way to break an invariant of a store, one at a time: the judge must name that invariant, and no other than
// those that the same harm breaks too. The store that is broken was made by the server itself, with something of
// everything in it, and was good before.
#include "acme/server/store_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "acme/server/operations.h"
#include "acme/server/records.h"
#include "acme/server/records/fields.h"
#include "acme/server/recovery.h"
#include "acme/wire/renewal_info.h"
#include "ca/crl_maker.h"
#include "ca/ledger_tables.h"
#include "ca/ledger_visits.h"
#include "store/backends.h"
#include "store/copy.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/fakes/failing_store.h"

namespace lenscap::acme::test {
namespace {

using namespace ca::tables;
using namespace records;
using store::Table;
using store::WriteTxn;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// --- a store with something of everything ---

struct GoodStore {
  std::string text;  // as store/copy.h writes it
  std::string valid_order, ready_order, processing_order, pending_order;
  std::string serial, revoked_serial, intent;
  std::string account, other_account, pre_authorization;
  std::optional<x509::Certificate> issuing;
};

std::string id_in(std::string const& url) { return url.substr(url.rfind('/') + 1); }

std::string serial_of(TestServer& server, std::string const& order) {
  std::string serial;
  server.app->store->read([&](store::ReadTxn& txn) { serial = load_order(txn, order).value().certificate; });
  return serial;
}

std::string new_order(Client& client, std::string const& host, json::Object more = {}) {
  auto const answer = client.new_order({host}, std::move(more));
  EXPECT_EQ(answer.status, 201) << answer.body;
  return answer.header("Location");
}

std::string issued_order(Client& client, std::string const& host, json::Object more = {}) {
  auto const url = new_order(client, host, std::move(more));
  EXPECT_EQ(client.finalize(url, {host}).text("status"), "valid");
  return id_in(url);
}

// Dies at the settlement: the claim is durable, and whether it was signed nobody knows.
std::string order_of_a_crash(fakes::FailingStore& failing, Client& client, std::string const& host) {
  auto const url = new_order(client, host);
  failing.fail_at(2, fakes::FailingStore::Effect::lost);
  EXPECT_THROW(client.finalize(url, {host}), store::Broken);
  failing.heal();
  return id_in(url);
}

std::string intent_of(store::ReadTxn& txn, std::string const& order) {
  std::string serial;
  ca::visit_possibly_issued(txn, kNow + kDay, [&](ca::CertificateRecord const& record) {
    if (record.reference == order) serial = record.serial_hex;
    return true;
  });
  EXPECT_FALSE(serial.empty()) << order;
  return serial;
}

GoodStore make_good_store() {
  GoodStore made;
  auto const memory = store::open("memory:", "").value();
  fakes::FailingStore failing(*memory);
  ServerOptions options;
  options.store = std::make_unique<BorrowedStore>(failing, *memory);
  TestServer server(std::move(options));
  auto const& urls = server.app->settings.urls;
  auto client = granted_client(server);
  auto other = proving_client(server);
  made.issuing = server.app->authority->issuing_certificate();
  made.account = id_in(client.kid);
  made.other_account = id_in(other.kid);

  made.valid_order = issued_order(client, "cam1.cams.example");
  made.serial = serial_of(server, made.valid_order);
  std::string replaced;
  memory->read([&](store::ReadTxn& txn) {
    replaced = CertificateId::of(ca::find_certificate(txn, made.serial).value()).value().text();
  });
  issued_order(client, "cam1.cams.example", {{"replaces", replaced}});
  made.revoked_serial = serial_of(server, issued_order(client, "10.20.4.2"));
  made.ready_order = order_of_a_crash(failing, client, "cam3.cams.example");
  EXPECT_TRUE(recover(*server.app, {}, server.clock.now()).ok());
  made.processing_order = order_of_a_crash(failing, client, "cam4.cams.example");
  made.pending_order = id_in(new_order(other, "cam5.cams.example"));
  auto const authorization = other.post(
      urls.new_authz(),
      json::write(json::Object{{"identifier", json::Object{{"type", "dns"}, {"value", "cam6.cams.example"}}}}));
  EXPECT_EQ(authorization.status, 201) << authorization.body;
  made.pre_authorization = id_in(authorization.header("Location"));

  memory->write([&](WriteTxn& txn) {
    made.intent = intent_of(txn, made.processing_order);
    // What was proved and is used again.
    auto const ordered = load_order(txn, made.pending_order).value();
    auto proved = load_authorization(txn, ordered.authorizations.front()).value();
    proved.status = AuthorizationStatus::valid;
    save_authorization(txn, proved);
    ca::Revocation const revocation{.at = kNow, .reason = x509::RevocationReason::key_compromise, .by = "test"};
    EXPECT_TRUE(ca::record_revoked(txn, made.revoked_serial, revocation).ok());
    auto const issuer = ca::find_by_serial(txn, made.serial).value().issuer;
    EXPECT_TRUE(ca::record_unknown_revoked(txn, "0102030405060708", issuer, kNow + kDay, revocation).ok());
    return true;
  });
  EXPECT_TRUE(ca::make_crls(*memory, server.app->authority->issuer(), 1, {}, kNow).ok());
  std::ostringstream out;
  EXPECT_TRUE(store::dump(*memory, out).ok());
  made.text = out.str();
  return made;
}

GoodStore const& good() {
  static GoodStore const made = make_good_store();
  return made;
}

// --- ways to break it ---

std::string need(WriteTxn& txn, Table table, std::string const& key) {
  auto value = txn.get(table, key);
  if (!value) throw std::runtime_error("no " + std::string(table.name) + "/" + key);
  return *std::move(value);
}

void change(WriteTxn& txn, Table table, std::string const& key, std::string const& from, std::string const& to) {
  auto value = need(txn, table, key);
  auto const begin = value.find(from);
  if (begin == value.npos) throw std::runtime_error("no " + from + " in " + value);
  txn.put(table, key, value.replace(begin, from.size(), to));
}

void lose(WriteTxn& txn, Table table, std::string const& key) {
  need(txn, table, key);
  txn.erase(table, key);
}

// The row of an index whose key begins, or ends, so.
std::string row(WriteTxn& txn, Table index, std::string const& part) {
  std::string found;
  txn.scan(index, "", [&](std::string_view key, std::string_view) {
    if (key.starts_with(part) || key.ends_with(part)) found = key;
    return found.empty();
  });
  if (found.empty()) throw std::runtime_error("no row of " + part + " in " + std::string(index.name));
  return found;
}

void lose_row(WriteTxn& txn, Table index, std::string const& part) { txn.erase(index, row(txn, index, part)); }

ca::CertificateRecord record(WriteTxn& txn, std::string const& serial) {
  return ca::find_by_serial(txn, serial).value();
}

std::string other_number(std::string serial) {
  serial.back() = serial.back() == '0' ? '1' : '0';
  return serial;
}

// The same certificate under a number that is not its own.
void copy_certificate(WriteTxn& txn, std::string const& serial) {
  auto const other = other_number(serial);
  txn.put(kCertificates, other, need(txn, kCertificates, serial));
  txn.put(kRecords, other, need(txn, kRecords, serial));
}

std::string first_authorization(WriteTxn& txn, std::string const& order) {
  return load_order(txn, order).value().authorizations.front();
}

struct Harm {
  char const* name;
  std::function<void(WriteTxn&)> run;
  std::vector<std::string> broken;  // invariants, in order
  char const* says;                 // of the first finding of one of them
  Seconds later{0};                 // when it is looked at
};

std::vector<Harm> const& harms() {
  static auto const& g = good();
  static std::vector<Harm> const all{
      // I1
      {"a certificate that nobody recorded",
       [](WriteTxn& txn) {
         auto const octets = need(txn, kCertificates, g.serial);
         txn.put(kCertificates, "0fff", octets);
       },
       {"I1", "I2"},
       "without any record of an intent"},
      {"the record of a certificate is lost",
       [](WriteTxn& txn) { lose(txn, kRecords, g.serial); },
       {"I1", "I3", "I6"},
       "without any record of an intent"},
      {"what was signed differs from the intent",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, record(txn, g.serial).tbs_hash, std::string(64, 'a')); },
       {"I1"},
       "not what its intent said"},
      {"the octets of an intent differ",
       [](WriteTxn& txn) { txn.put(kIntents, g.intent, need(txn, kIntents, g.intent) + "x"); },
       {"I1"},
       "not those that were recorded"},
      {"somebody else signed what was recorded",
       [](WriteTxn& txn) {
         // The last octet is the signature's; whoever changed it has the record go with it.
         auto der = need(txn, kCertificates, g.serial);
         der.back() = static_cast<char>(der.back() ^ 1);
         auto const former = record(txn, g.serial).fingerprint;
         change(txn, kRecords, g.serial, former, to_hex(sha256(as_bytes(der))));
         txn.put(kCertificates, g.serial, der);
       },
       {"I1"},
       "its signature is not its issuer's"},
      {"the intent came after the certificate",
       [](WriteTxn& txn) {
         auto const issued_at = record(txn, g.serial).issued_at.value();
         change(txn, kRecords, g.serial, "\"issued_at\":" + std::to_string(to_unix(issued_at)),
                "\"issued_at\":" + std::to_string(to_unix(issued_at - kHour)));
       },
       {"I1"},
       "before its intent"},
      // I2
      {"a number is both an intent's and a certificate's",
       [](WriteTxn& txn) { txn.put(kIntents, g.serial, need(txn, kRecords, g.serial) + "\n"); },
       {"I1", "I2"},
       "not those that were recorded"},
      {"a certificate stands under two numbers",
       [](WriteTxn& txn) { copy_certificate(txn, g.serial); },
       {"I2", "I4", "I6"},
       "another serial number"},
      {"an intent under another number",
       [](WriteTxn& txn) {
         auto const octets = need(txn, kIntents, g.intent);
         txn.erase(kIntents, g.intent);
         txn.put(kIntents, other_number(g.intent), octets);
       },
       {"I2", "I6"},
       "another serial number"},
      {"the octets of an intent bear another number",
       [](WriteTxn& txn) {
         auto const other = other_number(g.intent);
         auto const keys = row(txn, kKeys, g.intent);
         change(txn, kIntents, g.intent, g.intent, other);
         txn.put(kIntents, other, need(txn, kIntents, g.intent));
         txn.put(kKeys, keys.substr(0, keys.size() - other.size()) + other, "");
         lose(txn, kIntents, g.intent);
         lose(txn, kKeys, keys);
       },
       {"I2"},
       "bears the serial number"},
      {"a record cannot be read",
       [](WriteTxn& txn) { txn.put(kRecords, g.serial, "{"); },
       {"I1", "I2", "I3", "I6"},
       ""},
      {"a record says that nothing was issued",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, "\"issued\"", "\"possibly_issued\""); },
       {"I2", "I3"},
       "possibly issued"},
      {"an intent was ruled out, and nobody gave it up",
       [](WriteTxn& txn) { change(txn, kIntents, g.intent, "\"possibly_issued\"", "\"not_issued\""); },
       {"I2"},
       "not issued"},
      {"a certificate that was revoked as unknown is on record",
       [](WriteTxn& txn) { txn.put(kUnknown, g.serial, need(txn, kRecords, g.serial)); },
       {"I2"},
       "revoked as unknown"},
      // I3
      {"a certificate is lost", [](WriteTxn& txn) { lose(txn, kCertificates, g.serial); }, {"I3"}, "is not there"},
      {"a certificate is another",
       [](WriteTxn& txn) { txn.put(kCertificates, g.serial, need(txn, kCertificates, g.revoked_serial)); },
       {"I1", "I2", "I3", "I6"},
       "not what its intent said"},
      {"an order is valid without a certificate",
       [](WriteTxn& txn) { change(txn, kOrders, g.ready_order, "\"ready\"", "\"valid\""); },
       {"I3", "I6"},
       "not on record"},
      // I4
      {"two certificates for one order",
       [](WriteTxn& txn) {
         auto const other = record(txn, g.revoked_serial).reference;
         change(txn, kRecords, g.revoked_serial, other, g.valid_order);
       },
       {"I4", "I5"},
       "more than one certificate"},
      {"an order forgot its certificate",
       [](WriteTxn& txn) {
         change(txn, kOrders, g.valid_order, "\"valid\"", "\"ready\"");
         change(txn, kOpenOrders, g.account, "2", "3");
       },
       {"I4"},
       "does not name it"},
      {"an order is being issued without an open intent",
       [](WriteTxn& txn) { change(txn, kOrders, g.ready_order, "\"ready\"", "\"processing\""); },
       {"I4"},
       "no open intent"},
      // I5
      {"the names of an order are others",
       [](WriteTxn& txn) { change(txn, kOrders, g.valid_order, "cam1.cams", "cam9.cams"); },
       {"I5"},
       "another name"},
      {"a name more in the record of the certificate",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, "\"dns\":[", "\"dns\":[\"cam9.cams.example\","); },
       {"I5", "I6"},
       "not those of the order"},
      {"another account's certificate",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, g.account, g.other_account); },
       {"I5", "I6"},
       "another account's"},
      {"an authorization of another account",
       [](WriteTxn& txn) { change(txn, kOrders, first_authorization(txn, g.valid_order), g.account, g.other_account); },
       {"I5"},
       "is another account's"},
      {"an authorization that was never valid",
       [](WriteTxn& txn) {
         change(txn, kOrders, first_authorization(txn, g.valid_order), "\"status\":\"valid\",\"created\"",
                "\"status\":\"pending\",\"created\"");
       },
       {"I5"},
       "never valid"},
      {"an authorization that had expired",
       [](WriteTxn& txn) {
         auto authorization = load_authorization(txn, first_authorization(txn, g.valid_order)).value();
         authorization.expires = kNow - Seconds(1);
         save_authorization(txn, authorization);
       },
       {"I5"},
       "had expired"},
      {"an authorization too few",
       [](WriteTxn& txn) {
         change(txn, kOrders, g.valid_order, "\"" + first_authorization(txn, g.valid_order) + "\"", "");
       },
       {"I5"},
       "one authorization for each name"},
      // I6: rows that are missing
      {"no row of a name", [](WriteTxn& txn) { lose_row(txn, kNames, g.serial); }, {"I6"}, "ca_names is missing"},
      {"no row of a key", [](WriteTxn& txn) { lose_row(txn, kKeys, g.serial); }, {"I6"}, "ca_keys is missing"},
      {"no row of an intent's key",
       [](WriteTxn& txn) { lose_row(txn, kKeys, g.intent); },
       {"I6"},
       "ca_keys is missing"},
      {"no row of an end", [](WriteTxn& txn) { lose_row(txn, kEnds, g.serial); }, {"I6"}, "ca_ends is missing"},
      {"no row of a subscriber",
       [](WriteTxn& txn) { lose_row(txn, kSubscribers, g.serial); },
       {"I6"},
       "ca_subscribers is missing"},
      {"a compromised key is forgotten",
       [](WriteTxn& txn) { lose(txn, kCompromised, record(txn, g.revoked_serial).spki_hash); },
       {"I6"},
       "ca_compromised is missing"},
      {"an account's key is forgotten",
       [](WriteTxn& txn) { lose_row(txn, kAccountKeys, ""); },
       {"I6"},
       "key leads to another account or to none"},
      {"an account's orders are forgotten",
       [](WriteTxn& txn) { lose(txn, kAccountOrders, joined(g.account, g.valid_order)); },
       {"I6"},
       "not among those of its account"},
      {"an account of an EAB key is forgotten",
       [](WriteTxn& txn) { lose_row(txn, kEabAccounts, g.account); },
       {"I6"},
       "not among those of its EAB key"},
      {"an authorization that waits is forgotten",
       [](WriteTxn& txn) { lose(txn, kPreAuthorizations, joined(g.other_account, g.pre_authorization)); },
       {"I6"},
       "not among those that wait"},
      // I6: rows of nothing
      {"a name without a certificate",
       [](WriteTxn& txn) { txn.put(kNames, "d:a.example|0fff", ""); },
       {"I6"},
       "ca_names/"},
      {"a name that the certificate has not",
       [](WriteTxn& txn) { txn.put(kNames, "d:a.example|" + g.serial, ""); },
       {"I6"},
       "ca_names/"},
      {"a key without a certificate", [](WriteTxn& txn) { txn.put(kKeys, "ab|0fff", ""); }, {"I6"}, "ca_keys/"},
      {"an end of nothing", [](WriteTxn& txn) { txn.put(kEnds, "0000000000|" + g.serial, ""); }, {"I6"}, "ca_ends/"},
      {"a subscriber of nothing",
       [](WriteTxn& txn) { txn.put(kSubscribers, "x|" + g.serial, ""); },
       {"I6"},
       "ca_subscribers/"},
      {"an entry of the audit trail that was changed",
       [](WriteTxn& txn) {
         constexpr store::Table kAudit{"ca_audit"};
         auto entry = need(txn, kAudit, "0000000000000001");
         entry.back() = ' ';
         txn.put(kAudit, "0000000000000001", entry);
       },
       {"I7"},
       "ca_audit"},
      {"a revocation of nothing",
       [](WriteTxn& txn) {
         auto const whole = row(txn, kRevoked, g.revoked_serial);
         txn.put(kRevoked, whole.substr(0, whole.rfind('|') + 1) + g.serial, need(txn, kRevoked, whole));
       },
       {"I6"},
       "ca_revocations/"},
      {"a list would tell another reason of a revocation",
       [](WriteTxn& txn) {
         auto const key = row(txn, kRevoked, g.revoked_serial);
         auto value = need(txn, kRevoked, key);
         value.back() = '5';  // it was 1, keyCompromise
         txn.put(kRevoked, key, value);
       },
       {"I6"},
       "another time or reason"},
      {"a list would tell another time of a revocation",
       [](WriteTxn& txn) {
         auto const key = row(txn, kRevoked, g.revoked_serial);
         auto value = need(txn, kRevoked, key);
         value.front() = value.front() == '0' ? '1' : '0';
         txn.put(kRevoked, key, value);
       },
       {"I6"},
       "another time or reason"},
      {"a compromised key that is none",
       [](WriteTxn& txn) { txn.put(kCompromised, "ab", g.serial); },
       {"I6"},
       "ca_compromised/"},
      {"a key of no account",
       [](WriteTxn& txn) { txn.put(kAccountKeys, "thumb", g.account); },
       {"I6"},
       "account_keys/"},
      {"an order that is not there",
       [](WriteTxn& txn) { txn.put(kAccountOrders, joined(g.account, "zzz"), ""); },
       {"I6"},
       "account_orders/"},
      {"an authorization that is not there",
       [](WriteTxn& txn) { txn.put(kPreAuthorizations, joined(g.account, "zzz"), ""); },
       {"I6"},
       "pre_authorizations/"},
      {"an authorization to use again for another name",
       [](WriteTxn& txn) {
         auto const key = row(txn, kReusable, g.other_account);
         txn.put(kReusable, joined(g.other_account, "dns:a.example"), need(txn, kReusable, key));
       },
       {"I6"},
       "reusable_authorizations/"},
      {"a replacement of nothing",
       [](WriteTxn& txn) { txn.put(kReplacements, "a.b", g.valid_order); },
       {"I6"},
       "replacements/"},
      {"an EAB key's account that is not there",
       [](WriteTxn& txn) {
         auto const key = row(txn, kEabAccounts, g.account);
         txn.put(kEabAccounts, key.substr(0, key.find('/') + 1) + "zzz", "");
       },
       {"I6"},
       "2 accounts, and says 1"},
      {"an order of no account",
       [](WriteTxn& txn) {
         // As if the account had been removed under it.
         auto const account = load_account(txn, g.other_account).value();
         remove_account(txn, account);
       },
       {"I6"},
       ""},
      {"an authorization without its order",
       [](WriteTxn& txn) {
         auto const authorization = need(txn, kOrders, first_authorization(txn, g.valid_order));
         txn.put(kOrders, "zzz.1", authorization);
       },
       {"I6"},
       "without the order"},
      // I6: counts
      {"open orders counted wrong",
       [](WriteTxn& txn) { txn.put(kOpenOrders, g.account, "7"); },
       {"I6"},
       "2 open orders, and 7 are counted"},
      {"open orders of nobody", [](WriteTxn& txn) { txn.put(kOpenOrders, "zzz", "1"); }, {"I6"}, "there is none"},
      {"revocations counted wrong",
       [](WriteTxn& txn) { change(txn, kState, "revocations|" + record(txn, g.serial).issuer, "3", "4"); },
       {"I6"},
       "are 3, and counted as 4"},
      // I6: a record that says something else than its certificate
      {"another time in the record",
       [](WriteTxn& txn) {
         auto const begins = record(txn, g.serial).not_before;
         change(txn, kRecords, g.serial, "\"not_before\":" + std::to_string(to_unix(begins)),
                "\"not_before\":" + std::to_string(to_unix(begins) + 1));
       },
       {"I6"},
       "differ: the time"},
      {"another issuer in the record",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, record(txn, g.serial).issuer, "abcd"); },
       {"I6"},
       "differ: the issuer"},
      {"another key in the record",
       [](WriteTxn& txn) { change(txn, kRecords, g.serial, record(txn, g.serial).spki_hash, "abcd"); },
       {"I6"},
       "ca_keys is missing"},
      // I8
      {"the revocation of an unknown certificate that no list would show",
       [](WriteTxn& txn) {
         lose_row(txn, kRevoked, "0102030405060708");
         change(txn, kState, "revocations|" + record(txn, g.serial).issuer, "3", "2");
       },
       {"I8"},
       "ca_unknown/0102030405060708"},
      {"a revocation that no list would show",
       [](WriteTxn& txn) {
         lose_row(txn, kRevoked, g.revoked_serial);
         change(txn, kState, "revocations|" + record(txn, g.serial).issuer, "3", "2");
       },
       {"I8"},
       "stands not among"},
      {"what was possibly issued is in no list",
       [](WriteTxn& txn) {
         auto const as = ca::CertificateStatus::possibly_issued;
         EXPECT_TRUE(ca::give_up_intent(txn, g.intent, as, kNow).ok());
         change(txn, kOrders, g.processing_order, "\"processing\"", "\"ready\"");
       },
       {"I8"},
       "it was possibly issued"},
      {"the last list has ended", [](WriteTxn&) {}, {"I8"}, "in force", 8 * kDay},
      {"a revocation waits too long for its list",
       [](WriteTxn& txn) {
         EXPECT_TRUE(ca::record_revoked(txn, g.serial, {.at = kNow, .reason = {}, .by = "test"}).ok());
       },
       {"I8"},
       "1 certificates are revoked and in no list yet",
       2 * kHour + Seconds(1)},
      {"the only list was begun and not signed",
       [](WriteTxn& txn) { lose_row(txn, kSignedCrls, ""); },
       {"I8"},
       "no revocation list of this issuer is in force",
       2 * kMinute},
      {"the list that would tell of a revocation is begun again and again, and not signed",
       [](WriteTxn& txn) {
         EXPECT_TRUE(ca::record_revoked(txn, g.serial, {.at = kNow, .reason = {}, .by = "test"}).ok());
         ca::begin_crl(txn, {}, record(txn, g.serial).issuer, "", kNow + 2 * kHour);
       },
       {"I8"},
       "1 certificates are revoked and in no list yet",
       2 * kHour + Seconds(1)},
  };
  return all;
}

std::unique_ptr<store::Store> fresh_copy() {
  auto copy = store::make_memory_store();
  std::istringstream in(good().text);
  EXPECT_TRUE(store::load(*copy, in).ok());
  return copy;
}

CheckedBy by(Time now) { return {.now = now, .issuers = {good().issuing.value()}}; }

std::vector<Checked> check(store::Store& store, Time now) {
  std::vector<Checked> all;
  store.read([&](store::ReadTxn& txn) { all = check_store(txn, by(now), 100); });
  return all;
}

TEST(CheckStore, AGoodStoreKeepsItsPromises) {
  auto const store = fresh_copy();
  EXPECT_EQ(broken_promises(*store, by(kNow)), "");
  std::vector<std::string> names;
  for (auto const& invariant : invariants()) names.emplace_back(invariant.name);
  EXPECT_THAT(names, ElementsAreArray({"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"}));
}

TEST(CheckStore, ARevocationMayWaitForItsListAsLongAsThePlanSays) {
  auto const store = fresh_copy();
  store->write([](WriteTxn& txn) {
    return ca::record_revoked(txn, good().serial, {.at = kNow, .reason = {}, .by = "test"}).ok();
  });
  EXPECT_EQ(broken_promises(*store, kNow + 2 * kHour), "");
  CheckedBy hasty{.now = kNow + 2 * kHour};
  hasty.crl_plan.after_revocation = 10 * kMinute;
  EXPECT_THAT(broken_promises(*store, hasty), HasSubstr("I8 "));
  CheckedBy patient{.now = kNow + 2 * kHour + Seconds(1)};
  EXPECT_THAT(broken_promises(*store, patient), HasSubstr("I8 "));
  patient.crl_plan.after_revocation = 3 * kHour;
  EXPECT_EQ(broken_promises(*store, patient), "");
}

TEST(CheckStore, TheFirstListMayBeInTheMaking) {
  auto const store = fresh_copy();
  store->write([](WriteTxn& txn) {
    lose_row(txn, kSignedCrls, "");
    return true;
  });
  EXPECT_EQ(broken_promises(*store, by(kNow + kMinute)), "");
  EXPECT_THAT(broken_promises(*store, by(kNow + 2 * kMinute)), HasSubstr("I8 "));
}

// Of an issuer whose certificate is gone nobody can say whether it signed.
TEST(CheckStore, TheSignatureOfAnUnknownIssuerIsNotAsked) {
  auto const store = fresh_copy();
  CheckedBy const other{.now = kNow, .issuers = {ca::test::TestCa().ca.issuing}};
  EXPECT_EQ(broken_promises(*store, other), "");
}

TEST(CheckStore, EachHarmIsFound) {
  for (auto const& harm : harms()) {
    SCOPED_TRACE(harm.name);
    auto const store = fresh_copy();
    store->write([&](WriteTxn& txn) {
      harm.run(txn);
      return true;
    });
    auto const now = kNow + harm.later;
    std::vector<std::string> broken;
    for (auto const& checked : check(*store, now)) {
      if (checked.count != 0) broken.emplace_back(checked.invariant->name);
      for (auto const& finding : checked.first) EXPECT_FALSE(finding.to_do.empty());
    }
    EXPECT_THAT(broken, ElementsAreArray(harm.broken)) << broken_promises(*store, by(now));
    EXPECT_THAT(broken_promises(*store, by(now)), HasSubstr(harm.says));
  }
}

// Each invariant has at least one harm that breaks it alone, so no check stands in for another.
TEST(CheckStore, EachInvariantIsBrokenAloneByOne) {
  for (auto const& invariant : invariants()) {
    EXPECT_TRUE(std::ranges::any_of(harms(), [&](Harm const& harm) {
      return harm.broken == std::vector<std::string>{std::string(invariant.name)};
    })) << invariant.name;
  }
}

TEST(CheckStore, OnlyTheFirstFindingsAreKeptAndAllAreCounted) {
  auto const store = fresh_copy();
  store->write([](WriteTxn& txn) {
    for (char c = 'a'; c < 'k'; ++c) txn.put(kNames, std::string(1, c) + "|0fff", "");
    return true;
  });
  store->read([](store::ReadTxn& txn) {
    for (auto const& checked : check_store(txn, by(kNow), 3)) {
      if (checked.invariant->name != "I6") continue;
      EXPECT_EQ(checked.count, 10u);
      EXPECT_EQ(checked.first.size(), 3u);
    }
  });
}

// A damaged page ends the check that met it, not the others.
class DamagedTxn final : public store::ReadTxn {
 public:
  DamagedTxn(store::ReadTxn& real, Table damaged) : real_(real), damaged_(damaged) {}
  std::optional<std::string> get(Table table, std::string_view key) override { return real_.get(table, key); }
  void scan(Table table, std::string_view from, store::Visitor const& visit) override {
    if (table == damaged_) throw store::Broken("the store is damaged: a checksum is wrong");
    real_.scan(table, from, visit);
  }
  void scan_down(Table table, std::string_view before, store::Visitor const& visit) override {
    real_.scan_down(table, before, visit);
  }
  std::vector<std::string> tables() override { return real_.tables(); }

 private:
  store::ReadTxn& real_;
  Table damaged_;
};

TEST(CheckStore, ADamagedPageIsAFinding) {
  auto const store = fresh_copy();
  std::vector<std::string> broken;
  store->read([&](store::ReadTxn& txn) {
    DamagedTxn damaged(txn, kCertificates);
    for (auto const& checked : check_store(damaged, by(kNow), 10))
      if (checked.count != 0) broken.emplace_back(checked.invariant->name);
  });
  EXPECT_THAT(broken, ElementsAreArray({"I1", "I2"}));
}

}  // namespace
}  // namespace lenscap::acme::test
