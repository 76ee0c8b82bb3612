// Random operations on a store that counts references: after each of them, the counts equal a full
// recount of the store's own and, while nothing waits to be released, one of the test's; everything
// that a ref or a pin reaches is there, and what has lost its last reference is not.
#include <gmock/gmock.h>

#include <random>

#include "collection/counting_fixture.h"
#include "collection/planter.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

constexpr int kParts = 60;
constexpr int kSteps = 400;

class CountsModel : public CountingFixture {
 protected:
  struct Part {
    Link link;
    std::string text;
  };

  // Leaves, and nodes of leaves and nodes before them; some of the bytes are linked as both kinds.
  void make_parts() {
    for (int i = 0; i < kParts; ++i) {
      std::vector<Link> links;
      const std::uint64_t count = parts_.size() < 10 ? 0 : below(5);
      for (std::uint64_t j = 0; j < count; ++j) {
        Link link = parts_[below(parts_.size())].link;
        if (below(8) == 0) link.kind = NodeKind::kRaw;
        links.push_back(link);
      }
      const std::string name = "part " + std::to_string(i);
      const std::string text = count == 0 ? name : node_text(name, links);
      const ObjectId id = ObjectId::of(as_bytes(text));
      parts_.push_back({count == 0 ? raw(id) : node(id), text});
    }
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  const Part& any_part() { return parts_[below(parts_.size())]; }
  // What is put while its release may wait stays until a collection.
  const Part& part_to_put() {
    const Part& part = any_part();
    if (pin_ || batch_ || released_late_) put_late_.insert(part.link.id);
    return part;
  }
  std::string any_ref() { return "ref " + std::to_string(below(6)); }
  static std::string name_of(std::string ref) {
    ref[3] = '-';
    return ref;
  }

  void put_some() {
    for (std::uint64_t i = below(12); i > 0; --i) {
      put(part_to_put().text,
          {.placement = below(2) == 0 ? Placement::kLoose : Placement::kPacked});
    }
  }

  void move_some_ref() {
    Link to = any_part().link;
    if (below(6) == 0) to.kind = NodeKind::kRaw;
    const Status moved = move(name_of(any_ref()), to);
    if (!moved) {
      EXPECT_THAT(moved, FailsWith(ErrorCode::kNotFound));
    }
  }

  void commit_a_batch() {
    Batch batch = store().begin_batch().value();
    for (std::uint64_t i = below(20); i > 0; --i) {
      ASSERT_THAT(batch.put(as_bytes(part_to_put().text)), Succeeds());
    }
    const std::string name = name_of(any_ref());
    const Link to = any_part().link;
    const auto from = store().refs().find(name).value();
    ASSERT_THAT(batch.move_ref(name, {.from = from, .to = to.id, .kind = to.kind}), Succeeds());
    const auto committed = batch.commit();
    if (!committed) {
      EXPECT_THAT(committed, FailsWith(ErrorCode::kNotFound));
    }
  }

  void pin_something() {
    pin_ = store().pin().value();
    pinned_ = any_part().link;
    ASSERT_THAT(pin_->add(*pinned_), Succeeds());
    note_kept(*pinned_);
  }
  void unpin() {
    pin_.reset();
    pinned_.reset();
    kept_.clear();
    noted_.clear();
  }
  // What the pin reaches of what is there now.
  void note_kept(const Link& link) {
    if (!has(link.id) || !noted_.insert(link).second) return;
    kept_.insert(link.id);
    if (link.kind == NodeKind::kRaw) return;
    const std::vector<Link> links = links_of(link.kind, store().get(link.id).value()).value();
    for (const Link& child : links) note_kept(child);
  }

  void open_batch_or_close_it() {
    if (batch_) {
      ASSERT_THAT(batch_->commit(), Succeeds());
      batch_.reset();
      return;
    }
    batch_ = store().begin_batch().value();
    ASSERT_THAT(batch_->put(as_bytes(part_to_put().text)), Succeeds());
  }

  void maintain() {
    MaintenanceLock lock = store().lock_maintenance().value();
    switch (below(3)) {
      case 0:
        EXPECT_THAT(lock.pack_loose(), Succeeds());
        break;
      case 1:
        EXPECT_THAT(lock.repack(), Succeeds());
        break;
      default:
        // An open batch keeps a collection from its end.
        if (!batch_) {
          EXPECT_THAT(lock.collect({.children_of = links_of}), Succeeds());
        }
    }
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
        return put_some();
      case 2:
      case 3:
      case 4:
        return move_some_ref();
      case 5:
      case 6:
        return set_ref(name_of(any_ref()), std::nullopt);
      case 7:
        return commit_a_batch();
      case 8:
        return pin_ ? unpin() : pin_something();
      case 9:
        return open_batch_or_close_it();
      case 10:
        return maintain();
      default:
        unpin();
        if (batch_) open_batch_or_close_it();
        reopen();
    }
  }

