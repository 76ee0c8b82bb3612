// Every thread carries segments of the file through the same three steps:
// 1. Take: under one lock, read a segment and cut it. What lies behind the last cut stands at the
//    front of the next segment. The segment gets its number.
// 2. Prepare, beside the others: hash the chunks side by side, look them up together, compress the
//    new ones (BlockStore::prepare()).
// 3. Put: in the order of the numbers, store what is new and give the leaves to the layout builder,
//    which stores each node as it gets full.
// So the order of leaves, and the root, do not depend on the number of threads, and memory is a
// segment a thread. An error waits for its turn like a segment, which makes it the error of the
// earliest segment that has one; it ends the turns behind it.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "dag/file_encoder.h"
#include "dag/layout_builder.h"
#include "packstore/file.h"
#include "store/page_buffer.h"

namespace packstore {
namespace {

using dag::Subtree;

// Chunks of so many bytes are hashed, looked up and appended together: many lanes for the hash, and
// a write that is worth its call, in a piece that stays in the third-level cache.
constexpr std::size_t kSegmentBytesMin = 4 << 20;
// Large chunks come in longer segments, so that all lanes of the hash have one.
constexpr std::size_t kSegmentChunksMin = 16;

struct Segment {
  store::PageBuffer buffer = {};  // Sources that read files fill it fast.
  std::vector<std::uint32_t> lengths = {};
  std::uint64_t number = 0;
  std::uint64_t size = 0;  // Of all chunks together.
};

class FileWriter {
 public:
  FileWriter(BlockStore& blocks, ByteSource& source, const Chunker& chunker,
             const WriteFileOptions& options)
      : blocks_(blocks),
        source_(source),
        chunker_(chunker),
        options_(options),
        segment_bytes_(std::max(kSegmentBytesMin, kSegmentChunksMin * chunker.chunk_bytes_max())),
        encoder_(options.profile),
        layout_(encoder_.width(), [this](auto children) { return make_node(children); }) {}

  Result<FileRoot> write() {
    RETURN_IF_ERROR(run_on_threads(std::max(options_.threads, 1U), [this](unsigned) {
      carry_segments();
      return Status();
    }));
    if (error_) return *error_;
    if (root_.chunks == 0) RETURN_IF_ERROR(put_empty_leaf());
    ASSIGN_OR_RETURN(const Subtree top, layout_.finish());
    root_.cid = top.cid;
    root_.encoded_size = top.encoded_size;
    return root_;
  }

 private:
  void carry_segments() {
    Segment segment;
    while (true) {
      const Result<bool> taken = take(segment);
      if (taken && !*taken) return;
      const Status carried = taken ? carry(segment) : Status(taken.error());
      if (!carried) return end_with(segment.number, carried.error());
    }
  }

  // False: the end of the file, or another segment has failed.
  Result<bool> take(Segment& segment) {
    const std::scoped_lock lock(input_mutex_);
    if (is_at_end_) return false;
    segment.number = segments_++;
    // Whatever comes of it; an error is told once.
    is_at_end_ = true;
    if (options_.control.stop.stop_requested()) {
      return fail(ErrorCode::kCancelled, "writing a file: stopped");
    }
    if (segment.buffer.size() == 0) RETURN_IF_ERROR(segment.buffer.allocate(segment_bytes_));
    const std::span<std::byte> buffer = segment.buffer.bytes();
    std::copy(rest_.begin(), rest_.end(), buffer.begin());
    std::size_t filled = rest_.size();
    bool source_ended = false;
    while (filled < buffer.size() && !source_ended) {
      ASSIGN_OR_RETURN(const std::size_t count, source_.read(buffer.subspan(filled)));
      source_ended = count == 0;
      filled += count;
    }
    is_at_end_ = source_ended;
    const ByteView data = buffer.first(filled);
    RETURN_IF_ERROR(cut(data, source_ended ? InputEnd::kLast : InputEnd::kMore, segment));
    const ByteView rest = data.subspan(static_cast<std::size_t>(segment.size));
    rest_.assign(rest.begin(), rest.end());
    return true;
  }

  // The chunker may be an application's: what it says is checked before it is believed.
  Status cut(ByteView data, InputEnd end, Segment& segment) const {
    segment.lengths.clear();
    const std::size_t covered = chunker_.cut(data, end, segment.lengths);
    segment.size = 0;
    for (const std::uint32_t length : segment.lengths) segment.size += length;
    const bool goes_on = end == InputEnd::kMore && covered > 0 && covered <= data.size();
    if (segment.size == covered && (goes_on || covered == data.size())) return {};
    return fail(ErrorCode::kInvalidArgument,
                "the chunker covers {} of {} bytes with chunks of {} bytes in all", covered,
                data.size(), segment.size);
  }

