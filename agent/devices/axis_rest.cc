#include "agent/devices/axis_rest.h"

#include <algorithm>
#include <array>

#include "agent/devices/shared/axis_text.h"
#include "agent/devices/shared/axis_tls.h"
#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace {

// What a REST call came to: never a refusal of the connection or the login, those are DeviceErrors.
struct Reply {
  int status = 0;
  axis::RestAnswer answer;
  bool ok() const { return std::holds_alternative<json::Value>(answer); }
  json::Value const& data() const { return std::get<json::Value>(answer); }
  axis::Refusal const& refusal() const { return std::get<axis::Refusal>(answer); }
};

net::Awaitable<DeviceResult<Reply>> rest(Connection& connection, net::Method method, std::string path,
                                         std::optional<json::Value> data, Pace pace = Pace::usual) {
  Exchange exchange;
  exchange.method = method;
  exchange.path = path;
  exchange.pace = pace;
  if (data) {
    json::Object body;
    body.set("data", *std::move(data));
    exchange.body = json::write(body);
    exchange.content_type = "application/json";
  }
  auto response = co_await connection.send(std::move(exchange));
  if (!response.ok()) co_return std::move(response).error();
  auto answer = axis::parse_rest(response->body);
  if (!answer.ok()) {
    if (response->status >= 300) co_return unexpected_status(response->status, path);
    co_return DeviceError(DeviceErrc::bad_answer, path + ": " + clean_text(answer.error().detail()));
  }
  bool const success = response->status >= 200 && response->status < 300;
  if (success != std::holds_alternative<json::Value>(*answer))
    co_return DeviceError(DeviceErrc::bad_answer, path + ": status and answer contradict each other");
  Reply reply;
  reply.status = response->status;
  reply.answer = *std::move(answer);
  co_return reply;
}

bool says(axis::Refusal const& refusal, std::string_view word) {
  return refusal.message.find(word) != std::string::npos;
}

// Codes are documented for a few cases only; the HTTP status tells the rest.
DeviceError refusal_error(Reply const& reply, std::string_view what) {
  axis::Refusal const& refusal = reply.refusal();
  std::string const text =
      std::string(what) + ": the device refuses: " + refusal.message + " (code " + std::to_string(refusal.code) + ")";
  if (refusal.code == 5 && says(refusal, "not supported")) return {DeviceErrc::keytype_unsupported, text};
  if (refusal.code == 100) return {DeviceErrc::keytype_unsupported, text};
  if (says(refusal, "key pair")) return {DeviceErrc::key_generation_failed, text};
  if (refusal.code == 7 || says(refusal, "does not match")) return {DeviceErrc::key_mismatch, text};
  if (reply.status == 409) return {DeviceErrc::id_in_use, text};
  if (says(refusal, "aximum") || says(refusal, "full")) return {DeviceErrc::store_full, text};
  if (reply.status == 400 || reply.status == 413) return {DeviceErrc::bad_certificate, text};
  if (reply.status == 404) return {DeviceErrc::unsupported, text};
  return {reply.status >= 500 ? DeviceErrc::busy_timeout : DeviceErrc::bad_answer, text};
}

class AxisRest final : public AxisDriver {
 public:
  AxisRest(std::unique_ptr<Connection> connection, Identity identity, Capabilities capabilities, std::string path)
      : AxisDriver(std::move(connection), std::move(identity), std::move(capabilities)), path_(std::move(path)) {}

  net::Awaitable<DeviceResult<NewKey>> create_key_and_csr(KeySpec spec) final;
  net::Awaitable<DeviceResult<Installed>> install_certificate(std::string key_id, x509::PublicKey key,
                                                              std::vector<x509::Certificate> chain) final;

 private:
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_certificates() final;
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_ca_certificates() final;
  net::Awaitable<DeviceResult<>> erase(std::string id, bool is_ca) final;
  net::Awaitable<DeviceResult<bool>> load_ca(std::string id, x509::Certificate certificate) final;

  enum class Change { set, action };
  net::Awaitable<DeviceResult<Reply>> change(Change kind, std::string path, json::Value data, Pace pace = Pace::usual);
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_list(std::string collection);
  net::Awaitable<DeviceResult<>> make_key(KeySpec spec, std::string key_type);
  net::Awaitable<DeviceResult<std::string>> make_best_key(KeySpec spec);
  net::Awaitable<DeviceResult<std::vector<x509::Certificate>>> read_chain(std::string id);

