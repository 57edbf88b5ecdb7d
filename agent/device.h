// What the agent may ask of a device, whatever its maker: look at it, make a key inside it, install a certificate,
// choose what its web server serves, prove what it serves, and clean up. A driver is chosen by probing, never by a
// table of models.
// A driver does NOT decide what comes next and writes no journal: that is the runner's business. Every call that
// changes the device is repeatable: done a second time after a crash, it finds its work done and says so.
// Everything a device answers is treated as an attacker's text: bounded, parsed strictly, and cleaned for logs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/device_error.h"
#include "agent/endpoint.h"
#include "base/json.h"
#include "base/net/awaitable.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/x509/certificate.h"
#include "base/x509/csr.h"

namespace lenscap::agent {

// ---- where and as whom ---------------------------------------------------------------------------------------------

// The login at one device for one run. The caller owns it and it outlives the driver; after one refusal no driver sends
// the password again (cameras lock accounts, and a second try tells nothing new).
struct Login {
  std::string user;
  SecretBytes password;
  bool refused = false;
};

// What makes a connection believable. Nothing secret is sent before one of these holds; TLS is tried first.
struct Trust {
  // SHA-256 of the SubjectPublicKeyInfo: any one of them is enough, whatever the certificate says of names and time.
  std::vector<Sha256> pins;
  // Or: a chain to one of `roots` (through what is served and `intermediates`, which are those that we hold), for
  // `names`: each of them must be covered. No roots: nothing is believed by chain.
  std::vector<x509::Certificate> roots;
  std::vector<x509::Certificate> intermediates;
  x509::NameSet names;
  // Or: plain HTTP was agreed to, and counts where no TLS answers at all: a key that is not believed ends everything.
  // Digest is the only login then, whatever the device asks for.
  bool plain_http = false;
};

// ---- what a device is ----------------------------------------------------------------------------------------------

enum class AuthScheme { none, basic, digest, other };  // the best that a 401 offered
std::string_view to_string(AuthScheme scheme);

struct PortState {
  bool open = false;
  AuthScheme scheme = AuthScheme::none;
};

// What can be seen without login and without trust. All of it is hint, none of it proof.
struct FirstLook {
  PortState http;
  PortState https;
  std::vector<x509::Certificate> peer;  // as served, leaf first; empty when TLS does not answer
  std::string serial;                   // by the realm or an unrestricted answer; may be empty
  std::string model;
  std::string firmware;
  bool needs_setup = false;
  std::optional<Seconds> clock_offset;  // device minus us, from the Date header
};

struct Identity {
  std::string vendor;    // "AXIS"
  std::string serial;    // 12 upper-case hex digits
  std::string mac;       // aa:bb:cc:dd:ee:ff
  std::string model;     // "AXIS P3265-V"
  std::string firmware;  // "12.11.77"
  std::string hostname;  // as the device calls itself; may be empty
  std::optional<Seconds> clock_offset;
  std::string boot_id;  // empty where the device has none
  PortState http;
  PortState https;
  std::vector<x509::Certificate> peer;  // as served in the session that read all this; empty over plain HTTP
};

struct Capabilities {
  std::string driver;                  // "axis_rest"
  std::vector<std::string> key_types;  // "EC-P256", "RSA-2048"; best first; empty: the device decides (RSA-2048)
  std::vector<std::string> keystores;
  bool csr_san = false;         // the CSR carries all names; otherwise the common name alone
  bool rest_put = false;        // changes go by PUT (AXIS OS up to 11.10)
  bool three_policies = false;  // Admin, Operator and Viewer must all be sent back (6.50)
  std::size_t max_id_length = 32;
};

enum class HttpsPolicy { http, http_and_https, https };
std::string_view to_string(HttpsPolicy policy);  // as the SOAP calls spell them: "HttpAndHttps"

// The web server's TLS configuration, whole. Opaque to the runner, but it may be shown and written to the journal.
struct HttpsConfig {
  bool enabled = false;
  // Role and policy in the device's order: one "Admin", or Admin, Operator and Viewer.
  std::vector<std::pair<std::string, HttpsPolicy>> policies;
  std::vector<std::string> ciphers;  // as read; a set replaces all of them
  std::vector<std::string> certificate_ids;
  std::vector<std::string> ca_ids;
  std::vector<std::string> trusted_ids;
  bool operator==(HttpsConfig const&) const = default;

  std::string certificate_id() const { return certificate_ids.empty() ? std::string() : certificate_ids.front(); }
  // The same, but HTTPS on with that certificate; a policy that closes HTTPS becomes HttpAndHttps, any other stays.
  // `ca_ids`, when given, stand in the set beside it, for devices that send the chain from there.
  HttpsConfig with_certificate(std::string id, std::vector<std::string> extra_ca_ids = {}) const;

