#include "agent/journal_record.h"

#include "agent/records.h"

namespace lenscap::agent {

json::Object to_json(Journal const& j) {
  json::Object object{{"v", 1},
                      {"id", j.id},
                      {"serial", j.serial},
                      {"purpose", to_string(j.purpose)},
                      {"begun", to_rfc3339(j.begun)},
                      {"changed", to_rfc3339(j.changed)},
                      {"names", records::names_to_json(j.names)}};
  records::set_text(object, "task", j.task);
  records::set_text(object, "common_name", j.common_name);
  records::set_text(object, "key_type", j.key_type);
  records::set_text(object, "profile", j.profile);
  records::set_text(object, "replaces", j.replaces);
  records::set_flag(object, "probed", j.probed);
  records::set_text(object, "key_id", j.key_id);
  if (!j.csr.empty()) {
    object.set("csr", to_base64url(j.csr));
    object.set("key_pin", to_hex(j.key_pin));
  }
  records::set_text(object, "order_url", j.order_url);
  if (j.orders != 0) object.set("orders", j.orders);
  if (!j.chain_pem.empty()) {
    object.set("chain", j.chain_pem);
    object.set("validity", records::validity_to_json(j.validity));
  }
  records::set_text(object, "installed_id", j.installed_id);
  records::set_texts(object, "ca_ids", j.ca_ids);
  records::set_text(object, "snapshot", j.snapshot);
  records::set_text(object, "previous_id", j.previous_id);
  std::vector<std::string> held_keys;
  for (Sha256 const& key : j.held_keys) held_keys.push_back(to_hex(key));
  records::set_texts(object, "held_keys", held_keys);
  records::set_flag(object, "switched", j.switched);
  records::set_flag(object, "verified", j.verified);
  records::set_flag(object, "chain_incomplete", j.chain_incomplete);
  records::set_flag(object, "promoted", j.promoted);
  records::set_flag(object, "cleaned", j.cleaned);
  records::set_flag(object, "restored", j.restored);
  records::set_flag(object, "restore_verified", j.restore_verified);
  records::set_flag(object, "discarded", j.discarded);
  records::set_texts(object, "removed_ids", j.removed_ids);
  if (j.step) object.set("step", to_string(*j.step));
  if (j.tries != 0) object.set("tries", j.tries);
  records::set_flag(object, "key_begun", j.key_begun);
  records::set_flag(object, "switch_begun", j.switch_begun);
  records::set_flag(object, "waits", j.waits);
  records::set_flag(object, "login_refused", j.login_refused);
  if (j.failure) object.set("failure", to_json(*j.failure));
  records::set_flag(object, "turned_back", j.turned_back);
  object.set("outcome", to_string(j.outcome));
  records::set_text(object, "sentence", j.sentence);
  return object;
}

namespace {

template <class Enum>
Result<Enum> known_word(std::optional<Enum> (*parse)(std::string_view), std::string_view text) {
  if (auto const known = parse(text)) return *known;
  return Error(Errc::malformed, "unknown word \"" + std::string(text) + "\"");
}

}  // namespace

Result<Journal> parse_journal(std::string_view text) {
  TRY(auto object, json::parse_object(text, {.bytes = store::kValueBytesMax}));
  Journal j;
  TRY(j.id, json::need_string(object, "id"));
  TRY(j.serial, json::need_string(object, "serial"));
  TRY(auto purpose, json::need_string(object, "purpose"));
  TRY(j.purpose, known_word(parse_purpose, purpose));
  TRY(j.begun, records::need_time(object, "begun"));
  TRY(j.changed, records::need_time(object, "changed"));
  TRY(auto names, json::need_object(object, "names"));
  TRY(j.names, records::parse_names(names));
  TRY(j.task, records::text(object, "task"));
  TRY(j.common_name, records::text(object, "common_name"));
  TRY(j.key_type, records::text(object, "key_type"));
  TRY(j.profile, records::text(object, "profile"));
  TRY(j.replaces, records::text(object, "replaces"));
  TRY(j.probed, records::flag(object, "probed"));
  TRY(j.key_id, records::text(object, "key_id"));
  TRY(auto csr, json::get_string(object, "csr"));
  if (csr) {
    TRY(j.csr, from_base64url(*csr));
    TRY(auto pin, json::need_string(object, "key_pin"));
    TRY(j.key_pin, records::parse_sha256(pin));
  }
  TRY(j.order_url, records::text(object, "order_url"));
  TRY(j.orders, records::number(object, "orders", 0, kOrdersPerKey, 0));
  TRY(j.chain_pem, records::text(object, "chain"));
  if (!j.chain_pem.empty()) {
    TRY(auto validity, json::need_object(object, "validity"));
    TRY(j.validity, records::parse_validity(validity));
  }
  TRY(j.installed_id, records::text(object, "installed_id"));
  TRY(j.ca_ids, records::texts(object, "ca_ids"));
  TRY(j.snapshot, records::text(object, "snapshot"));
  TRY(j.previous_id, records::text(object, "previous_id"));
  TRY(auto const held_keys, records::texts(object, "held_keys"));
  for (auto const& key : held_keys) {
    TRY(auto const pin, records::parse_sha256(key));
    j.held_keys.push_back(pin);
  }
  TRY(j.switched, records::flag(object, "switched"));
  TRY(j.verified, records::flag(object, "verified"));
  TRY(j.chain_incomplete, records::flag(object, "chain_incomplete"));
  TRY(j.promoted, records::flag(object, "promoted"));
  TRY(j.cleaned, records::flag(object, "cleaned"));
  TRY(j.restored, records::flag(object, "restored"));
  TRY(j.restore_verified, records::flag(object, "restore_verified"));
  TRY(j.discarded, records::flag(object, "discarded"));
  TRY(j.removed_ids, records::texts(object, "removed_ids"));
  TRY(auto step, json::get_string(object, "step"));
  if (step) {
    TRY(j.step, known_word(parse_step, *step));
  }
  TRY(j.tries, records::number(object, "tries", 0, kTriesPerStep + 1, 0));
  TRY(j.key_begun, records::flag(object, "key_begun"));
  TRY(j.switch_begun, records::flag(object, "switch_begun"));
  TRY(j.waits, records::flag(object, "waits"));
  TRY(j.login_refused, records::flag(object, "login_refused"));
  TRY(auto failure, json::get_object(object, "failure"));
  if (failure) {
    TRY(j.failure, parse_failure(*failure));
  }
  TRY(j.turned_back, records::flag(object, "turned_back"));
  TRY(auto outcome, json::need_string(object, "outcome"));
  TRY(j.outcome, known_word(parse_outcome, outcome));
  TRY(j.sentence, records::text(object, "sentence"));
  return j;
}

std::optional<Journal> load_journal(store::ReadTxn& txn, std::string_view serial) {
  if (serial.empty()) return std::nullopt;
  auto text = txn.get(kJournals, serial);
  if (!text) return std::nullopt;
  auto journal = parse_journal(*text);
  if (!journal.ok()) records::broken(kJournals.name, serial, journal.error());
  return std::move(journal).value();
}

void save_journal(store::WriteTxn& txn, Journal const& journal) {
  txn.put(kJournals, journal.serial, json::write(to_json(journal)));
}

}  // namespace lenscap::agent
