// Files that tests of the DAG read: those of this repository and those of others that are shared
// between checkouts, which need not be there.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "packstore/bytes.h"

namespace packstore::dag {

inline std::filesystem::path own_testdata() { return PACKSTORE_TESTDATA_DIR; }
inline std::filesystem::path shared_testdata() { return PACKSTORE_SHARED_TESTDATA_DIR; }

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// Every regular file below `folder` whose name ends in `ending`, sorted; none without the folder.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder,
                                                      const std::string& ending) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(ending)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace packstore::dag

// Ends the test with a message where the shared folder is not there.
#define PACKSTORE_NEEDS_SHARED_TESTDATA()                            \
  if (!std::filesystem::exists(::packstore::dag::shared_testdata())) \
  GTEST_SKIP() << "no " << ::packstore::dag::shared_testdata() << " beside this checkout"
