#include "agent/devices/shared/axis_driver.h"

#include <algorithm>

#include "agent/devices/shared/axis_tls.h"
#include "agent/devices/shared/probe.h"
#include "agent/devices/shared/soap_call.h"
#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace ns = soap::ns;

std::string key_type_of(x509::PublicKey const& key) {
  if (key.type() == x509::KeyType::rsa) return "RSA-" + std::to_string(key.bits());
  return std::string(x509::to_string(key.type()));
}

std::string usable_common_name(KeySpec const& spec) {
  constexpr std::size_t kCommonNameMax = 64;
  if (!spec.common_name.empty() && spec.common_name.size() <= kCommonNameMax) return spec.common_name;
  for (auto const& name : spec.names.dns)
    if (name.text().size() <= kCommonNameMax) return name.text();
  for (auto const& address : spec.names.ip) return address.text();
  return {};
}

DeviceResult<> check_csr(x509::Csr const& csr, KeySpec const& spec, std::string_view key_type, bool csr_san,
                         std::optional<x509::PublicKey> const& made) {
  auto const refuse = [](std::string const& text) {
    return DeviceError(DeviceErrc::bad_csr, "the device's certificate request " + text + "; it is not used");
  };
  if (!key_type.empty() && key_type_of(csr.key) != key_type)
    return refuse("is for a key of type " + key_type_of(csr.key) + " instead of " + std::string(key_type));
  if (made && !(*made == csr.key)) return refuse("is for another key than the one that was made for it");
  for (auto const& name : csr.names.dns)
    if (!spec.names.dns.contains(name)) return refuse("asks for a foreign name, " + name.text());
  for (auto const& address : csr.names.ip)
    if (!spec.names.ip.contains(address)) return refuse("asks for a foreign address, " + address.text());
  if (csr_san && csr.names != spec.names) return refuse("names only " + csr.names.text());
  std::string const common_name = usable_common_name(spec);
  if (!csr.common_name.empty() && !equal_ignoring_case(csr.common_name, common_name))
    return refuse("carries a foreign common name, " + clean_text(csr.common_name, 64));
  return {};
}

DeviceResult<> check_chain(std::vector<x509::Certificate> const& chain, x509::PublicKey const& key) {
  if (chain.empty())
    return DeviceError(DeviceErrc::bad_certificate, Retry::never, "there is no certificate to install");
  if (!(chain.front().key() == key))
    return DeviceError(DeviceErrc::key_mismatch,
                       "the certificate is for another key than the one that the device holds; it is not installed");
  return {};
}

std::string ca_id_of(x509::Certificate const& certificate) {
  auto const fingerprint = certificate.fingerprint();
  return std::string(kOurIdPrefix) + "ca-" + to_hex(ByteView(fingerprint).first(6));
}

AxisDriver::AxisDriver(std::unique_ptr<Connection> connection, Identity identity, Capabilities capabilities)
    : connection_(std::move(connection)), identity_(std::move(identity)), capabilities_(std::move(capabilities)) {}

CertificateEntry const* AxisDriver::find(std::vector<CertificateEntry> const& entries, std::string_view id) {
  auto const found = std::find_if(entries.begin(), entries.end(), [&](auto const& entry) { return entry.id == id; });
  return found == entries.end() ? nullptr : &*found;
}

net::Awaitable<DeviceResult<>> AxisDriver::make_key_by_soap(KeySpec spec) {
  soap::Element request(ns::kCertificates, "CreateCertificate2");
  request.add(soap::Element(ns::kCertificates, "Id", spec.id));
  soap::Element subject(ns::kCertificates, "Subject");
  subject.add(soap::Element(ns::kCert, "CN", usable_common_name(spec)));
  request.add(std::move(subject));
  auto const made = co_await call(connection(), request, Pace::make_key);
  // It was not there a moment ago, and nobody else makes such ids: the HTTP client asked again when no answer came.
  if (!made.ok() && made.error().code != DeviceErrc::id_in_use) co_return made.error();
  co_return DeviceResult<>();
}

net::Awaitable<DeviceResult<std::vector<std::string>>> AxisDriver::add_issuers(std::vector<x509::Certificate> chain) {
  std::vector<std::string> ids;
  if (chain.size() < 2) co_return ids;
  CO_TRY(auto present, co_await read_ca_certificates());
  auto const id_of = [&present](x509::Certificate const& wanted) {
    auto const same = std::find_if(present.begin(), present.end(), [&](CertificateEntry const& entry) {
      return entry.certificate && *entry.certificate == wanted;
    });
    return same == present.end() ? std::string() : same->id;
  };
  for (std::size_t i = 1; i < chain.size(); ++i) {
    std::string id = id_of(chain[i]);
    if (id.empty()) {
      std::string const new_id = ca_id_of(chain[i]);
      CO_TRY(bool const taken, co_await load_ca(new_id, chain[i]));
      if (taken) {
        id = new_id;
      } else {
        // The HTTP client asks again when no answer came: then it is the repetition that was refused.
        CO_TRY(present, co_await read_ca_certificates());
        id = id_of(chain[i]);
      }
    }
    if (!id.empty()) ids.push_back(std::move(id));
  }
  co_return ids;
}

