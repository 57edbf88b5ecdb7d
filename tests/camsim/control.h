// The control API: makes devices, looks into them, and does to them what a network never could. JSON over plain HTTP on
// a loopback port, for tests alone. README.md has the list of calls.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/camsim/device.h"

namespace lenscap::camsim {

class Control {
 public:
  explicit Control(World& world) : world_(world) {}
  ~Control();
  Control(Control const&) = delete;
  Control& operator=(Control const&) = delete;

  void serve(Request const& request, Reply const& reply);
  // Makes the devices of a file: an array of what POST /devices takes.
  Result<> load(std::string_view text);

 private:
  bool serve_wait(Request const& request, Reply const& reply);
  Result<json::Value> answer(Request const& request);
  Result<json::Value> make_devices(json::Object const& spec);
  Result<std::shared_ptr<Device>> make_device(json::Object const& spec);
  Result<json::Value> on_device(Device& device, std::string const& method, std::string const& what,
                                std::string const& body);
  std::string next_address();
  std::string next_serial(Generation const& generation);

  World& world_;
  std::map<std::string, std::shared_ptr<Device>> devices_;
  std::map<std::string, State> snapshots_;
  unsigned made_ = 0;
};

}  // namespace lenscap::camsim
