// One simulated camera: its state (copyable, so that a snapshot is a copy), its endpoints, and its life: running,
// restarting its web server, rebooting, switched off. What it answers is decided elsewhere (front.cc and behind).
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/camsim/auth_state.h"
#include "tests/camsim/faults.h"
#include "tests/camsim/generations.h"
#include "tests/camsim/journal.h"
#include "tests/camsim/keys.h"
#include "tests/camsim/server.h"

namespace lenscap::camsim {

class DevicePki;

enum class Role { none, viewer, operator_, admin };

struct User {
  std::string password;
  std::vector<std::string> groups;  // "admin", "operator", "viewer", "ptz"
  Role role() const;
};

struct StoredCertificate {
  std::string alias;
  std::vector<Bytes> chain;  // DER, leaf first
  KeyRef key{};
  std::string keystore{};
  bool device_id = false;  // 802.1AR, not to be deleted
  bool factory = false;    // came with the camera and survives a factory default (made anew when self-signed)
};

struct CaCertificate {
  std::string alias;
  Bytes der;
};

struct CertSet {
  std::vector<std::string> certificates;
  std::vector<std::string> ca_certificates;
  std::vector<std::string> trusted;
};

// "Http", "HttpAndHttps" or "Https" for each role, as the SOAP service spells them.
struct Policies {
  std::string admin = "HttpAndHttps";
  std::string operator_ = "HttpAndHttps";
  std::string viewer = "HttpAndHttps";
};

struct TlsConfiguration {
  bool enabled = false;
  Policies policies;
  std::vector<std::string> ciphers;
  CertSet set;
  std::string certificate_id() const { return set.certificates.empty() ? "" : set.certificates.front(); }
};

struct Keystore {
  std::string id;
  std::string security_level;
  std::vector<std::string> key_types;
};

// Everything that a camera remembers. Copied by snapshot and put back by restore.
struct State {
  Generation const* generation = nullptr;
  std::string serial;
  Switches switches;
  std::string hostname;
  std::map<std::string, User> users;  // empty: needs setup
  std::vector<StoredCertificate> certificates;
  std::vector<CaCertificate> ca_certificates;
  std::map<std::string, CertSet> cert_sets;  // all but WebServer, which is `tls`
  std::string default_keystore;
  TlsConfiguration tls;
  std::map<std::string, std::string> parameters;  // those that were set
  long long clock_offset_s = 0;
  std::string boot_id;
  std::chrono::steady_clock::time_point booted;

  bool needs_setup() const { return users.empty(); }
  std::vector<Keystore> keystores() const;
  StoredCertificate* find_certificate(std::string_view alias);
  CaCertificate* find_ca(std::string_view alias);
  bool is_taken(std::string_view alias) { return find_certificate(alias) != nullptr || find_ca(alias) != nullptr; }
};

// What all devices share.
struct World {
  Loop& loop;
  Keys& keys;
  DevicePki& pki;
  std::mt19937_64& random;  // seeded; never used for keys
  double time_scale = 1;
  std::chrono::milliseconds scaled(long long ms) const {
    return std::chrono::milliseconds(static_cast<long long>(static_cast<double>(ms) * time_scale));
  }
};

struct DeviceSpec {
  Generation const* generation = nullptr;
  std::string serial;
  std::string address;
  unsigned short http_port = 0;
  unsigned short https_port = 0;
  std::map<std::string, User> users;
  Switches switches;
};

class Device : public std::enable_shared_from_this<Device> {
 public:
  using Front = std::function<void(std::shared_ptr<Device>, Request, Reply)>;
  Device(World& world, DeviceSpec const& spec);

  // Binds both endpoints and opens what the state allows.
  void start(Front const& front);

  State state;
  Faults faults;
  Journal journal;
  AuthState auth;

  World& world() { return world_; }
  std::string const& address() const { return address_; }
  unsigned short http_port() const { return http_->port(); }
  unsigned short https_port() const { return https_->port(); }
  bool https_open() const { return https_->is_open(); }
  std::string life() const;  // "running", "restarting", "rebooting", "off"
  long long now() const;     // the device's clock, Unix seconds
  long long now_ms() const;
  long long uptime_s() const;
  std::chrono::milliseconds until_ready() const;  // after a boot; 0 when ready

  // Drops what waits for keys or restarts; their closures hold the device, which would then never end.
  void retire();

  // The leaf that TLS clients see; empty while HTTPS is off.
  Bytes served_certificate() const;

  // How often the web server has come up, the first time included. `then` runs once that is more than `seen`.
  unsigned starts() const { return starts_; }
  void when_started(unsigned seen, std::function<void()> then);

  // Applies `state` to the endpoints at once (first start, control API).
  void apply();
  // The web server's restart after a change, unless the camera is off or on its way up by then: soon, then a gap in
  // which connections are refused, then the new settings. `fault` is the operation whose faults F25-F27 and F29 apply.
  void restart_web_server(std::string const& operation);
  void reboot();
  void power_off();
  void power_on();
  // Keeps IP settings and the clock (soft) or nothing (hard); users and their certificates are gone, then a reboot.
  void factory_default(bool hard);
  // Opens and shuts the endpoints as faults (F1) and switches want it, with the settings that are loaded.
  void reopen();

  // Gives `then` a fresh key after the time that this camera needs; one key at a time (6.8).
  void make_key(std::string const& type, std::function<void(KeyRef)> then);

 private:
  enum class Life { running, restarting, rebooting, off };
  void make_factory_state();
  StoredCertificate make_factory_certificate(KeyRef key);  // without a key: with a new one
  void load_tls();                                         // takes what TLS will serve from the state
  void open_endpoints();
  void shut_endpoints();
  void count_start();
  void boot();
  struct KeyOrder {
    unsigned number = 0;
    std::string type{};
    std::function<void(KeyRef)> then{};
  };
  void start_key(KeyOrder const& order);
  void finish_key(unsigned number, KeyRef key);
  void later(std::chrono::milliseconds delay, void (Device::*step)(unsigned));
  std::optional<Fault> strikes_restart(std::string_view id);
  void restart_gap(unsigned turn);
  void restart_done(unsigned turn);
  void boot_done(unsigned turn);

  World& world_;
  std::string address_;
  unsigned short wanted_http_port_;
  unsigned short wanted_https_port_;
  std::unique_ptr<Endpoint> http_;
  std::unique_ptr<Endpoint> https_;
  Life life_ = Life::running;
  unsigned starts_ = 0;
  std::vector<std::pair<unsigned, std::function<void()>>> waiting_;
  unsigned turn_ = 0;  // a later restart or reboot makes an earlier one's timers void
  std::string restart_operation_;
  std::chrono::steady_clock::time_point ready_at_{};

  // What the web server loaded at its last start.
  TlsConfiguration loaded_;
  std::vector<Bytes> loaded_chain_;
  KeyRef loaded_key_;
  bool https_broken_ = false;  // F26

  unsigned last_key_order_ = 0;
  std::deque<KeyOrder> key_orders_;
};

}  // namespace lenscap::camsim
