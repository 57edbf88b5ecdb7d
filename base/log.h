// The log: one JSON line an event on standard error, an event name from a documented list, fields by name.
//   log.info("order.ready", {{"order", id}, {"account", account}});
// A secret never comes here: SecretBytes has no way into a Field. Control characters are escaped by the JSON writer.
// A Log is a light handle; copies write to the same sink. Safe from any thread. spdlog is used in log.cc alone.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"

namespace lenscap {

enum class LogLevel { debug, info, warning, error };

class Log {
 public:
  struct Field {
    std::string_view name;
    json::Value value;
  };
  using Sink = std::function<void(std::string_view line)>;

  static Log to_stderr(LogLevel lowest = LogLevel::info);
  static Log to(Sink sink, LogLevel lowest = LogLevel::debug);  // for tests
  static Log nowhere();

  void debug(std::string_view event, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::info, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::warning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) const {
    write(LogLevel::error, event, fields);
  }
  void write(LogLevel level, std::string_view event, std::initializer_list<Field> fields) const;
  bool takes(LogLevel level) const;  // false: whatever is written on this level goes nowhere

 private:
  struct State;
  explicit Log(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace lenscap
