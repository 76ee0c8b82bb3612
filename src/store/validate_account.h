// What a pack file holds, set against what the index says about it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/rows.h"
#include "io/file.h"
#include "packstore/result.h"
#include "packstore/validate.h"
#include "store/validate_extent.h"

namespace packstore::store {

struct StoreCore;

enum class PackFileState : std::uint8_t {
  kSound,
  kHeaderDamaged,
  kForeign,  // Of another store, another number, a newer version; or no regular file at all.
  kAbsent,
};

struct OpenedPack {
  PackFileState state = PackFileState::kAbsent;
  std::string problem;                   // Why it is not sound.
  std::shared_ptr<const PackFile> file;  // Shared by the extents of the pack; null: not opened.
  std::uint64_t file_bytes = 0;
};
// Opens a pack whatever its header says. An error is one of the system.
Result<OpenedPack> open_any_pack(const StoreCore& core, std::uint64_t pack);

// Moves along the rows of a pack, in the order of their offsets.
class GapCursor {
 public:
  // The gap before [start, end); empty where there is none.
  ByteRange advance(ByteRange record);
  std::uint64_t end() const { return end_; }

 private:
  std::uint64_t end_ = format::PackHeader::kSize;
};

struct PackAccount {
  std::uint64_t pack = 0;
  std::optional<index::PackRow> row;
  PackFileState state = PackFileState::kAbsent;
  std::string problem{};
  std::uint64_t file_bytes = 0;
  std::uint64_t rows = 0;      // Rows that point into the pack.
  std::uint64_t rows_end = 0;  // Behind the last of them that lies inside the file.
  // Of the gaps up to the indexed length or rows_end, whichever comes later.
  GapScan gaps{};

  std::uint64_t damaged_bytes() const;
  // Every byte that no row needs is a dead record, a commit record, or was counted as dead when its
  // row was dropped: damage that nobody can meet any more, and that goes with the next repack.
  bool is_balanced() const;
};

Finding about_pack(FindingKind kind, const PackAccount& account, std::uint64_t offset,
                   std::string message);
// Why the account of a pack that the index knows is not balanced; empty: it is.
std::vector<Finding> find_imbalance(const PackAccount& account);

// The accounts of `packs`, as they stand now. A pack whose rows change again and again while it is
// looked at is left out. An error is one of the index, the system or a visitor.
Result<std::vector<PackAccount>> account_packs(const StoreCore& core,
                                               std::span<const std::uint64_t> packs,
                                               const BytesVisitor& on_bytes,
                                               const DeadRecordVisitor& on_record = nullptr);

// True when both say the same about a pack.
bool same_entry(const std::optional<index::PackRow>& a, const std::optional<index::PackRow>& b);

}  // namespace packstore::store
