// 1. begin() takes the lock of an open pack that has room and ends cleanly, or makes a new one.
// 2. append() puts headers and stored bytes behind each other in one gathered write. Behind single
//    puts it writes zeros, as room for the next ones: a sync inside a file that has its length and
//    its blocks already writes no metadata, and takes half the time. The room is cut off with the
//    writer; what a killed process left of it, the next writer of the pack cuts off.
//    Before long writes it has the disk keep blocks for more than that, which makes writing into
//    memory a third cheaper; what is left of them is given back before the group is synced.
// 3. sync() makes the bytes durable, and with the first call the pack's name in its directory.
// 4. add_rows() or move_rows() brings the rows and the pack's new indexed length into the caller's
//    index transaction. Until that commits, nothing of the group is visible.
// 5. A group that is not committed is cut off again, by drop_group() or by the destructor. What a
//    killed process leaves behind the indexed part is taken in by the next opener, if the file
//    itself shows that it was committed, and removed by clean() otherwise.
#include "store/pack_writer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/byte_cursor.h"
#include "base/error.h"
#include "base/mistake.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "io/keep_room.h"
#include "store/collection_watch.h"
#include "store/pack_files.h"
#include "store/pack_tails.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using format::PackRecord;

constexpr std::size_t kCopyBufferSize = 1 << 20;
// Smaller writes are not worth a call of their own, to have blocks kept for them or to start
// writing them out: their sync is near.
constexpr std::uint64_t kLongWriteBytesMin = 1 << 20;
// For a group of any length the disk keeps blocks for as much again, and at most for so much. 512
// MB in calls of 1 MiB cost 130 ms of processor time that way, and 150 to 250 without.
constexpr std::uint64_t kKeptBytesMax = 64 << 20;
// Room for some 45 single puts of a few KiB, which costs one of them a quarter of a millisecond.
constexpr std::size_t kRoomBytesMax = 256 << 10;
// Room is for speed, and a disk with less than this has better use for it.
constexpr std::uint64_t kFreeBytesMin = 64 << 20;
constexpr int kCreateAttempts = 1000;

std::uint64_t now_in_microseconds() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

// True when the file ends at `end`, or has nothing behind it but room for records that a killed
// writer left, which is cut off.
Result<bool> cut_off_room(io::File& file, std::uint64_t end) {
  ASSIGN_OR_RETURN(const io::FileInfo info, file.info());
  if (info.size <= end) return info.size == end;
  if (info.size - end > kRoomBytesMax) return false;
  Bytes room(static_cast<std::size_t>(info.size - end));
  ASSIGN_OR_RETURN(const std::size_t count, file.read_at(end, room));
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (count != room.size() || !std::ranges::all_of(room, is_zero)) return false;
  RETURN_IF_ERROR(file.truncate(end));
  return true;
}

// Whether taking so much ahead leaves the disk enough.
bool is_to_spare(const StoreCore& core, std::uint64_t bytes) {
  return core.packs.directory().free_bytes().value_or(0) >= kFreeBytesMin + bytes;
}

}  // namespace

PackWriter::PackWriter(StoreCore& core, std::uint64_t pack, std::unique_ptr<io::File> file,
                       std::uint64_t end, bool is_new)
    : core_(core),
      pack_(pack),
      file_(std::move(file)),
      committed_end_(end),
      end_(end),
      written_end_(end),
      is_new_(is_new),
      name_is_durable_(!is_new) {}

PackWriter::~PackWriter() {
  if (!home_.is_here()) return;
  drop_group();
  if (!is_new_ || outcome_unknown_) return;
  static_cast<void>(core_.packs.directory().remove_file(pack_file_name(pack_)).has_value());
}

Result<std::unique_ptr<PackWriter>> PackWriter::begin(StoreCore& core, Choice choice) {
  if (choice == Choice::kAny) {
    ASSIGN_OR_RETURN(auto reused, reuse(core));
    if (reused) return reused;
  }
  return create(core);
}

