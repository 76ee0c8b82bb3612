// 1. A putting thread encodes its object and joins the group that gathers, or begins one and leads
//    it. A group gathers until its leader has the turn to write.
// 2. The leader appends the group in one write, syncs the pack once, and commits the rows lazily: a
//    put costs one flush, or a share of one.
// 3. It gives the turn to the next leader first, who has a disk to keep busy, and then wakes the
//    threads of its group with one call. Nobody is woken for nothing.
// 4. A buffered object is appended only; its row waits here, readable through this store, for the
//    next sync().
// 5. What fails loses all that waits. The thread that met it hears it at once; losses are counted,
//    so that sync() tells every other thread that relies on it as well.
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

// Objects of several threads, one of which writes them for all; it and those who wait own the
// group.
struct PackedPuts::Group {
  Status wait() {
    std::unique_lock lock(mutex);
    ended.wait(lock, [&] { return result.has_value(); });
    return *result;
  }
  void end(const Status& status) {
    {
      const std::lock_guard lock(mutex);
      result = status;
    }
    ended.notify_all();
  }

  // Guarded by the mutex of PackedPuts while the group gathers; the leader's from then on.
  std::vector<EncodedObject> objects;
  Durability durability = Durability::kBuffered;  // The strictest of all.

  std::mutex mutex;  // Guards result.
  std::condition_variable ended;
  std::optional<Status> result;
};

// Whoever has the turn writes the pack; one thread at a time.
class PackedPuts::Turn {
 public:
  explicit Turn(PackedPuts& puts) : puts_(puts) {
    std::unique_lock lock(puts_.mutex_);
    puts_.free_.wait(lock, [&] { return !puts_.writing_; });
    puts_.writing_ = true;
  }
  ~Turn() {
    {
      const std::lock_guard lock(puts_.mutex_);
      puts_.writing_ = false;
    }
    puts_.free_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  PackedPuts& puts_;
};

PackedPuts::~PackedPuts() {
  // Best effort: whoever needs buffered objects to be durable has called sync().
  static_cast<void>(release().has_value());
}

Status PackedPuts::put(const ObjectId& id, ByteView content, const PutOptions& options) {
  Bytes encoded;
  ASSIGN_OR_RETURN(const Codec codec, codec::encode(content, options.compression, encoded));
  const EncodedObject object{.id = id,
                             .size = content.size(),
                             .codec = codec,
                             .stored = codec == Codec::kNone ? content : ByteView(encoded)};
  const auto [group, leads] = join(object, options.durability);
  return leads ? lead(*group) : group->wait();
}

PackedPuts::Membership PackedPuts::join(const EncodedObject& object, Durability durability) {
  const std::lock_guard lock(mutex_);
  const bool leads = !gathering_ || gathering_->objects.size() == kGroupMax;
  if (leads) gathering_ = std::make_shared<Group>();
  gathering_->objects.push_back(object);
  if (durability == Durability::kSynced) gathering_->durability = durability;
  return {gathering_, leads};
}

Status PackedPuts::lead(Group& group) {
  Status written;
  {
    const Turn turn(*this);
    stop_gathering(group);
    written = write_group(group);
    if (!written) lose_waiting(written.error());
  }
  group.end(written);
  return written;
}

void PackedPuts::stop_gathering(const Group& group) {
  const std::lock_guard lock(mutex_);
  if (gathering_.get() == &group) gathering_.reset();
}

Status PackedPuts::write_group(const Group& group) {
  if (writer_ && writer_->is_full()) {
    RETURN_IF_ERROR(publish_with({}));
    writer_.reset();
  }
  if (!writer_) {
    ASSIGN_OR_RETURN(writer_, PackWriter::begin(core_, PackWriter::Choice::kAny));
  }
  std::vector<EncodedObject> objects;
  std::unordered_set<ObjectId> ids;
  for (const EncodedObject& object : group.objects) {
    // Two threads may put the same content at once: it is written once.
    const bool first = ids.insert(object.id).second;
    if (first && !find_waiting(object.id)) objects.push_back(object);
  }
  std::vector<index::ObjectRow> rows;
  RETURN_IF_ERROR(writer_->append(objects, format::PackRecord::Kind::kSingle, rows));
  const bool is_synced = group.durability == Durability::kSynced;
  if (is_synced && !makes(Mistake::kAcknowledgeBeforeCommit)) return publish_with(std::move(rows));
  const std::lock_guard lock(waiting_mutex_);
  for (const index::ObjectRow& row : rows) waiting_.emplace(row.id, row);
  waiting_count_.store(waiting_.size(), std::memory_order_release);
  return {};
}

// Syncs the pack, and commits `rows` together with all that wait.
Status PackedPuts::publish_with(std::vector<index::ObjectRow> rows) {
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
// buffered there, which sync() has to report to whoever calls it.
void PackedPuts::lose_waiting(const Error& error) {
  const std::size_t count = waiting_count_.load(std::memory_order_acquire);
  if (count != 0) {
    ++losses_;
    latest_loss_ = fail(error.code, "lost {} buffered objects: {}", count, error.message);
  }
  forget_waiting();
  writer_.reset();
}

Status PackedPuts::publish_waiting() {
  Status published = publish_with({});
  if (!published) lose_waiting(published.error());
  return published;
}

Status PackedPuts::sync() {
  const Turn turn(*this);
  Status published = publish_waiting();
  if (losses_ == 0) return published;
  std::uint64_t& told = losses_told_[std::this_thread::get_id()];
  if (std::exchange(told, losses_) == losses_) return published;
  return *latest_loss_;  // Its own failure, if it has one.
}

Status PackedPuts::publish() {
  const Turn turn(*this);
  return publish_waiting();
}

Status PackedPuts::release() {
  const Turn turn(*this);
  Status published = publish_waiting();
  writer_.reset();
  return published;
}

std::optional<index::ObjectRow> PackedPuts::find_waiting(const ObjectId& id) const {
  if (waiting_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard lock(waiting_mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return std::nullopt;
  return found->second;
}

}  // namespace packstore::store
