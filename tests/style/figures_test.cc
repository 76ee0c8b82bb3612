// Prints what a reviewer wants to know about the tree, and checks what must be zero elsewhere. Read
// it with: ctest -R Figures -V.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <regex>

#include "style/functions.h"
#include "style/source_tree.h"

namespace packstore::style {
namespace {

struct Spread {
  std::size_t median = 0;
  std::size_t p90 = 0;
  std::size_t max = 0;
};

Spread spread_of(std::vector<std::size_t> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {.median = values[values.size() / 2],
          .p90 = values[values.size() * 9 / 10],
          .max = values.back()};
}

bool is_library(const SourceFile& file) {
  return file.is_cpp() && (file.is_under("src/") || file.is_under("include/"));
}

std::size_t count_lines(const std::function<bool(const SourceFile&)>& applies) {
  std::size_t lines = 0;
  for (const SourceFile& file : source_tree()) lines += applies(file) ? file.lines.size() : 0;
  return lines;
}

std::size_t count_matches(const SourceFile& file, const std::regex& pattern) {
  return static_cast<std::size_t>(std::ranges::count_if(
      file.code, [&](const std::string& line) { return std::regex_search(line, pattern); }));
}

void print_spread(const char* what, const std::vector<std::size_t>& values) {
  const Spread spread = spread_of(values);
  std::printf("%-28s %zu, median %zu, p90 %zu, max %zu\n", what, values.size(), spread.median,
              spread.p90, spread.max);
}

double percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

TEST(Figures, OfFilesAndFunctions) {
  std::vector<std::size_t> files;
  std::vector<std::size_t> functions;
  std::size_t edges = 0;
  for (const SourceFile& file : source_tree()) {
    if (!is_library(file)) continue;
    files.push_back(file.lines.size());
    for (const FunctionSpan& function : functions_of(file)) {
      functions.push_back(function.line_count);
    }
    for (const Include& include : includes_of(file)) edges += include.quoted ? 1 : 0;
  }
  print_spread("files, lines each", files);
  print_spread("functions, lines each", functions);
  std::printf("%-28s %td over 40, %td over 70\n", "long functions",
              std::ranges::count_if(functions, [](std::size_t lines) { return lines > 40; }),
              std::ranges::count_if(functions, [](std::size_t lines) { return lines > 70; }));
  std::printf("%-28s %zu\n", "include edges", edges);
  EXPECT_FALSE(functions.empty());
}

TEST(Figures, OfHeadersAndTests) {
  const std::regex comment(R"(^\s*//)");
  std::size_t headers = 0;
  std::size_t lines = 0;
  std::size_t comments = 0;
  for (const SourceFile& file : source_tree()) {
    if (!file.is_under("include/")) continue;
    ++headers;
    lines += file.lines.size();
    for (const std::string& line : file.lines) comments += std::regex_search(line, comment) ? 1 : 0;
  }
  std::printf("%-28s %zu, %zu lines, %.0f %% comment\n", "public headers", headers, lines,
              percent(comments, lines));
  const std::size_t code = count_lines(is_library);
  const std::size_t tests =
      count_lines([](const SourceFile& file) { return file.is_cpp() && file.is_under("tests/"); });
  std::printf("%-28s %zu : %zu\n", "test : code, lines", tests, code);
  EXPECT_GT(headers, 0U);
}

TEST(Figures, OfChecks) {
  const std::regex check(R"(\b(PACKSTORE_CHECK|static_assert)\b|\bfail\()");
  for (const std::string folder : {"src/store/", "src/format/"}) {
    std::size_t checks = 0;
    std::size_t functions = 0;
    for (const SourceFile& file : source_tree()) {
      if (!file.is_cpp() || !file.is_under(folder)) continue;
      checks += count_matches(file, check);
      functions += functions_of(file).size();
    }
    std::printf("%-28s %zu in %zu functions\n", ("checks in " + folder).c_str(), checks, functions);
  }
}

// A function of a header that takes bytes or text from outside apart. What store/ and cli/ have of
// them stands on those of the floors below.
struct Decoder {
  std::string header;  // As it is included.
  std::string name;
};

std::vector<Decoder> decoders_of_the_tree() {
  const std::regex declaration(R"(^\s*(?:static )?[\w:<>, ]+ ((?:decode|parse)\w*)\()");
  std::vector<Decoder> decoders;
  for (const SourceFile& file : source_tree()) {
    const bool is_judged = is_library(file) && file.is_header() && !file.is_under("src/store/") &&
                           !file.is_under("src/cli/");
    if (!is_judged) continue;
    for (const std::string& line : file.code) {
      std::smatch match;
      const bool is_near = line.find("decode") != line.npos || line.find("parse") != line.npos;
      if (!is_near || !std::regex_search(line, match, declaration)) continue;
      decoders.push_back({.header = file.path.substr(file.path.find('/') + 1), .name = match[1]});
    }
  }
  return decoders;
}

bool is_fuzzed(const Decoder& decoder) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_under("tests/fuzz/") || !file.path.ends_with(".cc")) continue;
    const auto includes = includes_of(file);
    const auto calls = [&](const std::string& line) {
      return line.find(decoder.name + "(") != std::string::npos;
    };
    const bool knows_header =
        std::ranges::find(includes, decoder.header, &Include::header) != includes.end();
    if (knows_header && std::ranges::any_of(file.code, calls)) return true;
  }
  return false;
}

TEST(Figures, OfDecodersAndFuzzTargets) {
  std::size_t targets = 0;
  for (const SourceFile& file : source_tree()) {
    if (file.is_under("tests/fuzz/") && file.path.ends_with("_fuzz.cc")) ++targets;
  }
  const std::vector<Decoder> decoders = decoders_of_the_tree();
  std::size_t fuzzed = 0;
  for (const Decoder& decoder : decoders) {
    if (is_fuzzed(decoder)) ++fuzzed;
    EXPECT_TRUE(is_fuzzed(decoder))
        << decoder.header << ": no target in tests/fuzz includes it and "
        << "calls " << decoder.name << "(); see docs/testing.md";
  }
  std::printf("%-28s %zu, fuzzed %zu, by %zu targets\n", "decoders", decoders.size(), fuzzed,
              targets);
  EXPECT_GT(decoders.size(), 0U);
}

}  // namespace
}  // namespace packstore::style
