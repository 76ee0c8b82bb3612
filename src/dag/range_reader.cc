// A stretch is read in waves. What of it is still to come is a stack of pieces, the front on top:
// at first the root, then more and more of what is below it.
// 1. A wave is taken off the top. Nodes that are in the cache are entered at once: their children
//    take their place on the stack.
// 2. The wave is asked for together, shared among the threads. Leaves are copied to where they
//    belong as they come; nodes are decoded, kept, and entered.
// 3. A node that comes when there are pieces enough waits for a later wave, unless it is in front.
// 4. A long raw leaf that goes on behind the stretch is kept as a node without children: whoever
//    reads on wants its rest, and would have it read and checked as a whole for every part.
// A wave of leaves is a long list of ids, so the store reads neighbours with one call and hashes
// side by side. Depth is limited, and there is no piece without bytes in the stretch, so nodes that
// were made to explode end where the stretch does; what is held at a time is bounded by the limits
// of a wave, however short chunks are.
#include "dag/range_reader.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "packstore/chunker.h"

namespace packstore::dag {
namespace {

// Fewer blocks are fetched before a second thread has begun.
constexpr std::size_t kBlocksForThreadsMin = 32;
// Pieces of a wave, 400 bytes each: 256 MiB in the native profile, so that threads rarely wait for
// each other at its end.
constexpr std::size_t kWavePiecesMax = 16 << 10;
// Of those so many may have links: in the native profile, what fills four waves of leaves.
constexpr std::size_t kWaveNodesMax = 256;
// Pieces on the stack and in nodes that are about to be entered, 200 bytes each. Of one node there
// may be any number more.
constexpr std::size_t kPiecesMax = 64 << 10;
// So many at most are fetched one by one, where a store has cheap parts: of more, most are wanted
// as a whole, and neighbours come faster together.
constexpr std::size_t kPartsMax = 8;

std::shared_ptr<const FileTreeNode> as_leaf(Bytes content) {
  const std::uint64_t size = content.size();
  return std::make_shared<const FileTreeNode>(
      FileTreeNode{.size = size, .content = std::move(content)});
}

// A short raw leaf is never kept.
bool may_be_known(const FilePiece& piece) {
  return !piece.is_raw() || piece.size > FileTreeNode::kLongLeafBytesMin;
}

}  // namespace

Status RangeReader::read(const FilePiece& root, std::uint64_t offset, std::span<std::byte> into) {
  if (into.empty()) return {};
  offset_ = offset;
  into_ = into;
  Wave rest{root};
  while (!rest.empty()) {
    ASSIGN_OR_RETURN(Wave wave, take_wave(rest));
    Nodes nodes(wave.size());
    pieces_ = rest.size();
    front_ = wave.data();
    RETURN_IF_ERROR(fetch(wave, nodes));
    for (std::size_t i = wave.size(); i-- > 0;) {
      if (nodes[i]) {
        RETURN_IF_ERROR(enter(wave[i], *nodes[i], rest));
      } else if (!wave[i].is_raw()) {
        rest.push_back(wave[i]);
      }
    }
    for (std::size_t i = 0; i < wave.size(); ++i) {
      if (nodes[i]) cache_.add(wave[i].cid, std::move(nodes[i]));
    }
  }
  return {};
}

// Of the pieces on top of `rest` those that must be fetched.
Result<RangeReader::Wave> RangeReader::take_wave(Wave& rest) {
  Wave wave;
  std::size_t nodes = 0;
  while (!rest.empty() && wave.size() < kWavePiecesMax && nodes < kWaveNodesMax) {
    FilePiece piece = std::move(rest.back());
    rest.pop_back();
    const auto node = may_be_known(piece) ? cache_.find(piece.cid) : nullptr;
    if (node) {
      RETURN_IF_ERROR(enter(piece, *node, rest));
    } else {
      if (!piece.is_raw()) ++nodes;
      wave.push_back(std::move(piece));
    }
  }
  return wave;
}

// One CID may stand for pieces of different claims: each is checked against its own.
Status RangeReader::enter(const FilePiece& piece, const FileTreeNode& node, Wave& rest) {
  RETURN_IF_ERROR(piece.is_raw() ? check_raw_claim(piece, node.size) : check_claim(piece, node));
  copy(piece.offset, node.content);
  const std::uint64_t from = offset_ > piece.offset ? offset_ - piece.offset : 0;
  auto child = std::upper_bound(
      node.children.begin(), node.children.end(), from,
      [](std::uint64_t at, const FileTreeNode::Child& each) { return at < each.end; });
  const auto first = static_cast<std::ptrdiff_t>(rest.size());
  for (; child != node.children.end(); ++child) {
    FilePiece below = child_piece(piece, *child);
    if (!is_wanted(below.offset, below.end())) break;
    rest.push_back(std::move(below));
  }
  std::reverse(rest.begin() + first, rest.end());
  return {};
}

Status RangeReader::fetch(const Wave& wave, Nodes& nodes) {
  if (wave.empty()) return {};
  if (wave.size() == 1 || (wave.size() <= kPartsMax && blocks_.has_cheap_parts())) {
    for (std::size_t i = 0; i < wave.size(); ++i) RETURN_IF_ERROR(fetch_one(wave[i], nodes[i]));
    return {};
  }
  if (threads_ <= 1 || wave.size() < kBlocksForThreadsMin) return fetch_slice(wave, nodes);
  return run_on_shares(threads_, wave.size(), [&](std::size_t first, std::size_t end) {
    return fetch_slice(std::span(wave).subspan(first, end - first),
                       std::span(nodes).subspan(first, end - first));
  });
}

// Of a raw leaf no more than is wanted, and straight to where it belongs.
Status RangeReader::fetch_one(const FilePiece& piece, std::shared_ptr<const FileTreeNode>& node) {
  if (!piece.is_raw()) {
    ASSIGN_OR_RETURN(const Bytes block, blocks_.get(piece.cid));
    return take(piece, block, node);
  }
  if (keeps(piece)) {
    ASSIGN_OR_RETURN(Bytes block, blocks_.get(piece.cid));
    node = as_leaf(std::move(block));
    return {};
  }
  const std::uint64_t begin = std::max(piece.offset, offset_);
  const std::uint64_t end = std::min(piece.end(), offset_ + into_.size());
  const std::span<std::byte> part = into_.subspan(static_cast<std::size_t>(begin - offset_),
                                                  static_cast<std::size_t>(end - begin));
  ASSIGN_OR_RETURN(const std::uint64_t size,
                   blocks_.get_part(piece.cid, begin - piece.offset, part));
  return check_raw_claim(piece, size);
}

Status RangeReader::fetch_slice(std::span<const FilePiece> pieces,
                                std::span<std::shared_ptr<const FileTreeNode>> nodes) {
  std::vector<Cid> cids;
  cids.reserve(pieces.size());
  for (const FilePiece& piece : pieces) cids.push_back(piece.cid);
  return blocks_.get_many(cids, [&](std::size_t i, const Result<ByteView>& block) -> Status {
    if (!block) return block.error();
    return take(pieces[i], *block, nodes[i]);
  });
}

Status RangeReader::take(const FilePiece& piece, ByteView block,
                         std::shared_ptr<const FileTreeNode>& node) {
  if (keeps(piece)) {
    node = as_leaf(Bytes(block.begin(), block.end()));
    return {};
  }
  if (piece.is_raw()) {
    RETURN_IF_ERROR(check_raw_claim(piece, block.size()));
    copy(piece.offset, block);
    return {};
  }
  if (&piece != front_ && pieces_ >= kPiecesMax) return {};
  ASSIGN_OR_RETURN(FileTreeNode decoded, decode_file_tree_node(piece.cid, block));
  pieces_ += decoded.children.size();
  node = std::make_shared<const FileTreeNode>(std::move(decoded));
  return {};
}

// At most one leaf of a read is: no other goes on behind the stretch.
bool RangeReader::keeps(const FilePiece& leaf) const {
  return leaf.is_raw() && leaf.size > FileTreeNode::kLongLeafBytesMin &&
         leaf.size <= ChunkerSpec::kBytesMaxLimit && leaf.end() > offset_ + into_.size() &&
         !blocks_.has_cheap_parts();
}

// The part of `content`, which stands at `offset` of the file, that is wanted.
void RangeReader::copy(std::uint64_t offset, ByteView content) {
  if (!is_wanted(offset, offset + content.size())) return;
  if (offset < offset_) {
    content = content.subspan(static_cast<std::size_t>(offset_ - offset));
    offset = offset_;
  }
  const auto at = static_cast<std::size_t>(offset - offset_);
  const std::size_t count = std::min(content.size(), into_.size() - at);
  std::copy_n(content.begin(), count, into_.begin() + static_cast<std::ptrdiff_t>(at));
}

bool RangeReader::is_wanted(std::uint64_t begin, std::uint64_t end) const {
  return begin < offset_ + into_.size() && end > offset_;
}

}  // namespace packstore::dag
