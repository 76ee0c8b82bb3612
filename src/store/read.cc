// read_many():
// 1. Sort the ids, unless they come sorted, and look them up in one pass over the index; of a few,
//    only those whose places are not known from before.
// 2. Sort what was found by pack and offset, and cut it into slices of neighbouring records.
// 3. Read and check each slice with one call (record_slice.h).
// 4. Whatever did not come out right this way (loose, moved meanwhile, damaged) is read singly,
//    through the full lookup.
#include "store/read.h"

#include <algorithm>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/error.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "store/file_source.h"
#include "store/pack_files.h"
#include "store/record_slice.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using format::PackRecord;

constexpr std::size_t kHashBufferSize = 256 << 10;
constexpr std::size_t kLookupSlice = 1 << 18;
// Of so many, some may be read again soon, as random reads of a file are. Who reads more looks at
// each once, and one pass over the index costs little for each.
constexpr std::size_t kKnownPlacesWanted = 64;

// What the most redundant stream can expand to: deflate 1032 times; zstd one byte of a
// run-length block a 128 KiB block, with 4 bytes of overhead.
std::uint64_t expansion_max(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return 1;
    case Codec::kZlib:
      return 1100;
    case Codec::kZstd:
      return 40'000;
  }
  return 1;
}

// One pass of read_many() over ids of which some are packed.
class ManyReader {
 public:
  ManyReader(const StoreCore& core, const Store::ContentVisitor& visit, Verify verify)
      : core_(core), visit_(visit), verify_(verify) {}

  Status read(std::span<const ObjectId> sorted_ids) {
    RETURN_IF_ERROR(look_up(sorted_ids));
    std::sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
      return std::pair(a.at.pack, a.at.offset) < std::pair(b.at.pack, b.at.offset);
    });
    for (std::size_t first = 0; first < rows_.size();) {
      const std::size_t count = slice_length(first);
      RETURN_IF_ERROR(read_slice(std::span(rows_).subspan(first, count)));
      first += count;
    }
    for (const ObjectId& id : singly_) RETURN_IF_ERROR(read_singly(id));
    return {};
  }

 private:
  Status look_up(std::span<const ObjectId> ids) {
    rows_.clear();
    rows_.reserve(ids.size());
    singly_.clear();
    const std::uint64_t generation = core_.index->generation();
    const bool is_few = ids.size() <= kKnownPlacesWanted;
    if (is_few) ids = take_known(ids, generation);
    std::size_t next = 0;
    const auto found = [&](std::size_t position, const Result<index::Location>& at) -> Status {
      for (; next < position; ++next) singly_.push_back(ids[next]);
      next = position + 1;
      if (at) {
        rows_.push_back({ids[position], *at});
        if (is_few) core_.known_places.remember(ids[position], *at, generation);
      } else {
        singly_.push_back(ids[position]);
      }
      return {};
    };
    RETURN_IF_ERROR(core_.index->find_many(ids, found));
    for (; next < ids.size(); ++next) singly_.push_back(ids[next]);
    return {};
  }

  // Returns the ids that are left to look up.
  std::span<const ObjectId> take_known(std::span<const ObjectId> ids, std::uint64_t generation) {
    unknown_.clear();
    for (const ObjectId& id : ids) {
      if (const auto at = core_.known_places.find(id, generation)) {
        rows_.push_back({id, *at});
      } else {
        unknown_.push_back(id);
      }
    }
    return unknown_;
  }

  // How many rows from `first` on one read covers.
  std::size_t slice_length(std::size_t first) const {
    std::size_t count = 1;
    while (first + count < rows_.size() &&
           belongs_to_slice(rows_[first], rows_[first + count - 1], rows_[first + count], count)) {
      ++count;
    }
    return count;
  }

  Status read_slice(std::span<const index::ObjectRow> rows) {
    const Result<std::shared_ptr<const PackFile>> pack = core_.packs.open(rows.back().at);
    if (pack) slice_.load(**pack, rows, verify_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (pack && !slice_.items()[i].error) {
        RETURN_IF_ERROR(visit_(rows[i].id, slice_.items()[i].content));
      } else {
        RETURN_IF_ERROR(read_singly(rows[i].id));
      }
    }
    return {};
  }

  Status read_singly(const ObjectId& id) {
    const Result<Bytes> content = read_object(core_, id, verify_);
    if (!content) return visit_(id, content.error());
    return visit_(id, ByteView(*content));
  }

  const StoreCore& core_;
  const Store::ContentVisitor& visit_;
  const Verify verify_;
  std::vector<index::ObjectRow> rows_;
  std::vector<ObjectId> singly_;
  std::vector<ObjectId> unknown_;
  RecordSlice slice_;
};

