// The measures of docs/style.md that a machine can take. Each test names the first places that
// break its rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>

#include "style/functions.h"
#include "style/source_tree.h"

namespace packstore::style {
namespace {

constexpr std::size_t kWidthMax = 100;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr std::size_t kSourceLinesMax = 600;
constexpr std::size_t kHeaderLinesMax = 250;

using FileRule = std::function<bool(const SourceFile&)>;
using LineRule = std::function<bool(std::string_view)>;

bool is_any(const SourceFile&) { return true; }
bool is_cpp(const SourceFile& file) { return file.is_cpp(); }
bool is_test(const SourceFile& file) {
  return file.is_cpp() && file.is_under("tests/") && !file.is_under("tests/style/");
}
// Tables of documents need their width; everything else is read in editors and diffs.
bool is_narrow(const SourceFile& file) { return !file.path.ends_with(".md"); }

void expect_no_line(const FileRule& applies, const LineRule& is_bad) {
  for (const SourceFile& file : source_tree()) {
    if (!applies(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(is_bad(file.lines[i])) << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

void expect_no_match(const FileRule& applies, const std::string& pattern) {
  const std::regex bad(pattern);
  expect_no_line(applies, [&](std::string_view line) {
    return std::regex_search(line.begin(), line.end(), bad);
  });
}

TEST(Tree, IsFound) { EXPECT_GT(source_tree().size(), 10U); }

TEST(Lines, FitTheWidth) {
  expect_no_line(is_narrow, [](std::string_view line) { return line.size() > kWidthMax; });
}

TEST(Lines, AreAscii) {
  expect_no_line(is_any, [](std::string_view line) {
    return std::ranges::any_of(line, [](char c) { return c < ' ' || c > '~'; });
  });
}

TEST(Lines, DoNotEndInSpace) {
  expect_no_line(is_any, [](std::string_view line) { return line.ends_with(' '); });
}

TEST(Lines, HoldNoUnfinishedWork) {
  // Each word has a bracket in it, or this line would find itself.
  expect_no_match(is_cpp, R"(\b(TOD[O]|FIXM[E]|XX[X])\b|DISABLED[_])");
}

TEST(Files, EndWithALineEnd) {
  for (const SourceFile& file : source_tree()) EXPECT_TRUE(file.ends_with_newline) << file.path;
}

TEST(Files, StayShort) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_cpp()) continue;
    EXPECT_LE(file.lines.size(), file.is_header() ? kHeaderLinesMax : kSourceLinesMax) << file.path;
  }
}

TEST(Functions, StayShort) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_cpp()) continue;
    for (const FunctionSpan& function : functions_of(file)) {
      EXPECT_LE(function.line_count, kFunctionLinesMax)
          << file.path << ":" << function.first_line << ": " << function.signature;
    }
  }
}

TEST(Headers, OpenWithAContractAndAGuard) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_header() || file.lines.empty()) continue;
    EXPECT_TRUE(file.lines[0].starts_with("// ")) << file.path << " says nothing about itself";
    EXPECT_NE(std::ranges::find(file.lines, "#pragma once"), file.lines.end()) << file.path;
    for (const std::string& line : file.code) {
      EXPECT_EQ(line.find("using namespace"), std::string::npos) << file.path;
    }
  }
}

TEST(Sources, OpenWithTheirAlgorithmWhenTheyAreLong) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_under("src/") || !file.path.ends_with(".cc") || file.lines.size() <= 150) continue;
    EXPECT_TRUE(file.lines[0].starts_with("//")) << file.path << " has no opening comment";
  }
}

TEST(Bytes, AreNeverCopiedAsStructs) {
  const std::regex copy(R"(\bmem(cpy|move)\s*\([^;]*sizeof)");
  for (const SourceFile& file : source_tree()) {
    if (!file.is_under("src/") || !file.is_cpp() || file.path == "src/base/endian.h") continue;
    for (std::size_t i = 0; i < file.code.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.code[i], copy)) << file.path << ":" << i + 1;
    }
  }
}

TEST(Tests, DoNotSleep) { expect_no_match(is_test, R"(sleep_(for|until)|\b[nu]?sleep\()"); }

}  // namespace
}  // namespace packstore::style
