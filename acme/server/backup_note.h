// When the last back-up was made: a file beside the store, since a back-up reads the store and never writes to it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace lenscap::acme {

// Of a back-up that was read back whole.
Result<> note_backup(std::string const& state_dir, Time made_at);
// Nothing: there was none. Errc::file when the note cannot be read.
Result<std::optional<Time>> last_backup(std::string const& state_dir);

}  // namespace lenscap::acme
