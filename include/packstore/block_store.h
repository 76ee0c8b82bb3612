// Where the blocks of a DAG are kept: leaves and nodes, each an object with a CID.
//
// Files, trees and CAR files are read and written through this interface, so they stand on a
// packstore, on memory, on one store above another, or on what an application brings along.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "packstore/batch.h"
#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/compression.h"
#include "packstore/export.h"
#include "packstore/node_kind.h"
#include "packstore/object.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

class Store;

// Contents on their way into a block store. They are a loan, and stay where they are until the put.
class PACKSTORE_EXPORT PreparedBlocks {
 public:
  PreparedBlocks() = default;
  PreparedBlocks(const PreparedBlocks&) = delete;
  PreparedBlocks& operator=(const PreparedBlocks&) = delete;
  virtual ~PreparedBlocks() = default;

  std::vector<ObjectId> names = {};  // The SHA-256 of each content that was given, in their order.
  // What put_prepared() is to write: those that the store did not have when they were prepared.
  std::vector<ByteView> contents = {};
  std::vector<ObjectId> ids = {};  // ids[i] is the SHA-256 of contents[i].
};

// CIDs are what callers speak; underneath, a block is an object, named by its bytes alone. A CID
// that carries its content (the "hash" is the identity) is read from itself. Other CIDs whose hash
// is not SHA-256 are kUnsupported where a block is asked for, and absent where it is asked whether.
//
// Thread safety: reading and prepare() from any thread; what writes, by one thread at a time,
// beside readers. What a function of the store throws, the call that has called it throws when all
// threads of that call have ended.
class PACKSTORE_EXPORT BlockStore {
 public:
  BlockStore() = default;
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;
  virtual ~BlockStore() = default;

  // The whole block; what it is was checked against its name, as far as the store checks reads.
  // kNotFound names the CID: nobody has put it. kCorrupt: what is stored is not it.
  Result<Bytes> get(const Cid& cid) const;

  // A part of a block: fills the front of `into` with its bytes from `offset` on, and returns the
  // size of the whole block. Errors as get(), and then `into` is undefined.
  Result<std::uint64_t> get_part(const Cid& cid, std::uint64_t offset,
                                 std::span<std::byte> into) const;
  // True where parts cost less than whole blocks, so that a few of them are better asked for one by
  // one than with get_many().
  virtual bool has_cheap_parts() const { return false; }

  // Gives each block of `cids` to `visit` with its position, in the order that suits the store. The
  // view is valid during the call. What is absent or damaged is given as its error and the rest
  // goes on; an error returned by `visit` ends the call with it.
  using BlockVisitor = std::function<Status(std::size_t position, const Result<ByteView>& block)>;
  Status get_many(std::span<const Cid> cids, const BlockVisitor& visit) const;

  // Bytes of the block, without reading it. Errors as get().
  Result<std::uint64_t> size(const Cid& cid) const;

  Result<bool> has(const Cid& cid) const;
  // In the order of `cids`.
  Result<std::vector<bool>> has_many(std::span<const Cid> cids) const;

  // Stores a block and returns its name; what is there already is not written again. Durable when
  // the store says so: StoreBlocks with its commit().
  Result<Cid> put(NodeKind kind, ByteView content);
  Result<std::vector<Cid>> put_many(NodeKind kind, std::span<const ByteView> contents);

  // The two halves of put_many(), for callers with several threads: the first does what takes long
  // (hashing, looking up, compressing), the second writes what is new. Where it is not overridden,
  // prepare() asks has_objects() what that is.
  virtual Result<std::unique_ptr<PreparedBlocks>> prepare(std::span<const ByteView> contents) const;
  virtual Status put_prepared(const PreparedBlocks& blocks) = 0;

 protected:
  // What a store implements besides put_prepared(). kNotFound: nobody has put it.
  virtual Result<Bytes> get_object(const ObjectId& id) const = 0;
  virtual Result<std::uint64_t> object_size(const ObjectId& id) const = 0;
  // As get_part(). Reads the whole object where it is not overridden.
  virtual Result<std::uint64_t> get_object_part(const ObjectId& id, std::uint64_t offset,
                                                std::span<std::byte> into) const;
  // In the order of `ids`.
  virtual Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const = 0;

  // Many at once: `ids` ascend and are distinct, and every one is visited. One by one where it is
  // not overridden.
  using ObjectVisitor = std::function<Status(const ObjectId& id, const Result<ByteView>& content)>;
  virtual Status get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const;

 private:
  friend class OverlayBlocks;
};

struct StoreBlocksOptions {
  Compression compression = {};      // Of what is put.
  Verify verify = Verify::kContent;  // Of what is read.
};

