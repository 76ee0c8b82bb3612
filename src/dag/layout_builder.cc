#include "dag/layout_builder.h"

#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/error.h"

namespace packstore::dag {

LayoutBuilder::LayoutBuilder(std::size_t width, MakeNode make_node)
    : width_(width), make_node_(std::move(make_node)) {
  PACKSTORE_CHECK(width >= 2);
}

Status LayoutBuilder::add(const Subtree& leaf) { return add_at(0, leaf); }

// A full node waits for the subtree behind it: only then is it certain that it is not the root.
Status LayoutBuilder::add_at(std::size_t level, Subtree subtree) {
  for (;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    if (levels_[level].size() < width_) break;
    ASSIGN_OR_RETURN(Subtree node, close(level));
    levels_[level].push_back(std::exchange(subtree, std::move(node)));
  }
  levels_[level].push_back(std::move(subtree));
  return {};
}

Result<Subtree> LayoutBuilder::finish() {
  PACKSTORE_CHECK(!levels_.empty());
  for (std::size_t level = 0;; ++level) {
    const bool is_top = level + 1 == levels_.size();
    if (is_top && levels_[level].size() == 1) return std::move(levels_[level].front());
    ASSIGN_OR_RETURN(Subtree node, close(level));
    RETURN_IF_ERROR(add_at(level + 1, std::move(node)));
  }
}

// Makes the node of `level` from what has been gathered.
Result<Subtree> LayoutBuilder::close(std::size_t level) {
  std::vector<Subtree>& children = levels_[level];
  ASSIGN_OR_RETURN(const LayoutBuilder::Node node, make_node_(children));
  Subtree subtree{node.cid, 0, node.encoded_size};
  for (const Subtree& child : children) {
    const auto size = checked_add(subtree.size, child.size);
    const auto encoded_size = checked_add(subtree.encoded_size, child.encoded_size);
    if (!size || !encoded_size) {
      return fail(ErrorCode::kInvalidArgument, "a file of more than {} bytes", UINT64_MAX);
    }
    subtree.size = *size;
    subtree.encoded_size = *encoded_size;
  }
  children.clear();
  return subtree;
}

}  // namespace packstore::dag
