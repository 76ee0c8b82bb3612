// Many objects straight into a pack, with one sync and one index commit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/compression.h"
#include "packstore/export.h"
#include "packstore/object_id.h"
#include "packstore/refs.h"
#include "packstore/result.h"

namespace packstore {

struct BatchOptions {
  // For every object of the batch, unless the put names another.
  Compression compression = {};
};

struct BatchReport {
  std::uint64_t objects = 0;        // Newly stored by this batch.
  std::uint64_t duplicates = 0;     // Puts that found their object in the batch or in the store.
  std::uint64_t content_bytes = 0;  // Content of the new objects.
  std::uint64_t stored_bytes = 0;   // What they take in the packs, headers included.
};

// Contents on their way into a batch: hashed, looked up and compressed, but not written. A loan:
// the contents must stay where they are until the put.
class PACKSTORE_EXPORT PreparedPut {
 public:
  PreparedPut(PreparedPut&&) noexcept;
  PreparedPut& operator=(PreparedPut&&) noexcept;
  ~PreparedPut();

  // In the order of the contents.
  std::span<const ObjectId> ids() const;

 private:
  friend class Batch;
  struct State;
  explicit PreparedPut(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One writer's exclusive use of one open pack. Other batches, in any process, use other packs and
// go on beside it. Nothing of a batch is visible before commit(), everything is after it, and a
// batch that is dropped or whose process dies leaves nothing visible, a power cut included.
//
// Objects that the batch or the store already has are not written again; a damaged loose copy is
// none, nor is one that is only buffered. While a batch is open,
// MaintenanceLock::remove() waits for it, so what it found is still there when it commits. A batch
// that begins meanwhile waits for that removal, a second at most.
//
// A put that failed, whatever the disk or the index said, ends the batch: every later call returns
// the same error.
//
// Thread safety: one thread at a time, except for prepare().
class PACKSTORE_EXPORT Batch {
 public:
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  Result<ObjectId> put(ByteView content);
  Result<ObjectId> put(ByteView content, const Compression& compression);

  // Any size in bounded memory; what does not fit into 4 MiB passes through the sandbox.
  Result<ObjectId> put(ByteSource& source);

  // The ids in the order of `contents`. Hashes the buffers together, several times as fast as one
  // by one where the multi-buffer library is present.
  Result<std::vector<ObjectId>> put_many(std::span<const ByteView> contents);

  // The two halves of put_many(). The first does what takes long and may be called by any thread,
  // also while another one puts; the second writes what is new. What another batch has prepared is
  // prepared again.
  Result<PreparedPut> prepare(std::span<const ByteView> contents) const;
  Status put(PreparedPut prepared);

  // So far; commit() returns the same.
  const BatchReport& report() const;

  // Moves `name` in the same commit; may point at objects of this batch. Checked by commit(), with
  // the errors of Refs::move(), and then nothing of the batch is visible.
  Status move_ref(std::string_view name, const RefMove& step);

  // Makes everything durable and visible. The batch is used up.
  Result<BatchReport> commit();

  // How Store::begin_batch() makes one.
  static Result<Batch> begin(store::StoreCore& core, const BatchOptions& options);

 private:
  class Impl;
  explicit Batch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace packstore
