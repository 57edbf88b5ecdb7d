// What the two Axis drivers have in common: the web server's switch, who uses a certificate, removing our own, reading
// the serial number again, and judging a CSR. How keys and certificates get in and out is theirs.
#pragma once

#include <map>

#include "agent/devices/shared/connection.h"
#include "agent/devices/shared/soap.h"

namespace lenscap::agent {

// Is this CSR the one that was ordered? `csr_san`: it must carry all the names; otherwise the common name alone will
// do. `made` is the public key that the device shows under the id, where it could be read. Errc bad_csr.
DeviceResult<> check_csr(x509::Csr const& csr, KeySpec const& spec, std::string_view key_type, bool csr_san,
                         std::optional<x509::PublicKey> const& made);

// "EC-P256", "RSA-2048": how Axis spells a key's type.
std::string key_type_of(x509::PublicKey const& key);

// The first of `wanted` names that fits a common name (X.520 allows 64 characters): the spec's own, else a DNS name,
// else an address. Empty: none fits.
std::string usable_common_name(KeySpec const& spec);

// Before a device is touched: leaf first, and for the key that the device holds.
DeviceResult<> check_chain(std::vector<x509::Certificate> const& chain, x509::PublicKey const& key);

// The id under which an intermediate is stored beside the leaf: the same certificate always gets the same.
std::string ca_id_of(x509::Certificate const& certificate);

// A device that was asked which certificates a service uses refuses to tell. Nothing: it has no such sets (older
// firmware). Otherwise why a certificate that this service may use must stay: partial_cleanup.
std::optional<DeviceError> reason_to_keep(soap::Fault const& fault, std::string_view question);

class AxisDriver : public Driver {
 public:
  AxisDriver(std::unique_ptr<Connection> connection, Identity identity, Capabilities capabilities);

  Identity const& identity() const final { return identity_; }
  Capabilities const& capabilities() const final { return capabilities_; }
  net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> list_certificates() final;
  net::Awaitable<DeviceResult<HttpsConfig>> get_https() final;
  net::Awaitable<DeviceResult<SwitchOutcome>> set_https(HttpsConfig config) final;
  net::Awaitable<DeviceResult<>> remove(std::string id) final;
  net::Awaitable<DeviceResult<std::string>> read_serial(Trust trust) final;
  void set_trust(Trust trust) final { connection_->set_trust(std::move(trust)); }

 protected:
  // Bounds of what we read of a device's store.
  static constexpr std::size_t kCertificatesMax = 1000;

  Connection& connection() { return *connection_; }
  // Certificates with keys, without `used_by`.
  virtual net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_certificates() = 0;
  virtual net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> read_ca_certificates() = 0;
  // One that is there, ours and unused.
  virtual net::Awaitable<DeviceResult<>> erase(std::string id, bool is_ca) = 0;
  // Stores a CA certificate; false: the device refuses it.
  virtual net::Awaitable<DeviceResult<bool>> load_ca(std::string id, x509::Certificate certificate) = 0;

  // Makes a key of the device's own choice and a self-signed certificate for it, over SOAP, which all firmware has. An
  // id that is there already is success.
  net::Awaitable<DeviceResult<>> make_key_by_soap(KeySpec spec);

  // Puts the issuing certificates of a leaf-first chain beside it and gives their ids. What the device refuses is left
  // out, since that only leaves the chain incomplete.
  net::Awaitable<DeviceResult<std::vector<std::string>>> add_issuers(std::vector<x509::Certificate> chain);

  // The entry with this id; nullptr when there is none. Ids compare with case here, as devices do.
  static CertificateEntry const* find(std::vector<CertificateEntry> const& entries, std::string_view id);

 private:
  struct Uses {
    std::multimap<std::string, std::string> sets;  // which id is held by which
    std::optional<DeviceError> unknown;            // there may be more
  };
  net::Awaitable<DeviceResult<Uses>> read_uses();

  std::unique_ptr<Connection> connection_;
  Identity identity_;
  Capabilities capabilities_;
};

}  // namespace lenscap::agent
