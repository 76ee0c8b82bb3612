// 1. Lock maintenance; follow what could not be followed before. While the links of one counted
// node
//    are unknown, nothing is released: it may be what that node references.
// 2. Lock sessions exclusively, so that no batch is open and nobody pins. Take in the tails of
// packs,
//    as removal does, and begin a durable write transaction.
// 3. Take releases, page by page. What a pin reaches waits. For the others: drop the references
// that
//    the node holds, which may make further releases; drop its row, note its loose copy as pending
//    unlink, unless somebody has put it again meanwhile; the release is done.
// 4. After some thousand of them, or when nothing is left that can go, commit and give sessions
//    back. A release is a row, so a crash leaves what is left to do, and so does a stop. Unlink as
//    a removal does, and go on with step 2.
#include "store/release.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "index/mark_table.h"
#include "index/reference_table.h"
#include "io/lock.h"
#include "store/collection_watch.h"
#include "store/pack_tails.h"
#include "store/pins.h"
#include "store/references.h"
#include "store/remove.h"
#include "store/sessions.h"
#include "store/store_core.h"
#include "store/unlinks.h"

namespace packstore::store {
namespace {

using index::ReferenceStep;

constexpr std::size_t kPage = 1024;
// Writers wait for one transaction: a fraction of a second.
constexpr std::uint64_t kReleasesAtOnce = 8192;
// Whoever makes releases faster than this carries them out himself.
constexpr int kRoundsMax = 8;

// What the pins reach. Walks no node whose links are counted: what those point at stays anyway.
class PinnedObjects {
 public:
  PinnedObjects(const StoreCore& core, index::WriteTransaction& transaction)
      : core_(core), transaction_(transaction) {}

  Status find() {
    RETURN_IF_ERROR(for_each_pinned(core_, [&](const Link& link) { return reach(link); }));
    while (marks_) {
      ASSIGN_OR_RETURN(const auto steps, marks_->pop(kPage));
      if (steps.empty()) return {};
      for (const auto& step : steps) RETURN_IF_ERROR(walk(step.node));
    }
    return {};
  }

  Result<bool> contains(const ObjectId& id) const {
    return marks_ ? marks_->has_reached(id) : Result<bool>(false);
  }

 private:
  Status reach(const Link& link) {
    if (!marks_) {
      ASSIGN_OR_RETURN(marks_, core_.index->begin_marking(index::Index::Candidates::kNone));
    }
    ASSIGN_OR_RETURN(const auto reached, marks_->reach(link));
    const bool to_walk =
        reached != index::MarkTable::Reached::kBefore && link.kind != NodeKind::kRaw;
    return to_walk ? marks_->push({.node = link}) : Status();
  }

  Status walk(const Link& node) {
    ASSIGN_OR_RETURN(const bool counted, transaction_.reference_table()->holds_links_of(node));
    if (counted) return {};
    const Result<std::vector<Link>> links = read_links(core_, transaction_, node);
    // It may be put yet; then what it points at is put, or pinned, first.
    if (!links && links.error().code == ErrorCode::kNotFound) return {};
    if (!links) return links.error();
    for (const Link& link : *links) RETURN_IF_ERROR(reach(link));
    return {};
  }

  const StoreCore& core_;
  index::WriteTransaction& transaction_;
  std::unique_ptr<index::MarkTable> marks_;  // Null: nobody pins.
};

class Releaser {
 public:
  Releaser(StoreCore& core, const CollectOptions& options) : core_(core), options_(options) {}

  Result<std::uint64_t> run() {
    RETURN_IF_ERROR(check_all_followed());
    while (true) {
      const std::uint64_t before = done_;
      RETURN_IF_ERROR(run_transaction());
      if (done_ == before) break;
      RETURN_IF_ERROR(finish_unlinks(core_));
    }
    if (broken_) return *broken_;
    return removed_;
  }

 private:
  Status check_all_followed() {
    RETURN_IF_ERROR(follow_put_off(core_));
    ASSIGN_OR_RETURN(const auto left,
                     core_.index->reference_steps(ReferenceStep::kFollowLater, std::nullopt, 1));
    if (left.empty()) return {};
    return fail(ErrorCode::kCorrupt,
                "node {}: cannot be followed, so nobody knows what it references, and nothing is "
                "released",
                left.front().id.to_hex());
  }

  Status run_transaction() {
    RETURN_IF_ERROR(check_stop());
    ASSIGN_OR_RETURN(const io::HeldLock sessions,
                     hold_off_sessions(*core_.locks, options_.wait, "release"));
    RETURN_IF_ERROR(settle_tails(core_));
    ASSIGN_OR_RETURN(auto transaction, core_.index->begin_write(index::CommitSync::kDurable));
    PinnedObjects pinned(core_, *transaction);
    RETURN_IF_ERROR(pinned.find());
    const std::uint64_t before = done_;
    gone_.clear();
    while (done_ - before < kReleasesAtOnce) {
      const std::uint64_t pass = done_;
      RETURN_IF_ERROR(run_pass(*transaction, pinned, before + kReleasesAtOnce));
      if (done_ == pass) break;
    }
    if (done_ == before) return {};
    if (!is_collecting(core_)) RETURN_IF_ERROR(forget_kept(*transaction));
    RETURN_IF_ERROR(transaction->commit());
    removed_ += gone_.size();
    tell();
    return {};
  }

