// The names that a device's certificate carries, from templates such as "{hostname}.cams.example" and "{ip}". The
// address that the agent dials is always among them. A device's own host name is an attacker's text: it becomes one
// label of a name or is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/x509/name.h"

namespace lenscap::agent {

struct NameFacts {
  std::string address;   // as dialled: an IP address or a host name
  std::string hostname;  // as the device calls itself; may be empty
  std::string serial;    // 12 hex digits
  std::string model;
};

struct DeviceNames {
  x509::NameSet names;
  std::string common_name;  // the first DNS name; empty when there is none
};

// Checks templates when the settings are read: known placeholders ({hostname}, {ip}, {serial}), and a name around them.
Result<> check_name_templates(std::vector<std::string> const& templates);

// `wanted` (--name) stands in for the templates that give DNS names; empty: none. A template whose placeholder is empty
// for this device is refused with what to do: settle for a name, or give the device a host name.
Result<DeviceNames> names_for(std::vector<std::string> const& templates, NameFacts const& facts,
                              std::string_view wanted);

}  // namespace lenscap::agent
