// Two cursors walk the trees side by side; each is a stack of the pieces that are still to come,
// the next one on top.
// 1. Equal tops are skipped unread, whatever is below them.
// 2. Of different tops the larger node is replaced by its children, until both are leaves. Where
//    the two are equally long, they may have the same content all the same; when the walk comes to
//    their end without a difference they have, and are skipped wherever they meet again.
// 3. Different leaves begin a difference. Leaves are gathered from both sides in turns until one
//    that the other side has gathered as well turns up, or until the window is full. What was
//    gathered behind that leaf goes back onto the stacks, and step 1 goes on from there.
// Indexes find a leaf in what was gathered, so a difference costs as much as it is long.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "dag/file_tree.h"
#include "packstore/file.h"
#include "store/progress_meter.h"

namespace packstore {
namespace {

using dag::FilePiece;
using dag::FileTreeNode;

// Leaves on one side of a difference before it is told as it is.
constexpr std::size_t kWindowLeavesMax = 4096;

struct Piece {
  FilePiece at;
  bool is_leaf = false;  // Raw, or known to be a leaf since it was read.
};

// Leaves have the same bytes when they have the same name, and are no node's own content.
bool is_same(const Piece& a, const Piece& b) {
  return a.at.cid == b.at.cid && a.at.size == b.at.size && a.is_leaf == b.is_leaf;
}

// Subtrees of different names that have the same content, as nodes of two formats do. A DAG of few
// blocks may have them 2 ^ 60 times.
class EqualPairs {
 public:
  // By size first, so that the smallest is forgotten first. A pair is forgotten only where as many
  // as are kept, none of them shorter, stand between it and its repetition; that makes the file
  // around it thousands of times longer, so it can be done a few times and no more.
  struct Pair {
    std::uint64_t size = 0;
    Cid a;
    Cid b;
    friend bool operator<(const Pair& x, const Pair& y) {
      return std::tie(x.size, x.a, x.b) < std::tie(y.size, y.a, y.b);
    }
  };
  static Pair pair_of(const Piece& a, const Piece& b) { return {a.at.size, a.at.cid, b.at.cid}; }

  bool contains(const Pair& pair) const { return pairs_.contains(pair); }
  void add(Pair pair) {
    pairs_.insert(std::move(pair));
    if (pairs_.size() > kPairsMax) pairs_.erase(pairs_.begin());
  }

 private:
  static constexpr std::size_t kPairsMax = 4096;  // 1 MB.
  std::set<Pair> pairs_;
};

class Cursor {
 public:
  Cursor(const BlockStore& blocks, store::ProgressMeter& meter) : blocks_(blocks), meter_(meter) {}

  Status open(const Cid& root) {
    dag::NodeCache unused;
    ASSIGN_OR_RETURN(FilePiece piece, dag::open_root(blocks_, root, unused));
    if (piece.size != 0) push(std::move(piece));
    return {};
  }

  bool is_at_end() const { return rest_.empty(); }
  const Piece& top() const { return rest_.back(); }
  // Where the next piece begins in the file.
  std::uint64_t offset() const { return offset_; }

  Piece pop() {
    Piece piece = std::move(rest_.back());
    rest_.pop_back();
    offset_ = piece.at.end();
    return piece;
  }

  void push_back(Piece piece) {
    offset_ = piece.at.offset;
    rest_.push_back(std::move(piece));
  }

  // Replaces the node on top by what it consists of.
  Status enter() {
    const FilePiece piece = std::move(rest_.back().at);
    ASSIGN_OR_RETURN(const Bytes block, blocks_.get(piece.cid));
    RETURN_IF_ERROR(meter_.advance(block.size()));
    ASSIGN_OR_RETURN(const FileTreeNode node, dag::decode_file_tree_node(piece.cid, block));
    RETURN_IF_ERROR(dag::check_claim(piece, node));
    rest_.pop_back();
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
      push(dag::child_piece(piece, *child));
    }
    if (!node.content.empty()) {
      rest_.push_back({{piece.cid, piece.offset, node.content.size(), piece.depth}, true});
    }
    return {};
  }

  // The next leaf, off the stack; nullopt at the end.
  Result<std::optional<Piece>> next_leaf() {
    while (!is_at_end() && !top().is_leaf) RETURN_IF_ERROR(enter());
    if (is_at_end()) return std::optional<Piece>();
    return std::optional<Piece>(pop());
  }

 private:
  void push(FilePiece piece) {
    const bool is_raw = piece.is_raw();
    rest_.push_back({std::move(piece), is_raw});
  }

  const BlockStore& blocks_;
  store::ProgressMeter& meter_;
  std::vector<Piece> rest_;
  std::uint64_t offset_ = 0;
};

// The leaves of one side of a difference, and where each is.
class Window {
 public:
  explicit Window(Cursor& cursor) : cursor_(cursor), offset_(cursor.offset()) {}

