#include "agent/devices/shared/axis_tls.h"

#include <algorithm>

#include "agent/devices/shared/probe.h"
#include "agent/devices/shared/soap_call.h"
#include "agent/devices/shared/text.h"

namespace lenscap::agent::axis {

namespace ns = soap::ns;

namespace {

constexpr std::size_t kCiphersMax = 200;
constexpr std::size_t kIdsMax = 200;
constexpr std::size_t kForeignIdMax = 128;  // the REST interface's limit; ids of others may hold nearly anything

Result<HttpsPolicy> read_policy(std::string_view text) {
  for (HttpsPolicy const policy : {HttpsPolicy::http, HttpsPolicy::http_and_https, HttpsPolicy::https})
    if (text == to_string(policy)) return policy;
  return Error(Errc::malformed, "TLS configuration: unknown policy '" + clean_text(text, 40) + "'");
}

Result<std::vector<std::string>> read_ids(soap::Element const* list) {
  std::vector<std::string> ids;
  if (list == nullptr) return ids;
  ids = list->texts(ns::kCert, "Id");
  std::erase_if(ids, [](std::string const& id) { return id.empty(); });
  if (ids.size() > kIdsMax) return Error(Errc::malformed, "TLS configuration: too many certificate ids");
  for (std::string const& id : ids)
    if (id.size() > kForeignIdMax) return Error(Errc::malformed, "TLS configuration: a certificate id is too long");
  return ids;
}

bool is_cipher_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

soap::Element get_tls_request() { return {ns::kWebServer, "GetWebServerTlsConfiguration"}; }

Result<HttpsConfig> read_tls_config(soap::Element const& answer) {
  soap::Element const* const config = answer.child(ns::kWebServer, "Configuration");
  if (!answer.is(ns::kWebServer, "GetWebServerTlsConfigurationResponse") || config == nullptr)
    return Error(Errc::malformed, "TLS configuration: the answer holds none");
  soap::Element const* const tls = config->child(ns::kWebServer, "Tls");
  if (tls == nullptr) return Error(Errc::malformed, "TLS configuration: it does not say whether TLS is on");

  HttpsConfig https;
  https.enabled = tls->text == "true" || tls->text == "1";
  if (soap::Element const* policies = config->child(ns::kWebServer, "ConnectionPolicies")) {
    for (soap::Element const& role : policies->children) {
      if (role.ns != ns::kWebServer || (role.name != "Admin" && role.name != "Operator" && role.name != "Viewer"))
        return Error(Errc::malformed, "TLS configuration: unknown role '" + clean_text(role.name, 40) + "'");
      if (https.policies.size() == 3) return Error(Errc::malformed, "TLS configuration: too many roles");
      TRY(HttpsPolicy const policy, read_policy(role.text));
      https.policies.emplace_back(role.name, policy);
    }
  }
  if (soap::Element const* ciphers = config->child(ns::kWebServer, "Ciphers"))
    https.ciphers = ciphers->texts(ns::kCert, "Cipher");
  std::erase_if(https.ciphers, [](std::string const& cipher) { return cipher.empty(); });
  if (https.ciphers.size() > kCiphersMax ||
      !std::all_of(https.ciphers.begin(), https.ciphers.end(), [](auto const& c) { return is_cipher_name(c); }))
    return Error(Errc::malformed, "TLS configuration: bad list of ciphers");
  if (soap::Element const* set = config->child(ns::kWebServer, "CertificateSet")) {
    TRY(https.certificate_ids, read_ids(set->child(ns::kCert, "Certificates")));
    TRY(https.ca_ids, read_ids(set->child(ns::kCert, "CACertificates")));
    TRY(https.trusted_ids, read_ids(set->child(ns::kCert, "TrustedCertificates")));
  }
  return https;
}

soap::Element set_tls_request(HttpsConfig const& config) {
  soap::Element request(ns::kWebServer, "SetWebServerTlsConfiguration");
  soap::Element& body = request.add({ns::kWebServer, "Configuration"});
  body.add({ns::kWebServer, "Tls", config.enabled ? "true" : "false"});
  soap::Element& policies = body.add({ns::kWebServer, "ConnectionPolicies"});
  for (auto const& [role, policy] : config.policies) policies.add({ns::kWebServer, role, to_string(policy)});
  soap::Element& ciphers = body.add({ns::kWebServer, "Ciphers"});
  for (std::string const& cipher : config.ciphers) ciphers.add({ns::kCert, "Cipher", cipher});
  soap::Element& set = body.add({ns::kWebServer, "CertificateSet"});
  auto const add_ids = [&](std::string_view name, std::vector<std::string> const& ids) {
    soap::Element& list = set.add({ns::kCert, name});
    for (std::string const& id : ids) list.add({ns::kCert, "Id", id});
  };
  add_ids("Certificates", config.certificate_ids);
  add_ids("CACertificates", config.ca_ids);
  add_ids("TrustedCertificates", config.trusted_ids);
  return request;
}

bool suits(std::vector<std::string> const& ciphers, std::string_view key_type) {
  bool const ec = key_type.starts_with("EC-");
  return std::any_of(ciphers.begin(), ciphers.end(), [&](std::string const& cipher) {
    return cipher.starts_with("TLS_") || (cipher.find("ECDSA") != std::string::npos) == ec;
  });
}

std::vector<std::string> split_ciphers(std::string_view text) {
  std::vector<std::string> ciphers;
  while (!text.empty() && ciphers.size() < kCiphersMax) {
    auto const end = text.find(':');
    std::string_view const one = text.substr(0, end);
    if (is_cipher_name(one)) ciphers.emplace_back(one);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return ciphers;
}

net::Awaitable<DeviceResult<HttpsConfig>> read_https(Connection& connection) {
  soap::Element request = get_tls_request();
  CO_TRY(auto const answer, co_await call(connection, std::move(request)));
  auto config = read_tls_config(answer);
  if (!config.ok()) co_return DeviceError(DeviceErrc::bad_answer, config.error().detail());
  if (config->ciphers.empty()) {
    CO_TRY(auto const params, co_await read_params(connection, "HTTPS"));
    config->ciphers = split_ciphers(params.get("HTTPS.Ciphers"));
  }
  co_return *std::move(config);
}

namespace {

// The same configuration in the form of the other firmware; nothing when there is no other.
std::optional<HttpsConfig> other_roles(HttpsConfig config) {
  if (config.policies.size() == 3) {
    std::erase_if(config.policies, [](auto const& role) { return role.first != "Admin"; });
    return config;
  }
  if (config.policies.size() != 1) return std::nullopt;
  HttpsPolicy const policy = config.policies.front().second;
  config.policies = {{"Admin", policy}, {"Operator", policy}, {"Viewer", policy}};
  return config;
}

std::optional<HttpsConfig> without_our_ca(HttpsConfig config) {
  auto const erased = std::erase_if(config.ca_ids, [](std::string const& id) { return is_our_id(id); });
  if (erased == 0) return std::nullopt;
  return config;
}

// What to try in place of a configuration that the device refused, the likeliest first: which roles it wants and
// whether the set may hold CA certificates differs between firmware, and what a get shows is not always what a set
// takes.
std::vector<HttpsConfig> other_forms(HttpsConfig const& config, soap::Fault const& fault) {
  std::vector<HttpsConfig> forms;
  auto const roles = other_roles(config);
  auto const leaf_alone = without_our_ca(config);
  if (leaf_alone) forms.push_back(*leaf_alone);
  if (roles) forms.insert(fault.names("TagMismatch") ? forms.begin() : forms.end(), *roles);
  if (roles && leaf_alone) forms.push_back(*other_roles(*leaf_alone));
  return forms;
}

}  // namespace

net::Awaitable<DeviceResult<SwitchOutcome>> write_https(Connection& connection, HttpsConfig config) {
  if (config.enabled && (config.certificate_ids.empty() || config.ciphers.empty()))
    co_return DeviceError(
        DeviceErrc::unsupported,
        "HTTPS cannot be turned on without a certificate and a list of ciphers; the device gave none");
  // The device answers now: a connection that ends without an answer then means that the request may have been obeyed.
  CO_CHECK_OK(co_await connection.settle());
  std::optional<std::vector<HttpsConfig>> others;
  while (true) {
    soap::Element request = set_tls_request(config);
    auto const answer = co_await ask(connection, request);
    if (!answer.ok()) {
      // Another key than a moment ago: it was obeyed, and the HTTP client asked again when no answer came.
      auto const code = answer.error().code;
      if (code == DeviceErrc::unreachable || code == DeviceErrc::tls_untrusted) co_return SwitchOutcome::answer_lost;
      co_return answer.error();
    }
    auto const* fault = std::get_if<soap::Fault>(&*answer);
    if (fault == nullptr) {
      CO_CHECK_OK(check_response(request, std::get<soap::Element>(*answer)));
      connection.unsettle();
      co_return SwitchOutcome::accepted;
    }
    if (!others) others = other_forms(config, *fault);
    if (others->empty()) co_return fault_error(*fault, request.name);
    config = std::move(others->front());
    others->erase(others->begin());
  }
}

}  // namespace lenscap::agent::axis
