// Names are looked up in what a program sees; every change asks begin_step() first how it goes.
#include "crash/sim_disk.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "crash/sim_vfs.h"

namespace packstore::crash {
namespace {

// The components of an absolute path.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

class SimCounter final : public io::SharedCounter {
 public:
  explicit SimCounter(std::atomic<std::uint64_t>& value) : value_(value) {}

 private:
  std::atomic<std::uint64_t>& value() const override { return value_; }
  std::atomic<std::uint64_t>& value_;
};

}  // namespace

class SimDirectory final : public io::Directory {
 public:
  SimDirectory(SimDisk& disk, NodeId node, std::string path)
      : disk_(disk), node_(node), handle_(disk.next_handle_++), path_(std::move(path)) {}
  ~SimDirectory() override {
    if (!locked_) return;
    const std::lock_guard lock(disk_.mutex_);
    disk_.locks_[node_].erase(handle_);
  }

  Result<std::unique_ptr<io::Directory>> open_directory(std::string_view name) const override {
    ASSIGN_OR_RETURN(auto found, find_directory(name));
    if (!found) return absent(name);
    return std::move(*found);
  }
  Result<std::unique_ptr<io::File>> open_file(std::string_view name,
                                              io::OpenMode mode) const override {
    ASSIGN_OR_RETURN(auto found, find_file(name, mode));
    if (!found) return absent(name);
    return std::move(*found);
  }
  Result<std::optional<std::unique_ptr<io::Directory>>> find_directory(
      std::string_view name) const override {
    using Found = std::optional<std::unique_ptr<io::Directory>>;
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry) return Found();
    if (!entry->is_directory)
      return packstore::fail(ErrorCode::kCorrupt, "{}: a file", path_of(name));
    return Found(std::make_unique<SimDirectory>(disk_, entry->node, path_of(name)));
  }
  Result<std::optional<std::unique_ptr<io::File>>> find_file(std::string_view name,
                                                             io::OpenMode) const override {
    using Found = std::optional<std::unique_ptr<io::File>>;
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.watcher_) disk_.watcher_(name);
    const std::optional<Entry> entry = find(name);
    if (!entry) return Found();
    if (entry->is_directory) {
      return packstore::fail(ErrorCode::kCorrupt, "{}: a directory", path_of(name));
    }
    return Found(std::make_unique<SimFile>(disk_, entry->node, path_of(name)));
  }

  Status create_directory(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (find(name)) return taken(name);
    const SimDisk::Verdict verdict = disk_.begin_step("mkdir", path_, name);
    if (verdict.happens) set(name, Entry{disk_.state_.make_directory(), true});
    return verdict.answer;
  }
  Result<std::unique_ptr<io::File>> create_file(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (find(name)) return taken(name);
    const SimDisk::Verdict verdict = disk_.begin_step("create", path_, name);
    if (verdict.happens) {
      // The lock files of a store have a directory of their own.
      set(name, Entry{disk_.state_.make_file({.is_lock = path_.ends_with("/locks")}), false});
    }
    if (!verdict.answer) return verdict.answer.error();
    return open_file(name, io::OpenMode::kReadWrite);
  }
  Status rename(std::string_view name, const io::Directory& to,
                std::string_view to_name) const override {
    const auto& target = dynamic_cast<const SimDirectory&>(to);
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry) return absent(name);
    const std::optional<Entry> replaced = target.find(to_name);
    if (replaced && replaced->is_directory) {
      return packstore::fail(ErrorCode::kCorrupt, "{}: a directory", target.path_of(to_name));
    }
    const SimDisk::Verdict verdict = disk_.begin_step("rename to", target.path_, to_name);
    if (verdict.happens) {
      disk_.state_.change_entries(
          {{target.node_, std::string(to_name), entry}, {node_, std::string(name), std::nullopt}});
    }
    return verdict.answer;
  }
  Status link(std::string_view name, const io::Directory& to,
              std::string_view to_name) const override {
    const auto& target = dynamic_cast<const SimDirectory&>(to);
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry) return absent(name);
    if (target.find(to_name)) return target.taken(to_name);
    const SimDisk::Verdict verdict = disk_.begin_step("link to", target.path_, to_name);
    if (verdict.happens) target.set(to_name, *entry);
    return verdict.answer;
  }
  Status remove_file(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry || entry->is_directory) return absent(name);
    const SimDisk::Verdict verdict = disk_.begin_step("remove", path_, name);
    if (verdict.happens) set(name, std::nullopt);
    return verdict.answer;
  }
  Status remove_directory(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry || !entry->is_directory) return absent(name);
    if (!disk_.state_.directory(entry->node).visible->empty()) {
      return packstore::fail(ErrorCode::kConflict, "{}: not empty", path_of(name));
    }
    const SimDisk::Verdict verdict = disk_.begin_step("rmdir", path_, name);
    if (verdict.happens) set(name, std::nullopt);
    return verdict.answer;
  }

  Result<std::optional<io::FileInfo>> stat_file(std::string_view name) const override {
    ASSIGN_OR_RETURN(const auto file, find_file(name, io::OpenMode::kRead));
    if (!file) return std::optional<io::FileInfo>();
    ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
    return std::optional(info);
  }
  Status list(const std::function<Status(const io::Entry&)>& visit) const override {
    const Shared<Entries> entries = [&] {
      const std::lock_guard lock(disk_.mutex_);
      return disk_.state_.directory(node_).visible;
    }();
    for (const auto& [name, entry] : *entries) {
      const io::EntryKind kind =
          entry.is_directory ? io::EntryKind::kDirectory : io::EntryKind::kFile;
      RETURN_IF_ERROR(visit(io::Entry{name, kind}));
    }
    return {};
  }
  Status sync() const override {
    const std::lock_guard lock(disk_.mutex_);
    const SimDisk::Verdict verdict = disk_.begin_step("sync", path_, "");
    if (verdict.happens) disk_.state_.sync_directory(node_);
    return verdict.answer;
  }
  Result<bool> try_lock() override {
    const std::lock_guard lock(disk_.mutex_);
    SimDisk::Locks& locks = disk_.locks_[node_];
    if (std::ranges::any_of(locks, [&](const auto& held) { return held.first != handle_; })) {
      return false;
    }
    locks[handle_] = io::LockKind::kExclusive;
    locked_ = true;
    return true;
  }
  Result<std::uint64_t> free_bytes() const override {
    return std::numeric_limits<std::uint64_t>::max();
  }
  Result<std::unique_ptr<io::SharedCounter>> open_counter(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (!find(name)) RETURN_IF_ERROR(create_file(name));
    auto& counter = disk_.counters_[find(name)->node];
    if (!counter) counter = std::make_unique<std::atomic<std::uint64_t>>(0);
    return std::unique_ptr<io::SharedCounter>(std::make_unique<SimCounter>(*counter));
  }
  const std::string& path() const override { return path_; }

 private:
  std::string path_of(std::string_view name) const {
    std::string path;
    path.reserve(path_.size() + 1 + name.size());
    return path.append(path_).append("/").append(name);
  }
  std::optional<Entry> find(std::string_view name) const {
    const Entries& entries = *disk_.state_.directory(node_).visible;
    const auto found = entries.find(name);
    return found == entries.end() ? std::nullopt : std::optional(found->second);
  }
  void set(std::string_view name, std::optional<Entry> entry) const {
    disk_.state_.change_entries({{node_, std::string(name), entry}});
  }
  Error absent(std::string_view name) const {
    return packstore::fail(ErrorCode::kNotFound, "{}: not there", path_of(name));
  }
  Error taken(std::string_view name) const {
    return packstore::fail(ErrorCode::kConflict, "{}: there already", path_of(name));
  }

  SimDisk& disk_;
  const NodeId node_;
  const std::uint64_t handle_;
  const std::string path_;
  bool locked_ = false;
};

