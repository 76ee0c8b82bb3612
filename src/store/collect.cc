// 1. Take in what dead writers have committed in their packs, so that nobody does it later and
//    brings back what is swept. Copy: every object that there is becomes a candidate. What is put
//    later is none.
// 2. Announce the collection, so that whoever puts a candidate again notes it (collection_watch.h).
//    In this order, because an object that is put after the announcement must not be copied.
// 3. Mark, beside everybody: what the refs reach, strictly; then what the pins reach, where nodes
//    may still be absent; then what was noted. Again, until nothing new was reached.
// 4. Sweep: hold the sessions lock exclusively, so that no batch is open and nobody pins; begin the
//    write transaction, so that no ref moves and nobody notes; mark once more, which meets only
//    what has changed since; drop the rows of what was not reached and note its loose files as
//    pending unlinks. The commit is durable and is the one moment at which anything goes.
// 5. Unlink the noted files, as a removal does.
//
// Until the commit of step 4 nothing has changed but notes, which at worst keep garbage until the
// next collection. A collection that was cancelled or killed is simply begun again.
//
// Where references are counted, what has lost its last one is released before step 1 (release.h),
// in transactions of its own.
#include "store/collect.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "format/pack_record.h"
#include "index/mark_table.h"
#include "index/reference_table.h"
#include "store/collection_watch.h"
#include "store/lookup.h"
#include "store/pack_tails.h"
#include "store/pins.h"
#include "store/read.h"
#include "store/references.h"
#include "store/release.h"
#include "store/sessions.h"
#include "store/store_core.h"
#include "store/unlinks.h"

namespace packstore::store {
namespace {

using Reached = index::MarkTable::Reached;
using Step = index::MarkTable::Step;

// Nodes that are looked up and read together, and rows that are paged together.
constexpr std::size_t kNodesAtOnce = 512;
constexpr std::size_t kPage = 4096;
// Whoever moves refs faster than this catches up with is caught by the sweep.
constexpr int kRoundsMax = 8;

bool comes_before(const Step& a, const Step& b) { return a.node.id < b.node.id; }

std::string describe(const std::optional<ObjectId>& parent) {
  return parent ? "linked from " + parent->to_hex() : std::string("a root");
}

class Collector {
 public:
  Collector(StoreCore& core, const CollectOptions& options) : core_(core), options_(options) {}

  Result<CollectReport> run() {
    if (!options_.children_of) {
      return fail(ErrorCode::kInvalidArgument, "collect: no function that finds links was given");
    }
    RETURN_IF_ERROR(check_stop());
    if (options_.mode == CollectMode::kRemove) RETURN_IF_ERROR(carry_out());
    RETURN_IF_ERROR(forget_kept());
    RETURN_IF_ERROR(bring_in_tails());
    RETURN_IF_ERROR(copy_candidates());
    if (options_.mode == CollectMode::kDryRun) {
      RETURN_IF_ERROR(mark());
      RETURN_IF_ERROR(count_garbage());
      return finish();
    }
    const CollectionUnderWay under_way(core_);
    RETURN_IF_ERROR(mark());
    RETURN_IF_ERROR(sweep());
    return finish();
  }

 private:
  enum class Absence : std::uint8_t { kIsDamage, kIsFine };

  // What has lost its last reference goes without being looked for.
  Status carry_out() {
    const Result<std::uint64_t> released = carry_out_releases(core_, options_);
    if (released) {
      report_.released = *released;
      return {};
    }
    if (!is_damage(released.error().code)) return released.error();
    if (options_.broken_nodes == BrokenNodes::kRefuse) return released.error();
    report_.skipped.push_back(released.error());
    return {};
  }

  // A dry run changes nothing but what opening a store would change.
  Status bring_in_tails() {
    if (options_.mode == CollectMode::kRemove) return settle_tails(core_);
    ASSIGN_OR_RETURN(const auto packs, core_.packs.list());
    return take_in_tails(core_, packs);
  }

  Status forget_kept() {
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kLazy));
    RETURN_IF_ERROR(store::forget_kept(*transaction));
    return transaction->commit();
  }

  Status copy_candidates() {
    ASSIGN_OR_RETURN(marks_, core_.index->begin_marking());
    const auto add = [&](const ObjectId& id, std::uint64_t size) -> Status {
      RETURN_IF_ERROR(check_stop());
      return marks_->add_loose_candidate(id, size);
    };
    RETURN_IF_ERROR(core_.loose.for_each(add));
    ASSIGN_OR_RETURN(candidates_, marks_->count_candidates());
    return {};
  }

