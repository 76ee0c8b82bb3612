// 1. Every put has two halves. prepare() hashes, looks up, and compresses what neither the batch
//    nor the store has; any thread may do it. The other half drops what has come meanwhile, and
//    appends the rest to the batch's pack. Nothing is visible.
// 2. commit() ends the group in the pack with a commit record, syncs once, and adds all rows in one
//    lazy index transaction. After a power cut that loses the rows, the commit record lets the next
//    opener find all of them again; without it, none count.
// 3. A batch that moves refs writes no commit record: its rows and refs become visible and durable
//    together, in one durable transaction.
#include "packstore/batch.h"

#include <algorithm>
#include <atomic>
#include <bitset>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/mistake.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "io/lock.h"
#include "store/collection_watch.h"
#include "store/file_source.h"
#include "store/lookup.h"
#include "store/pack_files.h"
#include "store/pack_writer.h"
#include "store/put.h"
#include "store/ref_moves.h"
#include "store/release.h"
#include "store/row_table.h"
#include "store/sessions.h"
#include "store/store_core.h"

namespace packstore {
namespace {

// A slice is hashed side by side, looked up in one pass and appended in one write. 16 objects of
// 1 MiB keep all lanes of the widest hash busy.
constexpr std::size_t kSliceObjects = 256;
constexpr std::uint64_t kSliceBytes = 16 << 20;
// Streams up to this length are kept in memory; longer ones pass through the sandbox.
constexpr std::size_t kStreamBytesInMemory = 4 << 20;

struct RefStep {
  std::string name;
  RefMove step;
};

}  // namespace

struct PreparedPut::State {
  std::uint64_t batch = 0;  // The number of the batch that prepared it.
  std::vector<ByteView> contents;
  std::vector<ObjectId> ids;
  std::vector<store::Presence> presence;
  // Both empty where nothing is to be compressed.
  std::vector<Bytes> encoded;
  std::vector<Codec> codecs;
};

class Batch::Impl {
 public:
  Impl(store::StoreCore& core, const BatchOptions& options, io::HeldLock session)
      : core_(core), options_(options), session_(std::move(session)) {}

  const Compression& compression() const { return options_.compression; }

  const BatchReport& report() const { return report_; }

  Result<ObjectId> put(ByteView content, const Compression& compression) {
    RETURN_IF_ERROR(compression.check());
    ASSIGN_OR_RETURN(const PreparedPut prepared, prepare_own({&content, 1}, compression));
    RETURN_IF_ERROR(put(*prepared.state_));
    return prepared.ids().front();
  }

  // Any thread.
  Result<PreparedPut> prepare(std::span<const ByteView> contents,
                              const Compression& compression) const {
    auto state = std::make_unique<PreparedPut::State>();
    state->batch = number_;
    state->contents.assign(contents.begin(), contents.end());
    state->ids.resize(contents.size());
    if (contents.size() == 1) {
      state->ids.front() = hash::sha256(contents.front());
    } else {
      hash::sha256_many(contents, state->ids);
    }
    ASSIGN_OR_RETURN(state->presence, find_copies(state->ids));
    if (compression.codec != Codec::kNone) RETURN_IF_ERROR(encode_new(*state, compression));
    return PreparedPut(std::move(state));
  }

  Status put(const PreparedPut::State& prepared) {
    RETURN_IF_ERROR(check_alive());
    if (prepared.batch != number_) {
      // What another batch found in the store is not kept there by the session of this one.
      ASSIGN_OR_RETURN(const PreparedPut own, prepare_own(prepared.contents, options_.compression));
      return put(*own.state_);
    }
    return remember(put_prepared(prepared));
  }

  Result<ObjectId> put(ByteSource& source) {
    RETURN_IF_ERROR(check_alive());
    stream_buffer_.resize(kStreamBytesInMemory);
    ASSIGN_OR_RETURN(const std::size_t count, store::fill(source, stream_buffer_));
    if (count < stream_buffer_.size()) {
      return put(ByteView(stream_buffer_).first(count), options_.compression);
    }
    Result<ObjectId> id = put_spooled(source, stream_buffer_);
    if (!id) return remember(id.error()).error();
    return id;
  }

