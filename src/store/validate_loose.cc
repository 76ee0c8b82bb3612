// 1. The names are walked in order and cut into handfuls.
// 2. Other threads look each handful up in the index with one query, read its small files into one
//    buffer and hash them side by side; long ones are streamed.
// 3. A file that is gone when it is opened was packed or removed meanwhile: nothing to say about
// it.
#include "store/validate_loose.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/error.h"
#include "hash/sha256.h"
#include "store/read.h"
#include "store/store_core.h"
#include "store/validate_extent.h"
#include "store/validate_jobs.h"

namespace packstore::store {
namespace {

constexpr std::uint64_t kHandfulBytesMax = kExtentBytesGood;
constexpr std::size_t kHandfulFilesMax = 256;

struct Handful {
  std::vector<ObjectId> ids;  // Ascending.
  std::uint64_t bytes = 0;    // As listed.
};

// In bounded memory.
Result<bool> hashes_to(const io::File& file, const ObjectId& id, const BytesVisitor& on_bytes) {
  hash::Sha256 hasher;
  Bytes buffer(kHandfulBytesMax);
  for (std::uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::size_t count, file.read_at(offset, buffer));
    if (count == 0) return hasher.finish() == id;
    hasher.update(ByteView(buffer).first(count));
    offset += count;
    RETURN_IF_ERROR(on_bytes(count));
  }
}

class LooseChecker {
 public:
  explicit LooseChecker(ValidateRun& run) : run_(run) {}

  Status run(const Handful& handful) {
    RETURN_IF_ERROR(look_up(handful.ids));
    if (run_.rehashes_content()) {
      for (const ObjectId& id : handful.ids) RETURN_IF_ERROR(take_file(id));
      check_batch();
    }
    return run_.advance(handful.bytes);
  }

 private:
  Status look_up(const std::vector<ObjectId>& ids) {
    std::size_t packed = 0;
    const auto found = [&](std::size_t position, const Result<index::Location>&) -> Status {
      ++packed;
      run_.report(
          {.kind = FindingKind::kLooseRedundant,
           .object = ids[position],
           .message = fmt::format("loose object {}: it is packed, too", ids[position].to_hex())});
      return {};
    };
    const Status status = run_.core().index->find_many(ids, found);
    run_.count_objects(ids.size() - packed);
    return status ? Status() : run_.report_index_error(status.error());
  }

  Status take_file(const ObjectId& id) {
    auto found = run_.core().loose.find(id);
    if (!found) return report_unreadable(id, found.error());
    if (!*found) return {};
    const std::unique_ptr<io::File> file = std::move(**found);
    ASSIGN_OR_RETURN(const io::FileInfo info, file->info());
    run_.count_content(info.size);
    if (info.size > kHandfulBytesMax) return check_long_file(id, *file);
    if (buffer_.empty()) {
      ASSIGN_OR_RETURN(buffer_, allocate(kHandfulBytesMax));
    }
    const auto size = static_cast<std::size_t>(info.size);
    // The handful was measured when it was listed; a file may have been replaced since.
    if (!fits(used_, size, buffer_.size())) check_batch();
    const auto content = std::span<std::byte>(buffer_).subspan(used_, size);
    const Result<std::size_t> count = file->read_at(0, content);
    if (!count) return report_unreadable(id, count.error());
    used_ += size;
    waiting_.push_back(id);
    contents_.push_back(ByteView(content).first(*count));
    return {};
  }

  Status check_long_file(const ObjectId& id, const io::File& file) {
    const BytesVisitor only_stop = [&](std::uint64_t) { return run_.advance(0); };
    const Result<bool> good = hashes_to(file, id, only_stop);
    if (!good) return report_unreadable(id, good.error());
    if (!*good) report_mismatch(id);
    return {};
  }

  void check_batch() {
    hashes_.resize(contents_.size());
    hash::sha256_many(contents_, hashes_);
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (hashes_[i] != waiting_[i]) report_mismatch(waiting_[i]);
    }
    waiting_.clear();
    contents_.clear();
    used_ = 0;
  }

  void report_mismatch(const ObjectId& id) {
    run_.report({.kind = FindingKind::kContentMismatch,
                 .object = id,
                 .message = fmt::format("loose object {}: the content of its file does not hash "
                                        "to its name",
                                        id.to_hex())});
  }

  Status report_unreadable(const ObjectId& id, const Error& error) {
    if (error.code != ErrorCode::kIo && error.code != ErrorCode::kCorrupt) return error;
    run_.report({.kind = FindingKind::kContentMismatch,
                 .object = id,
                 .message = fmt::format("loose object {}: {}", id.to_hex(), error.message)});
    return {};
  }

  ValidateRun& run_;
  Bytes buffer_;
  std::size_t used_ = 0;
  std::vector<ObjectId> waiting_;  // What is in the buffer, and its hashes.
  std::vector<ByteView> contents_;
  std::vector<ObjectId> hashes_;
};

Status walk_loose(ValidateRun& run, const std::function<Status(Handful)>& emit) {
  Handful handful;
  const auto visit = [&](const ObjectId& id, std::uint64_t size) -> Status {
    const bool full =
        handful.ids.size() >= kHandfulFilesMax || !fits(handful.bytes, size, kHandfulBytesMax);
    if (full && !handful.ids.empty()) RETURN_IF_ERROR(emit(std::exchange(handful, {})));
    handful.ids.push_back(id);
    handful.bytes += size;
    return {};
  };
  const auto stray = [&](const std::string& path) -> Status {
    run.report({.kind = FindingKind::kLooseMisplaced,
                .message = fmt::format("{}/{}: cannot be an object: no regular file, or not the "
                                       "name of one",
                                       kLooseDirectory, path)});
    return {};
  };
  RETURN_IF_ERROR(run.core().loose.for_each(visit, stray));
  return handful.ids.empty() ? Status() : emit(std::move(handful));
}

}  // namespace

Status expect_loose(ValidateRun& run) {
  // Reads all sizes, which is worth it only when somebody watches.
  if (!run.shows_progress()) return {};
  return run.core().loose.for_each([&](const ObjectId&, std::uint64_t size) -> Status {
    run.expect(size);
    return {};
  });
}

Status validate_loose(ValidateRun& run) {
  return run_jobs<Handful>(
      run.threads(), [&](const auto& emit) { return walk_loose(run, emit); },
      [&] { return LooseChecker(run); });
}

}  // namespace packstore::store
