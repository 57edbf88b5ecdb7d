// lenscap-ca audit list|export|head|accept-break|verify: what the CA did, and whether the record of it is whole. All
// but `head` and `accept-break` read the store beside the running service and need no passphrase.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <fstream>
#include <limits>

#include "acme/server/audit_key.h"
#include "acme/server/commands/commands.h"
#include "base/file.h"
#include "base/text_table.h"
#include "base/utf8.h"
#include "ca/audit.h"
#include "ca/audit_break.h"
#include "ca/audit_export.h"
#include "store/store.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kHeadBytesMax = 16 * 1024;

struct AuditOptions {
  std::uint64_t from = 0;
  std::size_t last = 50;
  std::string format = "json";
  std::string out;
  std::string exported;
  std::vector<std::string> heads;
};

Result<std::unique_ptr<store::Store>> open_store(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  return store::open_read_only(settings.store_url, line.state);
}

json::Object to_json(std::uint64_t number, ca::AuditEntry const& entry) {
  return {{"number", static_cast<std::int64_t>(number)},
          {"at", to_rfc3339(entry.at)},
          {"event", ca::to_string(entry.event)},
          {"actor", entry.actor},
          {"subject", entry.subject},
          {"rule", entry.rule},
          {"detail", entry.detail}};
}

// Whoever writes rows that are none of ours may give them any key.
std::string row_name(std::string_view key) { return is_utf8(key) ? std::string(key) : to_hex(as_bytes(key)); }

// Somebody changed it; what there is to see around it is shown all the same.
json::Object unreadable(std::string_view key, Error const& why) {
  return {{"row", row_name(key)}, {"event", "unreadable"}, {"detail", why.detail()}};
}

ExitCode code_of(std::size_t unreadable) {
  if (unreadable == 0) return ExitCode::done;
  fmt::print(stderr, "warning: {} rows cannot be read; lenscap-ca audit verify says what is wrong\n", unreadable);
  return ExitCode::attention;
}

Result<ExitCode> list(CommandLine const& line, AuditOptions const& options) {
  TRY(auto const store, open_store(line));
  json::Array entries;
  std::size_t bad = 0;
  store->read([&](store::ReadTxn& txn) {
    entries.clear();
    bad = 0;
    auto const head = ca::find_audit_head(txn).value_or(ca::AuditHead{});
    auto const from = options.from != 0            ? options.from
                      : head.number > options.last ? head.number - options.last + 1
                                                   : 1;
    ca::visit_audit_rows(txn, from, [&](std::string_view key, Result<ca::NumberedEntry> const& read) {
      bad += read ? 0 : 1;
      entries.emplace_back(read ? to_json(read->number, read->entry) : unreadable(key, read.error()));
      return entries.size() < options.last;
    });
  });
  json::Object const found{{"entries", std::move(entries)}};
  if (line.wants_json())
    print_json(found);
  else
    print_table(found, "entries",
                {{"Number", "number"},
                 {"Time", "at"},
                 {"Event", "event"},
                 {"Who", "actor"},
                 {"What", "subject"},
                 {"By which rule", "rule"},
                 {"Detail", "detail"}});
  return code_of(bad);
}