SimDisk::SimDisk(DiskState state)
    : state_(std::move(state)), vfs_(std::make_unique<SimVfs>(*this)) {
  for (const auto& [node, value] : state_.counters()) {
    counters_[node] = std::make_unique<std::atomic<std::uint64_t>>(value);
  }
}
SimDisk::~SimDisk() = default;

const char* SimDisk::sqlite_vfs() const { return vfs_->name(); }

void SimDisk::observe(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

void SimDisk::watch(Watcher watcher) {
  const std::lock_guard lock(mutex_);
  watcher_ = std::move(watcher);
}

void SimDisk::fail(std::vector<Fault> faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

std::uint64_t SimDisk::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

DiskState SimDisk::state() const {
  const std::lock_guard lock(mutex_);
  DiskState::Counters counters;
  for (const auto& [node, value] : counters_) counters[node] = value->load();
  DiskState now = state_;
  now.set_counters(std::move(counters));
  return now;
}

SimDisk::Verdict SimDisk::begin_step(std::string_view verb, std::string_view path,
                                     std::string_view name) {
  ++steps_;
  const auto whole_path = [&] {
    return name.data() ? fmt::format("{}/{}", path, name) : std::string(path);
  };
  if (observer_) observer_(steps_, fmt::format("{} {}", verb, whole_path()));
  for (const Fault& fault : faults_) {
    if (fault.for_good ? steps_ < fault.step : steps_ != fault.step) continue;
    return {.answer =
                packstore::fail(fault.code, "{}: cannot {}: the test said so", whole_path(), verb),
            .happens = fault.effect != Fault::Effect::kNothingDone,
            .half = fault.effect == Fault::Effect::kHalfDone};
  }
  return {};
}

Result<std::unique_ptr<io::Directory>> SimDisk::open_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<io::Directory> directory =
      std::make_unique<SimDirectory>(*this, DiskState::kRoot, "");
  for (const std::string& part : split(path)) {
    ASSIGN_OR_RETURN(directory, directory->open_directory(part));
  }
  return directory;
}

Result<std::unique_ptr<io::Directory>> SimDisk::create_directory(const std::string& path,
                                                                 bool /*owner_only*/) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<io::Directory> directory =
      std::make_unique<SimDirectory>(*this, DiskState::kRoot, "");
  const std::vector<std::string> parts = split(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ASSIGN_OR_RETURN(auto found, directory->find_directory(parts[i]));
    if (!found) RETURN_IF_ERROR(directory->create_directory(parts[i]));
    // As io's own: the last one's name may not be durable although it is there.
    if (!found || i + 1 == parts.size()) RETURN_IF_ERROR(directory->sync());
    ASSIGN_OR_RETURN(directory, directory->open_directory(parts[i]));
  }
  return directory;
}