  Status mark() {
    for (int round = 0; round < kRoundsMax; ++round) {
      const std::uint64_t before = steps_;
      RETURN_IF_ERROR(mark_from_roots());
      if (steps_ == before) break;
    }
    return {};
  }

  Status mark_from_roots() {
    ASSIGN_OR_RETURN(const std::vector<Ref> refs, core_.index->list_refs(""));
    for (const Ref& ref : refs) {
      Status reached = reach({ref.id, ref.kind}, std::nullopt, Absence::kIsDamage);
      if (!reached) {
        return fail(reached.error().code, "ref {}: {}", ref.name, reached.error().message);
      }
    }
    RETURN_IF_ERROR(walk(Absence::kIsDamage));
    RETURN_IF_ERROR(for_each_pinned(
        core_, [&](const Link& link) { return reach(link, std::nullopt, Absence::kIsFine); }));
    // A dry run has carried out none of them, and looks at what they would take.
    if (options_.mode == CollectMode::kRemove) RETURN_IF_ERROR(mark_releases());
    // What was absent in an earlier round may have been put since.
    RETURN_IF_ERROR(marks_->take_back());
    RETURN_IF_ERROR(walk(Absence::kIsFine));
    return mark_kept();
  }

  // What is still to be released holds its references until then.
  Status mark_releases() {
    if (core_.index->reference_counts() == ReferenceCounts::kNone) return {};
    for (std::optional<Link> after;;) {
      ASSIGN_OR_RETURN(const std::vector<Link> page,
                       core_.index->reference_steps(index::ReferenceStep::kRelease, after, kPage));
      for (const Link& node : page) {
        RETURN_IF_ERROR(reach(node, std::nullopt, Absence::kIsFine));
      }
      if (page.size() < kPage) return {};
      after = page.back();
    }
  }

  Status mark_kept() {
    for (std::optional<ObjectId> after;;) {
      ASSIGN_OR_RETURN(const std::vector<ObjectId> page, core_.index->kept(after, kPage));
      for (const ObjectId& id : page) {
        RETURN_IF_ERROR(reach({.id = id}, std::nullopt, Absence::kIsFine));
      }
      if (page.size() < kPage) return {};
      after = page.back();
    }
  }

  Status reach(const Link& link, const std::optional<ObjectId>& parent, Absence absence) {
    ASSIGN_OR_RETURN(const Reached reached, marks_->reach(link));
    if (reached == Reached::kBefore) return {};
    ++steps_;
    if (link.kind != NodeKind::kRaw) return marks_->push({link, parent});
    // A candidate is there: under the maintenance lock nothing goes but by this sweep.
    if (reached == Reached::kCandidate || absence == Absence::kIsFine) return {};
    ASSIGN_OR_RETURN(const auto located, locate(core_, link.id));
    if (located) return {};
    return give_up_on({link, parent},
                      fail(ErrorCode::kNotFound, "object {}: not in the store", link.id.to_hex()));
  }

  Status walk(Absence absence) {
    while (true) {
      RETURN_IF_ERROR(check_stop());
      ASSIGN_OR_RETURN(std::vector<Step> steps, marks_->pop(kNodesAtOnce));
      if (steps.empty()) return {};
      std::sort(steps.begin(), steps.end(), comes_before);
      std::vector<ObjectId> ids;
      for (const Step& step : steps) ids.push_back(step.node.id);
      const auto visit = [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
        // One object may be a node of several kinds.
        auto step =
            std::lower_bound(steps.begin(), steps.end(), Step{.node = {.id = id}}, comes_before);
        for (; step != steps.end() && step->node.id == id; ++step) {
          RETURN_IF_ERROR(walk_node(*step, content, absence));
        }
        return {};
      };
      RETURN_IF_ERROR(read_many(core_, ids, visit, {}));
      show_progress();
    }
  }

  Status walk_node(const Step& step, const Result<ByteView>& content, Absence absence) {
    if (!content) {
      const bool absent = content.error().code == ErrorCode::kNotFound;
      if (absent) RETURN_IF_ERROR(marks_->set_aside(step));
      if (absent && absence == Absence::kIsFine) return {};
      return give_up_on(step, content.error());
    }
    const Result<std::vector<Link>> children = options_.children_of(step.node.kind, *content);
    if (!children) return give_up_on(step, children.error());
    for (const Link& child : *children) RETURN_IF_ERROR(reach(child, step.node.id, absence));
    return {};
  }

  Status give_up_on(const Step& step, const Error& why) {
    if (!is_damage(why.code)) return why;
    Error error = fail(ErrorCode::kCorrupt, "collect: {} ({}): {}", step.node.id.to_hex(),
                       describe(step.parent), why.message);
    if (options_.broken_nodes == BrokenNodes::kRefuse) return error;
    report_.skipped.push_back(std::move(error));
    return {};
  }

