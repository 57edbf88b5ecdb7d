// Small helpers for the agent's records: values to JSON and back. For this library's own .cc files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/renewal.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/x509/name.h"

namespace lenscap::agent::records {

json::Object names_to_json(x509::NameSet const& names);
Result<x509::NameSet> parse_names(json::Object const& object);

json::Object validity_to_json(Validity const& validity);
Result<Validity> parse_validity(json::Object const& object);

Result<Sha256> parse_sha256(std::string_view hex);

// Members that are left out when they say nothing.
void set_text(json::Object& object, std::string_view name, std::string_view text);
void set_flag(json::Object& object, std::string_view name, bool flag);
void set_texts(json::Object& object, std::string_view name, std::vector<std::string> const& texts);
void set_time(json::Object& object, std::string_view name, std::optional<Time> const& time);

Result<std::string> text(json::Object const& object, std::string_view name);  // absent: empty
Result<bool> flag(json::Object const& object, std::string_view name);         // absent: false
Result<std::vector<std::string>> texts(json::Object const& object, std::string_view name);
Result<Time> need_time(json::Object const& object, std::string_view name);
Result<std::optional<Time>> get_time(json::Object const& object, std::string_view name);

// A number within bounds; absent: `fallback`.
Result<int> number(json::Object const& object, std::string_view name, int min, int max, int fallback);

// A record of ours that does not parse means that the store is damaged: store::Broken with the table and the key.
[[noreturn]] void broken(std::string_view table, std::string_view key, Error const& why);

}  // namespace lenscap::agent::records