SimFile::SimFile(SimDisk& disk, NodeId node, std::string path)
    : disk_(disk), node_(node), handle_(disk.next_handle_++), path_(std::move(path)) {}

SimFile::~SimFile() {
  if (locked_) unlock();
}

Result<std::size_t> SimFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  const std::lock_guard lock(disk_.mutex_);
  const Bytes& content = *disk_.state_.file(node_).visible;
  if (offset >= content.size()) return std::size_t{0};
  const std::size_t count = std::min<std::size_t>(into.size(), content.size() - offset);
  std::ranges::copy(ByteView(content).subspan(offset, count), into.begin());
  return count;
}

Result<std::size_t> SimFile::read_at(std::uint64_t offset,
                                     std::span<const std::span<std::byte>> into) const {
  std::size_t total = 0;
  for (const std::span<std::byte> piece : into) {
    ASSIGN_OR_RETURN(const std::size_t count, read_at(offset + total, piece));
    total += count;
    if (count < piece.size()) break;
  }
  return total;
}

Result<io::FileInfo> SimFile::info() const {
  const std::lock_guard lock(disk_.mutex_);
  const FileNode& file = disk_.state_.file(node_);
  return io::FileInfo{.size = file.visible->size(), .links = file.links, .inode = node_};
}

Result<bool> SimFile::try_lock(io::LockKind kind) {
  const std::lock_guard lock(disk_.mutex_);
  SimDisk::Locks& locks = disk_.locks_[node_];
  for (const auto& [handle, held] : locks) {
    if (handle == handle_) continue;
    if (kind == io::LockKind::kExclusive || held == io::LockKind::kExclusive) return false;
  }
  locks[handle_] = kind;
  locked_ = true;
  return true;
}

void SimFile::unlock() {
  const std::lock_guard lock(disk_.mutex_);
  disk_.locks_[node_].erase(handle_);
  locked_ = false;
}

Status SimFile::raw_write(std::uint64_t offset, std::span<const ByteView> pieces) {
  Bytes bytes;
  for (const ByteView piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  if (bytes.empty()) return {};
  const std::lock_guard lock(disk_.mutex_);
  const SimDisk::Verdict verdict = disk_.begin_step("write", path_);
  if (verdict.happens) {
    disk_.state_.write(node_, offset,
                       ByteView(bytes).first(verdict.half ? bytes.size() / 2 : bytes.size()));
  }
  return verdict.answer;
}

Status SimFile::raw_sync() {
  const std::lock_guard lock(disk_.mutex_);
  const SimDisk::Verdict verdict = disk_.begin_step("sync", path_);
  if (verdict.happens && !verdict.half) {
    disk_.state_.sync_file(node_);
  } else {
    disk_.state_.forget_unsynced(node_);
  }
  return verdict.answer;
}

Status SimFile::raw_truncate(std::uint64_t size) {
  const std::lock_guard lock(disk_.mutex_);
  const SimDisk::Verdict verdict = disk_.begin_step("truncate", path_);
  if (verdict.happens) disk_.state_.truncate(node_, size);
  return verdict.answer;
}

}  // namespace packstore::crash
