#include "tests/camsim/params.h"

#include <optional>

#include "tests/camsim/auth.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

std::string mac_of(std::string const& serial) {
  std::string mac = serial;
  for (std::size_t at = 2; at < mac.size(); at += 3) mac.insert(at, ":");
  return mac;
}

std::string scheme_of_policy(std::string const& policy) {
  if (policy == "Http") return "http";
  return policy == "Https" ? "https" : "both";
}
std::string policy_of_scheme(std::string const& scheme) {
  if (scheme == "http") return "Http";
  if (scheme == "https") return "Https";
  return scheme == "both" ? "HttpAndHttps" : "";
}

std::string yes_no(bool value) { return value ? "yes" : "no"; }

// Parameters whose value is the state itself.
std::optional<std::string> live_value(Device const& device, std::string_view name) {
  State const& state = device.state;
  Generation const& g = *state.generation;
  if (name == "Brand.ProdFullName") return std::string(g.product_full);
  if (name == "Brand.ProdShortName") return std::string(g.product_short);
  if (name == "Brand.ProdNbr") return std::string(g.product_number);
  if (name == "Brand.ProdType") return std::string(g.product_type);
  if (name == "HTTPS.Ciphers") {
    std::string list;
    for (std::string const& cipher : state.tls.ciphers) list += (list.empty() ? "" : ":") + cipher;
    return list;
  }
  if (name == "HTTPS.Enabled") return yes_no(state.tls.enabled);
  if (name == "HTTPS.Port") return std::to_string(device.https_port());
  if (name == "System.BoaPort") return std::to_string(device.http_port());
  if (name == "System.RootPwdSet") return yes_no(!state.needs_setup());
  if (name == "System.BoaGroupPolicy.admin") return scheme_of_policy(state.tls.policies.admin);
  if (name == "System.BoaGroupPolicy.operator") return scheme_of_policy(state.tls.policies.operator_);
  if (name == "System.BoaGroupPolicy.viewer") return scheme_of_policy(state.tls.policies.viewer);
  if (name == "System.PreventDoSAttack.ActivatePasswordThrottling") return state.switches.throttle ? "On" : "Off";
  if (name == "Network.HostName" || name == "Network.VolatileHostName.HostName") return state.hostname;
  if (name == "Network.HTTP.AuthenticationPolicy") return state.switches.auth_policy;
  if (name == "Network.HTTP.AuthenticationWithQop") return yes_no(state.switches.digest_qop);
  if (name == "Properties.Firmware.BuildDate") return std::string(g.build_date);
  if (name == "Properties.Firmware.Version") return std::string(g.firmware);
  if (name == "Properties.System.HardwareID") return std::string(g.hardware_id);
  if (name == "Properties.System.SerialNumber") return state.serial;
  if (name == "Properties.System.Architecture") return std::string(g.architecture);
  if (name == "Properties.System.Soc") return std::string(g.soc);
  return std::nullopt;
}

std::string fill_in(Device const& device, std::string text) {
  text = replace_all(std::move(text), "{SERIAL}", device.state.serial);
  text = replace_all(std::move(text), "{SHORT}", device.state.generation->product_short);
  text = replace_all(std::move(text), "{MAC}", mac_of(device.state.serial));
  return replace_all(std::move(text), "{ADDRESS}", device.address());
}

}  // namespace

std::vector<Parameter> parameters_of(Device const& device) {
  std::vector<Parameter> list;
  for (std::string_view const line : parameters(*device.state.generation)) {
    auto const equals = line.find('=');
    std::string const name(line.substr(0, equals));
    auto const set = device.state.parameters.find(name);
    if (auto live = live_value(device, name))
      list.emplace_back(name, *live);
    else if (set != device.state.parameters.end())
      list.emplace_back(name, set->second);
    else
      list.emplace_back(name, fill_in(device, std::string(line.substr(equals + 1))));
  }
  return list;
}

Update update_parameter(Device& device, std::string const& name, std::string const& value) {
  State& state = device.state;
  if (name == "HTTPS.Enabled") {
    if (state.switches.https_parameter == "refuse") return Update::refused;
    bool const on = value == "yes";
    if ((!on && value != "no") || (on && state.tls.certificate_id().empty())) return Update::refused;
    state.tls.enabled = on;
    return Update::restart;
  }
  if (name == "HTTPS.Ciphers") {
    state.tls.ciphers = split(value, ':');
    return Update::restart;
  }
  if (name.starts_with("System.BoaGroupPolicy.")) {
    std::string const policy = policy_of_scheme(value);
    if (policy.empty()) return Update::refused;
    if (name.ends_with(".admin")) state.tls.policies.admin = policy;
    if (name.ends_with(".operator")) state.tls.policies.operator_ = policy;
    if (name.ends_with(".viewer")) state.tls.policies.viewer = policy;
    return Update::restart;
  }
  if (name == "Network.HTTP.AuthenticationPolicy")
    return set_switch(state.switches, "auth_policy", lower(value)).ok() ? Update::restart : Update::refused;
  if (name == "Network.HostName" || name == "Network.VolatileHostName.HostName") {
    state.hostname = value;
    return Update::done;
  }
  if (live_value(device, name)) return Update::refused;  // the rest of what is live cannot be written
  for (auto const& [known, old] : parameters_of(device))
    if (known == name) {
      state.parameters[name] = value;
      return Update::done;
    }
  return Update::refused;
}

}  // namespace lenscap::camsim
