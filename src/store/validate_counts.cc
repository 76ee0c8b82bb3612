#include "store/validate_counts.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "index/recount_table.h"
#include "index/reference_table.h"
#include "store/read.h"
#include "store/references.h"
#include "store/store_core.h"
#include "store/validate_run.h"

namespace packstore::store {
namespace {

constexpr int kAttempts = 4;
constexpr std::size_t kNodesAtOnce = 512;
constexpr std::size_t kFindingsMax = 1000;

// One recount, from one moment.
class Recount {
 public:
  explicit Recount(ValidateRun& run) : run_(run), core_(run.core()) {}

  Status count() {
    ASSIGN_OR_RETURN(table_, core_.index->begin_recount());
    while (true) {
      RETURN_IF_ERROR(run_.advance(0));
      ASSIGN_OR_RETURN(const std::vector<Link> nodes, table_->take_nodes(kNodesAtOnce));
      if (nodes.empty()) return {};
      RETURN_IF_ERROR(count_links_of(nodes));
    }
  }

  // True when nodes were absent that may have been released since that moment.
  bool missed_nodes() const { return missed_nodes_; }

  Status report() {
    for (Finding& finding : broken_) run_.report(std::move(finding));
    // What could not be followed makes every count below it look wrong.
    if (is_incomplete_) return {};
    ASSIGN_OR_RETURN(const auto differences, table_->differences(kFindingsMax));
    for (const auto& [link, claimed, found] : differences) {
      run_.report({.kind = FindingKind::kReferenceCountWrong,
                   .object = link.id,
                   .message = fmt::format("object {} (kind {:#x}): {} references counted, {} found",
                                          link.id.to_hex(), static_cast<unsigned>(link.kind),
                                          claimed, found)});
    }
    return {};
  }

 private:
  Status count_links_of(const std::vector<Link>& nodes) {
    std::vector<ObjectId> ids;
    for (const Link& node : nodes) ids.push_back(node.id);
    const auto visit = [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
      // One object may be a node of several kinds.
      for (const Link& node : nodes) {
        if (node.id == id) RETURN_IF_ERROR(count_links(node, content));
      }
      return {};
    };
    return read_many(core_, ids, visit, {});
  }

  Status count_links(const Link& node, const Result<ByteView>& content) {
    if (!content) {
      if (!is_damage(content.error().code)) return content.error();
      is_incomplete_ = true;
      // Damage is found where it stands.
      if (content.error().code != ErrorCode::kNotFound) return {};
      missed_nodes_ = true;
      note_broken(node, content.error().message);
      return {};
    }
    Result<std::vector<Link>> links = links_of(core_, node, *content);
    if (!links) {
      if (!is_damage(links.error().code)) return links.error();
      is_incomplete_ = true;
      note_broken(node, links.error().message);
      return {};
    }
    for (const Link& link : *links) RETURN_IF_ERROR(table_->add(link));
    return {};
  }

  void note_broken(const Link& node, const std::string& why) {
    broken_.push_back({.kind = FindingKind::kRefBroken,
                       .object = node.id,
                       .message = fmt::format("a ref reaches node {}: {}", node.id.to_hex(), why)});
  }

  ValidateRun& run_;
  const StoreCore& core_;
  std::unique_ptr<index::RecountTable> table_;
  std::vector<Finding> broken_;
  bool missed_nodes_ = false;
  bool is_incomplete_ = false;
};

// Nodes whose links were never counted are not followed by a recount either.
Status report_put_off(ValidateRun& run) {
  ASSIGN_OR_RETURN(const auto nodes,
                   run.core().index->reference_steps(index::ReferenceStep::kFollowLater,
                                                     std::nullopt, kFindingsMax));
  for (const Link& node : nodes) {
    run.report({.kind = FindingKind::kRefBroken,
                .object = node.id,
                .message = fmt::format("a ref reaches node {}, which could not be followed yet",
                                       node.id.to_hex())});
  }
  return {};
}

}  // namespace

Status validate_counts(ValidateRun& run) {
  const StoreCore& core = run.core();
  const bool counts = core.index->reference_counts() == ReferenceCounts::kExact;
  if (!counts || !core.options.children_of || !run.rehashes_content()) return {};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t before = core.index->generation();
    Recount recount(run);
    Status counted = recount.count();
    if (!counted) return run.report_index_error(counted.error());
    if (recount.missed_nodes() && core.index->generation() != before) continue;
    RETURN_IF_ERROR(recount.report());
    return report_put_off(run);
  }
  return {};
}

}  // namespace packstore::store