  std::string certificate_path(std::string_view id) const {
    return path_ + "/certificates/" + axis::percent_encode(id);
  }
  net::Method method_of(Change kind) const {
    if (put_) return net::Method::put;
    return kind == Change::set ? net::Method::patch : net::Method::post;
  }

  std::string path_;
  bool put_ = capabilities().rest_put;
  bool verb_proven_ = false;
};

// Up to 11.10 what changes something goes by PUT, later by PATCH and POST; the beta of the interface is older than that
// and lasted longer (11.11). So its state is a hint, and a first answer that there is no such thing makes us try the
// other verb.
net::Awaitable<DeviceResult<Reply>> AxisRest::change(Change kind, std::string path, json::Value data, Pace pace) {
  auto const is_missing = [](DeviceResult<Reply> const& reply) {
    if (!reply.ok()) return reply.error().code == DeviceErrc::unsupported;
    return reply->status == 404 || reply->status == 405;
  };
  auto reply = co_await rest(connection(), method_of(kind), path, data, pace);
  if (!verb_proven_ && is_missing(reply)) {
    put_ = !put_;
    auto other = co_await rest(connection(), method_of(kind), path, std::move(data), pace);
    if (is_missing(other)) {
      put_ = !put_;
    } else {
      reply = std::move(other);
    }
  }
  verb_proven_ = verb_proven_ || (reply.ok() && reply->ok());
  co_return reply;
}

