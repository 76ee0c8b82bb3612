// From leaves to a root: nodes of a given width, built while the leaves arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dag/file_node.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

// A leaf or a node, and what is below it.
using Subtree = FileNodeChild;

// Balanced: leaves are grouped by `width` into nodes, these again, until one is left. A group of
// one is a node, too, so all leaves are at the same depth. That is the layout of UnixFS importers
// (github.com/ipfs/boxo, ipld/unixfs/importer/balanced).
//
// Pure: what a node is, and where it goes, is up to `make_node`. One unfinished node a level is
// held, so memory is width x depth. Thread safety: one thread at a time.
class LayoutBuilder {
 public:
  struct Node {
    Cid cid;
    std::uint64_t encoded_size = 0;  // Of its own block.
  };
  // Stores a node over `children`, never empty, and names it.
  using MakeNode = std::function<Result<Node>(std::span<const Subtree> children)>;

  // `width` >= 2.
  LayoutBuilder(std::size_t width, MakeNode make_node);

  // kInvalidArgument: the sum of sizes does not fit 64 bits.
  Status add(const Subtree& leaf);

  // The root: the leaf itself where there is one leaf. At least one has been added; the builder is
  // used up.
  Result<Subtree> finish();

 private:
  Status add_at(std::size_t level, Subtree subtree);
  Result<Subtree> close(std::size_t level);

  std::size_t width_;
  MakeNode make_node_;
  // The children of the unfinished node of each level, the lowest first.
  std::vector<std::vector<Subtree>> levels_;
};

}  // namespace packstore::dag
