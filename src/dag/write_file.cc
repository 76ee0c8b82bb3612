// Every thread carries segments of the file through the same three steps:
// 1. Take: under one lock, read a segment and cut it. What lies behind the last cut stands at the
//    front of the next segment. The segment gets its number. Of a source that has its bytes in
//    memory, segments are parts of that, and nothing is copied.
// 2. Prepare, beside the others: hash the chunks side by side, look them up together, compress the
//    new ones (BlockStore::prepare()).
// 3. Put: in the order of the numbers, store what is new and give the leaves to the layout builder,
//    which stores each node as it gets full.
// So the order of leaves, and the root, do not depend on the number of threads, and memory is a
// segment a thread. An error waits for its turn like a segment, which makes it the error of the
// earliest segment that has one; it ends the turns behind it.
#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "dag/file_encoder.h"
#include "dag/layout_builder.h"
#include "dag/turns.h"
#include "packstore/file.h"
#include "store/page_buffer.h"
#include "store/put.h"

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
  ByteView data = {};             // Of the buffer, or of the source; its chunks come first.
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
        in_memory_(source.take_rest()),
        layout_(encoder_.width(), [this](auto children) { return make_node(children); }) {}

  Result<FileRoot> write() {
    const auto work = [this](unsigned) {
      carry_segments();
      return Status();
    };
    const auto on_throw = [this] {
      turns_.abandon();
      end_input();
    };
    RETURN_IF_ERROR(run_on_threads(options_.threads, work, on_throw));
    RETURN_IF_ERROR(turns_.status());
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
    ASSIGN_OR_RETURN(const InputEnd end, in_memory_ ? take_view(segment) : fill_buffer(segment));
    RETURN_IF_ERROR(cut(end, segment));
    const auto size = static_cast<std::size_t>(segment.size);
    if (in_memory_) {
      in_memory_ = in_memory_->subspan(size);
    } else {
      const ByteView rest = segment.data.subspan(size);
      rest_.assign(rest.begin(), rest.end());
    }
    is_at_end_ = end == InputEnd::kLast;
    return true;
  }

  Result<InputEnd> take_view(Segment& segment) const {
    segment.data = in_memory_->first(std::min(in_memory_->size(), segment_bytes_));
    return segment.data.size() == in_memory_->size() ? InputEnd::kLast : InputEnd::kMore;
  }

  Result<InputEnd> fill_buffer(Segment& segment) {
    if (segment.buffer.size() == 0) RETURN_IF_ERROR(segment.buffer.allocate(segment_bytes_));
    const std::span<std::byte> buffer = segment.buffer.bytes();
    std::copy(rest_.begin(), rest_.end(), buffer.begin());
    const std::span<std::byte> wanted = buffer.subspan(rest_.size());
    ASSIGN_OR_RETURN(const std::size_t count, store::fill(source_, wanted));
    segment.data = buffer.first(rest_.size() + count);
    return count < wanted.size() ? InputEnd::kLast : InputEnd::kMore;
  }

  // The chunker may be an application's: what it says is checked before it is believed.
  Status cut(InputEnd end, Segment& segment) const {
    const ByteView data = segment.data;
    segment.lengths.clear();
    const std::size_t covered = chunker_.cut(data, end, segment.lengths);
    segment.size = 0;
    std::uint32_t longest = 0;
    for (const std::uint32_t length : segment.lengths) {
      segment.size += length;
      longest = std::max(longest, length);
    }
    if (longest > chunker_.chunk_bytes_max()) {
      return fail(ErrorCode::kInvalidArgument, "the chunker makes a chunk of {} bytes, limit {}",
                  longest, chunker_.chunk_bytes_max());
    }
    const bool goes_on = end == InputEnd::kMore && covered > 0 && covered <= data.size();
    if (segment.size == covered && (goes_on || covered == data.size())) return {};
    return fail(ErrorCode::kInvalidArgument,
                "the chunker covers {} of {} bytes with chunks of {} bytes in all", covered,
                data.size(), segment.size);
  }

  Status carry(const Segment& segment) {
    std::vector<ByteView> chunks;
    chunks.reserve(segment.lengths.size());
    ByteView rest = segment.data;
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
    std::vector<Subtree> made;
    made.reserve(leaves.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      made.push_back({encoder_.cid_of(encoder_.leaf_kind(), prepared->names[i]), chunks[i].size(),
                      leaves[i].size()});
    }

    if (!turns_.wait(segment.number)) return {};
    RETURN_IF_ERROR(put(segment, made, *prepared));
    turns_.end();
    return {};
  }

  // In its turn.
  Status put(const Segment& segment, std::span<const Subtree> leaves,
             const PreparedBlocks& prepared) {
    RETURN_IF_ERROR(encoder_.check_leaves(root_.chunks + leaves.size()));
    RETURN_IF_ERROR(blocks_.put_prepared(prepared));
    for (const Subtree& leaf : leaves) RETURN_IF_ERROR(layout_.add(leaf));
    root_.chunks += leaves.size();
    root_.size += segment.size;
    const RunControl& control = options_.control;
    if (control.on_progress) {
      control.on_progress({"add", root_.size, options_.bytes_expected, ProgressUnit::kBytes});
    }
    if (!control.stop.stop_requested()) return {};
    return fail(ErrorCode::kCancelled, "writing a file: stopped after {} bytes", root_.size);
  }

  void end_with(std::uint64_t number, const Error& error) {
    if (turns_.wait(number)) turns_.fail(error);
    end_input();
  }

  void end_input() {
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
    return encoder_.cid_of(kind, prepared->names.front());
  }

  BlockStore& blocks_;
  ByteSource& source_;
  const Chunker& chunker_;
  const WriteFileOptions& options_;
  const std::size_t segment_bytes_;
  const dag::FileEncoder encoder_;

  std::mutex input_mutex_;  // Guards what follows, and the source. Held while it is read.
  // Behind the last cut: all of what is in memory already, or the front of the next segment.
  std::optional<ByteView> in_memory_;
  Bytes rest_;
  std::uint64_t segments_ = 0;
  bool is_at_end_ = false;

  dag::Turns turns_;  // Of the segments. Whose turn it is uses what comes below, and no other.
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
