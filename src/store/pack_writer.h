// Appending to one pack, exclusively.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codec/codec.h"
#include "format/pack_record.h"
#include "hash/sha256.h"
#include "index/index.h"
#include "index/rows.h"
#include "io/file.h"
#include "io/home_process.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/compression.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// What goes into a record, encoded already. `stored` is a loan.
struct EncodedObject {
  ObjectId id = {};
  std::uint64_t size = 0;
  Codec codec = Codec::kNone;
  ByteView stored = {};
};

// Holds the lock of one open pack and appends to it. Nothing is visible before the rows that the
// appends returned are committed.
//
// Steps of a group: append..., [append_commit], sync, add_rows or move_rows, commit. Dropping the
// writer cuts the file back to the last committed group, and removes one that never had any; in a
// forked child it leaves both alone, for they are the parent's.
//
// Thread safety: one thread at a time.
class PackWriter {
 public:
  enum class Choice : std::uint8_t {
    kAny,  // An open pack with room that nobody holds, or else a new one.
    kNew,
  };
  static Result<std::unique_ptr<PackWriter>> begin(StoreCore& core, Choice choice);

  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;

  std::uint64_t pack() const { return pack_; }
  // Behind the last record.
  std::uint64_t end() const { return end_; }
  std::uint64_t group_start() const { return committed_end_; }
  // The pack has reached its size: commit, drop the writer, begin another.
  bool is_full() const;

  // Appends records of one kind in one write, and adds their rows to `rows`. Behind kSingle records
  // it writes zeros for the next ones: a sync that need not make the file longer costs half.
  Status append(std::span<const EncodedObject> objects, format::PackRecord::Kind kind,
                std::vector<index::ObjectRow>& rows);

  // Opens the content of an object, from its start; called again for a second attempt.
  using ContentOpener = std::function<Result<std::unique_ptr<ByteSource>>()>;
  // Appends an object of any size in bounded memory. kCorrupt, and nothing appended: the content
  // does not hash to `id`.
  Result<index::ObjectRow> append_content(const ObjectId& id, std::uint64_t size,
                                          const ContentOpener& open,
                                          const Compression& compression);

  // Appends stored bytes as they are. kCorrupt, and nothing appended: they do not fit `checksum`.
  Result<index::ObjectRow> append_stored(const index::ObjectRow& like, std::uint64_t checksum,
                                         ByteSource& stored);

  // Appends the record that commits the group even when the index commit is lost in a power cut.
  Status append_commit();

  // Makes everything appended durable, and the pack's name with the first call.
  Status sync();

  struct Outcome {
    std::uint64_t dead_bytes = 0;  // Of records whose id had got a row from elsewhere.
    std::uint64_t inserted = 0;
  };
  // Adds the rows of the synced group to `transaction`, and moves the pack's indexed length.
  Result<Outcome> add_rows(index::WriteTransaction& transaction,
                           std::span<const index::ObjectRow> rows);
  // The same for records that replace others: rows move from `from[i]` to `rows[i].at`.
  Result<Outcome> move_rows(index::WriteTransaction& transaction,
                            std::span<const index::ObjectRow> rows,
                            std::span<const index::Location> from);
  // Commits the transaction that has the rows of the group.
  Status commit(index::WriteTransaction& transaction);

  // Forgets what was appended since the last committed group.
  void drop_group();

 private:
  PackWriter(StoreCore& core, std::uint64_t pack, std::unique_ptr<io::File> file, std::uint64_t end,
             bool is_new);
  static Result<std::unique_ptr<PackWriter>> reuse(StoreCore& core);
  static Result<std::unique_ptr<PackWriter>> create(StoreCore& core);
  Status update_pack_row(index::WriteTransaction& transaction, std::uint64_t dead_bytes);
  Status write_content(ByteSource& content, const Compression& compression,
                       format::PackRecord& record);
  Status stream_in(ByteSource& source, codec::Encoder* encoder, hash::Sha256* hasher,
                   format::PackRecord& record);
  Result<index::ObjectRow> append_header(const format::PackRecord& record);
  std::uint64_t room_behind(std::uint64_t end) const;
  void keep_room_for(std::uint64_t offset, std::uint64_t length);

  StoreCore& core_;
  io::HomeProcess home_;
  std::uint64_t pack_;
  std::unique_ptr<io::File> file_;
  std::uint64_t committed_end_;
  std::uint64_t end_;
  std::uint64_t written_end_;   // Highest byte ever written; above end_ after a refused record.
  std::uint64_t room_end_ = 0;  // Up to here zeros stand behind the last record.
  std::uint64_t kept_end_ = 0;  // Up to here the disk may keep blocks for the group.
  bool is_new_;                 // Nothing was ever committed to it.
  bool name_is_durable_;
  bool outcome_unknown_ = false;  // A commit has failed: its rows may be there after a restart.
};

}  // namespace packstore::store
