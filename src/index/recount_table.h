// A full recount of references, to hold against what an index claims. In a temporary database of
// SQLite, so that it takes no memory and holds no transaction while nodes are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "packstore/link.h"
#include "packstore/result.h"

namespace packstore::index {

struct DatabaseFile;

// Made with the claims, refs and steps of one moment. Thread safety: one thread at a time.
class RecountTable {
 public:
  virtual ~RecountTable() = default;

  // Takes up to `limit` nodes whose links are to be counted; empty: all were.
  virtual Result<std::vector<Link>> take_nodes(std::size_t limit) = 0;
  // Counts a link from a node that was taken.
  virtual Status add(const Link& link) = 0;

  struct Difference {
    Link link = {};
    std::uint64_t claimed = 0;
    std::uint64_t found = 0;
  };
  // Up to `limit` of them. Of use once all nodes were taken.
  virtual Result<std::vector<Difference>> differences(std::size_t limit) = 0;
};

Result<std::unique_ptr<RecountTable>> make_recount_table(const DatabaseFile& file);

}  // namespace packstore::index
