#include "agent/devices/axis_soap.h"

#include <algorithm>

#include "agent/devices/shared/axis_tls.h"
#include "agent/devices/shared/soap_call.h"
#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace ns = soap::ns;

namespace {

class AxisSoap final : public AxisDriver {
 public:
  using AxisDriver::AxisDriver;

  net::Awaitable<DeviceResult<NewKey>> create_key_and_csr(KeySpec spec) final;
  net::Awaitable<DeviceResult<Installed>> install_certificate(std::string key_id, x509::PublicKey key,
                                                              std::vector<x509::Certificate> chain) final;

 private:
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_certificates() final;
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_ca_certificates() final;
  net::Awaitable<DeviceResult<>> erase(std::string id, bool is_ca) final;
  net::Awaitable<DeviceResult<bool>> load_ca(std::string id, x509::Certificate certificate) final;

  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_list(std::string operation, std::string item);
  net::Awaitable<DeviceResult<>> make_key(KeySpec spec);
  net::Awaitable<DeviceResult<std::optional<std::string>>> find_installed(x509::Certificate leaf);
};

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisSoap::read_list(std::string operation,
                                                                                std::string item) {
  soap::Element request(ns::kDevice, operation);
  CO_TRY(auto const answer, co_await call(connection(), request));
  std::vector<CertificateEntry> entries;
  for (soap::Element const& child : answer.children) {
    // "NvtCertificate" on all recorded firmware; ONVIF's own schema spells it "NVTCertificate" elsewhere.
    if (child.ns != ns::kDevice || !equal_ignoring_case(child.name, item)) continue;
    if (entries.size() == kCertificatesMax)
      co_return DeviceError(DeviceErrc::bad_answer, operation + ": more certificates than a device can hold");
    CertificateEntry entry;
    if (auto const* id = child.child(ns::kSchema, "CertificateID")) entry.id = id->text;
    if (auto const* certificate = child.child(ns::kSchema, "Certificate")) {
      if (auto const* data = certificate->child(ns::kSchema, "Data")) {
        auto const der = from_base64(data->text);
        auto parsed = der.ok() ? x509::Certificate::from_der(*der) : Result<x509::Certificate>(der.error());
        if (parsed.ok()) entry.certificate = *std::move(parsed);
      }
    }
    entry.ours = is_our_id(entry.id);
    entries.push_back(std::move(entry));
  }
  co_return entries;
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisSoap::read_certificates() {
  return read_list("GetCertificates", "NvtCertificate");
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisSoap::read_ca_certificates() {
  return read_list("GetCACertificates", "CACertificate");
}

net::Awaitable<DeviceResult<>> AxisSoap::erase(std::string id, bool /*is_ca*/) {
  soap::Element request(ns::kDevice, "DeleteCertificates");
  request.add(soap::Element(ns::kDevice, "CertificateID", id));
  CO_TRY(auto const answer, co_await ask(connection(), request));
  if (auto const* fault = std::get_if<soap::Fault>(&answer)) {
    DeviceError error = fault_error(*fault, request.name);
    error.code = DeviceErrc::partial_cleanup;
    error.retry = Retry::later;
    co_return error;
  }
  co_return DeviceResult<>();
}

// Makes the key and its self-signed certificate, unless the id exists already.
net::Awaitable<DeviceResult<>> AxisSoap::make_key(KeySpec spec) {
  CO_TRY(auto const entries, co_await read_certificates());
  if (find(entries, spec.id) != nullptr) co_return DeviceResult<>();
  co_return co_await make_key_by_soap(std::move(spec));
}

net::Awaitable<DeviceResult<NewKey>> AxisSoap::create_key_and_csr(KeySpec spec) {
  if (!is_our_id(spec.id)) bug("a key's id must be one of ours");
  if (usable_common_name(spec).empty())
    co_return DeviceError(DeviceErrc::unsupported,
                          "this firmware needs a common name, and none of the names fits into 64 characters");
  CO_CHECK_OK(co_await make_key(spec));

  soap::Element request(ns::kCertificates, "GetPkcs10Request2");
  request.add(soap::Element(ns::kCertificates, "Id", spec.id));
  CO_TRY(auto const answer, co_await call(connection(), request, Pace::make_key));
  auto const* text = answer.child(ns::kCertificates, "Pkcs10Request");
  if (text == nullptr) co_return DeviceError(DeviceErrc::bad_answer, "GetPkcs10Request2: the answer holds no request");
  auto csr = x509::parse_csr_text(text->text);
  if (!csr.ok())
    co_return DeviceError(DeviceErrc::bad_csr,
                          "the device's certificate request is refused: " + clean_text(csr.error().detail()));

  CO_TRY(auto const entries, co_await read_certificates());
  std::optional<x509::PublicKey> made;
  if (auto const* entry = find(entries, spec.id); entry != nullptr && entry->certificate)
    made = entry->certificate->key();
  CO_CHECK_OK(check_csr(*csr, spec, spec.key_type, capabilities().csr_san, made));
  CO_TRY(auto const https, co_await get_https());
  if (!axis::suits(https.ciphers, key_type_of(csr->key)))
    co_return DeviceError(DeviceErrc::keytype_unsupported, "the device made a key of type " + key_type_of(csr->key) +
                                                               ", but its web server has no cipher for such a key");
  NewKey key{spec.id, *std::move(csr)};
  co_return key;
}

// The id under which the device holds exactly this certificate.
net::Awaitable<DeviceResult<std::optional<std::string>>> AxisSoap::find_installed(x509::Certificate leaf) {
  CO_TRY(auto const entries, co_await read_certificates());
  std::optional<std::string> id;
  for (CertificateEntry const& entry : entries) {
    if (entry.ours && entry.certificate && *entry.certificate == leaf) id = entry.id;
  }
  co_return id;
}

soap::Element load_request(std::string_view operation, std::string_view item, std::string_view id, Bytes const& der) {
  soap::Element request(ns::kDevice, operation);
  soap::Element& entry = request.add(soap::Element(ns::kDevice, item));
  entry.add(soap::Element(ns::kSchema, "CertificateID", id));
  entry.add(soap::Element(ns::kSchema, "Certificate")).add(soap::Element(ns::kSchema, "Data", to_base64(der)));
  return request;
}

// This interface has no way to give leaf and issuers in one.
net::Awaitable<DeviceResult<bool>> AxisSoap::load_ca(std::string id, x509::Certificate certificate) {
  soap::Element const request = load_request("LoadCACertificates", "CACertificate", id, certificate.der());
  CO_TRY(auto const answer, co_await ask(connection(), request));
  co_return std::holds_alternative<soap::Element>(answer);
}

net::Awaitable<DeviceResult<Installed>> AxisSoap::install_certificate(std::string key_id, x509::PublicKey key,
                                                                      std::vector<x509::Certificate> chain) {
  CO_CHECK_OK(check_chain(chain, key));
  x509::Certificate const leaf = chain.front();
  CO_TRY(auto installed, co_await find_installed(leaf));
  std::optional<DeviceError> refusal;
  // Some firmware wants the CSR's id, some a new one and finds the key itself. What counts is what is there afterwards.
  for (std::string const& id : {key_id, key_id + "-c"}) {
    if (installed) break;
    soap::Element const request = load_request("LoadCertificates", "NVTCertificate", id, leaf.der());
    CO_TRY(auto const answer, co_await ask(connection(), request));
    auto const* fault = std::get_if<soap::Fault>(&answer);
    if (fault != nullptr) {
      if (!refusal || id == key_id) refusal = fault_error(*fault, request.name);
      continue;
    }
    CO_TRY(installed, co_await find_installed(leaf));
    if (!installed) {
      co_return DeviceError(DeviceErrc::bad_certificate,
                            "the device said that it took the certificate, but it does not have it");
    }
  }
  if (!installed) co_return *std::move(refusal);

  Installed result;
  result.id = *installed;
  CO_TRY(result.ca_ids, co_await add_issuers(chain));
  result.chain = chain.size() == 1                          ? ChainUpload::complete
                 : result.ca_ids.size() == chain.size() - 1 ? ChainUpload::separate
                                                            : ChainUpload::leaf_only;
  co_return result;
}

}  // namespace

net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_axis_soap(std::unique_ptr<Connection>& connection,
                                                                     Identity const& identity) {
  std::unique_ptr<Driver> none;
  auto const config = co_await axis::read_https(*connection);
  if (!config.ok()) {
    if (config.error().code == DeviceErrc::unsupported) co_return none;
    co_return config.error();
  }
  Capabilities capabilities;
  capabilities.driver = "axis_soap";
  capabilities.three_policies = config->policies.size() == 3;
  std::unique_ptr<Driver> driver = std::make_unique<AxisSoap>(std::move(connection), identity, std::move(capabilities));
  co_return driver;
}

}  // namespace lenscap::agent
