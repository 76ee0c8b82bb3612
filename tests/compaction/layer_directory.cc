#include "compaction/layer_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/byte_cursor.h"
#include "base/error.h"
#include "compaction/layer_listing.h"
#include "hash/xxh3.h"
#include "io/atomic_publish.h"
#include "io/punch_hole.h"

namespace packstore {
namespace {

constexpr std::size_t kHeadBytes = 16 + 8 + 4;
constexpr std::size_t kBlockEntryBytes = 16 + 8 + 4 + 8;
constexpr std::size_t kTrailerBytes = 8 + 4 + 8;

std::string name_of(FileId id) { return fmt::format("layer-{}", id); }

Error corrupt(const io::File& file, std::string_view what) {
  return fail(ErrorCode::kCorrupt, "{}: {}", file.path(), what);
}

class BlockStream final : public RecordStream {
 public:
  BlockStream(std::shared_ptr<const OpenLayerFile> file, std::uint32_t section,
              const KeyRange& keys, const JobControl& control)
      : file_(std::move(file)), blocks_(file_->sections[section]), keys_(keys), control_(control) {
    // The block before the first that begins at or above the key may end with it.
    const auto at = std::ranges::lower_bound(blocks_, keys.begin, {}, &LayerBlock::first);
    next_block_ = at == blocks_.begin() ? 0 : static_cast<std::size_t>(at - blocks_.begin()) - 1;
  }

  Result<const LayerRecord*> next() override {
    for (;;) {
      if (rest_.empty()) {
        if (next_block_ == blocks_.size() || blocks_[next_block_].first >= keys_.end) {
          return nullptr;
        }
        RETURN_IF_ERROR(load(blocks_[next_block_++]));
      }
      RETURN_IF_ERROR(take_record());
      if (record_.key >= keys_.end) return nullptr;
      if (record_.key >= keys_.begin) return &record_;
    }
  }

 private:
  Status load(const LayerBlock& block) {
    RETURN_IF_ERROR(control_.before_read(block.bytes));
    bytes_.resize(block.bytes);
    ASSIGN_OR_RETURN(const std::size_t got, file_->file->read_at(block.offset, bytes_));
    if (got != bytes_.size() || hash::xxh3(bytes_) != block.checksum) {
      return corrupt(*file_->file, fmt::format("block at {} is damaged", block.offset));
    }
    rest_ = bytes_;
    return {};
  }

  Status take_record() {
    ByteReader reader(rest_);
    if (reader.remaining() < kHeadBytes) return corrupt(*file_->file, "half a record");
    record_.key.high = reader.read<std::uint64_t>();
    record_.key.low = reader.read<std::uint64_t>();
    record_.lsn = reader.read<std::uint64_t>();
    const auto size = reader.read<std::uint32_t>();
    if (reader.remaining() < size) return corrupt(*file_->file, "half a record");
    record_.value = reader.take(size);
    rest_ = rest_.subspan(kHeadBytes + size);
    return {};
  }

  std::shared_ptr<const OpenLayerFile> file_;
  const std::vector<LayerBlock>& blocks_;
  KeyRange keys_;
  const JobControl& control_;
  std::size_t next_block_ = 0;
  Bytes bytes_;
  ByteView rest_;
  LayerRecord record_;
};

class DirectoryFile final : public LayerFile {
 public:
  DirectoryFile(const io::Directory& directory, std::string name, std::unique_ptr<io::File> file,
                const JobControl& control)
      : directory_(directory), name_(std::move(name)), control_(control) {
    open_.file = std::move(file);
    block_.reserve(LayerDirectory::kBlockBytes + 16 * 1024);
  }
  ~DirectoryFile() override {
    if (!name_.empty()) static_cast<void>(directory_.remove_file(name_));
  }

  Status begin_section() override {
    RETURN_IF_ERROR(write_block());
    open_.sections.emplace_back();
    return {};
  }

  Status append(const LayerRecord& record) override {
    if (block_.size() >= LayerDirectory::kBlockBytes) RETURN_IF_ERROR(write_block());
    if (block_.empty()) first_ = record.key;
    const std::size_t begin = block_.size();
    block_.resize(begin + kHeadBytes + record.value.size());
    ByteWriter writer{std::span(block_).subspan(begin)};
    writer.write(record.key.high);
    writer.write(record.key.low);
    writer.write(record.lsn);
    writer.write(static_cast<std::uint32_t>(record.value.size()));
    writer.write(record.value);
    return {};
  }