  Status sweep() {
    {
      ASSIGN_OR_RETURN(const io::HeldLock sessions,
                       hold_off_sessions(*core_.locks, options_.wait, "collect"));
      ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
      RETURN_IF_ERROR(mark_from_roots());
      const auto drop_page = [&](std::span<const Garbage> page) -> Status {
        tell(page);
        count(page);
        for (const Garbage& garbage : page) RETURN_IF_ERROR(drop(*transaction, garbage));
        return {};
      };
      RETURN_IF_ERROR(for_each_garbage(drop_page));
      for (const auto& [pack, bytes] : dead_bytes_) {
        RETURN_IF_ERROR(transaction->add_dead_bytes(pack, bytes));
      }
      RETURN_IF_ERROR(store::forget_kept(*transaction));
      RETURN_IF_ERROR(transaction->commit());
    }
    return finish_unlinks(core_);
  }

  using Garbage = index::MarkTable::Garbage;

  template <typename Visitor>
  Status for_each_garbage(Visitor visit) {
    for (std::optional<ObjectId> after;;) {
      RETURN_IF_ERROR(check_stop());
      ASSIGN_OR_RETURN(const std::vector<Garbage> page, marks_->unreached(after, kPage));
      RETURN_IF_ERROR(visit(std::span<const Garbage>(page)));
      if (page.size() < kPage) return {};
      after = page.back().id;
    }
  }

  Status drop(index::WriteTransaction& transaction, const Garbage& garbage) {
    ASSIGN_OR_RETURN(const auto row, transaction.erase(garbage.id));
    if (row) {
      dead_bytes_[row->pack] += record_bytes(*row);
      report_.packed_bytes += record_bytes(*row);
    }
    return garbage.loose_bytes ? transaction.add_pending_unlink(garbage.id) : Status();
  }

  // What releases and then a sweep would do, from the rows as they are now.
  Status count_garbage() {
    std::uint64_t unreached = 0;
    RETURN_IF_ERROR(for_each_garbage([&](std::span<const Garbage> page) -> Status {
      unreached += page.size();
      tell(page);
      return {};
    }));
    RETURN_IF_ERROR(mark_releases());
    RETURN_IF_ERROR(walk(Absence::kIsFine));
    RETURN_IF_ERROR(for_each_garbage([&](std::span<const Garbage> page) -> Status {
      count(page);
      return count_packed_bytes(page);
    }));
    report_.released = unreached - report_.removed;
    candidates_ -= report_.released;  // A sweep would not meet them.
    return {};
  }

  Status count_packed_bytes(std::span<const Garbage> page) {
    std::vector<ObjectId> ids;
    for (const Garbage& garbage : page) ids.push_back(garbage.id);
    return core_.index->find_many(ids,
                                  [&](std::size_t, const Result<index::Location>& at) -> Status {
                                    if (at) report_.packed_bytes += record_bytes(*at);
                                    return {};
                                  });
  }

  void tell(std::span<const Garbage> page) const {
    if (!options_.on_garbage) return;
    for (const Garbage& garbage : page) options_.on_garbage(garbage.id);
  }

  void count(std::span<const Garbage> page) {
    report_.removed += page.size();
    for (const Garbage& garbage : page) report_.loose_bytes += garbage.loose_bytes.value_or(0);
  }

  static std::uint64_t record_bytes(const index::Location& at) {
    return format::PackRecord::kHeaderSize + std::min(at.stored_size, index::kObjectBytesMax);
  }

  Result<CollectReport> finish() {
    report_.reached = candidates_ - report_.removed;
    show_progress();
    return std::move(report_);
  }

  Status check_stop() const {
    if (!options_.control.stop.stop_requested()) return {};
    return fail(ErrorCode::kCancelled, "collect: stopped after marking {} objects", steps_);
  }

  void show_progress() const {
    if (!options_.control.on_progress) return;
    options_.control.on_progress(
        {"mark", std::min(steps_, candidates_), candidates_, ProgressUnit::kObjects});
  }

  StoreCore& core_;
  const CollectOptions& options_;
  std::unique_ptr<index::MarkTable> marks_;
  std::uint64_t candidates_ = 0;
  std::uint64_t steps_ = 0;  // Objects reached for the first time, as one kind.
  std::map<std::uint64_t, std::uint64_t> dead_bytes_;  // By pack.
  CollectReport report_;
};

}  // namespace

Result<CollectReport> collect(StoreCore& core, const CollectOptions& options) {
  return Collector(core, options).run();
}

}  // namespace packstore::store