  void tell() {
    if (!options_.on_garbage) return;
    std::ranges::sort(gone_);
    for (const ObjectId& id : gone_) options_.on_garbage(id);
  }

  Status check_stop() const {
    if (!options_.control.stop.stop_requested()) return {};
    return fail(ErrorCode::kCancelled, "collect: stopped after releasing {} objects", removed_);
  }

  // Once through all releases that there are. What it releases in turn may come in the same pass.
  Status run_pass(index::WriteTransaction& transaction, const PinnedObjects& pinned,
                  std::uint64_t done_max) {
    for (std::optional<Link> after; done_ < done_max;) {
      ASSIGN_OR_RETURN(const std::vector<Link> page,
                       transaction.reference_table()->steps(ReferenceStep::kRelease, after, kPage));
      for (const Link& node : page) {
        RETURN_IF_ERROR(check_stop());
        if (skipped_.contains(node.id)) continue;
        ASSIGN_OR_RETURN(const bool kept, pinned.contains(node.id));
        if (!kept) RETURN_IF_ERROR(release(transaction, node));
      }
      if (page.size() < kPage) return {};
      after = page.back();
    }
    return {};
  }

  Status release(index::WriteTransaction& transaction, const Link& node) {
    index::ReferenceTable& table = *transaction.reference_table();
    const Result<std::vector<Link>> links = read_links(core_, transaction, node);
    if (!links) return skip(node, links.error());
    for (const Link& link : *links) RETURN_IF_ERROR(drop_reference(table, link));
    RETURN_IF_ERROR(table.erase_step(ReferenceStep::kRelease, node));
    ++done_;
    // The same bytes may have references as something else.
    ASSIGN_OR_RETURN(const bool is_held, table.holds(node.id));
    if (is_held) return {};
    ASSIGN_OR_RETURN(const bool is_kept, transaction.is_kept(node.id));
    if (is_kept) return {};
    ASSIGN_OR_RETURN(const bool removed, remove_object(core_, transaction, node.id));
    if (removed) gone_.push_back(node.id);
    return {};
  }

  // What it references stays counted: repair() counts anew.
  Status skip(const Link& node, const Error& why) {
    if (!is_damage(why.code) && why.code != ErrorCode::kInvalidArgument) return why;
    skipped_.insert(node.id);
    broken_ = fail(why.code, "releasing: {}", why.message);
    return {};
  }

  StoreCore& core_;
  const CollectOptions& options_;
  std::uint64_t done_ = 0;
  std::uint64_t removed_ = 0;
  std::vector<ObjectId> gone_;  // In the transaction under way.
  std::set<ObjectId> skipped_;
  std::optional<Error> broken_;
};

Status carry_out_round(StoreCore& core) {
  ASSIGN_OR_RETURN(const io::HeldLock lock,
                   io::HeldLock::take(*core.locks, kMaintenanceLock, io::LockKind::kExclusive,
                                      std::chrono::milliseconds(0), "releasing references"));
  RETURN_IF_ERROR(finish_unlinks(core));
  RETURN_IF_ERROR(carry_out_releases(core, {.wait = std::chrono::milliseconds(0)}));
  return {};
}

}  // namespace

Status forget_kept(index::WriteTransaction& transaction) {
  if (index::ReferenceTable* const table = transaction.reference_table()) {
    ASSIGN_OR_RETURN(const std::vector<Link> left,
                     table->steps(ReferenceStep::kRelease, std::nullopt, 1));
    if (!left.empty()) return {};
  }
  return transaction.clear_kept();
}

Result<bool> has_releases(const StoreCore& core) {
  if (core.index->reference_counts() == ReferenceCounts::kNone) return false;
  ASSIGN_OR_RETURN(const auto any,
                   core.index->reference_steps(ReferenceStep::kRelease, std::nullopt, 1));
  return !any.empty();
}

Status carry_out_releases(StoreCore& core) {
  for (int round = 0; round < kRoundsMax; ++round) {
    ASSIGN_OR_RETURN(const bool any, has_releases(core));
    if (!any) return {};
    const std::uint64_t before = core.index->generation();
    Status done = carry_out_round(core);
    if (!done) return done.error().code == ErrorCode::kBusy ? Status() : done;
    // Who made a release meanwhile found the lock taken, and relies on this call.
    if (core.index->generation() == before) return {};
  }
  return {};
}

void try_releases(StoreCore& core) { static_cast<void>(carry_out_releases(core).has_value()); }

Result<std::uint64_t> carry_out_releases(StoreCore& core, const CollectOptions& options) {
  ASSIGN_OR_RETURN(const bool any, has_releases(core));
  if (!any) return 0;
  return Releaser(core, options).run();
}

}  // namespace packstore::store
