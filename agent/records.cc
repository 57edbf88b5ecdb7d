#include "agent/records.h"

#include "store/store.h"

namespace lenscap::agent::records {

json::Object names_to_json(x509::NameSet const& names) {
  std::vector<std::string> dns;
  std::vector<std::string> ip;
  for (auto const& name : names.dns) dns.push_back(name.text());
  for (auto const& address : names.ip) ip.push_back(address.text());
  json::Object object;
  set_texts(object, "dns", dns);
  set_texts(object, "ip", ip);
  return object;
}

Result<x509::NameSet> parse_names(json::Object const& object) {
  x509::NameSet names;
  TRY(auto dns, texts(object, "dns"));
  TRY(auto ip, texts(object, "ip"));
  for (auto const& name : dns) {
    TRY(auto parsed, x509::DnsName::parse(name));
    names.dns.insert(std::move(parsed));
  }
  for (auto const& address : ip) {
    TRY(auto parsed, x509::IpAddress::parse(address));
    names.ip.insert(std::move(parsed));
  }
  return names;
}

json::Object validity_to_json(Validity const& validity) {
  return {{"not_before", to_rfc3339(validity.not_before)}, {"not_after", to_rfc3339(validity.not_after)}};
}

Result<Validity> parse_validity(json::Object const& object) {
  Validity validity;
  TRY(validity.not_before, need_time(object, "not_before"));
  TRY(validity.not_after, need_time(object, "not_after"));
  return validity;
}

Result<Sha256> parse_sha256(std::string_view hex) {
  TRY(auto octets, from_hex(hex));
  Sha256 hash{};
  if (octets.size() != hash.size()) return Error(Errc::malformed, "a SHA-256 has 64 hexadecimal digits");
  std::copy(octets.begin(), octets.end(), hash.begin());
  return hash;
}

void set_text(json::Object& object, std::string_view name, std::string_view text) {
  if (!text.empty()) object.set(name, text);
}
void set_flag(json::Object& object, std::string_view name, bool flag) {
  if (flag) object.set(name, true);
}
void set_texts(json::Object& object, std::string_view name, std::vector<std::string> const& texts) {
  if (!texts.empty()) object.set(name, json::Value::strings(texts));
}
void set_time(json::Object& object, std::string_view name, std::optional<Time> const& time) {
  if (time) object.set(name, to_rfc3339(*time));
}

Result<std::string> text(json::Object const& object, std::string_view name) {
  TRY(auto found, json::get_string(object, name));
  return std::move(found).value_or("");
}
Result<bool> flag(json::Object const& object, std::string_view name) {
  TRY(auto found, json::get_bool(object, name));
  return found.value_or(false);
}
Result<std::vector<std::string>> texts(json::Object const& object, std::string_view name) {
  TRY(auto found, json::get_strings(object, name));
  return std::move(found).value_or(std::vector<std::string>{});
}
Result<Time> need_time(json::Object const& object, std::string_view name) {
  TRY(auto text, json::need_string(object, name));
  return parse_rfc3339(text);
}
Result<std::optional<Time>> get_time(json::Object const& object, std::string_view name) {
  TRY(auto text, json::get_string(object, name));
  if (!text) return std::optional<Time>();
  TRY(auto time, parse_rfc3339(*text));
  return std::optional<Time>(time);
}

Result<int> number(json::Object const& object, std::string_view name, int min, int max, int fallback) {
  TRY(auto found, json::get_int(object, name));
  if (!found) return fallback;
  if (*found < min || *found > max) {
    return Error(Errc::malformed, std::string(name) + ": " + std::to_string(*found) + " is out of bounds");
  }
  return static_cast<int>(*found);
}

void broken(std::string_view table, std::string_view key, Error const& why) {
  throw store::Broken("the store is damaged: record " + std::string(table) + " '" + std::string(key) +
                      "' does not parse (" + why.detail() + "); restore a back-up");
}

}  // namespace lenscap::agent::records