// Null: no open pack has room, is free and ends cleanly.
Result<std::unique_ptr<PackWriter>> PackWriter::reuse(StoreCore& core) {
  ASSIGN_OR_RETURN(const std::vector<index::PackRow> rows, core.index->packs());
  for (const index::PackRow& candidate : rows) {
    if (candidate.state != index::PackState::kOpen ||
        candidate.indexed_bytes >= core.options.packs.bytes_target) {
      continue;
    }
    ASSIGN_OR_RETURN(auto found, core.packs.directory().find_file(pack_file_name(candidate.pack),
                                                                  io::OpenMode::kReadWrite));
    if (!found) continue;
    std::unique_ptr<io::File> file = std::move(*found);
    ASSIGN_OR_RETURN(const bool locked, file->try_lock(io::LockKind::kExclusive));
    if (!locked) continue;
    // Between the list and the lock the pack may have grown, been sealed, or gone.
    ASSIGN_OR_RETURN(const auto row, core.index->find_pack(candidate.pack));
    if (!row || row->state != index::PackState::kOpen) continue;
    ASSIGN_OR_RETURN(const io::FileInfo info, file->info());
    if (info.links == 0 || !check_pack_header(*file, core.uuid, candidate.pack)) continue;
    ASSIGN_OR_RETURN(const std::uint64_t end, take_in_tail(core, candidate.pack, *file));
    if (end >= core.options.packs.bytes_target) continue;
    // An unfinished tail stays for clean(): nobody appends behind what may be somebody's data.
    ASSIGN_OR_RETURN(const bool ends_cleanly, cut_off_room(*file, end));
    if (!ends_cleanly) continue;
    return std::unique_ptr<PackWriter>(
        new PackWriter(core, candidate.pack, std::move(file), end, false));
  }
  return std::unique_ptr<PackWriter>();
}

Result<std::unique_ptr<PackWriter>> PackWriter::create(StoreCore& core) {
  for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
    ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kLazy));
    ASSIGN_OR_RETURN(const std::uint64_t pack, transaction->allocate_pack());
    RETURN_IF_ERROR(transaction->commit());

    Result<std::unique_ptr<io::File>> file =
        core.packs.directory().create_file(pack_file_name(pack));
    if (!file) {
      // The allocation of this number was lost in a power cut, the file was not.
      if (file.error().code == ErrorCode::kConflict) continue;
      return std::move(file).error();
    }
    ASSIGN_OR_RETURN(const bool locked, (*file)->try_lock(io::LockKind::kExclusive));
    if (!locked) continue;
    ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
    if (info.links == 0) continue;  // A cleaner took it for garbage between creation and lock.
    const auto header = format::encode(
        format::PackHeader{.store = core.uuid, .pack = pack, .created_at = now_in_microseconds()});
    std::unique_ptr<PackWriter> writer(
        new PackWriter(core, pack, std::move(*file), format::PackHeader::kSize, true));
    RETURN_IF_ERROR(writer->file_->write_at(0, ByteView(header)));
    return writer;
  }
  return fail(ErrorCode::kIo, "{}: no pack number free after {} attempts",
              core.packs.directory().path(), kCreateAttempts);
}

// How many zeros to write behind a single put that ends at `end`; as much as the pack has already
// at most, so that a small store stays small, and nothing where the disk will soon be full.
std::uint64_t PackWriter::room_behind(std::uint64_t end) const {
  const std::uint64_t target = core_.options.packs.bytes_target;
  if (end <= room_end_ || end >= target) return 0;
  if (!is_to_spare(core_, 0)) return 0;
  return std::min<std::uint64_t>({kRoomBytesMax, end, target - end});
}

// Before so much is written there. Where it fails it is worth nothing but time.
void PackWriter::keep_room_for(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = offset + length;
  if (length < kLongWriteBytesMin || end <= kept_end_) return;
  const std::uint64_t from = std::max(kept_end_, offset);
  const std::uint64_t kept_end = end + std::min(kKeptBytesMax, end - committed_end_);
  if (!is_to_spare(core_, kept_end - from)) return;
  kept_end_ = kept_end;
  static_cast<void>(io::keep_room(*file_, from, kept_end - from));
}

bool PackWriter::is_full() const { return end_ >= core_.options.packs.bytes_target; }

Status PackWriter::append(std::span<const EncodedObject> objects, PackRecord::Kind kind,
                          std::vector<index::ObjectRow>& rows) {
  RETURN_IF_ERROR(home_.check(file_->path()));
  if (objects.empty()) return {};
  using Header = std::array<std::byte, PackRecord::kHeaderSize>;
  std::vector<Header> headers(objects.size());
  std::vector<ByteView> pieces;
  pieces.reserve(2 * objects.size() + 1);
  const std::size_t rows_before = rows.size();
  std::uint64_t offset = end_;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const EncodedObject& object = objects[i];
    const PackRecord record{.kind = kind,
                            .codec = object.codec,
                            .size = object.size,
                            .stored_size = object.stored.size(),
                            .id = object.id,
                            .stored_xxh3 = hash::xxh3(object.stored)};
    headers[i] = format::encode(record, {core_.uuid, pack_, offset});
    pieces.emplace_back(headers[i]);
    pieces.emplace_back(object.stored);
    rows.push_back({object.id, {pack_, offset, record.stored_size, record.size, record.codec}});
    offset += record.total_size();
  }
  const std::uint64_t room = kind == PackRecord::Kind::kSingle ? room_behind(offset) : 0;
  if (room != 0) {
    static const Bytes zeros(kRoomBytesMax);
    pieces.push_back(ByteView(zeros).first(static_cast<std::size_t>(room)));
  }
  written_end_ = std::max(written_end_, offset + room);
  if (kind != PackRecord::Kind::kSingle) keep_room_for(end_, offset - end_);
  if (Status written = file_->write_at(end_, pieces); !written) {
    rows.resize(rows_before);
    return written;
  }
  if (room != 0) room_end_ = offset + room;
  if (offset - end_ >= kLongWriteBytesMin) file_->start_writeback(end_, offset - end_);
  end_ = offset;
  return {};
}

