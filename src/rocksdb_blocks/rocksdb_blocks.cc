#include "packstore/rocksdb_blocks.h"

#include <rocksdb/db.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace packstore {
namespace {

rocksdb::Slice key_of(const ObjectId& id) {
  const std::string_view text = as_text(id.bytes);
  return {text.data(), text.size()};
}

rocksdb::Slice slice_of(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  return {text.data(), text.size()};
}

ByteView bytes_of(const rocksdb::Slice& slice) { return as_bytes({slice.data(), slice.size()}); }

// RocksDB has no code of its own for a database that another process, or this one, has open: only
// messages, in front of a path in which anything may stand.
bool is_locked(const rocksdb::Status& status) {
  if (!status.IsIOError() || status.getState() == nullptr) return false;
  const std::string_view message = status.getState();
  return message.starts_with("While lock file: ") ||
         message.starts_with("lock hold by current process");
}

ErrorCode code_of(const rocksdb::Status& status) {
  if (status.IsNotFound()) return ErrorCode::kNotFound;
  if (status.IsCorruption()) return ErrorCode::kCorrupt;
  if (status.IsNoSpace()) return ErrorCode::kNoSpace;
  if (status.IsBusy()) return ErrorCode::kBusy;
  return ErrorCode::kIo;
}

Status status_of(const rocksdb::Status& status, std::string_view place) {
  if (status.ok()) return {};
  return fail(code_of(status), "{}: {}", place, status.ToString());
}

}  // namespace

struct RocksDbBlocks::Database {
  // What is stored under `id`, pinned where the database has it.
  Result<rocksdb::PinnableSlice> find(const ObjectId& id) const {
    rocksdb::PinnableSlice value;
    const rocksdb::Status found =
        db->Get(rocksdb::ReadOptions(), db->DefaultColumnFamily(), key_of(id), &value);
    if (found.IsNotFound()) {
      return fail(ErrorCode::kNotFound, "object {}: not in {}", id.to_hex(), path);
    }
    RETURN_IF_ERROR(status_of(found, path));
    return value;
  }

  std::string path;
  std::unique_ptr<rocksdb::DB> db;
};

Result<std::unique_ptr<RocksDbBlocks>> RocksDbBlocks::open(const std::filesystem::path& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  // Ids are hashes, and contents chosen by others: neither filters by prefix nor compression pay.
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, path.string(), &opened);
  auto database =
      std::make_unique<Database>(Database{path.string(), std::unique_ptr<rocksdb::DB>(opened)});
  if (is_locked(status)) {
    return fail(ErrorCode::kBusy, "{}: {}", path.string(), status.ToString());
  }
  RETURN_IF_ERROR(status_of(status, path.string()));
  return std::unique_ptr<RocksDbBlocks>(new RocksDbBlocks(std::move(database)));
}

RocksDbBlocks::RocksDbBlocks(std::unique_ptr<Database> database) : database_(std::move(database)) {}
RocksDbBlocks::~RocksDbBlocks() = default;

Status RocksDbBlocks::put_prepared(const PreparedBlocks& blocks) {
  rocksdb::WriteBatch batch;
  for (std::size_t i = 0; i < blocks.ids.size(); ++i) {
    RETURN_IF_ERROR(
        status_of(batch.Put(key_of(blocks.ids[i]), slice_of(blocks.contents[i])), database_->path));
  }
  return status_of(database_->db->Write(rocksdb::WriteOptions(), &batch), database_->path);
}

Status RocksDbBlocks::sync() { return status_of(database_->db->SyncWAL(), database_->path); }

Result<Bytes> RocksDbBlocks::get_object(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const rocksdb::PinnableSlice value, database_->find(id));
  const ByteView content = bytes_of(value);
  if (ObjectId::of(content) != id) {
    return fail(ErrorCode::kCorrupt, "object {} in {}: its content does not hash to its id",
                id.to_hex(), database_->path);
  }
  return Bytes(content.begin(), content.end());
}

Result<std::uint64_t> RocksDbBlocks::object_size(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const rocksdb::PinnableSlice value, database_->find(id));
  return std::uint64_t{value.size()};
}

Result<std::vector<bool>> RocksDbBlocks::has_objects(std::span<const ObjectId> ids) const {
  std::vector<bool> has(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = database_->find(ids[i]);
    if (!found && found.error().code != ErrorCode::kNotFound) return found.error();
    has[i] = found.has_value();
  }
  return has;
}

}  // namespace packstore
