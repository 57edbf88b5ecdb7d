#include "tests/camsim/faults.h"

#include <algorithm>
#include <array>

#include "tests/camsim/rest.h"
#include "tests/camsim/soap.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr std::array<std::string_view, 16> kKnown{"F1",  "F2",  "F3",  "F4",  "F5",  "F6",  "F7",  "F8",
                                                  "F23", "F24", "F25", "F26", "F27", "F28", "F29", "F33"};

// Names that the journal can show; of CGIs the part before the method.
bool is_operation(std::string_view name) {
  if (name.empty() || is_soap_operation(name) || is_rest_operation(name)) return true;
  constexpr std::array<std::string_view, 11> kCgis{
      "basicdeviceinfo", "apidiscovery",   "systemready",       "time", "ntp", "network_settings", "param", "pwdgrp",
      "restart",         "factorydefault", "hardfactorydefault"};
  return std::find(kCgis.begin(), kCgis.end(), name.substr(0, name.find('.'))) != kCgis.end();
}

Result<> check(Fault const& fault) {
  auto const refuse = [&](std::string const& what, std::string const& value) {
    return Error(Errc::malformed, "fault " + fault.id + ": there is no " + what + " '" + value + "'");
  };
  if (!is_operation(fault.operation)) return refuse("operation", fault.operation);
  if (fault.listener != "http" && fault.listener != "https" && fault.listener != "both")
    return refuse("listener", fault.listener);
  if (fault.when != "before" && fault.when != "after") return refuse("moment", fault.when);
  return {};
}

Result<Fault> parse_one(json::Value const& value) {
  json::Object const* object = value.as_object();
  if (object == nullptr) return Error(Errc::malformed, "a fault is an object like {\"id\":\"F5\"}");
  Fault fault;
  TRY(fault.id, json::need_string(*object, "id"));
  bool known = false;
  for (std::string_view const id : kKnown) known = known || id == fault.id;
  if (!known) return Error(Errc::malformed, "fault " + fault.id + " is not one that this simulator has");
  for (auto const& [name, member] : object->members()) {
    std::int64_t const* number = member.as_int();
    std::string const* text = member.as_string();
    if (name == "id")
      continue;
    else if (name == "operation" && text != nullptr)
      fault.operation = *text;
    else if (name == "listener" && text != nullptr)
      fault.listener = *text;
    else if (name == "when" && text != nullptr)
      fault.when = *text;
    else if (name == "body" && text != nullptr)
      fault.body = *text;
    else if (name == "count" && number != nullptr)
      fault.count = static_cast<int>(*number);
    else if (name == "skip" && number != nullptr)
      fault.skip = static_cast<int>(*number);
    else if (name == "status" && number != nullptr)
      fault.status = static_cast<int>(*number);
    else if (name == "bytes" && number != nullptr)
      fault.bytes = static_cast<std::size_t>(*number);
    else if (name == "interval_ms" && number != nullptr)
      fault.interval_ms = static_cast<int>(*number);
    else if (name == "seconds" && number != nullptr)
      fault.seconds = static_cast<int>(*number);
    else if (name == "probability" && (member.as_double() != nullptr || number != nullptr))
      fault.probability = number != nullptr ? static_cast<double>(*number) : *member.as_double();
    else
      return Error(Errc::malformed, "fault " + fault.id + ": member '" + name + "' is unknown or of the wrong type");
  }
  CHECK_OK(check(fault));
  return fault;
}

}  // namespace

Result<std::vector<Fault>> Faults::parse(json::Array const& list) {
  std::vector<Fault> faults;
  for (json::Value const& value : list) {
    TRY(Fault fault, parse_one(value));
    faults.push_back(std::move(fault));
  }
  return faults;
}

std::optional<Fault> Faults::use(Fault& fault, std::mt19937_64& random) {
  if (fault.count == 0) return std::nullopt;
  if (fault.skip > 0) {
    --fault.skip;
    return std::nullopt;
  }
  if (fault.probability < 1 && std::uniform_real_distribution<double>(0, 1)(random) >= fault.probability)
    return std::nullopt;
  if (fault.count > 0) --fault.count;
  return fault;
}

std::optional<Fault> Faults::strike(std::string_view id, std::string_view operation, std::mt19937_64& random) {
  for (Fault& fault : faults_)
    if (fault.id == id && (fault.operation.empty() || fault.operation == operation))
      if (auto struck = use(fault, random)) return struck;
  return std::nullopt;
}

std::optional<Fault> Faults::strike_exact(std::string_view id, std::string_view operation, std::mt19937_64& random) {
  for (Fault& fault : faults_)
    if (fault.id == id && fault.operation == operation)
      if (auto struck = use(fault, random)) return struck;
  return std::nullopt;
}

json::Array Faults::to_json() const {
  json::Array list;
  for (Fault const& fault : faults_)
    list.push_back(
        json::Object{{"id", fault.id}, {"operation", fault.operation}, {"count", fault.count}, {"skip", fault.skip}});
  return list;
}

}  // namespace lenscap::camsim
