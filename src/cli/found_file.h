// What is at a name outside of the store, looked at before anything of it is added.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "packstore/result.h"

namespace packstore::cli {

struct FoundFile {
  enum class Type : std::uint8_t { kFile, kDirectory, kSymlink };

  std::filesystem::path path;
  Type type = Type::kFile;
  std::uint64_t size = 0;  // Of a file, where it is known; of a directory, of all files in it.
  std::vector<FoundFile> entries = {};

  std::string name() const { return path.filename().string(); }
};

// kInvalidArgument: `directory` is `store`, by whatever name.
Status refuse_store(const std::filesystem::path& directory, const std::filesystem::path& store);

// Looks at `name`, and at all that is below it where it is a directory. A link is followed where it
// is named, and is a link below. Files can be opened when it returns; a pipe that is named was not.
//
// kInvalidArgument names what is no file, directory or symbolic link, a pipe for example, and a
// directory that is `store`. kCancelled: the program was interrupted. kIo: something cannot be
// read.
Result<FoundFile> find_files(const std::string& name, const std::filesystem::path& store);

}  // namespace packstore::cli