  Status carry(const Segment& segment) {
    std::vector<ByteView> chunks;
    chunks.reserve(segment.lengths.size());
    ByteView rest = segment.buffer.view();
    for (const std::uint32_t length : segment.lengths) {
      chunks.push_back(rest.first(length));
      rest = rest.subspan(length);
    }
    std::vector<Bytes> encoded;
    std::vector<ByteView> leaves = chunks;
    if (!encoder_.has_raw_leaves()) {
      for (const ByteView chunk : chunks) encoded.push_back(encoder_.encode_leaf(chunk));
      leaves.assign(encoded.begin(), encoded.end());
    }
    ASSIGN_OR_RETURN(const auto prepared, blocks_.prepare(leaves));

    if (!wait_for_turn(segment.number)) return {};
    RETURN_IF_ERROR(put(segment, chunks, *prepared));
    const std::scoped_lock lock(turn_mutex_);
    ++turn_;
    turn_changed_.notify_all();
    return {};
  }

  // False: an earlier segment has failed.
  bool wait_for_turn(std::uint64_t number) {
    std::unique_lock lock(turn_mutex_);
    turn_changed_.wait(lock, [&] { return turn_ == number || error_; });
    return !error_;
  }

  // In its turn.
  Status put(const Segment& segment, std::span<const ByteView> chunks,
             const PreparedBlocks& prepared) {
    RETURN_IF_ERROR(encoder_.check_leaves(root_.chunks + chunks.size()));
    RETURN_IF_ERROR(blocks_.put_prepared(prepared));
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      RETURN_IF_ERROR(layout_.add({encoder_.cid_of(encoder_.leaf_kind(), prepared.ids[i]),
                                   chunks[i].size(), prepared.contents[i].size()}));
    }
    root_.chunks += chunks.size();
    root_.size += segment.size;
    const RunControl& control = options_.control;
    if (control.on_progress) {
      control.on_progress({"add", root_.size, options_.bytes_expected, ProgressUnit::kBytes});
    }
    if (!control.stop.stop_requested()) return {};
    return fail(ErrorCode::kCancelled, "writing a file: stopped after {} bytes", root_.size);
  }

  void end_with(std::uint64_t number, const Error& error) {
    if (wait_for_turn(number)) {
      const std::scoped_lock lock(turn_mutex_);
      error_ = error;
      turn_changed_.notify_all();
    }
    const std::scoped_lock lock(input_mutex_);
    is_at_end_ = true;
  }

  Status put_empty_leaf() {
    const Bytes leaf = encoder_.has_raw_leaves() ? Bytes() : encoder_.encode_leaf({});
    ASSIGN_OR_RETURN(const Cid cid, put_block(encoder_.leaf_kind(), leaf));
    ++root_.chunks;
    return layout_.add({cid, 0, leaf.size()});
  }

  Result<dag::LayoutBuilder::Node> make_node(std::span<const Subtree> children) {
    ASSIGN_OR_RETURN(const Bytes block, encoder_.encode_node(children));
    ASSIGN_OR_RETURN(const Cid cid, put_block(encoder_.node_kind(), block));
    ++root_.nodes;
    return dag::LayoutBuilder::Node{cid, block.size()};
  }

  Result<Cid> put_block(NodeKind kind, ByteView block) {
    ASSIGN_OR_RETURN(const auto prepared, blocks_.prepare({&block, 1}));
    RETURN_IF_ERROR(blocks_.put_prepared(*prepared));
    return encoder_.cid_of(kind, prepared->ids.front());
  }

  BlockStore& blocks_;
  ByteSource& source_;
  const Chunker& chunker_;
  const WriteFileOptions& options_;
  const std::size_t segment_bytes_;
  const dag::FileEncoder encoder_;

  std::mutex input_mutex_;  // Guards what follows, and the source. Held while it is read.
  Bytes rest_;              // Behind the last cut.
  std::uint64_t segments_ = 0;
  bool is_at_end_ = false;

  std::mutex turn_mutex_;  // Guards what follows.
  std::condition_variable turn_changed_;
  std::uint64_t turn_ = 0;  // The segment that may be put. Its thread alone uses what comes below.
  std::optional<Error> error_;

  dag::LayoutBuilder layout_;
  FileRoot root_{Cid::of(NodeKind::kRaw, {})};
};

}  // namespace

Result<FileRoot> write_file(BlockStore& blocks, ByteSource& source,
                            const WriteFileOptions& options) {
  RETURN_IF_ERROR(options.profile.check());
  std::unique_ptr<Chunker> own;
  if (options.chunker == nullptr) {
    ASSIGN_OR_RETURN(own, make_chunker(options.profile.chunker));
  }
  return FileWriter(blocks, source, own ? *own : *options.chunker, options).write();
}

}  // namespace packstore