  // False: at the end, or full.
  Result<bool> gather() {
    if (leaves_.size() == kWindowLeavesMax) return false;
    ASSIGN_OR_RETURN(std::optional<Piece> leaf, cursor_.next_leaf());
    if (!leaf) return false;
    places_.try_emplace(leaf->at.cid, leaves_.size());
    leaves_.push_back(std::move(*leaf));
    return true;
  }

  // Where in `other` the last gathered leaf is, too.
  std::optional<std::size_t> find_last_in(const Window& other) const {
    const Piece& leaf = leaves_.back();
    const auto found = other.places_.find(leaf.at.cid);
    if (found == other.places_.end() || !is_same(other.leaves_[found->second], leaf)) return {};
    return found->second;
  }

  std::size_t size() const { return leaves_.size(); }
  std::uint64_t offset() const { return offset_; }

  // The first `count` leaves; gives the others back to the cursor.
  std::vector<FileChunk> take(std::size_t count) {
    while (leaves_.size() > count) {
      cursor_.push_back(std::move(leaves_.back()));
      leaves_.pop_back();
    }
    std::vector<FileChunk> chunks;
    chunks.reserve(count);
    for (const Piece& leaf : leaves_) {
      chunks.push_back({leaf.at.cid, leaf.at.offset, leaf.at.size});
    }
    return chunks;
  }

 private:
  Cursor& cursor_;
  std::uint64_t offset_;
  std::vector<Piece> leaves_;
  std::unordered_map<Cid, std::size_t> places_;  // The first of equal leaves.
};

class Diff {
 public:
  Diff(const BlockStore& blocks, const FileDifferenceVisitor& visit, store::ProgressMeter& meter)
      : a_(blocks, meter), b_(blocks, meter), visit_(visit) {}

  Status run(const Cid& a, const Cid& b) {
    if (a == b) return {};
    RETURN_IF_ERROR(a_.open(a));
    RETURN_IF_ERROR(b_.open(b));
    while (!a_.is_at_end() || !b_.is_at_end()) {
      if (a_.is_at_end() || b_.is_at_end()) {
        RETURN_IF_ERROR(tell_difference());
      } else if (is_same(a_.top(), b_.top()) || was_found_equal(a_.top(), b_.top())) {
        a_.pop();
        b_.pop();
        end_pairs();
      } else if (a_.top().is_leaf && b_.top().is_leaf) {
        RETURN_IF_ERROR(tell_difference());
      } else {
        begin_pair();
        RETURN_IF_ERROR(larger_node().enter());
      }
    }
    return {};
  }

 private:
  // Two subtrees that the walk is in, and where that of `a_` ends.
  struct OpenPair {
    EqualPairs::Pair pair;
    std::uint64_t end = 0;
  };

  bool was_found_equal(const Piece& a, const Piece& b) const {
    return a.at.size == b.at.size && equal_.contains(EqualPairs::pair_of(a, b));
  }

  void begin_pair() {
    if (a_.top().at.size != b_.top().at.size) return;
    open_.push_back({EqualPairs::pair_of(a_.top(), b_.top()), a_.top().at.end()});
  }

  // There was no difference since they began, so `b_` is at the end of its one, too.
  void end_pairs() {
    while (!open_.empty() && open_.back().end == a_.offset()) {
      equal_.add(std::move(open_.back().pair));
      open_.pop_back();
    }
  }

  // A leaf cannot be entered.
  Cursor& larger_node() {
    if (a_.top().is_leaf) return b_;
    if (b_.top().is_leaf) return a_;
    return a_.top().at.size >= b_.top().at.size ? a_ : b_;
  }

  Status tell_difference() {
    open_.clear();
    Window a(a_);
    Window b(b_);
    std::optional<std::size_t> in_a;
    std::optional<std::size_t> in_b;
    bool more = true;
    while (more && !in_a && !in_b) {
      ASSIGN_OR_RETURN(const bool more_a, a.gather());
      if (more_a) in_b = a.find_last_in(b);
      if (in_b) break;
      ASSIGN_OR_RETURN(const bool more_b, b.gather());
      if (more_b) in_a = b.find_last_in(a);
      more = more_a || more_b;
    }
    const std::size_t a_count = in_a ? *in_a : in_b ? a.size() - 1 : a.size();
    const std::size_t b_count = in_b ? *in_b : in_a ? b.size() - 1 : b.size();
    const std::vector<FileChunk> a_chunks = a.take(a_count);
    const std::vector<FileChunk> b_chunks = b.take(b_count);
    return visit_({a_chunks, b_chunks, a.offset(), b.offset()});
  }

  Cursor a_;
  Cursor b_;
  std::vector<OpenPair> open_;  // From the outermost in.
  EqualPairs equal_;
  const FileDifferenceVisitor& visit_;
};

}  // namespace

Status diff_files(const BlockStore& blocks, const Cid& a, const Cid& b,
                  const FileDifferenceVisitor& visit, const DiffFilesOptions& options) {
  store::ProgressMeter meter(options.control, "diff");
  RETURN_IF_ERROR(Diff(blocks, visit, meter).run(a, b));
  meter.show();
  return {};
}

}  // namespace packstore
