// A small store with content of every kind, kept as bytes, so that a fresh copy is one call away.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/object_id.h"

namespace packstore::testing {

struct GoldenStore {
  std::vector<std::filesystem::path> directories;      // Relative, parents first.
  std::map<std::filesystem::path, std::string> files;  // Relative.
  std::map<ObjectId, Bytes> objects;
};

// Two packs, one of them sealed, with verbatim and compressed records and dead ones; loose objects;
// refs; a write-ahead log that holds a part of the index. Made once.
const GoldenStore& golden_store();

// Puts a fresh copy in the place of whatever is at `path`.
void lay_out(const GoldenStore& golden, const std::filesystem::path& path);

}  // namespace packstore::testing