  Status finish() override {
    RETURN_IF_ERROR(write_block());
    Bytes index(4);
    ByteWriter(index).write(static_cast<std::uint32_t>(open_.sections.size()));
    for (const auto& blocks : open_.sections) append_blocks(blocks, index);
    Bytes trailer(kTrailerBytes);
    ByteWriter writer(trailer);
    writer.write(offset_);
    writer.write(static_cast<std::uint32_t>(index.size()));
    writer.write(hash::xxh3(index));
    RETURN_IF_ERROR(control_.before_write(index.size() + trailer.size()));
    const ByteView pieces[] = {index, trailer};
    RETURN_IF_ERROR(open_.file->write_at(offset_, pieces));
    return open_.file->sync();
  }

  // The file is synced; the caller syncs the directory.
  Status publish_as(const std::string& name) {
    RETURN_IF_ERROR(directory_.rename(name_, directory_, name));
    name_.clear();
    return {};
  }

 private:
  static void append_blocks(const std::vector<LayerBlock>& blocks, Bytes& index) {
    const std::size_t begin = index.size();
    index.resize(begin + 4 + blocks.size() * kBlockEntryBytes);
    ByteWriter writer{std::span(index).subspan(begin)};
    writer.write(static_cast<std::uint32_t>(blocks.size()));
    for (const LayerBlock& block : blocks) {
      writer.write(block.first.high);
      writer.write(block.first.low);
      writer.write(block.offset);
      writer.write(block.bytes);
      writer.write(block.checksum);
    }
  }

  Status write_block() {
    if (block_.empty()) return {};
    RETURN_IF_ERROR(control_.before_write(block_.size()));
    RETURN_IF_ERROR(open_.file->write_at(offset_, block_));
    open_.sections.back().push_back(
        {first_, offset_, static_cast<std::uint32_t>(block_.size()), hash::xxh3(block_)});
    offset_ += block_.size();
    block_.clear();
    return {};
  }

  const io::Directory& directory_;
  std::string name_;  // Empty once it has its own.
  const JobControl& control_;
  OpenLayerFile open_;
  Bytes block_;
  Key first_ = {};
  std::uint64_t offset_ = 0;
};

Status read_blocks(ByteReader& reader, std::vector<LayerBlock>& blocks, const io::File& file) {
  if (reader.remaining() < 4) return corrupt(file, "half an index");
  const auto count = reader.read<std::uint32_t>();
  if (reader.remaining() / kBlockEntryBytes < count) return corrupt(file, "half an index");
  blocks.resize(count);
  for (LayerBlock& block : blocks) {
    block.first.high = reader.read<std::uint64_t>();
    block.first.low = reader.read<std::uint64_t>();
    block.offset = reader.read<std::uint64_t>();
    block.bytes = reader.read<std::uint32_t>();
    block.checksum = reader.read<std::uint64_t>();
  }
  return {};
}

Result<OpenLayerFile> read_index(std::unique_ptr<io::File> file) {
  ASSIGN_OR_RETURN(const io::FileInfo info, file->info());
  Bytes trailer(kTrailerBytes);
  if (info.size < kTrailerBytes) return corrupt(*file, "has no trailer");
  ASSIGN_OR_RETURN(std::size_t got, file->read_at(info.size - kTrailerBytes, trailer));
  ByteReader fields(trailer);
  const auto offset = fields.read<std::uint64_t>();
  Bytes index(fields.read<std::uint32_t>());
  if (got != kTrailerBytes || index.size() < 4 || index.size() > info.size) {
    return corrupt(*file, "the trailer is damaged");
  }
  ASSIGN_OR_RETURN(got, file->read_at(offset, index));
  if (got != index.size() || hash::xxh3(index) != fields.read<std::uint64_t>()) {
    return corrupt(*file, "the index is damaged");
  }
  ByteReader reader(index);
  OpenLayerFile open;
  open.sections.resize(reader.read<std::uint32_t>());
  for (auto& blocks : open.sections) RETURN_IF_ERROR(read_blocks(reader, blocks, *file));
  open.file = std::move(file);
  return open;
}

}  // namespace

Result<std::unique_ptr<LayerDirectory>> LayerDirectory::open(
    std::unique_ptr<io::Directory> directory, Grid grid) {
  std::unique_ptr<LayerDirectory> made(new LayerDirectory(std::move(directory), grid));
  ASSIGN_OR_RETURN(const auto file, made->directory_->find_file("listing", io::OpenMode::kRead));
  if (file) {
    ASSIGN_OR_RETURN(const io::FileInfo info, (*file)->info());
    Bytes bytes(info.size);
    ASSIGN_OR_RETURN(const std::size_t got, (*file)->read_at(0, bytes));
    bytes.resize(got);
    ASSIGN_OR_RETURN(made->layers_, decode_listing(bytes, grid, kHoleBytes));
  }
  RETURN_IF_ERROR(made->remove_unlisted(made->layers_.files()));
  made->files_.assign(made->layers_.files().begin(), made->layers_.files().end());
  RETURN_IF_ERROR(made->give_back_dead_bytes(made->layers_.layers()));
  return made;
}

Status LayerDirectory::give_back_dead_bytes(std::span<const LayerShape> layers) {
  std::map<FileId, std::vector<LayerShape>> by_file;
  for (const LayerShape& layer : layers) by_file[layer.file].push_back(layer);
  for (const auto& [id, inside] : by_file) {
    std::uint64_t bytes = 0;
    for (const LayerShape& layer : inside) bytes += layer.bytes;
    if (std::exchange(without_holes_[id], bytes) == bytes) continue;
    RETURN_IF_ERROR(punch_holes(id, inside));
  }
  std::erase_if(without_holes_, [&](const auto& known) { return !by_file.contains(known.first); });
  return {};
}

Status LayerDirectory::punch_holes(FileId id, std::span<const LayerShape> layers) {
  ASSIGN_OR_RETURN(const auto known, file_of(id));
  ASSIGN_OR_RETURN(const auto file, directory_->open_file(name_of(id), io::OpenMode::kReadWrite));
  std::uint64_t hole = 0;  // Blocks lie one after the other.
  std::uint64_t end = 0;
  for (std::uint32_t section = 0; section < known->sections.size(); ++section) {
    const auto& blocks = known->sections[section];
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      // A block may end with the key that the next one begins with.
      const Key last = i + 1 < blocks.size() ? advance(blocks[i + 1].first, 1) : Key::max();
      const bool is_live = std::ranges::any_of(layers, [&](const LayerShape& layer) {
        return layer.section == section && layer.keys.overlaps({blocks[i].first, last});
      });
      end = blocks[i].offset + blocks[i].bytes;
      if (!is_live) continue;
      io::punch_hole(*file, hole, blocks[i].offset - hole);
      hole = end;
    }
  }
  io::punch_hole(*file, hole, end - hole);
  return {};
}

