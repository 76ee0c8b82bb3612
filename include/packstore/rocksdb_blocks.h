// Blocks in RocksDB: for applications that keep a database of it already. In a library of its own,
// packstore_rocksdb, for projects that add libpackstore as a directory; built where RocksDB is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "packstore/block_store.h"
#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

// One key an object: its id. A put can be read at once, survives the end of the process, and is
// durable after sync(). Reads are checked against the id.
class PACKSTORE_EXPORT RocksDbBlocks final : public BlockStore {
 public:
  // Opens the database in `path`, or makes one. kBusy: another process has it open. kCorrupt: it is
  // damaged.
  static Result<std::unique_ptr<RocksDbBlocks>> open(const std::filesystem::path& path);
  ~RocksDbBlocks() override;

  Status put_prepared(const PreparedBlocks& blocks) override;

  // Makes every put that returned before it durable.
  Status sync();

 private:
  struct Database;
  explicit RocksDbBlocks(std::unique_ptr<Database> database);
  Result<Bytes> get_object(const ObjectId& id) const override;
  Result<std::uint64_t> object_size(const ObjectId& id) const override;
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override;

  std::unique_ptr<Database> database_;
};

}  // namespace packstore
