// docs/format.md, "Pack record": the 64 bytes in front of the stored bytes of an object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "format/pack_header.h"
#include "packstore/bytes.h"
#include "packstore/compression.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::format {

// The place that a record belongs to. It goes into the header's checksum, so a record that is read
// back from another place (an object that happens to contain a pack, a misdirected write, a pack of
// another store) does not pass for one of this place.
struct RecordPlace {
  Uuid store = {};
  std::uint64_t pack = 0;
  std::uint64_t offset = 0;
};

struct PackRecord {
  static constexpr std::size_t kHeaderSize = 64;
  // Every header begins with this byte, for whoever looks for the next one.
  static constexpr unsigned char kFirstByte = 'p';
  // No record, and no object in a pack, is longer: 256 TiB, far above any file system's files.
  static constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 48;

  enum class Kind : std::uint8_t {
    // An object of a batch; it counts once a kCommit record behind it ends the group.
    kObject = 0,
    // An object that is a group of its own.
    kSingle = 1,
    // No object: commits every record from `group_start` up to itself.
    kCommit = 2,
  };

  Kind kind = Kind::kObject;
  Codec codec = Codec::kNone;
  std::uint64_t size = 0;         // Bytes of content. 0 in kCommit.
  std::uint64_t stored_size = 0;  // Bytes that follow the header. 0 in kCommit.
  std::uint64_t group_start = 0;  // kCommit only: offset of the first record that it commits.
  ObjectId id = {};
  std::uint64_t stored_xxh3 = 0;

  // True for a record that names an object.
  bool is_object() const { return kind != Kind::kCommit; }
  std::uint64_t total_size() const { return kHeaderSize + stored_size; }

  friend bool operator==(const PackRecord&, const PackRecord&) = default;
};

std::array<std::byte, PackRecord::kHeaderSize> encode(const PackRecord& record,
                                                      const RecordPlace& place);

// kCorrupt: magic, checksum, codec, kind or lengths are wrong for this place.
Result<PackRecord> decode_pack_record(std::span<const std::byte, PackRecord::kHeaderSize> bytes,
                                      const RecordPlace& place);

}  // namespace packstore::format
