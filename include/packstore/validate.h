// What an inspection of a store found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packstore/export.h"
#include "packstore/object_id.h"
#include "packstore/run_control.h"

namespace packstore {

enum class FindingKind : std::uint8_t {
  kContentMismatch,    // Content does not hash to its id, or does not decode.
  kRecordDamaged,      // A record header or its checksum is wrong.
  kRowInvalid,         // An index row claims what cannot be: lengths, codec, pack.
  kRowsOverlap,        // Two index rows claim the same bytes.
  kBeyondEnd,          // An index row or a pack's indexed length lies past the end of the file.
  kPackMissing,        // Index rows name a pack whose file is gone.
  kPackHeaderDamaged,  // The first 64 bytes of a pack are not a pack header.
  kPackForeign,        // The pack belongs to another store, or to another number.
  kPackUnindexed,      // A pack file that the index does not know.
  kUnindexedRecords,   // Whole records behind the indexed part of a pack.
  kGapDamaged,         // Unreachable bytes between records that are not dead records.
  kDeadBytesWrong,     // The index counts other dead bytes than there are.
  kLooseMisplaced,     // A file in loose/ that cannot be an object.
  kIndexDamaged,       // SQLite's own integrity check complains.
  // A ref points at an object that is not in the store, or in a store that counts references
  // reaches a node that is not.
  kRefBroken,
  kReferenceCountWrong,  // The index counts other references than there are; repair() counts anew.
  kTornTail,             // An unfinished write at the end of a pack; clean() removes it.
  kSandboxLeftover,      // A file of a writer that is gone; clean() removes it.
  kLooseRedundant,       // A loose copy of a packed object; clean() removes it.
};

// "content-mismatch", "record-damaged", ...
PACKSTORE_EXPORT std::string_view to_string(FindingKind kind);

// True for what a crash or a failed call may leave, and what is no damage: clean() takes in what
// was committed of it, as the next open() does, and removes the rest.
PACKSTORE_EXPORT bool is_garbage(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::kContentMismatch;
  std::optional<ObjectId> object{};
  std::optional<std::uint64_t> pack{};
  std::uint64_t offset = 0;  // In the pack; 0 where it does not apply.
  std::string message{};     // Names the place, the claim and the limit.
};

struct ValidateOptions {
  unsigned threads = 1;
  // False: headers, sizes and the index only, without reading content.
  bool rehash_content = true;
  RunControl control{};
};

struct ValidationReport {
  std::vector<Finding> findings = {};
  std::uint64_t objects = 0;        // Objects looked at.
  std::uint64_t content_bytes = 0;  // Bytes hashed.
  std::uint64_t packs = 0;

  // No damage; garbage does not count.
  bool is_valid() const {
    for (const Finding& finding : findings) {
      if (!is_garbage(finding.kind)) return false;
    }
    return true;
  }
};

}  // namespace packstore
