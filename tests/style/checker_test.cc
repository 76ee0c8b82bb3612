// The measuring instruments themselves: what they must see and what must not fool them.
#include <gtest/gtest.h>

#include "style/floor_table.h"
#include "style/functions.h"
#include "style/source_tree.h"

namespace packstore::style {
namespace {

TEST(CodeOnly, BlanksCommentsAndLiterals) {
  const SourceFile file = parse_source("a.cc", R"--(int a = 1'000;  // {
const char* b = "{\"";  /* {
{ */ char c = '{';
auto d = R"x({")x";
)--");
  ASSERT_EQ(file.code.size(), file.lines.size());
  EXPECT_EQ(file.code[0].substr(0, 14), "int a = 1'000;");
  for (const std::string& line : file.code) EXPECT_EQ(line.find('{'), std::string::npos) << line;
}

TEST(IncludesOf, KnowsQuotesAndIgnoresComments) {
  const SourceFile file =
      parse_source("a.cc", "#include \"x/y.h\"\n// #include <z>\n#include <v>\n");
  const std::vector<Include> includes = includes_of(file);
  ASSERT_EQ(includes.size(), 2U);
  EXPECT_EQ(includes[0].header, "x/y.h");
  EXPECT_TRUE(includes[0].quoted);
  EXPECT_EQ(includes[1].header, "v");
  EXPECT_EQ(includes[1].line, 3U);
}

TEST(FunctionsOf, CountsFromSignatureToClosingBrace) {
  const SourceFile file = parse_source("a.cc", R"(namespace a {
struct B {
  int c() const { return 1; }
  int value = 2;
};
constexpr int kTable[] = {
    1,
};
const auto kMade = make({
    1,
});
template <typename T>
int d(T x,
      T y) {
  if (x) {
    return [&] { return y; }();
  }
  return 0;
}
}  // namespace a
)");
  const std::vector<FunctionSpan> functions = functions_of(file);
  ASSERT_EQ(functions.size(), 2U);
  EXPECT_EQ(functions[0].line_count, 1U);
  EXPECT_EQ(functions[1].first_line, 12U);
  EXPECT_EQ(functions[1].line_count, 8U);
}

TEST(FloorTable, ReadsItsThreeTables) {
  const FloorTable table = parse_floor_table(R"(text
| floor | folder | one job | may use |
| --- | --- | --- | --- |
| 0 | low | all | - |
| 1 | high | all | low |

| header | only in |
| --- | --- |
| sys/*, a.h | low |

| public header | folder |
| --- | --- |
| x.h, y.h | high |
)");
  EXPECT_TRUE(table.may_use("high", "low"));
  EXPECT_FALSE(table.may_use("low", "high"));
  EXPECT_TRUE(table.may_use("low", "low"));
  ASSERT_EQ(table.outside.size(), 2U);
  EXPECT_EQ(table.public_headers.at("y.h"), "high");
}

TEST(Matches, LetsAStarStandForAnything) {
  EXPECT_TRUE(matches("sys/*", "sys/stat.h"));
  EXPECT_TRUE(matches("*intrin.h", "immintrin.h"));
  EXPECT_FALSE(matches("sys/*", "system"));
  EXPECT_FALSE(matches("a.h", "b/a.h"));
}

}  // namespace
}  // namespace packstore::style
