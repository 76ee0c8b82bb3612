// A directory of layers of made records, and a plan for them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "compaction/layer_directory.h"
#include "compaction/memory_layers.h"
#include "compaction/record_executor.h"

namespace packstore {

inline constexpr Grid kGrid{4};
inline constexpr std::uint64_t kCells = 12;

// Records of some size, made as they are read, so that no layer is ever in memory.
class MadeRecords final : public RecordStream {
 public:
  MadeRecords(Lsn lsn, std::uint64_t per_key, std::size_t value_bytes,
              const KeyRange& keys = KeyRange::all())
      : lsn_(lsn),
        per_key_(per_key),
        value_(value_bytes, 'v'),
        end_(std::min(keys.end, Key{0, kCells * 16}).low * per_key),
        made_(keys.begin.low * per_key) {}

  Result<const LayerRecord*> next() override {
    if (made_ >= end_) return nullptr;
    const std::uint64_t number = made_++;
    const std::string text = std::to_string(lsn_ + number * 7);
    value_.replace(0, std::min(text.size(), value_.size()), text);
    record_ = {{0, number / per_key_}, lsn_ + number % per_key_, as_bytes(value_)};
    return &record_;
  }

 private:
  Lsn lsn_;
  std::uint64_t per_key_;
  std::string value_;
  std::uint64_t end_;
  std::uint64_t made_;
  LayerRecord record_;
};

// The same as a flush in memory.
inline OpenFlush made_flush(Lsn lsn, std::uint64_t per_key, std::size_t value_bytes) {
  return [=](const KeyRange& keys, const JobControl&) -> Result<std::unique_ptr<RecordStream>> {
    return std::unique_ptr<RecordStream>(
        std::make_unique<MadeRecords>(lsn, per_key, value_bytes, keys));
  };
}

// A directory with layers, and the executor over it.
struct Layers {
  std::unique_ptr<LayerDirectory> storage;
  std::unique_ptr<RecordExecutor> executor;

  explicit Layers(std::unique_ptr<io::Directory> directory)
      : storage(LayerDirectory::open(std::move(directory), kGrid).value()),
        executor(std::make_unique<RecordExecutor>(storage->layers(), *storage, make_hash_pages)) {}
  explicit Layers(const std::filesystem::path& path)
      : Layers(io::posix_file_system().open_directory(path.string()).value()) {}

  Status flush(std::size_t count, std::uint64_t per_key, std::size_t value_bytes) {
    for (std::size_t i = 0; i < count; ++i) {
      MadeRecords records(i * 1000, per_key, value_bytes);
      const Status done = executor->flush(records, {i * 1000, i * 1000 + 1000});
      if (!done.has_value()) return done;
    }
    return {};
  }
};

// A job a cell: merges, an image in every third.
inline CompactionPlan plan_for(std::size_t layers) {
  CompactionPlan plan;
  for (std::uint64_t cell = 0; cell < kCells; ++cell) {
    const KeyRange keys{{0, cell * 16}, {0, cell * 16 + 16}};
    const bool is_image = cell % 3 == 2;
    JobPart part{.keys = keys, .lsns = {0, layers * 1000}};
    if (is_image) part.lsns.begin = part.lsns.end;
    for (LayerId id = layers; id >= 1; --id) part.inputs.push_back({id, keys});
    plan.jobs.push_back(
        {.kind = is_image ? JobKind::kImage : JobKind::kMerge, .parts = {std::move(part)}});
  }
  return plan;
}

// Merges all of the layers in every other cell; the newest may be in memory.
inline CompactionPlan merges_for(std::size_t layers) {
  CompactionPlan plan = plan_for(layers);
  std::erase_if(plan.jobs, [](const CompactionJob& job) {
    return job.kind == JobKind::kImage || job.parts.front().keys.begin.low % 32 != 0;
  });
  return plan;
}

using Pages = std::map<Key, std::string>;

inline Pages read_all(RecordExecutor& executor, Lsn lsn) {
  Pages pages;
  const Status read =
      executor.read_pages(KeyRange::all(), lsn, [&](const LayerRecord& page) -> Status {
        pages.emplace(page.key, as_text(page.value));
        return {};
      });
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return pages;
}

}  // namespace packstore