  Result<std::vector<ObjectId>> put_many(std::span<const ByteView> contents) {
    RETURN_IF_ERROR(check_alive());
    std::vector<ObjectId> ids(contents.size());
    for (std::size_t first = 0; first < contents.size();) {
      std::size_t count = 0;
      for (std::uint64_t bytes = 0; first + count < contents.size() && count < kSliceObjects;
           ++count) {
        bytes += contents[first + count].size();
        if (count != 0 && bytes > kSliceBytes) break;
      }
      ASSIGN_OR_RETURN(const PreparedPut prepared,
                       prepare_own(contents.subspan(first, count), options_.compression));
      RETURN_IF_ERROR(put(*prepared.state_));
      std::copy(prepared.ids().begin(), prepared.ids().end(),
                ids.begin() + static_cast<std::ptrdiff_t>(first));
      first += count;
    }
    return ids;
  }

  Status move_ref(std::string_view name, const RefMove& step) {
    RETURN_IF_ERROR(check_alive());
    RETURN_IF_ERROR(store::check_ref_move(name, step));
    ref_steps_.push_back({std::string(name), step});
    return {};
  }

  Result<BatchReport> commit() {
    RETURN_IF_ERROR(check_alive());
    // The target of a ref may be an object that was put kBuffered.
    if (!ref_steps_.empty()) RETURN_IF_ERROR(core_.packed_puts.publish());
    // Duplicates were found in the store; they have to be as durable as what is new.
    for (const ObjectId& id : loose_duplicates_) RETURN_IF_ERROR(core_.loose.make_durable(id));
    Status committed = commit_rows();
    if (!committed) return remember(std::move(committed)).error();
    dead_ = Error{ErrorCode::kInvalidArgument, "this batch is committed already"};
    writer_.reset();
    session_.reset();
    store::try_releases(core_);
    return report_;
  }

 private:
  Status check_alive() const { return dead_ ? Status(*dead_) : core_.check_home(); }

  // Where an error is the end of the batch.
  Result<PreparedPut> prepare_own(std::span<const ByteView> contents,
                                  const Compression& compression) {
    Result<PreparedPut> prepared = prepare(contents, compression);
    if (!prepared) return remember(prepared.error()).error();
    return prepared;
  }

  // A batch that failed stays failed: its pack is not what its rows say, or it would commit some of
  // what it was given.
  Status remember(Status status) {
    if (!status && !dead_ && !makes(Mistake::kGoOnAfterFailure)) {
      dead_ = status.error();
      writer_.reset();
    }
    return status;
  }

  // Where the store has copies that the commit can rely on.
  Result<std::vector<store::Presence>> find_copies(std::span<const ObjectId> ids) const {
    ASSIGN_OR_RETURN(std::vector<store::Presence> copies, store::find_presence(core_, ids));
    // What waits may be lost with a sync of somebody else: the batch brings a copy of its own.
    std::replace(copies.begin(), copies.end(), store::Presence::kWaiting, store::Presence::kAbsent);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (copies[i] != store::Presence::kLoose) continue;
      ASSIGN_OR_RETURN(const bool whole, store::has_whole_loose_copy(core_, ids[i]));
      if (!whole) copies[i] = store::Presence::kAbsent;
    }
    return copies;
  }

  // What an earlier put of this batch has brought is not worth compressing either.
  Status encode_new(PreparedPut::State& prepared, const Compression& compression) const {
    prepared.encoded.resize(prepared.ids.size());
    prepared.codecs.resize(prepared.ids.size(), Codec::kNone);
    {
      const std::scoped_lock lock(rows_mutex_);
      for (std::size_t i = 0; i < prepared.ids.size(); ++i) {
        if (rows_.contains(prepared.ids[i])) prepared.presence[i] = store::Presence::kPacked;
      }
    }
    for (std::size_t i = 0; i < prepared.ids.size(); ++i) {
      if (prepared.presence[i] != store::Presence::kAbsent) continue;
      ASSIGN_OR_RETURN(prepared.codecs[i],
                       codec::encode(prepared.contents[i], compression, prepared.encoded[i]));
    }
    return {};
  }

