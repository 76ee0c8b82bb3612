// 1. A putting thread encodes its object and queues it.
// 2. The thread that finds nobody committing becomes the leader: it takes the whole queue, appends
//    it in one write, syncs the pack once, commits the rows lazily, and wakes the others and the
//    first of the threads that arrived meanwhile, which form the next group. So a put costs one
//    flush, or a share of one, and nobody is woken for nothing.
// 3. A buffered object is appended only; its row waits here, readable through this store, for the
//    next sync().
#include "store/packed_puts.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/mistake.h"
#include "codec/codec.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// A group stays small enough that its first member does not wait long for its last.
constexpr std::size_t kGroupMax = 256;

}  // namespace

struct PackedPuts::Request {
  EncodedObject object;
  Durability durability = Durability::kSynced;
  Status status;
  bool done = false;
  std::condition_variable changed;  // It is done, or nobody leads and it is the first.
};

// Whoever holds the lead writes the pack; one thread at a time.
class PackedPuts::Lead {
 public:
  // Waits until nobody leads.
  explicit Lead(PackedPuts& puts) : puts_(puts), lock_(puts.mutex_) {
    puts_.free_.wait(lock_, [&] { return !puts_.leading_; });
    take();
  }
  // Takes the lead from a thread that holds the mutex and has seen that nobody leads.
  Lead(PackedPuts& puts, std::unique_lock<std::mutex> lock) : puts_(puts), lock_(std::move(lock)) {
    take();
  }
  ~Lead() {
    if (!lock_.owns_lock()) lock_.lock();
    puts_.leading_ = false;
    puts_.free_.notify_one();
    if (!puts_.queue_.empty()) puts_.queue_.front()->changed.notify_one();
  }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;

 private:
  void take() {
    puts_.leading_ = true;
    lock_.unlock();
  }

  PackedPuts& puts_;
  std::unique_lock<std::mutex> lock_;
};

PackedPuts::~PackedPuts() {
  // Best effort: whoever needs buffered objects to be durable has called sync().
  static_cast<void>(release().has_value());
}

Status PackedPuts::put(const ObjectId& id, ByteView content, const PutOptions& options) {
  Bytes encoded;
  ASSIGN_OR_RETURN(const Codec codec, codec::encode(content, options.compression, encoded));
  Request request{.object = {.id = id,
                             .size = content.size(),
                             .codec = codec,
                             .stored = codec == Codec::kNone ? content : ByteView(encoded)},
                  .durability = options.durability,
                  .status = {},
                  .changed = {}};
  enqueue_and_wait(request);
  return std::move(request.status);
}

void PackedPuts::enqueue_and_wait(Request& request) {
  std::unique_lock lock(mutex_);
  queue_.push_back(&request);
  while (!request.done) {
    if (leading_) {
      request.changed.wait(lock);
      continue;
    }
    const std::size_t count = std::min(queue_.size(), kGroupMax);
    const auto group_end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Request*> group(queue_.begin(), group_end);
    queue_.erase(queue_.begin(), group_end);
    {
      const Lead lead(*this, std::move(lock));
      commit_group(group);
      const std::lock_guard done(mutex_);
      for (Request* member : group) {
        member->done = true;
        member->changed.notify_one();
      }
    }
    lock = std::unique_lock(mutex_);
  }
}

void PackedPuts::commit_group(std::vector<Request*>& group) {
  const Status written = write_group(group);
  if (written) return;
  for (Request* request : group) request->status = written;
  lose_waiting(written.error());
}

Status PackedPuts::write_group(std::vector<Request*>& group) {
  if (writer_ && writer_->is_full()) {
    RETURN_IF_ERROR(publish({}));
    writer_.reset();
  }
  if (!writer_) {
    ASSIGN_OR_RETURN(writer_, PackWriter::begin(core_, PackWriter::Choice::kAny));
  }
  std::vector<EncodedObject> objects;
  std::unordered_set<ObjectId> ids;
  bool synced = false;
  for (const Request* request : group) {
    synced = synced || request->durability == Durability::kSynced;
    // Two threads may put the same content at once: it is written once.
    const bool first = ids.insert(request->object.id).second;
    if (first && !find_waiting(request->object.id)) objects.push_back(request->object);
  }
  std::vector<index::ObjectRow> rows;
  RETURN_IF_ERROR(writer_->append(objects, format::PackRecord::Kind::kSingle, rows));
  if (synced && !makes(Mistake::kAcknowledgeBeforeCommit)) return publish(std::move(rows));
  const std::lock_guard lock(waiting_mutex_);
  for (const index::ObjectRow& row : rows) waiting_.emplace(row.id, row);
  waiting_count_.store(waiting_.size(), std::memory_order_release);
  return {};
}

// Syncs the pack, and commits `rows` together with all that wait.
Status PackedPuts::publish(std::vector<index::ObjectRow> rows) {
  {
    const std::lock_guard lock(waiting_mutex_);
    for (const auto& [id, row] : waiting_) rows.push_back(row);
  }
  if (rows.empty()) return {};
  RETURN_IF_ERROR(writer_->sync());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kLazy));
  RETURN_IF_ERROR(writer_->add_rows(*transaction, rows));
  RETURN_IF_ERROR(writer_->commit(*transaction));
  forget_waiting();
  return {};
}

void PackedPuts::forget_waiting() {
  const std::lock_guard lock(waiting_mutex_);
  waiting_.clear();
  waiting_count_.store(0, std::memory_order_release);
}

// After a failure nobody knows what the pack holds: the writer is given up, and with it what was
// buffered there, which the next sync() has to report.
void PackedPuts::lose_waiting(const Error& error) {
  if (waiting_count_.load(std::memory_order_acquire) != 0) lost_ = error;
  forget_waiting();
  writer_.reset();
}

Status PackedPuts::sync_as_leader() {
  if (const auto lost = std::exchange(lost_, std::nullopt)) return *lost;
  if (waiting_count_.load(std::memory_order_acquire) == 0) return {};
  Status published = publish({});
  if (published) return published;
  lose_waiting(published.error());
  lost_.reset();  // Reported right here.
  return published;
}

Status PackedPuts::sync() {
  const Lead lead(*this);
  return sync_as_leader();
}

Status PackedPuts::release() {
  const Lead lead(*this);
  Status synced = sync_as_leader();
  writer_.reset();
  return synced;
}

std::optional<index::ObjectRow> PackedPuts::find_waiting(const ObjectId& id) const {
  if (waiting_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard lock(waiting_mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return std::nullopt;
  return found->second;
}

}  // namespace packstore::store
