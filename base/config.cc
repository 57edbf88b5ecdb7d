#include "base/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/file.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace lenscap::config {
namespace {

// Levenshtein distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

struct Problem {
  unsigned line = 0;
  unsigned column = 0;
  std::string text;
};

}  // namespace

struct Reader::State {
  std::string file;
  toml::table root;
  std::set<std::string, std::less<>> known;  // every path that was asked for
  std::vector<Problem> problems;

  toml::node const* ask(std::string_view path) {
    known.emplace(path);
    return root.at_path(path).node();
  }
  void complain(toml::node const* node, std::string_view path, std::string_view why) {
    Problem problem;
    if (node != nullptr) {
      problem.line = node->source().begin.line;
      problem.column = node->source().begin.column;
    }
    problem.text = fmt::format("{}: {}", path, why);
    problems.push_back(std::move(problem));
  }
  // The keys of the file, as dotted paths, that nobody asked for.
  void find_unknown(toml::table const& table, std::string const& prefix) {
    for (auto const& [key, node] : table) {
      std::string const path = prefix + std::string(key.str());
      if (known.contains(path)) continue;
      if (auto const* inner = node.as_table()) {
        bool const leads_somewhere =
            std::ranges::any_of(known, [&](auto const& k) { return k.starts_with(path + "."); });
        if (leads_somewhere) {
          find_unknown(*inner, path + ".");
          continue;
        }
      }
      complain(&node, path, "unknown setting" + suggestion(path));
    }
  }
  std::string suggestion(std::string const& path) const {
    std::set<std::string, std::less<>> names = known;  // and the tables they stand in
    for (auto const& key : known) {
      for (auto dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1))
        names.insert(key.substr(0, dot));
    }
    auto const nearest =
        std::ranges::min_element(names, {}, [&](std::string const& candidate) { return distance(path, candidate); });
    if (nearest == names.end() || distance(path, *nearest) > std::max<std::size_t>(2, path.size() / 3)) return {};
    return fmt::format("; did you mean {}?", *nearest);
  }
};

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::parse(std::string_view text, std::string_view file_name) {
  auto state = std::make_unique<State>();
  state->file = file_name;
  try {
    state->root = toml::parse(text, file_name);
  } catch (toml::parse_error const& error) {
    return Error(Errc::settings, fmt::format("{}:{}:{}: {}", file_name, error.source().begin.line,
                                             error.source().begin.column, error.description()));
  }
  return Reader(std::move(state));
}

Result<Reader> Reader::load(std::string const& path) {
  TRY(auto text, read_file(path));
  return parse(text, path);
}

std::string Reader::string(std::string_view path, std::string_view fallback) {
  auto const* node = state_->ask(path);
  if (node == nullptr) return std::string(fallback);
  if (auto const* value = node->as_string()) return value->get();
  state_->complain(node, path, "must be text in quotes");
  return std::string(fallback);
}

std::vector<std::string> Reader::strings(std::string_view path, std::vector<std::string> const& fallback) {
  auto const* node = state_->ask(path);
  if (node == nullptr) return fallback;
  auto const* array = node->as_array();
  std::vector<std::string> values;
  bool fine = array != nullptr;
  if (array != nullptr) {
    for (auto const& element : *array) {
      if (auto const* value = element.as_string()) {
        values.push_back(value->get());
      } else {
        fine = false;
      }
    }
  }
  if (fine) return values;
  state_->complain(node, path, "must be a list of texts, such as [\"a\", \"b\"]");
  return fallback;
}

std::vector<std::string> Reader::string_or_strings(std::string_view path, std::vector<std::string> const& fallback) {
  auto const* node = state_->ask(path);
  auto const* value = node != nullptr ? node->as_string() : nullptr;
  if (value == nullptr) return strings(path, fallback);
  return value->get().empty() ? std::vector<std::string>{} : std::vector<std::string>{value->get()};
}

std::int64_t Reader::integer(std::string_view path, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  auto const* node = state_->ask(path);
  if (node == nullptr) return fallback;
  auto const* value = node->as_integer();
  if (value != nullptr && value->get() >= min && value->get() <= max) return value->get();
  state_->complain(node, path, fmt::format("must be a whole number from {} to {}", min, max));
  return fallback;
}

bool Reader::boolean(std::string_view path, bool fallback) {
  auto const* node = state_->ask(path);
  if (node == nullptr) return fallback;
  if (auto const* value = node->as_boolean()) return value->get();
  state_->complain(node, path, "must be true or false");
  return fallback;
}

Seconds Reader::duration(std::string_view path, Seconds fallback) {
  auto const* node = state_->ask(path);
  if (node == nullptr) return fallback;
  if (auto const* value = node->as_string()) {
    if (auto parsed = parse_duration(value->get()); parsed.ok()) return *parsed;
  }
  state_->complain(node, path, "must be a duration in quotes, such as \"90d\" or \"15m\"");
  return fallback;
}

bool Reader::has(std::string_view path) const { return state_->root.at_path(path).node() != nullptr; }

std::vector<std::string> Reader::tables(std::string_view path) const {
  std::vector<std::string> names;
  if (auto const* table = state_->root.at_path(path).as_table()) {
    for (auto const& [key, node] : *table) {
      if (node.is_table()) names.emplace_back(key.str());
    }
  }
  return names;
}

std::vector<std::string> Reader::known() const { return {state_->known.begin(), state_->known.end()}; }

void Reader::refuse(std::string_view path, std::string_view why) {
  state_->complain(state_->root.at_path(path).node(), path, why);
}

Result<> Reader::finish() {
  state_->find_unknown(state_->root, "");
  if (state_->problems.empty()) return {};
  auto const& first = *std::ranges::min_element(state_->problems, {}, &Problem::line);
  return Error(Errc::settings, first.line == 0
                                   ? fmt::format("{}: {}", state_->file, first.text)
                                   : fmt::format("{}:{}:{}: {}", state_->file, first.line, first.column, first.text));
}

}  // namespace lenscap::config