CertificateEntry read_entry(json::Object const& object) {
  CertificateEntry entry;
  auto const text = [&](std::string_view name) {
    auto const* value = object.find(name);
    return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string();
  };
  entry.id = text("alias");
  entry.keystore = clean_text(text("keystore"), 60);
  if (auto chain = x509::parse_pem_chain(text("certificate")); chain.ok() && !chain->empty())
    entry.certificate = chain->front();
  entry.ours = is_our_id(entry.id);
  return entry;
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisRest::read_list(std::string collection) {
  CO_TRY(auto const reply, co_await rest(connection(), net::Method::get, path_ + "/" + collection, std::nullopt));
  if (!reply.ok()) co_return refusal_error(reply, "reading the list of certificates");
  auto const* list = reply.data().as_array();
  if (list == nullptr || list->size() > kCertificatesMax)
    co_return DeviceError(DeviceErrc::bad_answer, "the device's list of certificates is no list, or beyond all reason");
  std::vector<CertificateEntry> entries;
  for (json::Value const& item : *list)
    if (item.as_object() != nullptr) entries.push_back(read_entry(*item.as_object()));
  co_return entries;
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisRest::read_certificates() {
  return read_list("certificates");
}

net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> AxisRest::read_ca_certificates() {
  return read_list("ca_certificates");
}

net::Awaitable<DeviceResult<>> AxisRest::erase(std::string id, bool is_ca) {
  std::string const path = path_ + (is_ca ? "/ca_certificates/" : "/certificates/") + axis::percent_encode(id);
  CO_TRY(auto const reply, co_await rest(connection(), net::Method::del, path, std::nullopt));
  if (reply.ok() || reply.status == 404) co_return DeviceResult<>();
  DeviceError error = refusal_error(reply, "removing certificate '" + id + "'");
  if (error.code != DeviceErrc::id_in_use) error.code = DeviceErrc::partial_cleanup;
  co_return error;
}

json::Array alt_names(x509::NameSet const& names) {
  json::Array list;
  for (auto const& name : names.dns) list.emplace_back("DNS:" + name.text());
  for (auto const& address : names.ip) list.emplace_back("IP:" + address.text());
  return list;
}

// RFC 4514: what has a meaning in a distinguished name gets a backslash.
std::string subject_of(KeySpec const& spec) {
  std::string escaped;
  for (char const c : usable_common_name(spec)) {
    if (std::string_view(",+\"\\<>;=#").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return "CN=" + escaped;
}

net::Awaitable<DeviceResult<>> AxisRest::make_key(KeySpec spec, std::string key_type) {
  json::Object data;
  data.set("alias", spec.id)
      .set("subject", subject_of(spec))
      .set("subject_alt_names", alt_names(spec.names))
      .set("key_type", key_type);
  CO_TRY(auto const reply,
         co_await change(Change::action, path_ + "/create_certificate", json::Value(std::move(data)), Pace::make_key));
  if (reply.ok()) co_return DeviceResult<>();
  // It was not there a moment ago, and nobody else makes such ids: the HTTP client asked again when no answer came.
  CO_TRY(auto const entries, co_await read_certificates());
  if (find(entries, spec.id) != nullptr) co_return DeviceResult<>();
  DeviceError error = refusal_error(reply, "making a key");
  if (error.code == DeviceErrc::bad_certificate) error.code = DeviceErrc::key_generation_failed;
  co_return error;
}

// The type of the key that now exists, or has to; empty: the device has chosen.
net::Awaitable<DeviceResult<std::string>> AxisRest::make_best_key(KeySpec spec) {
  std::vector<std::string> types{spec.key_type};
  if (spec.key_type.empty()) types = capabilities().key_types;
  std::optional<DeviceError> refusal;
  for (std::string const& type : types) {
    auto const made = co_await make_key(spec, type);
    if (made.ok()) co_return type;
    refusal = made.error();
    if (refusal->code != DeviceErrc::keytype_unsupported) break;
  }
  // The interface is announced and does not work: both share one store of keys, and the other one can make them, too.
  if (refusal && refusal->code == DeviceErrc::busy_timeout) {
    auto const made = co_await make_key_by_soap(spec);
    if (made.ok()) co_return spec.key_type;
  }
  if (!refusal)
    refusal = DeviceError(DeviceErrc::keytype_unsupported, "the device offers no type of key that we accept");
  co_return *std::move(refusal);
}

net::Awaitable<DeviceResult<std::vector<x509::Certificate>>> AxisRest::read_chain(std::string id) {
  CO_TRY(auto const reply, co_await rest(connection(), net::Method::get, certificate_path(id), std::nullopt));
  if (!reply.ok()) co_return refusal_error(reply, "reading certificate '" + id + "' back");
  auto const* object = reply.data().as_object();
  auto const* text = object != nullptr ? object->find("certificate") : nullptr;
  std::vector<x509::Certificate> none;
  if (text == nullptr || text->as_string() == nullptr) co_return none;
  auto chain = x509::parse_pem_chain(*text->as_string());
  if (!chain.ok())
    co_return DeviceError(DeviceErrc::bad_certificate, "the device gives certificate '" + id +
                                                           "' back broken: " + clean_text(chain.error().detail()));
  co_return *std::move(chain);
}

net::Awaitable<DeviceResult<NewKey>> AxisRest::create_key_and_csr(KeySpec spec) {
  if (!is_our_id(spec.id)) bug("a key's id must be one of ours");
  if (usable_common_name(spec).empty())
    co_return DeviceError(DeviceErrc::unsupported, "a common name is needed, and no name fits into 64 characters");
  CO_TRY(auto const present, co_await read_certificates());
  std::string key_type = spec.key_type;
  if (find(present, spec.id) == nullptr) {
    CO_TRY(key_type, co_await make_best_key(spec));
  }

  json::Object names;
  names.set("subject_alt_names", alt_names(spec.names));
  CO_TRY(auto const reply, co_await change(Change::action, certificate_path(spec.id) + "/get_csr",
                                           json::Value(std::move(names)), Pace::make_key));
  if (!reply.ok()) co_return refusal_error(reply, "getting the certificate request");
  if (reply.data().as_string() == nullptr)
    co_return DeviceError(DeviceErrc::bad_answer, "get_csr: the answer holds no request");
  auto csr = x509::parse_csr_text(*reply.data().as_string());
  if (!csr.ok())
    co_return DeviceError(DeviceErrc::bad_csr,
                          "the device's certificate request is refused: " + clean_text(csr.error().detail()));
  CO_TRY(auto const stored, co_await read_chain(spec.id));
  std::optional<x509::PublicKey> made;
  if (!stored.empty()) made = stored.front().key();
  CO_CHECK_OK(check_csr(*csr, spec, key_type, capabilities().csr_san, made));
  auto const& usable = capabilities().key_types;
  if (key_type.empty() && std::find(usable.begin(), usable.end(), key_type_of(csr->key)) == usable.end())
    co_return DeviceError(DeviceErrc::keytype_unsupported,
                          "the device made a key of type " + key_type_of(csr->key) + ", which it cannot serve");
  NewKey key{spec.id, *std::move(csr)};
  co_return key;
}

net::Awaitable<DeviceResult<bool>> AxisRest::load_ca(std::string id, x509::Certificate certificate) {
  json::Object data;
  data.set("alias", id).set("certificate", certificate.pem());
  CO_TRY(auto const reply,
         co_await rest(connection(), net::Method::post, path_ + "/ca_certificates", json::Value(std::move(data))));
  co_return reply.ok();
}

net::Awaitable<DeviceResult<Installed>> AxisRest::install_certificate(std::string key_id, x509::PublicKey key,
                                                                      std::vector<x509::Certificate> chain) {
  CO_CHECK_OK(check_chain(chain, key));
  // The whole chain first; a device that refuses it, or keeps only the leaf, gets the leaf and the issuers apart.
  CO_TRY(auto stored, co_await read_chain(key_id));
  bool const done_before = !stored.empty() && stored.front() == chain.front();
  if (!done_before) {
    json::Object data;
    data.set("certificate", to_pem(chain));
    CO_TRY(auto reply, co_await change(Change::set, certificate_path(key_id), json::Value(data)));
    if (!reply.ok() && reply.status == 400 && chain.size() > 1) {
      data.set("certificate", chain.front().pem());
      CO_TRY(reply, co_await change(Change::set, certificate_path(key_id), json::Value(data)));
    }
    if (!reply.ok()) co_return refusal_error(reply, "installing the certificate");
    CO_TRY(stored, co_await read_chain(key_id));
  }
  if (stored.empty() || !(stored.front() == chain.front()))
    co_return DeviceError(DeviceErrc::bad_certificate,
                          "the device said that it took the certificate, but it holds another one");

  Installed result;
  result.id = key_id;
  if (stored == chain) {
    result.chain = ChainUpload::complete;
    co_return result;
  }
  CO_TRY(result.ca_ids, co_await add_issuers(chain));
  result.chain = result.ca_ids.size() == chain.size() - 1 ? ChainUpload::separate : ChainUpload::leaf_only;
  co_return result;
}

// Best first; what is weaker or needlessly slow to make is left out.
constexpr std::array<std::string_view, 5> kKeyTypes = {"EC-P256", "EC-P384", "RSA-2048", "RSA-3072", "RSA-4096"};

// Keystores and the key types of the default one. Older 1.0 firmware does not list types.
net::Awaitable<DeviceResult<>> read_keystores(Connection& connection, std::string path, Capabilities& capabilities) {
  capabilities.key_types = {"EC-P256", "RSA-2048"};
  CO_TRY(auto const stores, co_await rest(connection, net::Method::get, path + "/keystores", std::nullopt));
  CO_TRY(auto const chosen, co_await rest(connection, net::Method::get, path + "/settings/keystore", std::nullopt));
  if (!stores.ok() || stores.data().as_array() == nullptr) co_return DeviceResult<>();
  std::string const standard =
      chosen.ok() && chosen.data().as_string() != nullptr ? *chosen.data().as_string() : std::string();
  for (json::Value const& item : *stores.data().as_array()) {
    if (item.as_object() == nullptr || capabilities.keystores.size() == 16) continue;
    auto const id = json::need_string(*item.as_object(), "id");
    if (!id.ok()) continue;
    capabilities.keystores.push_back(clean_text(*id, 60));
    auto const types = json::need_strings(*item.as_object(), "key_types");
    if (!types.ok() || (*id != standard && !standard.empty())) continue;
    std::vector<std::string> usable;
    for (std::string_view const type : kKeyTypes)
      if (std::find(types->begin(), types->end(), type) != types->end()) usable.emplace_back(type);
    if (!usable.empty()) capabilities.key_types = std::move(usable);
  }
  co_return DeviceResult<>();
}

}  // namespace

net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_axis_rest(std::unique_ptr<Connection>& connection,
                                                                     Identity const& identity) {
  std::unique_ptr<Driver> none;
  Exchange exchange;
  exchange.path = "/config/discover";
  auto const response = co_await connection->send(std::move(exchange));
  if (!response.ok()) co_return response.error();
  if (response->status == 404) co_return none;
  if (response->status != 200) co_return unexpected_status(response->status, "/config/discover");
  auto const api = axis::parse_discover(response->body);
  if (!api.ok()) {
    if (api.error().code() == Errc::not_found) co_return none;
    co_return DeviceError(DeviceErrc::bad_answer, "/config/discover: " + clean_text(api.error().detail()));
  }
  Capabilities capabilities;
  capabilities.driver = "axis_rest";
  capabilities.csr_san = true;
  capabilities.rest_put = api->beta;
  capabilities.max_id_length = 128;
  CO_CHECK_OK(co_await read_keystores(*connection, api->path, capabilities));
  CO_TRY(auto const https, co_await axis::read_https(*connection));
  std::erase_if(capabilities.key_types, [&](std::string const& type) { return !axis::suits(https.ciphers, type); });
  std::unique_ptr<Driver> driver =
      std::make_unique<AxisRest>(std::move(connection), identity, std::move(capabilities), api->path);
  co_return driver;
}

}  // namespace lenscap::agent