Result<index::ObjectRow> PackWriter::append_content(const ObjectId& id, std::uint64_t size,
                                                    const ContentOpener& open,
                                                    const Compression& compression) {
  RETURN_IF_ERROR(home_.check(file_->path()));
  PackRecord record{.kind = PackRecord::Kind::kObject, .codec = compression.codec, .id = id};
  ASSIGN_OR_RETURN(auto content, open());
  RETURN_IF_ERROR(write_content(*content, compression, record));
  const bool worth_it =
      static_cast<double>(record.stored_size) < compression.ratio_max * static_cast<double>(size);
  if (record.codec != Codec::kNone && !worth_it) {
    record.codec = Codec::kNone;
    ASSIGN_OR_RETURN(content, open());
    RETURN_IF_ERROR(write_content(*content, Compression::none(), record));
  }
  return append_header(record);
}

Result<index::ObjectRow> PackWriter::append_stored(const index::ObjectRow& like,
                                                   std::uint64_t checksum, ByteSource& stored) {
  RETURN_IF_ERROR(home_.check(file_->path()));
  PackRecord record{.kind = PackRecord::Kind::kObject, .id = like.id};
  // Stored bytes pass as if they were content; what they are is said by `like`.
  RETURN_IF_ERROR(stream_in(stored, nullptr, nullptr, record));
  if (record.stored_size != like.at.stored_size || record.stored_xxh3 != checksum) {
    return fail(ErrorCode::kCorrupt,
                "object {} in pack {} at {}: its stored bytes do not fit their checksum",
                like.id.to_hex(), like.at.pack, like.at.offset);
  }
  record.size = like.at.size;
  record.codec = like.at.codec;
  return append_header(record);
}

Status PackWriter::write_content(ByteSource& content, const Compression& compression,
                                 PackRecord& record) {
  std::unique_ptr<codec::Encoder> encoder;
  if (compression.codec != Codec::kNone) {
    ASSIGN_OR_RETURN(encoder, codec::make_encoder(compression));
  }
  hash::Sha256 hasher;
  RETURN_IF_ERROR(stream_in(content, encoder.get(), &hasher, record));
  if (hasher.finish() == record.id) return {};
  return fail(ErrorCode::kCorrupt, "object {}: its content does not hash to its id",
              record.id.to_hex());
}

// Streams `source`, encoded, to where the stored bytes of the next record belong, and notes sizes
// and checksum in `record`. The header comes last, so a torn write of it leaves no record.
Status PackWriter::stream_in(ByteSource& source, codec::Encoder* encoder, hash::Sha256* hasher,
                             PackRecord& record) {
  const std::uint64_t start = end_ + PackRecord::kHeaderSize;
  std::uint64_t offset = start;
  room_end_ = end_;  // The record goes over it.
  hash::Xxh3 checksum;
  const auto write = [&](ByteView stored) -> Status {
    written_end_ = std::max(written_end_, offset + stored.size());
    keep_room_for(offset, stored.size());
    RETURN_IF_ERROR(file_->write_at(offset, stored));
    if (stored.size() >= kLongWriteBytesMin) file_->start_writeback(offset, stored.size());
    checksum.update(stored);
    offset += stored.size();
    return {};
  };
  Bytes buffer(kCopyBufferSize);
  record.size = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t count, source.read(buffer));
    if (count == 0) break;
    const ByteView part = ByteView(buffer).first(count);
    if (hasher) hasher->update(part);
    RETURN_IF_ERROR(encoder ? encoder->write(part, write) : write(part));
    record.size += count;
  }
  if (encoder) RETURN_IF_ERROR(encoder->finish(write));
  record.stored_size = offset - start;
  record.stored_xxh3 = checksum.digest();
  return {};
}

