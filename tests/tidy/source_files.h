// The project's own text files, for the tests that read them.
#pragma once

#include <string>
#include <vector>

namespace lenscap::tidy {

struct SourceFile {
  std::string path;  // from the repository root, "ca/lint.cc"
  std::string text;
};

// Files under the named folders whose names end in one of `endings`, in order of their paths.
std::vector<SourceFile> source_files(std::vector<std::string> const& folders, std::vector<std::string> const& endings);

// `text` with comments and the insides of string and character literals blanked; line breaks stay.
std::string without_comments_and_literals(std::string const& text);

int line_of(std::string const& text, std::size_t offset);

}  // namespace lenscap::tidy
