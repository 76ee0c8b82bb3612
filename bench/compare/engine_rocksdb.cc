// RocksDB with its write-ahead log, and tuned for this work: no compression (the content is
// random), Bloom filters, a block cache of 256 MiB.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "compare/engine.h"

namespace packstore::compare {

namespace {

void require(const rocksdb::Status& status) {
  if (!status.ok()) stop("RocksDB: " + status.ToString());
}

rocksdb::Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ByteView view(const rocksdb::Slice& bytes) {
  return std::as_bytes(std::span<const char>(bytes.data(), bytes.size()));
}

rocksdb::Options tuned_options() {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(std::size_t{256} << 20);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.max_background_jobs = static_cast<int>(std::thread::hardware_concurrency());
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ReadOptions read_options(Check check) {
  rocksdb::ReadOptions options;
  options.verify_checksums = check != Check::kNone;
  return options;
}

class RocksdbEngine final : public Engine {
 public:
  explicit RocksdbEngine(const std::filesystem::path& directory) {
    rocksdb::DB* opened = nullptr;
    require(rocksdb::DB::Open(tuned_options(), directory.string(), &opened));
    db_.reset(opened);
  }

  void put_batch(std::span<const Object> objects) override {
    constexpr std::size_t kRunBytesMax = 4 << 20;
    for_each_run(objects, kRunBytesMax, [this](std::span<const Object> run) {
      rocksdb::WriteBatch batch;
      for (const Object& object : run) {
        require(batch.Put(slice(sha256(object.content).bytes), slice(object.content)));
      }
      require(db_->Write({}, &batch));
    });
    require(db_->FlushWAL(/*sync=*/true));
  }

  void put_single(const Object& object) override {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    require(db_->Put(synced, slice(sha256(object.content).bytes), slice(object.content)));
  }

  void settle() override {
    require(db_->Flush({}));
    while (property("rocksdb.compaction-pending") + property("rocksdb.num-running-compactions") +
               property("rocksdb.num-running-flushes") >
           0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void get(const Key& key, Check check) override {
    rocksdb::PinnableSlice value;
    require(db_->Get(read_options(check), db_->DefaultColumnFamily(), slice(key.bytes), &value));
    consume(key, view(value), check);
  }

  void get_all(std::span<const Key> keys, Check check) override {
    constexpr std::size_t kMultiGetKeys = 1000;
    while (!keys.empty()) {
      const std::size_t count = std::min(keys.size(), kMultiGetKeys);
      multi_get(keys.first(count), check);
      keys = keys.subspan(count);
    }
  }

  bool contains(const Key& key) override {
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        db_->Get({}, db_->DefaultColumnFamily(), slice(key.bytes), &value);
    if (!status.IsNotFound()) require(status);
    return status.ok();
  }

  bool remove_and_reclaim(std::span<const Key> keys) override {
    rocksdb::WriteBatch batch;
    for (const Key& key : keys) require(batch.Delete(slice(key.bytes)));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    require(db_->Write(synced, &batch));
    rocksdb::CompactRangeOptions full;
    full.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    require(db_->CompactRange(full, nullptr, nullptr));
    return true;
  }

 private:
  std::uint64_t property(const std::string& name) {
    std::uint64_t value = 0;
    if (!db_->GetIntProperty(name, &value)) stop("RocksDB has no property " + name);
    return value;
  }

  void multi_get(std::span<const Key> keys, Check check) {
    std::vector<rocksdb::Slice> slices;
    for (const Key& key : keys) slices.push_back(slice(key.bytes));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(read_options(check), db_->DefaultColumnFamily(), keys.size(), slices.data(),
                  values.data(), statuses.data(), /*sorted_input=*/true);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      require(statuses[i]);
      consume(keys[i], view(values[i]), check);
    }
  }

  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Engine> make_rocksdb(const std::filesystem::path& directory) {
  return std::make_unique<RocksdbEngine>(directory);
}

}  // namespace packstore::compare
