#include "acme/server/backup_note.h"

#include "base/acting_as.h"
#include "base/file.h"
#include "base/json.h"

namespace lenscap::acme {
namespace {

std::string note_file(std::string const& state_dir) { return state_dir + "/backup.json"; }

}  // namespace

Result<> note_backup(std::string const& state_dir, Time made_at) {
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return write_file(note_file(state_dir), json::write(json::Object{{"made_at", to_unix(made_at)}}) + "\n", 0644);
}

Result<std::optional<Time>> last_backup(std::string const& state_dir) {
  TRY(auto const text, read_file_if_there(note_file(state_dir)));
  if (!text) return std::optional<Time>();
  auto const note = json::parse_object(*text);
  auto const made_at = note.ok() ? json::need_int(*note, "made_at") : Result<std::int64_t>(note.error());
  if (!made_at.ok())
    return Error(Errc::file, note_file(state_dir) + " cannot be read (" + made_at.error().detail() +
                                 "); remove it, and make a back-up");
  return std::optional(from_unix(*made_at));
}

}  // namespace lenscap::acme
