#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/time.h"

namespace lenscap {
namespace {

// Hands each finished line to a function: for tests.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Log::Sink function) : function_(std::move(function)) {}

 private:
  void sink_it_(spdlog::details::log_msg const& message) override {
    function_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}
  Log::Sink function_;
};

spdlog::level::level_enum spd(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::off;
}

char const* text(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

}  // namespace

struct Log::State {
  State(spdlog::sink_ptr sink, spdlog::level::level_enum lowest) : logger("lenscap", std::move(sink)) {
    logger.set_level(lowest);
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger;
};

Log Log::to_stderr(LogLevel lowest) {
  return Log(std::make_shared<State>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), spd(lowest)));
}
Log Log::to(Sink sink, LogLevel lowest) {
  return Log(std::make_shared<State>(std::make_shared<FunctionSink>(std::move(sink)), spd(lowest)));
}
Log Log::nowhere() {
  return Log(std::make_shared<State>(std::make_shared<spdlog::sinks::null_sink_mt>(), spdlog::level::off));
}

bool Log::takes(LogLevel level) const { return state_->logger.should_log(spd(level)); }

void Log::write(LogLevel level, std::string_view event, std::initializer_list<Field> fields) const {
  if (!takes(level)) return;
  json::Object line{{"time", to_rfc3339(SystemClock().now())}, {"level", text(level)}, {"event", event}};
  for (auto const& field : fields) line.set(field.name, field.value);
  state_->logger.log(spd(level), "{}", json::write(line));  // never the text itself as a format
}

}  // namespace lenscap