net::Awaitable<DeviceResult<HttpsConfig>> AxisDriver::get_https() { return axis::read_https(connection()); }

net::Awaitable<DeviceResult<SwitchOutcome>> AxisDriver::set_https(HttpsConfig config) {
  return axis::write_https(connection(), std::move(config));
}

namespace {

constexpr std::size_t kCertSetsMax = 100;  // 12.11 has 17

// Every text of an element of this name, wherever it stands: how firmware wraps these lists differs.
void collect(soap::Element const& element, std::string_view name, std::vector<std::string>& texts) {
  if (element.ns == ns::kCert && element.name == name && !element.text.empty()) texts.push_back(element.text);
  for (soap::Element const& child : element.children) collect(child, name, texts);
}

}  // namespace

std::optional<DeviceError> reason_to_keep(soap::Fault const& fault, std::string_view question) {
  DeviceError error = fault_error(fault, question);
  if (error.code == DeviceErrc::unsupported) return std::nullopt;
  error.code = DeviceErrc::partial_cleanup;
  error.retry = default_retry(error.code);
  error.text = "the device does not tell what uses its certificates, so none is removed: " + error.text;
  return error;
}

net::Awaitable<DeviceResult<AxisDriver::Uses>> AxisDriver::read_uses() {
  Uses uses;
  CO_TRY(auto const https, co_await get_https());
  for (auto const* ids : {&https.certificate_ids, &https.ca_ids, &https.trusted_ids})
    for (std::string const& id : *ids) uses.sets.emplace(id, "WebServer");

  soap::Element request(ns::kCertificates, "ListCertSets");
  CO_TRY(auto const answer, co_await ask(connection(), request));
  if (auto const* fault = std::get_if<soap::Fault>(&answer)) {
    uses.unknown = reason_to_keep(*fault, request.name);
    co_return uses;
  }
  auto const* list = std::get_if<soap::Element>(&answer);
  std::vector<std::string> sets;
  collect(*list, "CertSetNames", sets);
  collect(*list, "CertSetName", sets);
  if (sets.size() > kCertSetsMax) co_return DeviceError(DeviceErrc::bad_answer, "ListCertSets: too many sets");
  for (std::string const& name : sets) {
    if (name == "WebServer") continue;
    soap::Element get(ns::kCertificates, "GetCertSet");
    get.add(soap::Element(ns::kCertificates, "CertSetName", name));
    CO_TRY(auto const set, co_await ask(connection(), get));
    if (auto const* fault = std::get_if<soap::Fault>(&set)) {
      if (!uses.unknown) uses.unknown = reason_to_keep(*fault, get.name + " " + clean_text(name, 60));
      continue;
    }
    std::vector<std::string> ids;
    collect(std::get<soap::Element>(set), "Id", ids);
    for (std::string& id : ids) uses.sets.emplace(std::move(id), clean_text(name, 60));
  }
  co_return uses;
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisDriver::list_certificates() {
  CO_TRY(auto entries, co_await read_certificates());
  CO_TRY(auto const uses, co_await read_uses());
  for (CertificateEntry& entry : entries) {
    auto const [begin, end] = uses.sets.equal_range(entry.id);
    for (auto use = begin; use != end; ++use) entry.used_by.push_back(use->second);
  }
  co_return entries;
}

net::Awaitable<DeviceResult<>> AxisDriver::remove(std::string id) {
  if (!is_our_id(id))
    co_return DeviceError(DeviceErrc::id_in_use, Retry::never, "certificate '" + clean_text(id, 64) + "' is not ours");
  CO_TRY(auto const entries, co_await read_certificates());
  bool const is_key = find(entries, id) != nullptr;
  if (!is_key) {
    CO_TRY(auto const authorities, co_await read_ca_certificates());
    if (find(authorities, id) == nullptr) co_return DeviceResult<>();  // gone already
  }
  CO_TRY(auto const uses, co_await read_uses());
  // Without case: a device that takes two spellings for one must not lose what it serves.
  auto const use = std::find_if(uses.sets.begin(), uses.sets.end(),
                                [&](auto const& entry) { return equal_ignoring_case(entry.first, id); });
  if (use != uses.sets.end())
    co_return DeviceError(DeviceErrc::id_in_use, "certificate '" + id + "' is in use (" + use->second + ") and stays");
  if (uses.unknown) co_return *uses.unknown;
  co_return co_await erase(id, !is_key);
}

net::Awaitable<DeviceResult<std::string>> AxisDriver::read_serial(Trust trust) {
  Connection& own = connection();
  Connection fresh(own.http(), own.clock(), own.endpoint(), own.login(), std::move(trust), own.timeouts());
  co_return co_await read_serial_number(fresh);
}

}  // namespace lenscap::agent
