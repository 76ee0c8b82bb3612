// The floors of src/README.md hold: every include goes down. Method: read the tables of that page,
// then every #include of include/ and src/.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "style/floor_table.h"
#include "style/source_tree.h"

namespace packstore::style {
namespace {

const FloorTable& floors() {
  static const FloorTable table = [] {
    for (const SourceFile& file : source_tree()) {
      if (file.path != "src/README.md") continue;
      std::string text;
      for (const std::string& line : file.lines) text += line + "\n";
      return parse_floor_table(text);
    }
    return FloorTable();
  }();
  return table;
}

// "store" for src/store/store.cc, the row of the table for public headers, "" for anything else.
std::string folder_of(const SourceFile& file) {
  constexpr std::string_view kPublic = "include/packstore/";
  if (file.is_under(kPublic)) {
    std::string name = file.path.substr(kPublic.size());
    if (name.ends_with(".in")) name.resize(name.size() - 3);
    const auto row = floors().public_headers.find(name);
    return row == floors().public_headers.end() ? "" : row->second;
  }
  if (!file.is_under("src/") || file.path.find('/', 4) == std::string::npos) return "";
  return file.path.substr(4, file.path.find('/', 4) - 4);
}

template <typename Visit>
void for_each_include(const Visit& visit) {
  for (const SourceFile& file : source_tree()) {
    if (!file.is_cpp() || !(file.is_under("src/") || file.is_under("include/"))) continue;
    for (const Include& include : includes_of(file)) {
      SCOPED_TRACE(file.path + ":" + std::to_string(include.line) + ": " + include.header);
      visit(file, include);
    }
  }
}

TEST(FloorTable, HasARowForEveryFolderAndAFolderForEveryRow) {
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(project_root() / "src")) {
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  }
  std::set<std::string> rows;
  for (const auto& [folder, floor] : floors().folders) rows.insert(folder);
  EXPECT_EQ(rows, folders);
}

TEST(FloorTable, LetsAFolderUseLowerFloorsOnly) {
  for (const auto& [folder, floor] : floors().folders) {
    for (const std::string& used : floor.may_use) {
      ASSERT_TRUE(floors().folders.contains(used)) << folder << " may use " << used;
      EXPECT_LT(floors().folders.at(used).number, floor.number) << folder << " may use " << used;
    }
  }
}

TEST(FloorTable, PlacesEveryPublicHeader) {
  std::set<std::string> headers;
  for (const SourceFile& file : source_tree()) {
    if (!file.is_under("include/packstore/")) continue;
    EXPECT_NE(folder_of(file), "") << file.path;
    headers.insert(std::filesystem::path(file.path).filename().string());
  }
  for (const auto& [header, folder] : floors().public_headers) {
    EXPECT_TRUE(headers.contains(header) || headers.contains(header + ".in")) << header;
    EXPECT_TRUE(floors().folders.contains(folder)) << folder;
  }
}

TEST(Includes, NeverGoUpOrSideways) {
  for_each_include([](const SourceFile& file, const Include& include) {
    if (!include.quoted) return;
    const std::string folder = folder_of(file);
    const std::size_t slash = include.header.find('/');
    const std::string first = include.header.substr(0, slash);
    if (folder == "cli") {
      const bool is_own = slash == std::string::npos || first == "cli";
      EXPECT_TRUE(is_own || first == "packstore") << "cli sees public headers only";
      return;
    }
    if (first != "packstore") {
      EXPECT_FALSE(file.is_under("include/")) << "a public header includes an internal one";
      EXPECT_TRUE(floors().may_use(folder, first)) << folder << " may not use " << first;
      return;
    }
    const auto row = floors().public_headers.find(include.header.substr(slash + 1));
    ASSERT_NE(row, floors().public_headers.end());
    EXPECT_TRUE(floors().may_use(folder, row->second))
        << folder << " may not use public headers of " << row->second;
  });
}

TEST(Includes, OfLibrariesStayInTheirFolder) {
  for_each_include([](const SourceFile& file, const Include& include) {
    for (const OutsideHeaders& row : floors().outside) {
      if (!matches(row.pattern, include.header)) continue;
      const bool is_allowed = file.is_under("src/") && row.only_in.contains(folder_of(file));
      EXPECT_TRUE(is_allowed) << "see src/README.md, row " << row.pattern;
    }
  });
}

TEST(Includes, OfPublicHeadersAreStandardOrPublic) {
  for_each_include([](const SourceFile& file, const Include& include) {
    if (!file.is_under("include/")) return;
    if (include.quoted) {
      EXPECT_TRUE(include.header.starts_with("packstore/"));
    } else {
      EXPECT_EQ(include.header.find_first_of("./"), std::string::npos);
    }
  });
}

// Follows quoted includes from each header; coming back to a header that is still open is a cycle.
class CycleFinder {
 public:
  CycleFinder() {
    for_each_include([this](const SourceFile& file, const Include& include) {
      if (!include.quoted) return;
      const bool is_public = include.header.starts_with("packstore/");
      edges_[file.path].push_back((is_public ? "include/" : "src/") + include.header);
    });
  }

  void visit(const std::string& file) {
    if (done_.contains(file)) return;
    ASSERT_TRUE(open_.insert(file).second) << "include cycle through " << file;
    for (const std::string& next : edges_[file]) visit(next);
    open_.erase(file);
    done_.insert(file);
  }

  void visit_all() {
    for (const SourceFile& file : source_tree()) visit(file.path);
  }

 private:
  std::map<std::string, std::vector<std::string>> edges_;
  std::set<std::string> open_;
  std::set<std::string> done_;
};

TEST(Includes, HaveNoCycles) { CycleFinder().visit_all(); }

// A string that starts with an SQL verb, or one of the calls of std::filesystem that touch a disk.
TEST(Folders, KeepSqlInIndexAndTheDiskInIo) {
  const std::regex sql(
      R"re("\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|PRAGMA|BEGIN|COMMIT)\b)re");
  const std::regex disk(
      "filesystem::(exists|is_|file_size|rename|remove|copy|create_|resize_|last_write|status|"
      "directory_it|recursive_d|permissions|temp_dir|current_p|canonical|weakly_|absolute)");
  for (const SourceFile& file : source_tree()) {
    const std::string folder = folder_of(file);
    if (!file.is_cpp() || !file.is_under("src/") || folder == "cli") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string place = file.path + ":" + std::to_string(i + 1);
      EXPECT_TRUE(folder == "index" || !std::regex_search(file.lines[i], sql)) << place;
      EXPECT_TRUE(folder == "io" || !std::regex_search(file.code[i], disk)) << place;
    }
  }
}

}  // namespace
}  // namespace packstore::style
