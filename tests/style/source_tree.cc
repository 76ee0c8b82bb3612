// How a file becomes lines of code:
//   1. The text is split into lines.
//   2. A scanner walks over the whole text and knows whether it is in code, in a comment, in a
//      string, in a character or in a raw string.
//   3. What is not code is overwritten with spaces; line ends stay, so both views have the same
//      line numbers.
#include "style/source_tree.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <sstream>

namespace packstore::style {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to && i < text.size(); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

std::size_t end_of_literal(std::string_view text, std::size_t start) {
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[start] || text[i] == '\n') {
      return i;
    }
  }
  return text.size();
}

std::size_t end_of(std::string_view text, std::size_t start, std::string_view mark) {
  const std::size_t found = text.find(mark, start);
  return found == std::string_view::npos ? text.size() : found + mark.size();
}

bool is_include_line(std::string_view text, std::size_t at) {
  const std::size_t line =
      text.rfind('\n', at) == std::string_view::npos ? 0 : text.rfind('\n', at) + 1;
  return text.substr(line).starts_with("#include");
}

bool is_digit_separator(std::string_view text, std::size_t at) {
  return at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0;
}

std::string code_only(std::string text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = std::string_view(text).substr(at);
    std::size_t end = at + 1;
    if (rest.starts_with("//")) {
      end = std::min(text.find('\n', at), text.size());
      blank(text, at, end);
    } else if (rest.starts_with("/*")) {
      end = end_of(text, at + 2, "*/");
      blank(text, at, end);
    } else if (rest.starts_with("R\"")) {
      const std::size_t open = std::min(text.find('(', at), text.size());
      const std::string close = ")" + text.substr(at + 2, open - at - 2) + "\"";
      end = end_of(text, open, close);
      blank(text, at + 2, end - 1);
    } else if (rest[0] == '"' && !is_include_line(text, at)) {
      end = end_of_literal(text, at);
      blank(text, at + 1, end);
      ++end;
    } else if (rest[0] == '\'' && !is_digit_separator(text, at)) {
      end = end_of_literal(text, at);
      blank(text, at + 1, end);
      ++end;
    }
    at = end;
  }
  return text;
}

bool is_text_file(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string extension = path.extension().string();
  return extension == ".h" || extension == ".cc" || extension == ".in" || extension == ".md" ||
         extension == ".cmake" || extension == ".sh" || extension == ".json" ||
         name == "CMakeLists.txt" || name == "run" || name.starts_with(".clang-");
}

std::vector<SourceFile> read_tree() {
  std::vector<SourceFile> files;
  const fs::path root = project_root();
  auto entries = fs::recursive_directory_iterator(root);
  for (auto entry = fs::begin(entries); entry != fs::end(entries); ++entry) {
    const std::string path = fs::relative(entry->path(), root).generic_string();
    const bool is_foreign =
        path == ".git" || path == ".cache" || path == "tests/testdata" || path.starts_with("build");
    if (entry->is_directory() && is_foreign) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && is_text_file(entry->path())) {
      std::ifstream stream(entry->path(), std::ios::binary);
      std::ostringstream text;
      text << stream.rdbuf();
      files.push_back(parse_source(path, text.str()));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace

fs::path project_root() { return PACKSTORE_SOURCE_DIR; }

const std::vector<SourceFile>& source_tree() {
  static const std::vector<SourceFile> files = read_tree();
  return files;
}

SourceFile parse_source(std::string path, std::string_view text) {
  SourceFile file;
  file.path = std::move(path);
  file.lines = split_lines(text);
  file.ends_with_newline = text.empty() || text.back() == '\n';
  if (file.is_cpp()) file.code = split_lines(code_only(std::string(text)));
  return file;
}

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(file.code[i], match, kInclude)) continue;
    includes.push_back({.header = match[2], .line = i + 1, .quoted = match[1] == "\""});
  }
  return includes;
}

}  // namespace packstore::style