// The blocks of a packstore. Puts go into a batch that begins with the first of them; commit() ends
// it. Until then nothing of it can be read, and an object that is dropped leaves nothing visible
// but what follows.
//
// A batch has its rows in memory. So a put that makes it larger than kBatchObjectsMax or
// kBatchBytesMax commits it, and begins the next one before: no removal comes between them.
//
// A put that failed ends the batch, be it that the batch was full and could not be committed. What
// was put since the last full batch is lost then: every later call that writes returns the same
// error, until commit() has told it, too, and the next put begins anew.
class PACKSTORE_EXPORT StoreBlocks final : public BlockStore {
 public:
  static constexpr std::uint64_t kBatchObjectsMax = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kBatchBytesMax = std::uint64_t{4} << 30;

  // `store` must outlive the object.
  explicit StoreBlocks(Store& store, const StoreBlocksOptions& options = {})
      : store_(store), options_(options) {}

  Result<std::unique_ptr<PreparedBlocks>> prepare(
      std::span<const ByteView> contents) const override;
  Status put_prepared(const PreparedBlocks& blocks) override;

  // Moves a ref in commit(), never with a batch that was only full, so what it names is whole.
  // commit() has the errors of Refs::move() as well. Give it the kind of the CID: collection keeps
  // what a node links to, and a raw object links to nothing. kInvalidArgument: no name of a ref.
  Status move_ref(std::string_view name, const RefMove& step);

  // Makes everything that was put durable and visible, and moves the refs; the next put begins
  // anew. An error means that nothing that was put since the last full batch became visible, and
  // that no ref moved.
  Result<BatchReport> commit();

  // Unverified parts are.
  bool has_cheap_parts() const override { return options_.verify == Verify::kNone; }

 private:
  struct Prepared;
  Result<Bytes> get_object(const ObjectId& id) const override;
  Result<std::uint64_t> object_size(const ObjectId& id) const override;
  Result<std::uint64_t> get_object_part(const ObjectId& id, std::uint64_t offset,
                                        std::span<std::byte> into) const override;
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override;
  Status get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const override;
  Result<std::shared_ptr<Batch>> begin_if_none() const;
  Status commit_full();

  Store& store_;
  StoreBlocksOptions options_;
  mutable std::mutex mutex_;              // Guards batch_ and failed_: prepare() begins it, too.
  mutable std::shared_ptr<Batch> batch_;  // Also of a prepare() that runs while it is committed.
  std::optional<Error> failed_;           // Why what was put is lost, until commit() tells it.
  BatchReport committed_;                 // By batches that were full.
  std::vector<std::pair<std::string, RefMove>> ref_moves_;  // Of the commit().
};

// Blocks in memory.
class PACKSTORE_EXPORT MemoryBlocks final : public BlockStore {
 public:
  Status put_prepared(const PreparedBlocks& blocks) override;

  std::size_t block_count() const;

  bool has_cheap_parts() const override { return true; }

 private:
  Result<Bytes> get_object(const ObjectId& id) const override;
  Result<std::uint64_t> object_size(const ObjectId& id) const override;
  Result<std::uint64_t> get_object_part(const ObjectId& id, std::uint64_t offset,
                                        std::span<std::byte> into) const override;
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override;

  mutable std::mutex mutex_;
  std::unordered_map<ObjectId, Bytes> blocks_;
};

// One store above another: reads look into the upper one first, writes go to the upper one. What
// the lower one has is not written again, and is as durable as it is there: who has put objects
// kBuffered into a Store below calls its sync() first. Nor does anything keep it there: a batch of
// the upper store protects nothing from a collection or removal in a Store below, so what above
// relies on is kept by refs or pins of that.
class PACKSTORE_EXPORT OverlayBlocks final : public BlockStore {
 public:
  // Both must outlive the object.
  OverlayBlocks(BlockStore& upper, const BlockStore& lower) : upper_(upper), lower_(lower) {}

  Result<std::unique_ptr<PreparedBlocks>> prepare(
      std::span<const ByteView> contents) const override;
  Status put_prepared(const PreparedBlocks& blocks) override;

  bool has_cheap_parts() const override {
    return upper_.has_cheap_parts() && lower_.has_cheap_parts();
  }

 private:
  struct Prepared;
  Result<Bytes> get_object(const ObjectId& id) const override;
  Result<std::uint64_t> object_size(const ObjectId& id) const override;
  Result<std::uint64_t> get_object_part(const ObjectId& id, std::uint64_t offset,
                                        std::span<std::byte> into) const override;
  Result<std::vector<bool>> has_objects(std::span<const ObjectId> ids) const override;
  Status get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const override;

  BlockStore& upper_;
  const BlockStore& lower_;
};

}  // namespace packstore