  std::string to_text() const;  // one line of JSON, for the journal
  static Result<HttpsConfig> from_text(std::string_view text);
};

// ---- certificates --------------------------------------------------------------------------------------------------

constexpr std::string_view kOurIdPrefix = "lenscap-";
constexpr std::size_t kIdLengthMax = 32;
std::string new_certificate_id();  // "lenscap-1f0c9a7e": new for every certificate, chosen before the device is touched
bool is_our_id(std::string_view id);  // our prefix, and nothing but [A-Za-z0-9_-], at most 32

struct CertificateEntry {
  std::string id;
  std::optional<x509::Certificate> certificate;  // nothing when the device's octets do not parse
  std::string keystore;
  std::vector<std::string> used_by;  // "WebServer", "EAPTLS_WIRED", ...: cert sets that hold it
  bool ours = false;
};

struct KeySpec {
  std::string id;           // from new_certificate_id(), already in the journal
  x509::NameSet names;      // what the certificate is to carry
  std::string common_name;  // one of the names; where the CSR carries only this one, it should be the DNS name
  std::string key_type;     // "" : the driver takes the best that the device offers; or "EC-P256", "RSA-2048"
};

struct NewKey {
  std::string id;
  x509::Csr csr;  // self-signature checked, key good, names all within the spec's (fewer where !csr_san)
};

enum class ChainUpload {
  complete,   // the device took leaf and intermediates together
  separate,   // the leaf alone, the intermediate beside it as CA certificate
  leaf_only,  // the leaf alone
};
std::string_view to_string(ChainUpload upload);

struct Installed {
  std::string id;  // not always the id of the key: some firmware demands a new one
  ChainUpload chain = ChainUpload::leaf_only;
  std::vector<std::string> ca_ids;  // ids of CA certificates that we added; candidates for HttpsConfig::ca_ids
};

enum class SwitchOutcome {
  accepted,     // the device said yes and will restart its web server
  answer_lost,  // sent, but no answer came: only what is served tells
};

// One device in one run. Not for two coroutines at once.
class Driver {
 public:
  virtual ~Driver() = default;

  virtual Identity const& identity() const = 0;  // as read when it was opened
  virtual Capabilities const& capabilities() const = 0;

  virtual net::Awaitable<DeviceResult<std::vector<CertificateEntry>>> list_certificates() = 0;

  // Makes the key inside the device, and checks the CSR before handing it over. Repeatable: when the id exists on the
  // device already, its CSR is fetched again. May take minutes (RSA in a secure element).
  virtual net::Awaitable<DeviceResult<NewKey>> create_key_and_csr(KeySpec spec) = 0;

  // Installs leaf-first `chain` for the key of `key_id`, reads it back and compares octets. What is served does not
  // change. Refuses before touching the device when the chain's key is not the CSR's (`key`).
  virtual net::Awaitable<DeviceResult<Installed>> install_certificate(std::string key_id, x509::PublicKey key,
                                                                      std::vector<x509::Certificate> chain) = 0;

  virtual net::Awaitable<DeviceResult<HttpsConfig>> get_https() = 0;
  // Replaces the whole configuration by this one; the web server restarts. To roll back, give the snapshot itself.
  // Refuses (unsupported) a configuration that would leave the device without ciphers it knows or without certificate.
  virtual net::Awaitable<DeviceResult<SwitchOutcome>> set_https(HttpsConfig config) = 0;

  // Removes our own certificate and its key. Refuses (id_in_use) ids that are not ours, that the web server uses or
  // that stand in any certificate set. An id that is not there is success.
  virtual net::Awaitable<DeviceResult<>> remove(std::string id) = 0;

  // A fresh connection under `trust` (not the one the driver was opened with), login, and the serial number.
  virtual net::Awaitable<DeviceResult<std::string>> read_serial(Trust trust) = 0;

  // From now on every request goes under this trust (after the switch: our roots).
  virtual void set_trust(Trust trust) = 0;
};

// ---- what is served ------------------------------------------------------------------------------------------------

struct ServedExpectation {
  std::optional<x509::PublicKey> key;  // of the CSR; nothing: only chain, names and time are demanded
  std::vector<x509::Certificate> roots;
  std::vector<x509::Certificate> intermediates;  // the issuing certificates that we hold
  x509::NameSet names;                           // each must be covered
  std::string serial;                            // expected serial number; empty: not read
  Seconds until = Seconds(90);                   // how long a wrong answer is tried again, since the first answer
  Seconds until_away = Seconds(180);             // how long nothing answering is tried again
  // Between two looks; the first ones are closer together.
  std::chrono::milliseconds interval = std::chrono::seconds(2);
};

enum class ServedChain { unknown, complete, incomplete, untrusted };  // incomplete: good only with what we hold

struct Served {
  bool reached = false;  // a TLS handshake was completed; the rest means something only then
  std::vector<x509::Certificate> chain;
  bool key_matches = false;
  ServedChain chain_state = ServedChain::unknown;
  bool names_match = false;
  bool time_valid = false;
  bool serial_checked = false;  // the serial was read over this trust, and is the one expected
  std::optional<DeviceError> serial_error;
  int tries = 0;
  std::string
      text;  // one sentence: "serves the certificate of the new key; chain incomplete (the issuing certificate ..)"

  // Is the device proven? An incomplete chain is no failure.
  bool good(ServedExpectation const& expected) const;
};

// ---- the door: what the runner holds; tests put a fake in its place ------------------------------------------------

class DeviceAccess {
 public:
  virtual ~DeviceAccess() = default;

  // No login is sent. Refuses only when neither port answers.
  virtual net::Awaitable<DeviceResult<FirstLook>> look(Endpoint endpoint) = 0;

  // Who answers, under `trust` and with login; also of devices that no driver serves ("Unsupported firmware").
  virtual net::Awaitable<DeviceResult<Identity>> identify(Endpoint endpoint, Login& login, Trust trust) = 0;

  // Probes, under `trust` and with login, and gives the driver of the first row in devices/table.cc that answers.
  // `login` must outlive the driver. Refuses wrong_device when `expected_serial` is not empty and another one answers.
  virtual net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open(Endpoint endpoint, Login& login, Trust trust,
                                                                     std::string expected_serial) = 0;

  // Fresh TLS connections until what is served is what we expect, or time is up. A refusal means that it could not be
  // tried; what was found, good or not, is in Served. `driver` reads the serial number; nullptr: it is not read.
  virtual net::Awaitable<DeviceResult<Served>> verify_served(Endpoint endpoint, ServedExpectation expected,
                                                             Driver* driver) = 0;
};

}  // namespace lenscap::agent
