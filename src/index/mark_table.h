// What a collection has to remember, in a temporary database of SQLite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "index/index.h"
#include "packstore/link.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::index {

struct DatabaseFile;

// What a collection has reached, and what is left to walk. Thread safety: one thread at a time.
class MarkTable {
 public:
  virtual ~MarkTable() = default;

  virtual Status add_loose_candidate(const ObjectId& id, std::uint64_t bytes) = 0;

  enum class Reached : std::uint8_t {
    kBefore,     // As this kind, some time before.
    kCandidate,  // For the first time.
    kOther,      // The same; the object was not there when marking began.
  };
  virtual Result<Reached> reach(const Link& link) = 0;

  // A node that was reached and is to be walked.
  struct Step {
    Link node = {};
    std::optional<ObjectId> parent = {};  // nullopt: a root.
  };
  virtual Status push(const Step& step) = 0;
  // Takes up to `limit` of them, the last ones first.
  virtual Result<std::vector<Step>> pop(std::size_t limit) = 0;

  struct Garbage {
    ObjectId id = {};
    std::optional<std::uint64_t> loose_bytes = {};  // nullopt: there was no loose copy.
  };
  // For a node that was taken and is not there yet: take_back() pushes all of those again.
  virtual Status set_aside(const Step& step) = 0;
  virtual Status take_back() = 0;

  // Up to `limit` candidates above `after` that were not reached, ascending.
  virtual Result<std::vector<Garbage>> unreached(std::optional<ObjectId> after,
                                                 std::size_t limit) = 0;
  virtual Result<std::uint64_t> count_candidates() = 0;
  // As whatever kind.
  virtual Result<bool> has_reached(const ObjectId& id) = 0;
};

// See Index::begin_marking().
Result<std::unique_ptr<MarkTable>> make_mark_table(const DatabaseFile& file,
                                                   Index::Candidates candidates);

}  // namespace packstore::index
