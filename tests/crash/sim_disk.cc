#include "crash/sim_disk.h"

#include <algorithm>
#include <random>

#include "base/error.h"
#include "crash/sim_vfs.h"

namespace packstore::crash {
namespace {

constexpr std::size_t kSectorBytes = 512;

void put_bytes(Bytes& into, std::uint64_t offset, ByteView bytes) {
  if (into.size() < offset + bytes.size()) into.resize(offset + bytes.size());
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(offset));
}

void apply_change(Bytes& content, const Change& change) {
  if (change.length) {
    content.resize(*change.length);
  } else {
    put_bytes(content, change.offset, change.bytes);
  }
}

void set_entry(Entries& entries, const EntryChange& change) {
  if (change.entry) {
    entries.insert_or_assign(change.name, *change.entry);
  } else {
    entries.erase(change.name);
  }
}

// The parts of a write that lie in one sector each.
template <typename Visit>
void for_each_sector(const Change& change, const Visit& visit) {
  std::uint64_t offset = change.offset;
  ByteView rest = change.bytes;
  while (!rest.empty()) {
    const std::size_t count =
        std::min<std::size_t>(rest.size(), kSectorBytes - offset % kSectorBytes);
    visit(offset, rest.first(count));
    offset += count;
    rest = rest.subspan(count);
  }
}

Bytes content_after(const FileNode& file, Kept kept, std::mt19937_64& random) {
  switch (kept) {
    case Kept::kNothing:
      return file.durable;
    case Kept::kEverything:
      return file.visible;
    case Kept::kLengths: {
      Bytes content = file.durable;
      content.resize(file.visible.size());
      return content;
    }
    case Kept::kByChance:
      break;
  }
  const auto coin = [&] { return random() % 2 == 0; };
  Bytes content = file.durable;
  for (const Change& change : file.pending) {
    if (change.length) {
      if (coin()) apply_change(content, change);
      continue;
    }
    for_each_sector(change, [&](std::uint64_t offset, ByteView part) {
      if (coin()) put_bytes(content, offset, part);
    });
  }
  return content;
}

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

DiskState::DiskState() { directories_[kRoot] = std::make_shared<DirectoryNode>(); }

FileNode& DiskState::edit_file(NodeId id) {
  std::shared_ptr<FileNode>& node = files_.at(id);
  if (node.use_count() > 1) node = std::make_shared<FileNode>(*node);
  return *node;
}

DirectoryNode& DiskState::edit_directory(NodeId id) {
  std::shared_ptr<DirectoryNode>& node = directories_.at(id);
  if (node.use_count() > 1) node = std::make_shared<DirectoryNode>(*node);
  return *node;
}

void DiskState::write(NodeId file, std::uint64_t offset, ByteView bytes) {
  FileNode& node = edit_file(file);
  Change change{.offset = offset, .bytes = Bytes(bytes.begin(), bytes.end())};
  apply_change(node.visible, change);
  node.pending.push_back(std::move(change));
}

void DiskState::truncate(NodeId file, std::uint64_t length) {
  FileNode& node = edit_file(file);
  Change change{.length = length};
  apply_change(node.visible, change);
  node.pending.push_back(std::move(change));
}

void DiskState::sync_file(NodeId file) {
  FileNode& node = edit_file(file);
  for (const Change& change : node.pending) apply_change(node.durable, change);
  node.pending.clear();
}

void DiskState::forget_unsynced(NodeId file) { edit_file(file).pending.clear(); }

NodeId DiskState::make_file() {
  files_[next_] = std::make_shared<FileNode>();
  return next_++;
}

NodeId DiskState::make_directory() {
  directories_[next_] = std::make_shared<DirectoryNode>();
  return next_++;
}

void DiskState::change_entries(const EntryOperation& operation) {
  for (const EntryChange& change : operation) {
    Entries& entries = edit_directory(change.directory).visible;
    const auto old = entries.find(change.name);
    if (old != entries.end() && !old->second.is_directory) --edit_file(old->second.node).links;
    if (change.entry && !change.entry->is_directory) ++edit_file(change.entry->node).links;
    set_entry(entries, change);
  }
  pending_.push_back(operation);
}

void DiskState::sync_directory(NodeId directory) {
  for (EntryOperation& operation : pending_) {
    // A rename never loses the file: with the old name gone the new one is there.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < operation.size(); ++i) {
      if (operation[i].directory == directory) kept = i + 1;
    }
    for (std::size_t i = 0; i < kept; ++i) {
      set_entry(edit_directory(operation[i].directory).durable, operation[i]);
    }
    operation.erase(operation.begin(), operation.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  std::erase_if(pending_, [](const EntryOperation& operation) { return operation.empty(); });
}

DiskState DiskState::after(const PowerCut& cut) const {
  std::mt19937_64 random(cut.seed);
  std::map<NodeId, Entries> entries;
  for (const auto& [id, node] : directories_) entries[id] = node->durable;
  for (const EntryOperation& operation : pending_) {
    for (const EntryChange& change : operation) {
      const bool kept =
          cut.names == Kept::kEverything || (cut.names == Kept::kByChance && random() % 2 == 0);
      if (!kept) break;  // Of a rename perhaps the new name only.
      set_entry(entries[change.directory], change);
    }
  }
  DiskState left;
  left.next_ = next_;
  std::vector<NodeId> reached{kRoot};
  while (!reached.empty()) {
    const NodeId id = reached.back();
    reached.pop_back();
    const Entries& found = entries[id];
    left.directories_[id] = std::make_shared<DirectoryNode>(DirectoryNode{found, found});
    for (const auto& [name, entry] : found) {
      if (entry.is_directory) {
        reached.push_back(entry.node);
        continue;
      }
      std::shared_ptr<FileNode>& node = left.files_[entry.node];
      if (!node) {
        const Bytes content = content_after(file(entry.node), cut.content, random);
        node = std::make_shared<FileNode>(FileNode{content, content, {}, 0});
      }
      ++node->links;
    }
  }
  return left;
}

class SimDirectory final : public io::Directory {
 public:
  SimDirectory(SimDisk& disk, NodeId node, std::string path)
      : disk_(disk), node_(node), handle_(disk.next_handle_++), path_(std::move(path)) {}
  ~SimDirectory() override {
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
    const SimDisk::Verdict verdict = disk_.begin_step("mkdir", path_of(name));
    if (verdict.happens) set(name, Entry{disk_.state_.make_directory(), true});
    return verdict.answer;
  }
  Result<std::unique_ptr<io::File>> create_file(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (find(name)) return taken(name);
    const SimDisk::Verdict verdict = disk_.begin_step("create", path_of(name));
    if (verdict.happens) set(name, Entry{disk_.state_.make_file(), false});
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
    const SimDisk::Verdict verdict =
        disk_.begin_step("rename", path_of(name) + " to " + target.path_of(to_name));
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
    const SimDisk::Verdict verdict =
        disk_.begin_step("link", path_of(name) + " to " + target.path_of(to_name));
    if (verdict.happens) target.set(to_name, *entry);
    return verdict.answer;
  }
  Status remove_file(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry || entry->is_directory) return absent(name);
    const SimDisk::Verdict verdict = disk_.begin_step("remove", path_of(name));
    if (verdict.happens) set(name, std::nullopt);
    return verdict.answer;
  }
  Status remove_directory(std::string_view name) const override {
    const std::lock_guard lock(disk_.mutex_);
    const std::optional<Entry> entry = find(name);
    if (!entry || !entry->is_directory) return absent(name);
    if (!disk_.state_.directory(entry->node).visible.empty()) {
      return packstore::fail(ErrorCode::kConflict, "{}: not empty", path_of(name));
    }
    const SimDisk::Verdict verdict = disk_.begin_step("rmdir", path_of(name));
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
    Entries entries;
    {
      const std::lock_guard lock(disk_.mutex_);
      entries = disk_.state_.directory(node_).visible;
    }
    for (const auto& [name, entry] : entries) {
      const io::EntryKind kind =
          entry.is_directory ? io::EntryKind::kDirectory : io::EntryKind::kFile;
      RETURN_IF_ERROR(visit(io::Entry{name, kind}));
    }
    return {};
  }
  Status sync() const override {
    const std::lock_guard lock(disk_.mutex_);
    const SimDisk::Verdict verdict = disk_.begin_step("sync", path_ + "/");
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
    return true;
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
  std::string path_of(std::string_view name) const { return fmt::format("{}/{}", path_, name); }
  std::optional<Entry> find(std::string_view name) const {
    const Entries& entries = disk_.state_.directory(node_).visible;
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
};

SimDisk::SimDisk(DiskState state)
    : state_(std::move(state)), vfs_(std::make_unique<SimVfs>(*this)) {}
SimDisk::~SimDisk() = default;

const char* SimDisk::sqlite_vfs() const { return vfs_->name(); }

void SimDisk::observe(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

void SimDisk::fail(std::optional<Fault> fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
}

std::uint64_t SimDisk::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

DiskState SimDisk::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

SimDisk::Verdict SimDisk::begin_step(std::string_view verb, std::string_view path) {
  ++steps_;
  if (observer_) observer_(steps_, fmt::format("{} {}", verb, path));
  const bool strikes =
      fault_ && (fault_->for_good ? steps_ >= fault_->step : steps_ == fault_->step);
  if (!strikes) return {};
  return {.answer = packstore::fail(fault_->code, "{}: cannot {}: the test said so", path, verb),
          .happens = fault_->effect != Fault::Effect::kNothingDone,
          .half = fault_->effect == Fault::Effect::kHalfDone};
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
  for (const std::string& part : split(path)) {
    ASSIGN_OR_RETURN(auto found, directory->find_directory(part));
    if (!found) {
      RETURN_IF_ERROR(directory->create_directory(part));
      RETURN_IF_ERROR(directory->sync());
      ASSIGN_OR_RETURN(found, directory->find_directory(part));
    }
    directory = std::move(*found);
  }
  return directory;
}

SimFile::SimFile(SimDisk& disk, NodeId node, std::string path)
    : disk_(disk), node_(node), handle_(disk.next_handle_++), path_(std::move(path)) {}

SimFile::~SimFile() { unlock(); }

Result<std::size_t> SimFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  const std::lock_guard lock(disk_.mutex_);
  const Bytes& content = disk_.state_.file(node_).visible;
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
  return io::FileInfo{.size = file.visible.size(), .links = file.links};
}

Result<bool> SimFile::try_lock(io::LockKind kind) {
  const std::lock_guard lock(disk_.mutex_);
  SimDisk::Locks& locks = disk_.locks_[node_];
  for (const auto& [handle, held] : locks) {
    if (handle == handle_) continue;
    if (kind == io::LockKind::kExclusive || held == io::LockKind::kExclusive) return false;
  }
  locks[handle_] = kind;
  return true;
}

void SimFile::unlock() {
  const std::lock_guard lock(disk_.mutex_);
  disk_.locks_[node_].erase(handle_);
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
