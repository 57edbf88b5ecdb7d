// The traps that a device can be set with (F1 ...): which one, for which operation, how often.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lenscap::camsim {

// JSON: {"id":"F5","operation":"GetCertificates","count":2,"skip":1,"probability":0.5,"status":503,...}
// Refused: what is unknown in ids, members, operations, listeners and moments. A fault that can never strike would be a
// test that cannot fail.
struct Fault {
  std::string id;
  std::string operation;  // as in the journal; empty: every request, even before login
  int count = -1;         // times that it still strikes; -1: always
  int skip = 0;           // matching requests that pass first
  double probability = 1;
  int status = 503;               // F5
  std::size_t bytes = 20;         // F3: octets sent before the reset
  int interval_ms = 1000;         // F4: real time between octets
  int seconds = 120;              // F29: the gap, scaled as all times
  std::string listener = "both";  // F1: "http", "https" or "both"
  std::string when = "after";     // F33: "before" or "after" the operation is done
  std::string body;               // F6: what is sent instead; empty: a default
};

class Faults {
 public:
  static Result<std::vector<Fault>> parse(json::Array const& list);
  void set(std::vector<Fault> faults) { faults_ = std::move(faults); }

  // The fault with this id that strikes now, and one strike less of it. With an operation only faults that name it or,
  // for `in_operation`, any: faults inside an operation (F23 ...) may leave the name out.
  std::optional<Fault> strike(std::string_view id, std::string_view operation, std::mt19937_64& random);
  // For faults of the wire: `operation` empty asks for those that are set for every request.
  std::optional<Fault> strike_exact(std::string_view id, std::string_view operation, std::mt19937_64& random);
  std::vector<Fault> const& list() const { return faults_; }
  json::Array to_json() const;

 private:
  std::optional<Fault> use(Fault& fault, std::mt19937_64& random);
  std::vector<Fault> faults_;
};

}  // namespace lenscap::camsim