// The content of a verbatim object from `offset` on, as much as `into` is long. What is checked of
// the content is its whole, so `into` is all of it, or nothing is.
Status read_verbatim(const FoundObject& found, std::uint64_t offset, std::span<std::byte> into,
                     Verify verify) {
  const index::ObjectRow& row = found.row;
  if (found.pack) {
    ASSIGN_OR_RETURN(const PackRecord record, found.pack->read_record(row, offset, into));
    if (verify == Verify::kChecksum) RETURN_IF_ERROR(check_checksum(row, record, into));
  } else {
    ASSIGN_OR_RETURN(const std::size_t count, found.loose->read_at(offset, into));
    if (count != into.size()) {
      return fail(ErrorCode::kCorrupt, "{}: {} bytes long a moment ago, now {}",
                  found.loose->path(), row.at.size, offset + count);
    }
  }
  return verify == Verify::kContent ? check_content(row.id, into) : Status();
}

// What read_part_of_object() does, of one copy.
Result<std::uint64_t> read_part(const FoundObject& found, std::uint64_t offset,
                                std::span<std::byte> into, Verify verify) {
  const std::uint64_t size = found.row.at.size;
  const std::uint64_t first = std::min(offset, size);
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size - first)));
  const bool is_whole = into.size() == size;
  if (found.row.at.codec == Codec::kNone && (is_whole || verify == Verify::kNone)) {
    RETURN_IF_ERROR(read_verbatim(found, first, into, verify));
    return size;
  }
  ASSIGN_OR_RETURN(const Bytes content, read_content(found, verify));
  std::ranges::copy(ByteView(content).subspan(static_cast<std::size_t>(first), into.size()),
                    into.begin());
  return size;
}

// `read(copy, verify)` of the copy where it was found last, or else of the one that a lookup finds,
// or else, where that is damaged in a pack, of the loose one.
template <typename Read>
auto read_any_copy(const StoreCore& core, const ObjectId& id, Verify verify, const Read& read)
    -> decltype(read(std::declval<const FoundObject&>(), verify)) {
  if (const auto known = open_known(core, id)) {
    auto content = read(*known, verify);
    if (content) return content;
  }
  ASSIGN_OR_RETURN(const auto found, open_found(core, id));
  if (!found) return fail(ErrorCode::kNotFound, "object {}: not in the store", id.to_hex());
  auto content = read(*found, verify);
  if (content || content.error().code != ErrorCode::kCorrupt || !found->pack) return content;
  // A damaged packed copy does not matter while there is a good loose one.
  ASSIGN_OR_RETURN(const auto loose, open_loose_copy(core, id));
  if (!loose) return content;
  auto second = read(*loose, Verify::kContent);
  return second ? std::move(second) : std::move(content);
}

}  // namespace

Result<Bytes> allocate(std::uint64_t size) {
  try {
    return Bytes(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  return fail(ErrorCode::kNoSpace, "no memory for {} bytes: read the object as a stream", size);
}

Status check_content(const ObjectId& id, ByteView content) {
  if (hash::sha256(content) == id) return {};
  return fail(ErrorCode::kCorrupt, "object {}: its content does not hash to its id", id.to_hex());
}

Status check_content(const ObjectId& id, ByteSource& content) {
  hash::Sha256 hasher;
  Bytes buffer(kHashBufferSize);
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t count, content.read(buffer));
    if (count == 0) break;
    hasher.update(ByteView(buffer).first(count));
  }
  if (hasher.finish() == id) return {};
  return fail(ErrorCode::kCorrupt, "object {}: its content does not hash to its id", id.to_hex());
}

