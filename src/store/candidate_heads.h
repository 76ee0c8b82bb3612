// Which objects look like the targets of lost refs, judged by content alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

// An object names another when the other's id stands anywhere in its content, as 32 bytes or as 64
// lower-case hexadecimal digits. A candidate head names others and is named by none.
//
// Takes 26 to 52 bytes of memory for each object: ids are kept as their first eight bytes, and
// looked up in full before they are believed.
//
// Thread safety: one thread at a time. Steps: add() every object, read() every content, is_head().
class CandidateHeads {
 public:
  // Tells whether the store has an object of this id.
  using Contains = std::function<Result<bool>(const ObjectId& id)>;

  CandidateHeads(std::size_t objects, Contains contains);

  // At most as many as the constructor was told; the same id any number of times.
  void add(const ObjectId& id);

  // Notes which objects `content`, that of the added object `id`, names.
  Status read(const ObjectId& id, ByteView content);

  // For an added object, after every content was read.
  bool is_head(const ObjectId& id) const;

 private:
  enum Mark : std::uint8_t { kTaken = 1, kNamesOthers = 2, kIsNamed = 4 };

  std::size_t slot_of(std::uint64_t prefix) const;
  Status read_raw(std::size_t reader, ByteView content);
  Status read_hex(std::size_t reader, ByteView content);
  Status read_hex_run(std::size_t reader, ByteView digits);
  Status note(std::size_t reader, const ObjectId& named);

  Contains contains_;
  // One bit for each value of the low bits of a prefix: rules out nearly every place of a content
  // at the price of one load.
  std::vector<std::uint64_t> filter_;
  // An open-addressed table of prefixes with their marks.
  std::vector<std::uint64_t> prefixes_;
  std::vector<std::uint8_t> marks_;
  std::size_t slot_mask_;
};

}  // namespace packstore::store
