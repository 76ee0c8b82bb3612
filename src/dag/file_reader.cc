// Reads that follow each other are served from a window that is read ahead and doubles with each
// refill; a read as large as a window goes straight into the caller's memory. Reading ahead is a
// favour: when it fails, only what the caller asked for is read again, and that decides.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "dag/file_tree.h"
#include "dag/piece_reader.h"
#include "dag/range_reader.h"
#include "packstore/file.h"

namespace packstore {
namespace {

// A chunk or a few.
constexpr std::size_t kWindowBytesMin = 64 << 10;
// Long enough for a store to read neighbours together, and for threads to be worth their start.
constexpr std::size_t kWindowBytesMax = 4 << 20;

}  // namespace

class FileReader::Impl {
 public:
  Impl(const BlockStore& blocks, const FileReaderOptions& options)
      : blocks_(blocks), threads_(std::max(options.threads, 1U)), range_(blocks, threads_) {}

  Status open(const Cid& root) {
    ASSIGN_OR_RETURN(root_, dag::open_root(blocks_, root, range_.cache()));
    return {};
  }

  std::uint64_t size() const { return root_->size; }
  std::uint64_t position() const { return position_; }

  Result<std::size_t> read(std::span<std::byte> into) {
    into = into.first(count_from(position_, into.size()));
    RETURN_IF_ERROR(into.size() < kWindowBytesMax ? read_through_window(into)
                                                  : range_.read(*root_, position_, into));
    position_ += into.size();
    return into.size();
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) {
    into = into.first(count_from(offset, into.size()));
    const std::size_t copied = copy_from_window(offset, into);
    RETURN_IF_ERROR(range_.read(*root_, offset + copied, into.subspan(copied)));
    return into.size();
  }

  Status for_each_piece(FileStretch stretch, const PieceVisitor& visit) {
    stretch.offset = std::min(stretch.offset, size());
    stretch.length = std::min(stretch.length, size() - stretch.offset);
    return dag::for_each_piece(blocks_, *root_, stretch, threads_, visit);
  }

  Result<std::uint64_t> seek(std::int64_t offset, SeekFrom from) {
    const std::uint64_t base = from == SeekFrom::kStart      ? 0
                               : from == SeekFrom::kPosition ? position_
                                                             : size();
    // The distance is computed without its sign, which the lowest number cannot lose.
    const std::uint64_t distance =
        offset < 0 ? 0 - static_cast<std::uint64_t>(offset) : static_cast<std::uint64_t>(offset);
    if (offset < 0 ? distance > base
                   : distance > std::numeric_limits<std::uint64_t>::max() - base) {
      return fail(ErrorCode::kInvalidArgument, "seek by {} from {}: no such position", offset,
                  base);
    }
    position_ = offset < 0 ? base - distance : base + distance;
    return position_;
  }

 private:
  std::size_t count_from(std::uint64_t offset, std::size_t wanted) const {
    if (offset >= size()) return 0;
    return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size() - offset));
  }

  std::size_t copy_from_window(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset < window_offset_ || offset - window_offset_ >= window_size_) return 0;
    const auto at = static_cast<std::size_t>(offset - window_offset_);
    const std::size_t count = std::min(into.size(), window_size_ - at);
    std::copy_n(window_.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
    return count;
  }

  Status read_through_window(std::span<std::byte> into) {
    const std::size_t copied = copy_from_window(position_, into);
    const std::uint64_t offset = position_ + copied;
    const std::span<std::byte> rest = into.subspan(copied);
    if (rest.empty()) return {};
    if (refill(offset, rest.size())) {
      copy_from_window(offset, rest);
      return {};
    }
    return range_.read(*root_, offset, rest);
  }

  // False: something in the window cannot be read.
  bool refill(std::uint64_t offset, std::size_t wanted) {
    const bool goes_on = offset == window_offset_ + window_size_;
    std::size_t bytes = goes_on ? std::min(2 * window_bytes_, kWindowBytesMax) : kWindowBytesMin;
    window_bytes_ = bytes;
    bytes = count_from(offset, std::max(bytes, wanted));
    if (window_.size() < bytes) window_.resize(bytes);
    window_size_ = 0;
    if (!range_.read(*root_, offset, std::span(window_).first(bytes))) {
      window_bytes_ = kWindowBytesMin;
      return false;
    }
    window_offset_ = offset;
    window_size_ = bytes;
    return true;
  }

  const BlockStore& blocks_;
  const unsigned threads_;
  dag::RangeReader range_;
  std::optional<dag::FilePiece> root_;
  std::uint64_t position_ = 0;
  Bytes window_;
  std::uint64_t window_offset_ = 0;
  std::size_t window_size_ = 0;                     // Bytes of it that are filled.
  std::size_t window_bytes_ = kWindowBytesMin / 2;  // How far the last refill read ahead.
};

Result<FileReader> FileReader::open(const BlockStore& blocks, const Cid& root,
                                    const FileReaderOptions& options) {
  auto impl = std::make_unique<Impl>(blocks, options);
  RETURN_IF_ERROR(impl->open(root));
  return FileReader(std::move(impl));
}

FileReader::FileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileReader::FileReader(FileReader&&) noexcept = default;
FileReader& FileReader::operator=(FileReader&&) noexcept = default;
FileReader::~FileReader() = default;

std::uint64_t FileReader::size() const { return impl_->size(); }
std::uint64_t FileReader::position() const { return impl_->position(); }
Result<std::size_t> FileReader::read(std::span<std::byte> into) { return impl_->read(into); }
Result<std::size_t> FileReader::read_at(std::uint64_t offset, std::span<std::byte> into) {
  return impl_->read_at(offset, into);
}
Status FileReader::for_each_piece(const FileStretch& stretch, const PieceVisitor& visit) {
  return impl_->for_each_piece(stretch, visit);
}
Result<std::uint64_t> FileReader::seek(std::int64_t offset, SeekFrom from) {
  return impl_->seek(offset, from);
}

}  // namespace packstore
