#include <optional>
#include <utility>

#include "base/error.h"
#include "packstore/block_store.h"
#include "packstore/store.h"
#include "store/ref_moves.h"

namespace packstore {
namespace {

void add(BatchReport& sum, const BatchReport& more) {
  sum.objects += more.objects;
  sum.duplicates += more.duplicates;
  sum.content_bytes += more.content_bytes;
  sum.stored_bytes += more.stored_bytes;
}

}  // namespace

struct StoreBlocks::Prepared final : PreparedBlocks {
  explicit Prepared(PreparedPut prepared) : put(std::move(prepared)) {}
  mutable PreparedPut put;  // Used up by the put.
};

Result<std::unique_ptr<PreparedBlocks>> StoreBlocks::prepare(
    std::span<const ByteView> contents) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<Batch> batch, begin_if_none());
  ASSIGN_OR_RETURN(PreparedPut put, batch->prepare(contents));
  auto blocks = std::make_unique<Prepared>(std::move(put));
  blocks->names.assign(blocks->put.ids().begin(), blocks->put.ids().end());
  return std::unique_ptr<PreparedBlocks>(std::move(blocks));
}

Status StoreBlocks::put_prepared(const PreparedBlocks& blocks) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Batch> batch, begin_if_none());
  Status put = batch->put(std::move(static_cast<const Prepared&>(blocks).put));
  const BatchReport& report = batch->report();
  const bool is_full = report.objects >= kBatchObjectsMax || report.stored_bytes >= kBatchBytesMax;
  if (put && is_full) put = commit_full();
  if (!put) {
    const std::scoped_lock lock(mutex_);
    failed_ = put.error();
    batch_.reset();
  }
  return put;
}

Status StoreBlocks::move_ref(std::string_view name, const RefMove& step) {
  // From now on the batch keeps what the ref is to name.
  RETURN_IF_ERROR(begin_if_none());
  RETURN_IF_ERROR(store::check_ref_name(name));
  ref_moves_.emplace_back(name, step);
  return {};
}

Result<BatchReport> StoreBlocks::commit() {
  std::shared_ptr<Batch> batch;
  std::optional<Error> failed;
  {
    const std::scoped_lock lock(mutex_);
    batch = std::exchange(batch_, nullptr);
    failed = std::exchange(failed_, std::nullopt);
  }
  BatchReport report = std::exchange(committed_, {});
  const auto ref_moves = std::exchange(ref_moves_, {});
  if (failed) return *std::move(failed);
  if (!batch) return report;
  for (const auto& [name, step] : ref_moves) RETURN_IF_ERROR(batch->move_ref(name, step));
  ASSIGN_OR_RETURN(const BatchReport last, batch->commit());
  add(report, last);
  return report;
}

Result<std::shared_ptr<Batch>> StoreBlocks::begin_if_none() const {
  const std::scoped_lock lock(mutex_);
  if (failed_) return *failed_;
  if (!batch_) {
    ASSIGN_OR_RETURN(Batch batch, store_.begin_batch({.compression = options_.compression}));
    batch_ = std::make_shared<Batch>(std::move(batch));
  }
  return batch_;
}

// The next batch begins before this one ends: it holds the session, and removal waits for both.
Status StoreBlocks::commit_full() {
  ASSIGN_OR_RETURN(Batch next, store_.begin_batch({.compression = options_.compression}));
  std::shared_ptr<Batch> full = std::make_shared<Batch>(std::move(next));
  {
    const std::scoped_lock lock(mutex_);
    std::swap(full, batch_);
  }
  ASSIGN_OR_RETURN(const BatchReport report, full->commit());
  add(committed_, report);
  return {};
}

Result<Bytes> StoreBlocks::get_object(const ObjectId& id) const {
  return store_.get(id, {.verify = options_.verify});
}

Result<std::uint64_t> StoreBlocks::get_object_part(const ObjectId& id, std::uint64_t offset,
                                                   std::span<std::byte> into) const {
  return store_.get_part(id, offset, into, {.verify = options_.verify});
}

Result<std::uint64_t> StoreBlocks::object_size(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const ObjectInfo info, store_.info(id));
  return info.size;
}

Result<std::vector<bool>> StoreBlocks::has_objects(std::span<const ObjectId> ids) const {
  return store_.contains(ids);
}

Status StoreBlocks::get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const {
  return store_.read_many(ids, visit, {.verify = options_.verify});
}

}  // namespace packstore