  Status put_prepared(const PreparedPut::State& prepared) {
    std::vector<store::EncodedObject> objects;
    store::RowTable in_slice;
    for (std::size_t i = 0; i < prepared.ids.size(); ++i) {
      const ObjectId& id = prepared.ids[i];
      if (is_duplicate(id, prepared.presence[i]) || in_slice.contains(id)) {
        ++report_.duplicates;
        continue;
      }
      in_slice.add({id, {}});
      store::EncodedObject object{
          .id = id, .size = prepared.contents[i].size(), .stored = prepared.contents[i]};
      if (!prepared.codecs.empty() && prepared.codecs[i] != Codec::kNone) {
        object.codec = prepared.codecs[i];
        object.stored = prepared.encoded[i];
      }
      objects.push_back(object);
    }
    return append(objects);
  }

  bool is_duplicate(const ObjectId& id, store::Presence presence) {
    if (rows_.contains(id)) return true;
    if (presence == store::Presence::kPacked) {
      found_.push_back(id);
      return true;
    }
    if (presence == store::Presence::kAbsent) return false;
    // A loose copy that an interrupted removal will unlink is no copy.
    if (!pending_unlinks_known_) {
      const auto pending = core_.index->pending_unlinks();
      if (!pending) return false;
      pending_unlinks_ = *pending;
      pending_unlinks_known_ = true;
    }
    if (std::binary_search(pending_unlinks_.begin(), pending_unlinks_.end(), id)) return false;
    // One id a shard is enough to make the names in it durable.
    const auto shard = std::to_integer<std::size_t>(id.bytes[0]);
    if (!loose_shards_[shard]) loose_duplicates_.push_back(id);
    loose_shards_[shard] = true;
    found_.push_back(id);
    return true;
  }

  Status append(std::span<const store::EncodedObject> objects) {
    if (objects.empty()) return {};
    RETURN_IF_ERROR(ensure_writer());
    std::vector<index::ObjectRow> rows;
    rows.reserve(objects.size());
    RETURN_IF_ERROR(writer_->append(objects, format::PackRecord::Kind::kObject, rows));
    for (const index::ObjectRow& row : rows) count(row);
    return {};
  }

  Status ensure_writer() {
    if (writer_) return {};
    ASSIGN_OR_RETURN(writer_, store::PackWriter::begin(core_, store::PackWriter::Choice::kAny));
    return {};
  }

  void count(const index::ObjectRow& row) {
    {
      const std::scoped_lock lock(rows_mutex_);
      rows_.add(row);
    }
    ++report_.objects;
    report_.content_bytes += row.at.size;
    report_.stored_bytes += store::record_bytes(row.at);
  }

