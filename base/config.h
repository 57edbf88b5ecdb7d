// A TOML file into values. Every key that is not asked for is an error that names its line and the nearest key that is
// known; all errors wait for finish(), so that one look tells everything. toml++ is used in config.cc alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace lenscap::config {

class Reader {
 public:
  static Result<Reader> parse(std::string_view text, std::string_view file_name);  // Errc::settings: "ca.toml:3:7: ..."
  static Result<Reader> load(std::string const& path);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // `path` is dotted: "acme.eab_required". An absent key gives `fallback`; a wrong type is an error for finish().
  std::string string(std::string_view path, std::string_view fallback);
  std::vector<std::string> strings(std::string_view path, std::vector<std::string> const& fallback);
  // The same, and a single text stands for a list of one; "" for an empty list.
  std::vector<std::string> string_or_strings(std::string_view path, std::vector<std::string> const& fallback);
  std::int64_t integer(std::string_view path, std::int64_t fallback, std::int64_t min, std::int64_t max);
  bool boolean(std::string_view path, bool fallback);
  Seconds duration(std::string_view path, Seconds fallback);  // "90d"
  bool has(std::string_view path) const;
  std::vector<std::string> tables(std::string_view path) const;  // names of the tables inside `path`
  std::vector<std::string> known() const;                        // every path that was asked for

  // A refusal of the caller's own about the value at `path`, put at its line: "ca.toml:7: server.url: must be https".
  void refuse(std::string_view path, std::string_view why);
  // The first error, or nothing. Unknown keys are errors.
  Result<> finish();

 private:
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lenscap::config
