#include "acme/wire/directory.h"

#include "acme/wire/read_members.h"

namespace lenscap::acme {
namespace {

struct UrlMember {
  char const* name;
  std::string Directory::*field;
  bool required;
};
constexpr UrlMember kUrls[] = {
    {"newNonce", &Directory::new_nonce, true},       // 8555-7.1-1
    {"newAccount", &Directory::new_account, true},   // 8555-7.1-1
    {"newOrder", &Directory::new_order, true},       // 8555-7.1-1
    {"newAuthz", &Directory::new_authz, false},      // 8555-7.1.1-1
    {"revokeCert", &Directory::revoke_cert, false},  // ours has it; of other servers we can do without
    {"keyChange", &Directory::key_change, false},    // the same
    {"renewalInfo", &Directory::renewal_info, false}, {"lenscapRoots", &Directory::roots, false},
};

// 8555-7.1.1-2: `meta` is an object.
json::Object meta(Directory const& directory) {
  json::Object meta;
  if (!directory.terms_of_service.empty()) meta.set("termsOfService", directory.terms_of_service);
  if (!directory.website.empty()) meta.set("website", directory.website);
  if (!directory.caa_identities.empty()) meta.set("caaIdentities", json::Value::strings(directory.caa_identities));
  meta.set("externalAccountRequired", directory.external_account_required);  // 8555-7.3.4-3
  if (!directory.profiles.empty()) {                                         // profiles-3-1
    json::Object profiles;
    for (auto const& [name, description] : directory.profiles) profiles.set(name, description);
    meta.set("profiles", std::move(profiles));
  }
  return meta;
}

Result<> read_meta(json::Object const& meta, Directory& directory) {
  TRY(auto const terms, json::get_string(meta, "termsOfService"));
  TRY(auto const website, json::get_string(meta, "website"));
  TRY(auto const caa, json::get_strings(meta, "caaIdentities"));
  TRY(auto const eab, json::get_bool(meta, "externalAccountRequired"));
  TRY(auto const profiles, json::get_object(meta, "profiles"));
  directory.terms_of_service = terms.value_or("");
  directory.website = website.value_or("");
  directory.caa_identities = caa.value_or(std::vector<std::string>{});
  directory.external_account_required = eab.value_or(false);
  if (profiles) {
    for (auto const& [name, description] : profiles->members()) {
      auto const* text = description.as_string();
      if (text == nullptr) return Error(Errc::malformed, "profiles: every description must be a string");
      directory.profiles.emplace_back(name, *text);
    }
  }
  return {};
}

}  // namespace

json::Object to_json(Directory const& directory) {
  json::Object object;
  for (auto const& url : kUrls) {
    if (!(directory.*url.field).empty()) object.set(url.name, directory.*url.field);
  }
  object.set("meta", meta(directory));
  return object;
}

Result<Directory> parse_directory(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  Directory directory;
  for (auto const& url : kUrls) {
    TRY(auto const text, json::get_string(object, url.name));
    if (url.required && text.value_or("").empty()) {
      return Error(Errc::malformed, std::string("this is no ACME directory: ") + url.name + " is missing");
    }
    directory.*url.field = text.value_or("");
  }
  TRY(auto const meta_object, json::get_object(object, "meta"));
  if (meta_object) CHECK_OK(read_meta(*meta_object, directory));
  return directory;
}

}  // namespace lenscap::acme
