#include "tests/camsim/journal.h"

#include <pugixml.hpp>

#include <array>
#include <sstream>

#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr std::size_t kEntriesMax = 5000;
constexpr std::size_t kBodyMaxBytes = 64 * 1024;
constexpr std::string_view kSecret = "[secret]";

// Element and member names whose text is a secret, in any namespace and at any depth.
constexpr std::array<std::string_view, 10> kSecretNames{"Password", "PrivateKey",  "Passphrase", "passphrase",
                                                        "password", "private_key", "pkcs12",     "pwd",
                                                        "Pkcs12",   "secret"};

bool is_secret_name(std::string_view name) {
  auto const colon = name.find(':');
  if (colon != std::string_view::npos) name.remove_prefix(colon + 1);
  for (std::string_view const secret : kSecretNames)
    if (name == secret) return true;
  return false;
}

void hide(pugi::xml_node node) {
  node.remove_children();
  node.append_child(pugi::node_pcdata).set_value(kSecret.data());
}

struct Hider : pugi::xml_tree_walker {
  bool for_each(pugi::xml_node& node) override {
    std::string_view const name = node.name();
    bool const is_pfx = name.ends_with("Pkcs12") && name.find("Load") == std::string_view::npos;
    if (node.type() == pugi::node_element && is_secret_name(name) && !is_pfx) hide(node);
    if (node.type() == pugi::node_element && is_pfx)
      for (pugi::xml_node child : node.children())
        if (!std::string_view(child.name()).ends_with("Id")) hide(child);
    return true;
  }
};

json::Value hide_members(json::Value const& value) {
  if (json::Array const* array = value.as_array()) {
    json::Array copy;
    for (json::Value const& item : *array) copy.push_back(hide_members(item));
    return copy;
  }
  json::Object const* object = value.as_object();
  if (object == nullptr) return value;
  json::Object copy;
  for (auto const& [name, member] : object->members())
    copy.set(name, is_secret_name(name) ? json::Value(kSecret) : hide_members(member));
  return copy;
}

std::string redact_form(std::string_view form) {
  std::string out;
  for (std::string const& field : split(form, '&')) {
    auto const equals = field.find('=');
    std::string const name = percent_decode(std::string_view(field).substr(0, equals), true);
    bool const secret = equals != std::string::npos && (is_secret_name(name) || lower(name).ends_with("password"));
    out += (out.empty() ? "" : "&") + (secret ? field.substr(0, equals + 1) + std::string(kSecret) : field);
  }
  return out;
}

}  // namespace

std::string redact_body(std::string const& body) {
  if (body.empty()) return {};
  std::string out;
  auto const start = body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  char const first = start == std::string::npos ? ' ' : body[start];
  if (first == '<') {
    pugi::xml_document document;
    if (document.load_buffer(body.data(), body.size())) {
      Hider hider;
      document.traverse(hider);
      std::ostringstream text;
      document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
      out = text.str();
    }
  } else if (first == '{' || first == '[') {
    auto const value = json::parse(body, {.bytes = 2 * 1024 * 1024});
    if (value.ok()) out = json::write(hide_members(*value));
  } else if (body.find('=') != std::string::npos && body.find('\n') == std::string::npos) {
    out = redact_form(body);
  }
  // What could not be read may hold anything, and a PEM key can hide in a member of any name.
  if (out.empty() || out.find("PRIVATE KEY") != std::string::npos)
    return "[" + std::to_string(body.size()) + " octets not shown]";
  if (out.size() > kBodyMaxBytes) out.resize(kBodyMaxBytes);
  return out;
}

std::string redact_target(Request const& request) {
  return request.query.empty() ? request.path : request.path + "?" + redact_form(request.query);
}

bool has_password(Request const& request) {
  for (auto const& [name, value] : parse_query(request.query))
    if (!value.empty() && (is_secret_name(name) || lower(name).ends_with("password"))) return true;
  return request.target.find("@") < request.target.find("?") && request.target.find("://") != std::string::npos;
}

void Journal::add(JournalEntry entry) {
  entry.number = ++last_;
  entries_.push_back(std::move(entry));
  if (entries_.size() > kEntriesMax) entries_.pop_front();
}

void Journal::note_fault(std::string_view operation, std::string_view fault) {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->operation != operation) continue;
    entry->fault = fault;
    return;
  }
}

json::Object Journal::flags() const {
  return json::Object{{"basic_over_http", counts_.basic_over_http},
                      {"password_in_url", counts_.password_in_url},
                      {"private_key_received", counts_.private_key_received},
                      {"unknown_element", counts_.unknown_element}};
}

json::Object Journal::to_json() const {
  json::Array list;
  for (JournalEntry const& entry : entries_) {
    json::Array flags;
    if (entry.basic_over_http) flags.emplace_back("basic_over_http");
    if (entry.password_in_url) flags.emplace_back("password_in_url");
    if (entry.private_key_received) flags.emplace_back("private_key_received");
    if (entry.unknown_element) flags.emplace_back("unknown_element");
    list.push_back(json::Object{{"n", static_cast<long long>(entry.number)},
                                {"time", entry.time},
                                {"listener", entry.https ? "https" : "http"},
                                {"tls_version", entry.tls_version},
                                {"sni", entry.sni},
                                {"method", entry.method},
                                {"path", entry.target},
                                {"auth_offered", entry.auth_offered},
                                {"auth_used", entry.auth_used},
                                {"auth_qop", entry.auth_qop},
                                {"user", entry.user},
                                {"status", entry.status},
                                {"operation", entry.operation},
                                {"body", entry.body},
                                {"fault", entry.fault},
                                {"flags", std::move(flags)}});
  }
  return json::Object{{"entries", std::move(list)}, {"flags", flags()}};
}

}  // namespace lenscap::camsim
