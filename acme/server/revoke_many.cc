#include "acme/server/revoke_many.h"

#include <algorithm>

#include "acme/flow/revocation_rules.h"
#include "acme/server/certificate_operations.h"
#include "acme/server/db.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "acme/wire/identifier.h"
#include "ca/blocked_keys.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {
namespace {

// Of one transaction: the writer is another's after some ten milliseconds.
constexpr std::size_t kInOnePage = 100;

Error usage(std::string text) { return {Errc::usage, std::move(text)}; }

// --- which

struct Where {
  std::optional<std::string> profile;
  std::optional<std::string> issuer;  // the key id of its certificate
  std::optional<Time> issued_before, issued_after;
  std::optional<x509::DnsName> under;
  bool empty() const { return !profile && !issuer && !issued_before && !issued_after && !under; }
};

Result<Time> read_time(std::string_view text) {
  constexpr std::size_t kDayCharacters = 10;  // 2026-06-01
  return parse_rfc3339(std::string(text) + (text.size() == kDayCharacters ? "T00:00:00Z" : ""));
}

Result<> read_term(OperationContext const& context, std::string_view term, Where& where) {
  auto const sign = term.find('=');
  auto const name = term.substr(0, sign);
  auto const value = sign == term.npos ? std::string_view() : term.substr(sign + 1);
  if (value.empty()) return usage("--where \"" + std::string(term) + "\": terms are " + std::string(kWhereTerms));
  auto const bad = [&](Error const& error) {
    return usage("--where \"" + std::string(term) + "\": " + error.detail());
  };
  if (name == "profile") {
    where.profile = value;
    return {};
  }
  if (name == "issuer") {
    auto const issuing = find_issuing(context, std::string(value));
    if (!issuing) return bad(issuing.error());
    where.issuer = to_hex(issuing->subject_key_id());
    return {};
  }
  if (name == "under") {
    auto suffix = parse_suffix(value);
    if (!suffix) return bad(suffix.error());
    where.under = *std::move(suffix);
    return {};
  }
  if (name != "issued-before" && name != "issued-after")
    return usage("--where \"" + std::string(term) + "\": terms are " + std::string(kWhereTerms));
  auto const time = read_time(value);
  if (!time) return bad(time.error());
  (name == "issued-before" ? where.issued_before : where.issued_after) = *time;
  return {};
}

// Terms apart by spaces. A term twice would be a slip: which one counts?
Result<Where> read_where(OperationContext const& context, std::string_view text) {
  Where where;
  std::vector<std::string_view> names;
  while (!text.empty()) {
    auto const term = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), term.size() + 1));
    if (term.empty()) continue;
    auto const name = term.substr(0, term.find('='));
    if (std::ranges::find(names, name) != names.end()) return usage("--where has " + std::string(name) + " twice");
    names.push_back(name);
    CHECK_OK(read_term(context, term, where));
  }
  return where;
}

struct Selection {
  std::optional<Identifier> name;
  std::string account;
  std::string key;
  Where where;
};

Result<Selection> read_selection(OperationContext const& context, json::Object const& arguments) {
  Selection selection;
  TRY(auto const name, json::get_string(arguments, "name"));
  TRY(auto const account, json::get_string(arguments, "account"));
  TRY(auto const key, json::get_string(arguments, "key"));
  TRY(auto const where, json::get_string(arguments, "where"));
  if (name.has_value() + account.has_value() + key.has_value() > 1)
    return usage("give one of --name, --account and --key");
  if (name) {
    auto parsed = Identifier::parse(x509::IpAddress::parse(*name).ok() ? "ip" : "dns", *name);
    if (!parsed) return usage("--name \"" + *name + "\": " + parsed.error().detail());
    selection.name = *std::move(parsed);
  }
  if (account) {
    auto by_url = context.settings.urls.parse_account(*account);
    selection.account = by_url ? *std::move(by_url) : *account;
    if (!is_id(selection.account)) return usage("--account takes the id of an account or its URL");
  }
  if (key) {
    auto const hash = from_hex(*key);
    if (!hash.ok() || hash->size() != 32) return usage("--key takes the key_sha256 that cert show prints");
    selection.key = to_hex(*hash);
  }
  if (where) {
    TRY(selection.where, read_where(context, *where));
  }
  if (!name && !account && !key && selection.where.empty())
    return usage("say which: a serial number, --name, --account, --key or --where");
  return selection;
}

void visit(store::ReadTxn& txn, Selection const& selection, std::string const& after,
           ca::RecordVisitor const& visitor) {
  if (!selection.account.empty()) return ca::visit_by_subscriber(txn, selection.account, after, visitor);
  if (!selection.key.empty()) return ca::visit_by_key(txn, selection.key, after, visitor);
  if (!selection.name) return ca::visit_newest(txn, after, visitor);
  if (selection.name->dns() != nullptr) return ca::visit_by_name(txn, *selection.name->dns(), after, visitor);
  ca::visit_by_name(txn, *selection.name->ip(), after, visitor);
}