  // The rest of a long stream, `front` before it: the id has to be known before the pack is
  // touched.
  Result<ObjectId> put_spooled(ByteSource& source, std::span<std::byte> front) {
    ASSIGN_OR_RETURN(store::SandboxFile spool, core_.sandbox.create());
    hash::Sha256 hasher;
    std::uint64_t size = 0;
    for (std::size_t count = front.size(); count != 0;) {
      const ByteView part = ByteView(front).first(count);
      hasher.update(part);
      RETURN_IF_ERROR(spool.file().write_at(size, part));
      size += count;
      ASSIGN_OR_RETURN(count, store::fill(source, front));
    }
    const ObjectId id = hasher.finish();
    ASSIGN_OR_RETURN(const auto presence, find_copies({&id, 1}));
    if (is_duplicate(id, presence.front())) {
      ++report_.duplicates;
      return id;
    }
    RETURN_IF_ERROR(ensure_writer());
    const auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      return std::unique_ptr<ByteSource>(
          std::make_unique<store::FileSource>(spool.file(), 0, size));
    };
    ASSIGN_OR_RETURN(const index::ObjectRow row,
                     writer_->append_content(id, size, open, options_.compression));
    count(row);
    return id;
  }

  std::vector<index::ObjectRow> take_rows() {
    const std::scoped_lock lock(rows_mutex_);
    return rows_.take_rows();
  }

  Status commit_rows() {
    RETURN_IF_ERROR(core_.index->check_writable());
    const bool moves_refs = !ref_steps_.empty();
    ASSIGN_OR_RETURN(const bool releases_wait, store::has_releases(core_));
    const bool keeps = !found_.empty() && (releases_wait || store::is_collecting(core_));
    if (rows_.empty() && !moves_refs && !keeps) return {};
    if (!rows_.empty()) {
      if (!moves_refs) RETURN_IF_ERROR(writer_->append_commit());
      RETURN_IF_ERROR(writer_->sync());
    }
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(moves_refs || releases_wait
                                                                    ? index::CommitSync::kDurable
                                                                    : index::CommitSync::kLazy));
    if (!rows_.empty()) {
      std::vector<index::ObjectRow> rows = take_rows();
      std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
      RETURN_IF_ERROR(writer_->add_rows(*transaction, rows));
    }
    // Until now the session has kept what was found; from the commit on the note does.
    if (keeps) RETURN_IF_ERROR(keep_found(*transaction));
    for (const RefStep& move : ref_steps_) {
      RETURN_IF_ERROR(store::apply_ref_move(core_, *transaction, move.name, move.step));
    }
    return writer_ ? writer_->commit(*transaction) : transaction->commit();
  }

  Status keep_found(index::WriteTransaction& transaction) {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    for (const ObjectId& id : found_) RETURN_IF_ERROR(transaction.keep(id));
    return {};
  }

  // Distinguishes the batches of this process.
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  store::StoreCore& core_;
  const BatchOptions options_;
  const std::uint64_t number_ = next_number();
  std::optional<io::HeldLock> session_;  // Until the commit.
  std::unique_ptr<store::PackWriter> writer_;
  store::RowTable rows_;           // Changed by the thread that puts,
  mutable std::mutex rows_mutex_;  // under this, because others look while they prepare.
  std::vector<RefStep> ref_steps_;
  std::vector<ObjectId> found_;  // Duplicates in the store.
  std::vector<ObjectId> loose_duplicates_;
  std::bitset<256> loose_shards_;
  std::vector<ObjectId> pending_unlinks_;
  bool pending_unlinks_known_ = false;
  BatchReport report_;
  Bytes stream_buffer_;
  std::optional<Error> dead_;
};

PreparedPut::PreparedPut(std::unique_ptr<State> state) : state_(std::move(state)) {}
PreparedPut::PreparedPut(PreparedPut&&) noexcept = default;
PreparedPut& PreparedPut::operator=(PreparedPut&&) noexcept = default;
PreparedPut::~PreparedPut() = default;

std::span<const ObjectId> PreparedPut::ids() const { return state_->ids; }

Batch::Batch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

Result<Batch> Batch::begin(store::StoreCore& core, const BatchOptions& options) {
  RETURN_IF_ERROR(core.begin_writing());
  RETURN_IF_ERROR(options.compression.check());
  ASSIGN_OR_RETURN(io::HeldLock session, store::begin_session(*core.locks, "batch"));
  return Batch(std::make_unique<Impl>(core, options, std::move(session)));
}

Result<ObjectId> Batch::put(ByteView content) { return impl_->put(content, impl_->compression()); }
Result<ObjectId> Batch::put(ByteView content, const Compression& compression) {
  return impl_->put(content, compression);
}
Result<ObjectId> Batch::put(ByteSource& source) { return impl_->put(source); }
Result<std::vector<ObjectId>> Batch::put_many(std::span<const ByteView> contents) {
  return impl_->put_many(contents);
}
Result<PreparedPut> Batch::prepare(std::span<const ByteView> contents) const {
  return impl_->prepare(contents, impl_->compression());
}
Status Batch::put(PreparedPut prepared) { return impl_->put(*prepared.state_); }
const BatchReport& Batch::report() const { return impl_->report(); }
Status Batch::move_ref(std::string_view name, const RefMove& step) {
  return impl_->move_ref(name, step);
}
Result<BatchReport> Batch::commit() { return impl_->commit(); }

}  // namespace packstore