Status LayerDirectory::remove_unlisted(std::span<const FileShape> files) {
  std::vector<std::string> listed{"listing"};
  for (const FileShape& file : files) listed.push_back(name_of(file.id));
  std::ranges::sort(listed);
  ASSIGN_OR_RETURN(const auto names, io::list_names(*directory_, io::EntryKind::kFile));
  for (const std::string& name : names) {
    if (!std::ranges::binary_search(listed, name)) {
      RETURN_IF_ERROR(directory_->remove_file(name));
    }
  }
  return {};
}

Result<std::shared_ptr<const OpenLayerFile>> LayerDirectory::file_of(FileId id) {
  const std::lock_guard lock(mutex_);
  auto& known = open_[id];
  if (known == nullptr) {
    ASSIGN_OR_RETURN(auto file, directory_->open_file(name_of(id), io::OpenMode::kRead));
    ASSIGN_OR_RETURN(OpenLayerFile open, read_index(std::move(file)));
    known = std::make_shared<const OpenLayerFile>(std::move(open));
  }
  return known;
}

Result<std::unique_ptr<RecordStream>> LayerDirectory::open(const LayerShape& layer,
                                                           const KeyRange& keys,
                                                           const JobControl& control) {
  ASSIGN_OR_RETURN(auto file, file_of(layer.file));
  if (layer.section >= file->sections.size()) {
    return corrupt(*file->file, fmt::format("has no section {}", layer.section));
  }
  const KeyRange inside{std::max(keys.begin, layer.keys.begin), std::min(keys.end, layer.keys.end)};
  return std::unique_ptr<RecordStream>(
      std::make_unique<BlockStream>(std::move(file), layer.section, inside, control));
}

Result<std::unique_ptr<LayerFile>> LayerDirectory::create(const JobControl& control) {
  const std::string name = fmt::format("new-{}", created_++);
  ASSIGN_OR_RETURN(auto file, directory_->create_file(name));
  return std::unique_ptr<LayerFile>(
      std::make_unique<DirectoryFile>(*directory_, name, std::move(file), control));
}

Status LayerDirectory::publish(const LayerListing& listing) {
  for (const NewLayerFile& added : listing.added) {
    RETURN_IF_ERROR(static_cast<DirectoryFile*>(added.file)->publish_as(name_of(added.id)));
  }
  // Names before the listing that names them.
  RETURN_IF_ERROR(directory_->sync());
  RETURN_IF_ERROR(io::publish_bytes(*directory_, "listing", encode_listing(listing)));
  const std::lock_guard lock(mutex_);
  std::map<FileId, std::shared_ptr<const OpenLayerFile>> kept;
  for (const FileShape& file : listing.files) kept[file.id] = std::move(open_[file.id]);
  for (const FileShape& file : files_) {
    if (!std::ranges::binary_search(listing.files, file.id, {}, &FileShape::id)) {
      static_cast<void>(directory_->remove_file(name_of(file.id)));  // Or at the next open.
    }
  }
  files_.assign(listing.files.begin(), listing.files.end());
  open_ = std::move(kept);
  return {};
}

}  // namespace packstore
