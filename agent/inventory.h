// The devices that the agent looks after, by serial number: addresses are hints, identity is not. One record each, with
// what was last seen, how to log in, what makes the device believable, and the certificate that is live on it.
// What is under way at a device is in its journal; these records change with the journal in one transaction only at
// promotion (outcome.h). Errors: Errc::not_found, conflict, usage for the person; a record that does not parse is
// store::Broken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/endpoint.h"
#include "agent/failure.h"
#include "agent/renewal.h"
#include "base/digest.h"
#include "base/seal.h"
#include "base/x509/name.h"
#include "store/store.h"

namespace lenscap::agent {

constexpr store::Table kDevices{"devices"};  // key: serial number

// The guide's words for it are in report.cc.
enum class HttpsState {
  unknown,               // never seen
  unsupported_firmware,  // no driver can do it
  missing_certificate,   // off, and there is no server certificate
  disabled,              // off, although there is a certificate
  enabled,
};
std::string_view to_string(HttpsState state);
struct HttpsConfig;                                 // device.h
HttpsState https_state(HttpsConfig const& config);  // of a device that a driver serves

struct LiveCertificate {
  std::string id;         // on the device
  std::string chain_pem;  // as issued, leaf first
  x509::NameSet names;    // in it
  Sha256 key_pin{};       // SHA-256 of the SubjectPublicKeyInfo
  Validity validity;
  Time promoted;
  std::vector<std::string> ca_ids;      // issuing certificates on the device that stand beside it
  bool chain_incomplete = false;        // the device serves the leaf alone
  std::optional<RenewalWindow> window;  // last ARI answer for it
  std::optional<Time> asked = {};       // when such an answer was last asked for, whatever came of it
  bool operator==(LiveCertificate const&) const = default;
};

// Is this the id of the certificate, or of one beside it?
bool serves_with(LiveCertificate const& live, std::string_view id);

// How the certificate is named where it is to be renewed (RFC 9773); empty when that cannot be told.
std::string certificate_id(LiveCertificate const& live);

struct Device {
  std::string serial;  // 12 upper-case hex digits
  Endpoint endpoint;
  std::string server;  // label of the site, shown in the status table

  // As last seen; hints from the device, cleaned of control characters by the driver.
  std::string vendor;
  std::string model;
  std::string firmware;
  std::string hostname;
  std::string driver;  // that answered last
  HttpsState https = HttpsState::unknown;
  Time added;
  std::optional<Time> seen;
  std::optional<Seconds> clock_offset;  // device minus us

  // Login.
  std::string user;
  std::string sealed_password;  // see seal_password

  // What makes the device believable: the key it serves, as the operator approved it or as we installed it. Without a
  // pin, plain HTTP if the operator agreed to that; otherwise nothing.
  std::optional<Sha256> pin;
  bool accept_plain_http = false;

  // What its certificates carry: decided when the device was added, so that a device cannot rename itself.
  x509::NameSet names;
  std::string common_name;  // a DNS name among them; may be empty

  std::optional<LiveCertificate> live;
  // The directory of the CA that the live certificate is of, when the agent belongs to another one by now: the device
  // is to get a certificate of that one (membership.h). Empty: nothing to move.
  std::string moves_from = {};
  std::vector<std::string> leftover_ids;  // certificates and issuing certificates of ours on the device that serve
                                          // nothing; removed when possible

  // The last attempt, if it failed; nothing after a success.
  std::optional<Failure> failure;
  int failures = 0;  // in a row
  std::optional<Time> last_attempt;
  int wrong_certificates = 0;  // issued since the last success, and none of them what was ordered

  bool operator==(Device const&) const = default;
};

// "AC:CC:8E:68:D4:D2", "accc8e68d4d2" and the like to the 12 digits; nothing when it is no serial number.
std::optional<std::string> parse_serial(std::string_view text);

// The password, sealed to this serial number: the record of another device does not open it.
std::string seal_password(Sealer const& sealer, SecretBytes const& password, std::string_view serial);
Result<SecretBytes> open_password(Sealer const& sealer, Device const& device);

// May an attempt begin by itself (scheduler, --due)? Not while a person must look first, nor before the back-off is
// over.
bool may_try(Device const& device, Time now);
Time next_try(Device const& device);  // when the back-off is over; now or in the past: at once

// After so many certificates in a row that were not what was ordered, a person must look first (with_outcome,
// journal.h): a server that is set up wrongly would be asked to issue for ever.
constexpr int kWrongCertificatesMax = 3;

// After an attempt: the device as it is to be saved.
Device with_failure(Device device, Failure failure, Time now);
Device with_success(Device device, Time now);

json::Object to_json(Device const& device);
Result<Device> parse_device(std::string_view text);

std::optional<Device> load_device(store::ReadTxn& txn, std::string_view serial);
void save_device(store::WriteTxn& txn, Device const& device);
void erase_device(store::WriteTxn& txn, std::string_view serial);  // and its journal
std::vector<Device> all_devices(store::ReadTxn& txn);              // by serial
// Does any wait for a certificate of another CA? Not one whose firmware has no driver: it may never get one.
bool is_any_to_move(store::ReadTxn& txn);

// By what a person types: serial or MAC, address, address:port, or one of the names. Errc::not_found, or conflict when
// several fit.
Result<Device> find_device(store::ReadTxn& txn, std::string_view what);

// Refuses (Errc::conflict) names that another device's certificate carries: a device must not become another one.
// Addresses count only together with the port: several cameras may stand behind one.
Result<> check_names_free(store::ReadTxn& txn, Device const& device);

}  // namespace lenscap::agent
