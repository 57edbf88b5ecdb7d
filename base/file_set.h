// Small files that mean something only together, such as a key and its certificate, in one directory or in several: all
// of them are replaced, or none is. Nobody sees them all at once: whoever reads meanwhile goes by the last one alone.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace lenscap {

struct ReplacedFile {
  std::string path;
  std::string content;
  mode_t mode = 0644;
};

// Writes all of them beside, then puts them in place in this order: the last one decides. A refusal (Errc::file, or
// Errc::conflict while another does the same) leaves every file as it was, also on a disk that stays full: to put the
// former ones back needs no room. After a crash settle_files() has to be called. Former content is not kept.
Result<> replace_files(std::vector<ReplacedFile> const& files);

// What a crash had left.
enum class Settled {
  nothing,
  completed,   // the last file was in place already
  taken_back,  // every file is as before
};

// Ends what a crash has left of replace_files() on these paths, given in the same order: forward where the last file
// was in place, otherwise back. One that was not there before may stay, unless it is the last. Nothing to do costs
// nothing.
Result<Settled> settle_files(std::vector<std::string> const& paths);

}  // namespace lenscap
