// What calls about single objects take and return: options, facts, the streaming reader and writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "packstore/bytes.h"
#include "packstore/compression.h"
#include "packstore/export.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

namespace store {
struct StoreCore;
}

// Where a put object goes.
enum class Placement : std::uint8_t {
  // A file of its own, verbatim. For large objects and for few.
  kLoose,
  // Appended to a pack: one flush, shared with other threads that put at the same moment. For many
  // small objects. Content above kPackedPutBytesMax goes to a file of its own all the same.
  kPacked,
};

inline constexpr std::uint64_t kPackedPutBytesMax = 4 << 20;

enum class Durability : std::uint8_t {
  // The call returns after the object would survive a power cut.
  kSynced,
  // The call returns at once; the object is readable through this Store, and becomes durable and
  // visible to other processes with the next Store::sync(). Until then a crash forgets it whole.
  // Implies Placement::kPacked for content up to kPackedPutBytesMax; larger content is synced.
  kBuffered,
};

struct PutOptions {
  Placement placement = Placement::kLoose;
  Durability durability = Durability::kSynced;
  // For objects that go to a pack; loose objects are verbatim.
  Compression compression = {};
};

// How much of what is read is checked before it is believed. Sizes and record headers always are.
enum class Verify : std::uint8_t {
  kContent,   // SHA-256 of the content against the id.
  kChecksum,  // XXH3 of the stored bytes, which finds accidents but not forgeries; packs only.
  kNone,
};

struct ReadOptions {
  Verify verify = Verify::kContent;
};

// Where the copy that a read would use is kept.
struct ObjectInfo {
  ObjectId id = {};
  std::uint64_t size = 0;         // Bytes of content.
  std::uint64_t stored_size = 0;  // Bytes on disk, the record header not counted.
  Codec codec = Codec::kNone;
  std::optional<std::uint64_t> pack = {};  // The pack's number; nullopt for a loose object.
};

// Reads one object, as a stream or anywhere inside it. It holds its file open, so the object stays
// readable even when maintenance moves or removes it meanwhile.
//
// With Verify::kContent a stream ends with kCorrupt instead of its last bytes (or, of an empty
// object, its end) when the content is not what its id promises, and the first read_at(), wherever
// it reads, hashes the whole object once. A stream that has failed stays failed: every later read()
// returns the same error. read_at() of a compressed object decodes from the front when it goes
// backwards; objects up to 16 MiB are decoded once and kept.
//
// Thread safety: one thread at a time.
class PACKSTORE_EXPORT ObjectReader {
 public:
  ObjectReader(ObjectReader&&) noexcept;
  ObjectReader& operator=(ObjectReader&&) noexcept;
  ~ObjectReader();

  std::uint64_t size() const;

  // Continues the stream: fills the front of `into`, returns the bytes written, 0 at the end.
  // kCorrupt: stored bytes or content are not what the id or the record promise.
  Result<std::size_t> read(std::span<std::byte> into);

  // The bytes from `offset`; fewer than asked for only at the end of the object. Does not move the
  // stream. kCorrupt as read().
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into);

  // How Store::open_object() makes one.
  static Result<ObjectReader> open(const store::StoreCore& core, const ObjectId& id,
                                   const ReadOptions& options);

 private:
  class Impl;
  explicit ObjectReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Writes one object of unknown length. The bytes live in the sandbox until finish() gives them
// their name; a writer that is dropped, or whose process dies, leaves nothing visible.
//
// Thread safety: one thread at a time. A write or sync that failed ends the writer: every later
// call returns the same error.
class PACKSTORE_EXPORT ObjectWriter {
 public:
  ObjectWriter(ObjectWriter&&) noexcept;
  ObjectWriter& operator=(ObjectWriter&&) noexcept;
  ~ObjectWriter();

  Status write(ByteView content);

  // Makes the object durable and visible, and returns its id. The writer is used up.
  Result<ObjectId> finish();

  // How Store::begin_put() makes one.
  static Result<ObjectWriter> begin(store::StoreCore& core);

 private:
  class Impl;
  explicit ObjectWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace packstore