  void inspect() {
    const Counts counts = recount(store());
    const bool may_wait = pin_ || batch_;  // Who is in the way lets a release wait.
    std::set<ObjectId> reached;
    for (const auto& [link, number] : counts) reached.insert(link.id);
    for (const Part& part : parts_) {
      for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagCbor}) {
        const Link link{part.link.id, kind};
        const auto found = counts.find(link);
        const std::uint64_t expected = found == counts.end() ? 0 : found->second;
        // What waits for its release holds its references; validate() knows of both.
        const bool is_exact = !may_wait && !released_late_;
        ASSERT_GE(count(link), expected) << part.text;
        ASSERT_TRUE(!is_exact || count(link) == expected) << part.text;
      }
      const ObjectId& id = part.link.id;
      if (reached.contains(id)) referenced_.insert(id);
      const bool is_there = has(id);
      ASSERT_TRUE(is_there || !reached.contains(id));
      ASSERT_TRUE(is_there || !kept_.contains(id)) << "pinned, and gone";
      const bool may_stay = may_wait || put_late_.contains(id);
      if (referenced_.contains(id) && !reached.contains(id) && !may_stay) {
        ASSERT_TRUE(released_late_ || !is_there) << "no reference, and there: " << part.text;
      }
      if (is_there) continue;
      referenced_.erase(id);
      put_late_.erase(id);
    }
  }

  std::mt19937_64 random_{test_seed()};
  std::vector<Part> parts_;
  std::set<ObjectId> referenced_;  // By a ref, at some time since they were put.
  std::set<ObjectId> put_late_;
  std::optional<Pin> pin_;
  std::optional<Link> pinned_;
  std::set<ObjectId> kept_;
  std::set<Link, LinkOrder> noted_;
  std::optional<Batch> batch_;
  bool released_late_ = false;  // The end of a pin or a batch, by itself, is nobody's call.
};

TEST_F(CountsModel, CountsEqualARecountAfterEveryStep) {
  make_parts();
  for (int i = 0; i < kSteps && !HasFatalFailure(); ++i) {
    const bool was_in_the_way = pin_ || batch_;
    step();
    // The end of a pin is no call of the store that could carry out what has waited for it.
    released_late_ = (released_late_ || was_in_the_way) && !(pin_ || batch_);
    if (released_late_ && below(2) == 0) {
      reopen();
      released_late_ = false;
    }
    inspect();
    ASSERT_THAT(store(), IsUndamaged());
  }
}

TEST_F(CountsModel, ThreadsLoseNothingAndACollectionLeavesNothing) {
  const std::set<ObjectId> reached = plant_in_threads(path(), options_, 3, 80, [&] {
    MaintenanceLock lock = store().lock_maintenance({.wait = std::chrono::seconds(60)}).value();
    ASSERT_THAT(lock.pack_loose(), Succeeds());
    ASSERT_THAT(lock.repack({.dead_ratio_min = 0.5}), Succeeds());
    ASSERT_THAT(lock.clean(), Succeeds());
  });
  // What waited for maintenance to end is carried out by whoever opens the store.
  reopen();
  expect_exact(store());
  // What was put again while its release waited stays until a collection.
  EXPECT_GE(count_objects(), reached.size());
  ASSERT_THAT(collect(), Succeeds());
  EXPECT_EQ(count_objects(), reached.size());
}

}  // namespace
}  // namespace packstore::testing