// RFC 4180; and nothing that a spreadsheet would take for a formula.
std::string csv_cell(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) text.insert(0, "'");
  if (text.find_first_of("\",\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (char const c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// What binds the entry to the one before it, as the store has that; nothing where a chain begins with it.
Sha256 hash_before(store::ReadTxn& txn, ca::NumberedEntry const& read) {
  bool const begins =
      read.entry.event == ca::AuditEvent::audit_break_accepted && read.hash == ca::chain_audit(Sha256{}, read.text);
  return begins ? Sha256{} : ca::find_audit_hash(txn, read.number - 1).value_or(Sha256{});
}

std::string line_of(store::ReadTxn& txn, std::string_view key, ca::NumberedEntry const& read, std::size_t& bad) {
  auto line = ca::audit_line(read, hash_before(txn, read));
  if (line) return *std::move(line);
  ++bad;
  return json::write(unreadable(key, line.error()));
}

std::string cells_of(ca::NumberedEntry const& read) {
  auto const& entry = read.entry;
  return fmt::format("{},{},{},{},{},{},{},{}\r", read.number, to_rfc3339(entry.at), ca::to_string(entry.event),
                     csv_cell(entry.actor), csv_cell(entry.subject), csv_cell(entry.rule), csv_cell(entry.detail),
                     to_hex(read.hash));
}

Result<ExitCode> export_all(CommandLine const& line, AuditOptions const& options) {
  TRY(auto const store, open_store(line));
  bool const is_csv = options.format == "csv";
  std::size_t bad = 0;
  if (is_csv) fmt::print("number,at,event,actor,subject,rule,detail,hash\r\n");
  store->read([&](store::ReadTxn& txn) {
    bad = 0;
    auto const from = std::max<std::uint64_t>(options.from, 1);
    ca::visit_audit_rows(txn, from, [&](std::string_view key, Result<ca::NumberedEntry> const& read) {
      bad += read ? 0 : 1;
      if (read)
        fmt::print("{}\n", is_csv ? cells_of(*read) : line_of(txn, key, *read, bad));
      else if (is_csv)
        fmt::print(",,unreadable,,{},,{},\r\n", csv_cell(row_name(key)), csv_cell(read.error().detail()));
      else
        fmt::print("{}\n", json::write(unreadable(key, read.error())));
      return true;
    });
  });
  return code_of(bad);
}

Result<ExitCode> head(CommandLine const& line, AuditOptions const& options) {
  TRY(auto const made, run_operation(line, "audit.head", {}));
  if (!options.out.empty()) CHECK_OK(write_file(options.out, json::write_pretty(made), 0644));
  if (!options.out.empty() && !line.wants_json()) {
    fmt::print("The head of the audit trail is in {}. Keep it where nobody can write who can write the store.\n",
               options.out);
    return ExitCode::done;
  }
  print_json(made);
  return ExitCode::done;
}

Result<ExitCode> accept_break(CommandLine const& line) {
  TRY(auto const made, run_operation(line, "audit.accept_break", {}));
  if (line.wants_json()) {
    print_json(made);
    return ExitCode::done;
  }
  fmt::print(
      "The audit trail begins anew with entry {}, and certificates are issued again. What is before it stays as it "
      "is, and is not vouched for.\n",
      json::write(*made.find("number")));
  return ExitCode::done;
}

Result<std::vector<ca::SignedAuditHead>> read_heads(std::vector<std::string> const& files) {
  std::vector<ca::SignedAuditHead> heads;
  for (auto const& file : files) {
    TRY(auto const text, read_file(file, kHeadBytesMax));
    auto head = ca::read_audit_head(text);
    if (!head) return std::move(head).error().with_context(file + ": ");
    heads.push_back(*std::move(head));
  }
  return heads;
}

// Line by line, however long the file is.
Result<ca::ExportVerdict> check_file(std::string const& file, ca::ExportCheck& check) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(ca::kAuditLineMax + 2);
  while (in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    auto const count = static_cast<std::size_t>(in.gcount());
    bool const is_too_long = in.fail();
    check.line(is_too_long ? std::string_view() : std::string_view(buffer.data(), count - (in.eof() ? 0 : 1)));
    if (!is_too_long) continue;
    in.clear();
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  if (!in.eof()) return Error(Errc::file, file + " cannot be read");
  return check.finish();
}

std::string text_of(ca::ExportVerdict const& verdict, std::string const& file, bool has_heads) {
  auto const& last = verdict.last.number;
  if (!verdict.fault.empty())
    return fmt::format("{} is not as it was exported: {}. {}.", file, verdict.fault,
                       last < verdict.begins ? "No entry before it is good"
                                             : fmt::format("The entries {} to {} are good", verdict.begins, last));
  auto text = fmt::format("The entries {} to {} in {} ", verdict.begins, last, file);
  if (!has_heads)
    text +=
        "follow on each other; whether the end was cut off, or all of it made anew, only a head that was kept "
        "elsewhere can tell (--head)";
  else if (verdict.kept < last)
    text += fmt::format("follow on each other, and fit what was kept up to {}: of those behind it no head tells",
                        verdict.kept);
  else
    text += "are as they were written, and fit what was kept";
  return text + ".";
}

Result<ExitCode> verify_export(CommandLine const& line, AuditOptions const& options) {
  TRY(auto const heads, read_heads(options.heads));
  std::vector<ca::AuditHead> kept;
  for (auto const& head : heads) {
    kept.push_back(head.head);
    if (!(head.key == heads.front().key))
      return Error(Errc::unauthorized, "the heads were signed by more than one key: not all of them are of one CA");
  }
  ca::ExportCheck check(std::move(kept), std::max<std::uint64_t>(options.from, 1));
  TRY(auto const verdict, check_file(options.exported, check));
  if (line.wants_json())
    print_json({{"good", verdict.fault.empty()},
                {"entries", static_cast<std::int64_t>(verdict.last.number)},
                {"hash", to_hex(verdict.last.hash)},
                {"begins", static_cast<std::int64_t>(verdict.begins)},
                {"kept", static_cast<std::int64_t>(verdict.kept)},
                {"fault", verdict.fault}});
  else
    fmt::print("{}\n", text_of(verdict, options.exported, !heads.empty()));
  return verdict.fault.empty() ? ExitCode::done : ExitCode::attention;
}

Result<ExitCode> verify_trail(CommandLine const& line, AuditOptions const& options) {
  TRY(auto const heads, read_heads(options.heads));
  TRY(auto const store, open_store(line));
  ca::AuditVerdict verdict;
  std::optional<ca::SignedAuditHead> begin;
  store->read([&](store::ReadTxn& txn) {
    verdict = ca::verify_audit_trail(txn, find_audit_key(txn), heads);
    if (verdict.fault.empty()) begin = ca::find_audit_begin(txn);
  });
  bool const good = verdict.fault.empty();
  if (line.wants_json())
    print_json({{"good", good},
                {"entries", static_cast<std::int64_t>(verdict.last.number)},
                {"hash", to_hex(verdict.last.hash)},
                {"begins", static_cast<std::int64_t>(begin ? begin->head.number : 1)},
                {"fault", verdict.fault}});
  else if (good)
    fmt::print("{} are as they were written{}.\n",
               begin ? fmt::format("The entries {} to {} (what is before them was changed, and somebody accepted that)",
                                   begin->head.number, verdict.last.number)
                     : fmt::format("{} entries", verdict.last.number),
               heads.empty() ? "; whether the end was cut off, only a head that was kept elsewhere can tell (--head)"
                             : ", and fit what was kept");
  else
    fmt::print("The audit trail was changed: {}. All before it is good ({} entries).\n", verdict.fault,
               verdict.last.number);
  return good ? ExitCode::done : ExitCode::attention;
}

}  // namespace

void add_audit(CLI::App& app, CommandLine& line) {
  auto* audit = app.add_subcommand("audit", "What the CA did, for whom and by which rule");
  audit->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();

  auto* listed = audit->add_subcommand("list", "The latest entries");
  listed->add_option("--last", options->last, "How many")->check(CLI::Range(1, 10'000))->capture_default_str();
  listed->add_option("--from", options->from, "Beginning with this number");
  listed->callback([&line, options] { line.run = [&line, options] { return list(line, *options); }; });

  auto* exported = audit->add_subcommand("export", "All entries, as JSON lines or CSV, on standard output");
  exported->add_option("--format", options->format, "json or csv")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  exported->add_option("--from", options->from, "Beginning with this number");
  exported->callback([&line, options] { line.run = [&line, options] { return export_all(line, *options); }; });

  auto* headed = audit->add_subcommand("head", "Sign how far the trail goes; to be kept elsewhere");
  headed->add_option("--out", options->out, "File to write it to");
  headed->callback([&line, options] { line.run = [&line, options] { return head(line, *options); }; });

  auto* accepted = audit->add_subcommand("accept-break", "Go on after somebody changed the trail");
  accepted->footer(
      "Nothing is issued while the trail is not as it was written. First find out who could write the store, and keep "
      "a "
      "copy of it.\n"
      "Examples:\n  lenscap-ca audit verify\n  lenscap-ca audit accept-break");
  accepted->callback([&line] { line.run = [&line] { return accept_break(line); }; });

  auto* verified = audit->add_subcommand("verify", "Is every entry as it was written?");
  verified->add_option("--head", options->heads, "A head that was kept elsewhere; may be given again");
  auto* of_file = verified->add_option("--export", options->exported,
                                       "JSON lines of `audit export`, instead of the store, which is not needed then");
  verified->add_option("--from", options->from, "With which number they begin, as `audit export` was told")
      ->needs(of_file);
  verified->footer(
      "Exit code 0: nothing was changed; 6: the text names the first bad entry.\n"
      "Examples:\n  lenscap-ca audit head --out /mnt/safe/head-monday.json\n"
      "  lenscap-ca audit verify --head /mnt/safe/head-monday.json\n"
      "  lenscap-ca audit verify --export trail.jsonl --head /mnt/safe/head-monday.json");
  verified->callback([&line, options] {
    line.run = [&line, options] {
      return options->exported.empty() ? verify_trail(line, *options) : verify_export(line, *options);
    };
  });
}

}  // namespace lenscap::acme
