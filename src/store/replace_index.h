// Putting a rebuilt index in the place of the old one.
#pragma once

#include <string>

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::store {

// Puts the index of `from`, closed and without a write-ahead log, in the place of the index of
// `root`, which goes to a new directory quarantine/index-<n>. Returns the path of that, "" where
// there was no old index.
//
// A crash leaves the old index, the new one, or none in place; then the new one is waiting.
Result<std::string> replace_index(const io::Directory& root, const io::Directory& from);

// Puts an index in place that a crash has left waiting; removes one that waits without need.
Status finish_index_replacement(const io::Directory& root);

}  // namespace packstore::store
