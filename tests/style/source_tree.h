// The files of this project, as the style tests look at them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace packstore::style {

struct SourceFile {
  std::string path;                // From the root of the project, with '/'.
  std::vector<std::string> lines;  // Without line ends.
  // The same lines with comments and the contents of literals blanked, so that a brace in a string
  // is no brace. Filled for C++ only.
  std::vector<std::string> code;
  bool ends_with_newline = false;

  bool is_header() const { return path.ends_with(".h") || path.ends_with(".h.in"); }
  bool is_cpp() const { return path.ends_with(".cc") || is_header(); }
  bool is_under(std::string_view folder) const { return path.starts_with(folder); }
};

// The root of the checkout that these tests were built from.
std::filesystem::path project_root();

// Every text file of the project by path: sources, CMake, scripts and documents. Test data and
// build directories are left out.
const std::vector<SourceFile>& source_tree();

// A file as source_tree() would hold it, from text.
SourceFile parse_source(std::string path, std::string_view text);

struct Include {
  std::string header;
  std::size_t line = 0;  // From 1.
  bool quoted = false;   // "..." rather than <...>.
};

std::vector<Include> includes_of(const SourceFile& file);

}  // namespace packstore::style
