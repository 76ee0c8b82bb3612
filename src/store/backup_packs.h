// Whether a backup has a pack already.
#pragma once

#include <cstdint>
#include <string>

#include "format/pack_record.h"
#include "io/file.h"
#include "packstore/result.h"

namespace packstore::store {

// The first `size` bytes of a pack of the source, which end behind a record.
struct PackSource {
  const io::File& file;
  format::RecordPlace place;  // `place.offset` is not used.
  std::uint64_t size = 0;
};

enum class PackLikeness : std::uint8_t {
  kAbsent,
  kShorter,  // What is there is an earlier state of the source's.
  kSame,
  kOther,
};

// What the file `name` in `directory` is to the pack. Of a store that was put back to an earlier
// state and went on from there, packs may differ in their last records only: so the last bytes are
// compared too, and the records of the last group, for a large object may differ in its beginning.
// Rot in one of the two files is no difference: the records are the same as long as headers say so.
Result<PackLikeness> compare_pack(const io::Directory& directory, const std::string& name,
                                  const PackSource& source);

}  // namespace packstore::store
