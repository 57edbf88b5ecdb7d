// lenscap-ca key block|unblock|list: keys that nobody may use any more, because they leaked or are known to be weak.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <sstream>

#include "acme/server/commands/commands.h"
#include "acme/server/key_operations.h"
#include "base/digest.h"
#include "base/file.h"

namespace lenscap::acme {
namespace {

// Four times Debian's broken generator's keys of one size and three kinds of machine.
constexpr std::size_t kListBytesMax = std::size_t{64} * 1024 * 1024;

struct BlockOptions {
  std::vector<std::string> hashes;
  std::string list, why;
};

// A hash at the beginning of each line; "#" begins a comment.
Result<> read_list(std::string const& path, std::vector<std::string>& hashes) {
  TRY(auto const text, read_file(path, kListBytesMax));
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    auto const begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    auto const word = line.substr(begin, line.find_first_of(" \t\r#", begin) - begin);
    auto const hash = from_hex(word);
    if (!hash || hash->size() != std::tuple_size_v<Sha256>)
      return Error(Errc::usage, path + ":" + std::to_string(number) +
                                    ": a line begins with the SHA-256 of a public key in 64 hex digits; nothing of the "
                                    "file was taken");
    hashes.push_back(word);
  }
  return {};
}

Result<std::vector<std::string>> gather(BlockOptions const& options) {
  auto hashes = options.hashes;
  if (!options.list.empty()) CHECK_OK(read_list(options.list, hashes));
  if (hashes.empty()) return Error(Errc::usage, "say which: HASH, or --list FILE");
  return hashes;
}

// A piece after the other: the server goes on in between. Whoever ends this says the same again.
Result<ExitCode> block(CommandLine const& line, BlockOptions const& options) {
  TRY(auto const hashes, gather(options));
  std::int64_t blocked = 0, known = 0;
  json::Array certified;
  for (std::size_t begin = 0; begin < hashes.size(); begin += kBlockedAtOnce) {
    auto const end = std::min(begin + kBlockedAtOnce, hashes.size());
    std::vector<std::string> const piece(hashes.begin() + static_cast<std::ptrdiff_t>(begin),
                                         hashes.begin() + static_cast<std::ptrdiff_t>(end));
    TRY(auto const done,
        run_operation(line, "key.block", {{"keys", json::Value::strings(piece)}, {"why", options.why}}));
    TRY(auto const fresh, json::need_int(done, "blocked"));
    TRY(auto const old, json::need_int(done, "known"));
    blocked += fresh;
    known += old;
    for (auto const& one : *done.find("certified")->as_array()) certified.push_back(one);
  }
  if (line.wants_json()) {
    print_json({{"blocked", blocked}, {"known", known}, {"certified", std::move(certified)}});
    return ExitCode::done;
  }
  fmt::print("{} keys are blocked now, {} were already.\n", blocked, known);
  for (auto const& hash : certified)
    fmt::print("There are certificates of one: lenscap-ca cert revoke --key {} --reason keyCompromise\n",
               text_of(&hash));
  return ExitCode::done;
}

Result<ExitCode> unblock(CommandLine const& line, std::string const& hash) {
  TRY(auto const done, run_operation(line, "key.unblock", {{"key", hash}}));
  if (line.wants_json())
    print_json(done);
  else
    fmt::print("{} may be used again.\n", text_of(done.find("key_sha256")));
  return ExitCode::done;
}

Result<ExitCode> list(CommandLine const& line) {
  json::Array all;
  json::Object arguments;
  for (std::optional<std::string> next = ""; next;) {
    if (!next->empty()) arguments.set("after", *next);
    TRY(auto const page, run_operation(line, "key.list", arguments));
    for (auto const& one : *page.find("keys")->as_array()) all.push_back(one);
    TRY(next, json::get_string(page, "next"));
  }
  json::Object const found{{"keys", std::move(all)}};
  if (line.wants_json())
    print_json(found);
  else
    print_table(found, "keys", {{"Key (SHA-256)", "key_sha256"}, {"Since", "since"}, {"Why", "why"}});
  return ExitCode::done;
}

}  // namespace

void add_key(CLI::App& app, CommandLine& line) {
  auto* key = app.add_subcommand("key", "Keys that nobody may use any more: in certificates, and for new accounts");
  key->require_subcommand(1);

  auto options = std::make_shared<BlockOptions>();
  auto* blocked = key->add_subcommand("block", "Refuse keys that leaked, or that broken generators make");
  blocked->add_option("HASH", options->hashes, "SHA-256 of the public key (key_sha256 of cert show)");
  blocked->add_option("--list", options->list, "A file with such a hash at the beginning of each line");
  blocked->add_option("--why", options->why, "A note for the list and the audit trail");
  blocked->footer(
      "Examples:\n  lenscap-ca key block 9f86d0… --why \"in a public repository\"\n"
      "  lenscap-ca key block --list weak-keys.txt\n"
      "Certificates that exist are not revoked: cert revoke --key HASH --reason keyCompromise.");
  blocked->callback([&line, options] { line.run = [&line, options] { return block(line, *options); }; });

  auto hash = std::make_shared<std::string>();
  auto* freed = key->add_subcommand("unblock", "Take back what was blocked by mistake");
  freed->add_option("HASH", *hash, "As key list prints it")->required();
  freed->footer("Examples:\n  lenscap-ca key unblock 9f86d0…");
  freed->callback([&line, hash] { line.run = [&line, hash] { return unblock(line, *hash); }; });

  auto* listed = key->add_subcommand("list", "All that are blocked");
  listed->footer("Examples:\n  lenscap-ca key list\n  lenscap-ca key list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });
}

}  // namespace lenscap::acme
