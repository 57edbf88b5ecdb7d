#include "acme/server/commands/on_record.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace lenscap::acme {
namespace {

// Errc::settings: there is no chain yet, or none that a server could work with.
Result<OnDisk> look(CommandLine const& line) {
  TRY(auto const settings, load_settings(line));
  return what_lies_on_disk(settings);
}

Result<> tell(CommandLine const& line, std::string const& command, Changed const& changed) {
  auto arguments = to_json(changed);
  arguments.set("command", command);
  try {
    TRY([[maybe_unused]] auto const noted, run_operation(line, "audit.note_change", arguments));
    return {};
  } catch (std::exception const& e) {  // a store that breaks; what the command did is done all the same
    return Error(Errc::file, e.what());
  }
}

// `before` is what a look gave when the command had not begun.
Result<> tell_what_changed(CommandLine const& line, std::string const& command, Result<OnDisk> before,
                           std::function<Inventory()> const& otherwise) {
  TRY(auto const settings, load_settings(line));
  // Of one that is absent none is made: it would belong to whoever runs the command, and not to the server's user.
  TRY(bool const is_there, has_store(line, settings));
  if (!is_there) return {};
  if (!before && before.error().code() == Errc::settings) before = OnDisk{};
  CHECK_OK(before);
  TRY(auto const after, look(line));
  auto changed = changed_between(*before, after);
  if (changed.is_nothing() && otherwise) changed.installed = otherwise();
  return changed.is_nothing() ? Result<>() : tell(line, command, changed);
}

}  // namespace

Result<ExitCode> on_record(CommandLine const& line, std::string const& command,
                           std::function<Result<ExitCode>()> const& run, std::function<Inventory()> const& otherwise) {
  auto before = look(line);
  auto done = run();
  auto const told = tell_what_changed(line, command, std::move(before), otherwise);
  if (told) return done;
  // Of a command that was refused somebody hears why, and most often it has changed nothing.
  if (!done) return done;
  fmt::print(stderr, "warning: it is done, and the audit trail does not say who did it: {}\n", told.error().detail());
  return *done == ExitCode::done ? ExitCode::attention : *done;
}

}  // namespace lenscap::acme
