// The rows of one batch, and which ids they have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "index/rows.h"
#include "packstore/object_id.h"

namespace packstore::store {

// A growing list of rows with distinct ids, searchable by id at 4 to 8 bytes a row: a batch of a
// million objects must not need memory for them twice. Open addressing with linear probing; ids are
// uniformly distributed already.
class RowTable {
 public:
  bool contains(const ObjectId& id) const {
    if (slots_.empty()) return false;
    for (std::size_t slot = first_slot(id);; slot = (slot + 1) & mask()) {
      if (slots_[slot] == kFree) return false;
      if (rows_[slots_[slot]].id == id) return true;
    }
  }

  // The row's id must not be in the table.
  void add(const index::ObjectRow& row) {
    if (2 * (rows_.size() + 1) > slots_.size()) grow();
    rows_.push_back(row);
    occupy(rows_.size() - 1);
  }

  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }

  // Gives the rows away and leaves the table empty.
  std::vector<index::ObjectRow> take_rows() {
    slots_.clear();
    return std::exchange(rows_, {});
  }

 private:
  static constexpr std::uint32_t kFree = UINT32_MAX;
  static constexpr std::size_t kSlotsMin = 1024;

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t first_slot(const ObjectId& id) const { return std::hash<ObjectId>()(id) & mask(); }

  void occupy(std::size_t position) {
    std::size_t slot = first_slot(rows_[position].id);
    while (slots_[slot] != kFree) slot = (slot + 1) & mask();
    slots_[slot] = static_cast<std::uint32_t>(position);
  }

  void grow() {
    slots_.assign(slots_.empty() ? kSlotsMin : 2 * slots_.size(), kFree);
    for (std::size_t i = 0; i < rows_.size(); ++i) occupy(i);
  }

  std::vector<index::ObjectRow> rows_;
  std::vector<std::uint32_t> slots_;  // Positions in rows_; a power of two of them.
};

}  // namespace packstore::store