Status check_copy(const FoundObject& found, const std::stop_token& stop) {
  const index::ObjectRow& row = found.row;
  if (found.pack) {
    RETURN_IF_ERROR(found.pack->read_header(row));
    RETURN_IF_ERROR(check_expansion(row));
  }
  const io::File& file = found.pack ? found.pack->file() : *found.loose;
  FileSource stored(file, found.pack ? stored_begin(row.at) : 0, row.at.stored_size, stop);
  ASSIGN_OR_RETURN(const auto content, codec::make_decoder(row.at.codec, stored, row.at.size));
  return check_content(row.id, *content);
}

Status check_expansion(const index::ObjectRow& row) {
  const std::uint64_t limit = row.at.stored_size * expansion_max(row.at.codec) + 64;
  if (row.at.size <= limit) return {};
  return fail(ErrorCode::kCorrupt,
              "object {}: {} bytes of content claimed in {} stored, {} can hold at most {}",
              row.id.to_hex(), row.at.size, row.at.stored_size, to_string(row.at.codec), limit);
}

Status check_checksum(const index::ObjectRow& row, const PackRecord& record, ByteView stored) {
  if (hash::xxh3(stored) == record.stored_xxh3) return {};
  return fail(ErrorCode::kCorrupt,
              "object {} in pack {} at {}: its stored bytes do not fit their checksum",
              row.id.to_hex(), row.at.pack, row.at.offset);
}

Result<Bytes> decode_record(const index::ObjectRow& row, const PackRecord& record, ByteView stored,
                            Verify verify) {
  if (verify == Verify::kChecksum) RETURN_IF_ERROR(check_checksum(row, record, stored));
  RETURN_IF_ERROR(check_expansion(row));
  ASSIGN_OR_RETURN(Bytes content, allocate(row.at.size));
  const Status decoded = codec::decode(row.at.codec, stored, content);
  if (!decoded) {
    return fail(decoded.error().code, "object {} in pack {} at {}: {}", row.id.to_hex(),
                row.at.pack, row.at.offset, decoded.error().message);
  }
  if (verify == Verify::kContent) RETURN_IF_ERROR(check_content(row.id, content));
  return content;
}

Result<Bytes> read_content(const FoundObject& found, Verify verify) {
  const index::ObjectRow& row = found.row;
  if (found.pack) {
    RETURN_IF_ERROR(found.pack->check_inside(row.at.offset, record_bytes(row.at)));
  }
  ASSIGN_OR_RETURN(Bytes stored, allocate(row.at.stored_size));
  if (row.at.codec == Codec::kNone) {
    RETURN_IF_ERROR(read_verbatim(found, 0, stored, verify));
    return stored;
  }
  ASSIGN_OR_RETURN(const PackRecord record, found.pack->read_record(row, 0, stored));
  return decode_record(row, record, stored, verify);
}

Result<Bytes> read_object(const StoreCore& core, const ObjectId& id, Verify verify) {
  return read_any_copy(core, id, verify, read_content);
}

Result<std::uint64_t> read_part_of_object(const StoreCore& core, const ObjectId& id,
                                          std::uint64_t offset, std::span<std::byte> into,
                                          Verify verify) {
  return read_any_copy(core, id, verify, [&](const FoundObject& found, Verify checks) {
    return read_part(found, offset, into, checks);
  });
}

Status read_many(const StoreCore& core, std::span<const ObjectId> ids,
                 const Store::ContentVisitor& visit, const ReadOptions& options) {
  ManyReader reader(core, visit, options.verify);
  std::vector<ObjectId> sorted;
  const bool in_order = std::ranges::adjacent_find(ids, std::greater_equal<>()) == ids.end();
  if (!in_order) {
    sorted.assign(ids.begin(), ids.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    ids = sorted;
  }
  for (std::size_t first = 0; first < ids.size(); first += kLookupSlice) {
    RETURN_IF_ERROR(reader.read(ids.subspan(first, std::min(kLookupSlice, ids.size() - first))));
  }
  return {};
}

}  // namespace packstore::store
