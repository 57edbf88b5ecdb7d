// Starts `camsim` for a test and talks to its control API. The process ends with this object, and with the test
// program; when it does not end in order (a crash, a sanitizer's report), the test program stops with a message. Not
// for anything but tests: whatever goes wrong is thrown as std::runtime_error with the reason.
//
//   camsim::Process camsim;                                  // time_scale 0: nothing waits
//   auto camera = camsim.add({.generation = "G3"});          // user root, password pass
//   camsim.faults(camera.serial, R"([{"id":"F25","operation":"SetWebServerTlsConfiguration","count":1}])");
//   ... talk to camera.http_url / camera.https_url ...
//   EXPECT_EQ(camsim.flags(camera.serial), camsim::Flags{});
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lenscap::camsim {

struct ProcessOptions {
  double time_scale = 0;  // 1: the times of a real camera
  unsigned seed = 1;
  std::string program{};  // empty: the camsim of this build
};

struct NewDevice {
  std::string generation = "G3";  // G0 G1 G2 G3 G4 G6 G7
  std::string serial{};           // empty: made up
  std::string address{};          // empty: one of 127.9.0.0/16 of its own
  json::Object switches{};        // by name, see switches.cc or GET /switches
  json::Array faults{};
  json::Object users{};  // {"root":{"password":"pass","groups":["admin","operator","viewer","ptz"]}}; empty: this one
};

struct DeviceInfo {
  std::string serial;
  std::string generation;
  std::string firmware;
  std::string address;
  unsigned short http_port = 0;
  unsigned short https_port = 0;
  std::string http_url;  // "http://127.9.0.1:40123", also while nothing listens there
  std::string https_url;
  bool https_on = false;
  std::string certificate_sha256;  // lower-case hex of what TLS clients see; empty while HTTPS is off
  std::string spki_sha256;
};

struct Flags {
  int basic_over_http = 0;
  int password_in_url = 0;
  int private_key_received = 0;
  int unknown_element = 0;
  bool operator==(Flags const&) const = default;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

class Process {
 public:
  explicit Process(ProcessOptions const& options = {});
  ~Process();
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;

  std::string const& control_url() const { return control_url_; }
  pid_t pid() const { return pid_; }

  DeviceInfo add(NewDevice const& device = {});
  std::vector<DeviceInfo> add_many(NewDevice const& device, int count);
  DeviceInfo info(std::string_view serial);     // as it is now
  json::Object state(std::string_view serial);  // everything that GET /devices/{serial} tells
  void remove(std::string_view serial);

  void faults(std::string_view serial, std::string_view list_json);
  void switches(std::string_view serial, json::Object const& values);
  void users(std::string_view serial, json::Object const& users);
  void clock(std::string_view serial, long long offset_s);
  void cert_set(std::string_view serial, std::string_view set, std::vector<std::string> const& ids);
  // reboot, factorydefault, hardfactorydefault, poweroff, poweron, snapshot, restore
  void action(std::string_view serial, std::string_view name);

  // How often the device's web server has come up; wait_for_start returns once that is more than `seen`. Read the one
  // before a call that restarts the web server, wait for the other after it: no test has to sleep.
  unsigned starts(std::string_view serial);
  void wait_for_start(std::string_view serial, unsigned seen);

  json::Object journal(std::string_view serial);  // {"entries":[...],"flags":{...}}
  void clear_journal(std::string_view serial);
  Flags flags(std::string_view serial);
  // Operation names of the journal in their order, those that were answered with anything but 401.
  std::vector<std::string> operations(std::string_view serial);

  // Any call of the control API; throws only when there is no answer.
  HttpAnswer call(std::string_view method, std::string_view path, std::string_view body = {});

 private:
  json::Object must(std::string_view method, std::string const& path, std::string_view body = {});

  pid_t pid_ = -1;
  int input_ = -1;  // the process ends when this closes
  std::string control_url_;
};

}  // namespace lenscap::camsim