Result<index::ObjectRow> PackWriter::append_header(const PackRecord& record) {
  const auto header = format::encode(record, {core_.uuid, pack_, end_});
  written_end_ = std::max(written_end_, end_ + record.total_size());
  RETURN_IF_ERROR(file_->write_at(end_, ByteView(header)));
  const index::ObjectRow row{record.id,
                             {pack_, end_, record.stored_size, record.size, record.codec}};
  end_ += record.total_size();
  return row;
}

Status PackWriter::append_commit() {
  RETURN_IF_ERROR(home_.check(file_->path()));
  if (makes(Mistake::kSkipCommitRecord)) return {};
  const PackRecord record{.kind = PackRecord::Kind::kCommit, .group_start = committed_end_};
  const auto header = format::encode(record, {core_.uuid, pack_, end_});
  written_end_ = std::max(written_end_, end_ + header.size());
  RETURN_IF_ERROR(file_->write_at(end_, ByteView(header)));
  end_ += header.size();
  return {};
}

Status PackWriter::sync() {
  // A refused record may have left bytes behind the last one, and the disk may keep blocks there
  // that the index needs on a full one.
  if (std::max(written_end_, kept_end_) > std::max(end_, room_end_)) {
    RETURN_IF_ERROR(file_->truncate(end_));
    written_end_ = end_;
    room_end_ = end_;
    kept_end_ = 0;
  }
  const bool omits = makes(Mistake::kSkipPackSync) || makes(Mistake::kCommitBeforeSync);
  RETURN_IF_ERROR(omits ? Status() : file_->sync());
  if (name_is_durable_) return {};
  if (!makes(Mistake::kSkipPackDirectorySync)) RETURN_IF_ERROR(core_.packs.directory().sync());
  name_is_durable_ = true;
  return {};
}

Result<PackWriter::Outcome> PackWriter::add_rows(index::WriteTransaction& transaction,
                                                 std::span<const index::ObjectRow> rows) {
  Outcome outcome;
  for (const index::ObjectRow& row : rows) {
    ASSIGN_OR_RETURN(const bool inserted, transaction.insert(row));
    if (inserted) {
      ++outcome.inserted;
    } else {
      outcome.dead_bytes += record_bytes(row.at);
      RETURN_IF_ERROR(keep_duplicate(core_, transaction, row.id));
    }
  }
  RETURN_IF_ERROR(update_pack_row(transaction, outcome.dead_bytes));
  return outcome;
}

Result<PackWriter::Outcome> PackWriter::move_rows(index::WriteTransaction& transaction,
                                                  std::span<const index::ObjectRow> rows,
                                                  std::span<const index::Location> from) {
  Outcome outcome;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(const bool moved, transaction.move(rows[i].id, from[i], rows[i].at));
    if (moved) {
      ++outcome.inserted;
      RETURN_IF_ERROR(transaction.add_dead_bytes(from[i].pack, record_bytes(from[i])));
    } else {
      outcome.dead_bytes += record_bytes(rows[i].at);
    }
  }
  RETURN_IF_ERROR(update_pack_row(transaction, outcome.dead_bytes));
  return outcome;
}

Status PackWriter::update_pack_row(index::WriteTransaction& transaction, std::uint64_t dead_bytes) {
  ASSIGN_OR_RETURN(const auto known, transaction.find_pack(pack_));
  index::PackRow row = known.value_or(index::PackRow{.pack = pack_});
  row.state = is_full() ? index::PackState::kSealed : index::PackState::kOpen;
  row.indexed_bytes = end_;
  row.dead_bytes += dead_bytes;
  return transaction.put_pack(row);
}

Status PackWriter::commit(index::WriteTransaction& transaction) {
  Status committed = transaction.commit();
  if (!committed) {
    outcome_unknown_ = true;
    return committed;
  }
  if (makes(Mistake::kCommitBeforeSync)) RETURN_IF_ERROR(file_->sync());
  committed_end_ = end_;
  is_new_ = false;
  return {};
}

void PackWriter::drop_group() {
  // An error is no proof that a commit did not happen: what its rows would point at stays, for the
  // next opener to take in or for clean() to cut off.
  if (outcome_unknown_ || std::max(written_end_, kept_end_) <= committed_end_) return;
  // Where this fails, the unfinished tail stays, invisible, until clean().
  static_cast<void>(file_->truncate(committed_end_).has_value());
  end_ = committed_end_;
  written_end_ = committed_end_;
  room_end_ = committed_end_;
  kept_end_ = 0;
}

}  // namespace packstore::store