bool fits(Where const& where, ca::CertificateRecord const& record) {
  auto const is_under = [&](x509::DnsName const& name) { return name.is_within(*where.under); };
  return (!where.profile || record.profile == *where.profile) && (!where.issuer || record.issuer == *where.issuer) &&
         (!where.issued_before || record.recorded_at < *where.issued_before) &&
         (!where.issued_after || record.recorded_at >= *where.issued_after) &&
         (!where.under || std::ranges::any_of(record.names.dns, is_under));
}

// --- a page

struct Page {
  std::vector<ca::CertificateRecord> records;
  std::optional<std::string> next;
};

// A key that is found to be stolen is worth a second word on what was revoked for another reason.
bool is_to_be_revoked(ca::CertificateRecord const& record, std::optional<x509::RevocationReason> reason, Time now) {
  if (record.not_after < now) return false;
  if (!record.revocation) return true;
  constexpr auto kWorst = x509::RevocationReason::key_compromise;
  return reason == kWorst && record.revocation->reason != kWorst;
}

Page look(OperationContext const& context, Selection const& selection, std::optional<x509::RevocationReason> reason,
          std::string const& after) {
  Page page;
  context.store.read([&](store::ReadTxn& txn) {
    page = {};
    std::size_t looked_at = 0;
    std::string last;
    visit(txn, selection, after, [&](ca::CertificateRecord const& record) {
      if (page.records.size() == kInOnePage || looked_at == context.looked_at_most) {
        page.next = last;
        return false;
      }
      ++looked_at;
      last = record.serial_hex;
      if (is_to_be_revoked(record, reason, context.now) && fits(selection.where, record))
        page.records.push_back(record);
      return true;
    });
  });
  return page;
}

// Gives those that were revoked now; somebody else may have been quicker with some.
Result<std::vector<ca::CertificateRecord>> revoke_page(OperationContext const& context,
                                                       std::vector<ca::CertificateRecord> const& records,
                                                       std::optional<x509::RevocationReason> reason) {
  auto act = [&](store::WriteTxn& txn) -> Result<std::vector<ca::CertificateRecord>> {
    std::vector<ca::CertificateRecord> done;
    for (auto const& record : records) {
      auto revoked = revoke(txn, record.serial_hex, {.at = context.now, .reason = reason, .by = context.actor});
      if (!revoked && revoked.error().code() == Errc::already_revoked) continue;
      if (!revoked) return std::move(revoked).error();
      done.push_back(*std::move(revoked));
    }
    return done;
  };
  TRY(auto done, Db(context.store).write_blocking(act));
  if (context.metrics != nullptr)
    for (std::size_t i = 0; i < done.size(); ++i) context.metrics->revoked(reason);
  return done;
}

// Whatever its certificates are, and whether or not there are any: whoever says so knows the key to be stolen.
Result<> bar(OperationContext const& context, std::string const& key) {
  auto act = [&](store::WriteTxn& txn) -> Result<> {
    if (ca::block_key(txn, {key, "keyCompromise", context.now}))
      note_operation(txn, context, ca::AuditEvent::policy_changed, key, "key blocked: keyCompromise");
    return {};
  };
  return Db(context.store).write_blocking(act);
}

}  // namespace

Result<json::Object> revoke_many(OperationContext const& context, json::Object const& arguments) {
  TRY(auto const selection, read_selection(context, arguments));
  TRY(auto const asked, json::get_string(arguments, "reason"));
  std::optional<std::int64_t> code;
  if (asked) {
    TRY(auto const parsed, x509::parse_revocation_reason(*asked));
    code = static_cast<std::int64_t>(parsed);
  }
  TRY(auto const reason, check_reason(code, Revoker::administrator));
  TRY(auto const dry_run, json::get_bool(arguments, "dry_run"));
  TRY(auto const after, json::get_string(arguments, "after"));

  auto page = look(context, selection, reason, after.value_or(""));
  bool const bars_key = reason == x509::RevocationReason::key_compromise && !selection.key.empty();
  if (bars_key && !dry_run.value_or(false)) CHECK_OK(bar(context, selection.key));
  if (!dry_run.value_or(false)) {
    TRY(page.records, revoke_page(context, page.records, reason));
  }
  json::Array certificates;
  for (auto const& record : page.records)
    certificates.emplace_back(json::Object{{"serial", record.serial_hex},
                                           {"names", record.names.text()},
                                           {"account", record.subscriber},
                                           {"not_after", to_rfc3339(record.not_after)}});
  json::Object result{{"certificates", std::move(certificates)}};
  if (page.next) result.set("next", *page.next);
  return result;
}

}  // namespace lenscap::acme
