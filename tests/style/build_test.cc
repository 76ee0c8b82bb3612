// No dead files: whatever lies in src/, tests/ or docs/examples/ is compiled. Method: look for each
// file in the list of commands that the build was made of.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "style/source_tree.h"

namespace packstore::style {
namespace {

// The consumers of the installed package are built by their own tests, in their own trees.
bool has_own_build(const SourceFile& file) { return file.is_under("tests/install/"); }

TEST(Build, CompilesEverySourceFile) {
  std::ifstream stream(PACKSTORE_COMPILE_COMMANDS);
  ASSERT_TRUE(stream) << "needs a generator that writes " << PACKSTORE_COMPILE_COMMANDS;
  std::ostringstream commands;
  commands << stream.rdbuf();
  for (const SourceFile& file : source_tree()) {
    const bool is_source =
        file.is_under("src/") || file.is_under("tests/") || file.is_under("docs/examples/");
    if (!is_source || !file.path.ends_with(".cc") || has_own_build(file)) continue;
    const std::string path = (project_root() / file.path).generic_string();
    EXPECT_NE(commands.str().find(path), std::string::npos) << file.path << " is not built";
  }
}

}  // namespace
}  // namespace packstore::style
