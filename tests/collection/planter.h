// A writer whose trees are made of few different parts, so that it puts again and again what a
// collection is just about to take. It keeps to the rules for writers beside collections, and knows
// what must be there at any time.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collection/test_nodes.h"

namespace packstore::testing {

class Planter {
 public:
  // Its refs begin with `name`.
  Planter(Store& store, std::string name, std::uint64_t seed)
      : store_(store), name_(std::move(name)), random_(seed) {}

  // One operation, and a look at one of its trees. What went wrong, or nothing.
  std::string step() {
    const std::string slot = name_ + "/" + std::to_string(below(4));
    const std::string done = [&] {
      switch (below(5)) {
        case 0:
          return fell(slot);
        case 1:
          return plant_alone(slot);
        case 2:
          return plant_pinned(slot);
        default:
          return plant_in_batch(slot);
      }
    }();
    return done.empty() ? inspect() : slot + ": " + done;
  }

  // Every object that its refs reach.
  std::set<ObjectId> reached() const {
    std::set<ObjectId> ids;
    for (const auto& [slot, tree] : trees_) {
      for (const Part& part : tree) ids.insert(part.id);
    }
    return ids;
  }

 private:
  struct Part {
    ObjectId id;
    std::string text;
    NodeKind kind;
  };
  using Tree = std::vector<Part>;  // The root comes last.

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  static ObjectId add(Tree& tree, std::string text, NodeKind kind) {
    const ObjectId id = ObjectId::of(as_bytes(text));
    tree.push_back({id, std::move(text), kind});
    return id;
  }
  Link add_leaf(Tree& tree) {
    return raw(add(tree, "leaf " + std::to_string(below(30)), NodeKind::kRaw));
  }
  Tree make_tree() {
    Tree tree;
    std::vector<Link> links;
    for (std::uint64_t i = below(3); i > 0; --i) links.push_back(add_leaf(tree));
    for (std::uint64_t i = below(3); i > 0; --i) {
      const std::vector<Link> leaves = {add_leaf(tree), add_leaf(tree)};
      links.push_back(node(add(tree, node_text("inner", leaves), NodeKind::kDagCbor)));
    }
    add(tree, node_text("root", links), NodeKind::kDagCbor);
    return tree;
  }

  RefMove move_to(const std::string& slot, const Part& root) const {
    RefMove step{.from = {}, .to = root.id, .kind = root.kind};
    if (const auto old = trees_.find(slot); old != trees_.end()) step.from = old->second.back().id;
    return step;
  }

  std::string fell(const std::string& slot) {
    const auto dropped = store_.refs().dereference(slot);
    if (!dropped) return dropped.error().message;
    const bool was_there = trees_.erase(slot) != 0;
    return was_there == dropped->has_value() ? "" : "the ref was not as it was left";
  }

  std::string plant_in_batch(const std::string& slot) {
    Tree tree = make_tree();
    Result<Batch> batch = store_.begin_batch();
    if (!batch) return batch.error().message;
    for (const Part& part : tree) {
      if (const auto put = batch->put(as_bytes(part.text)); !put) return put.error().message;
    }
    if (const auto moved = batch->move_ref(slot, move_to(slot, tree.back())); !moved) {
      return moved.error().message;
    }
    if (const auto committed = batch->commit(); !committed) return committed.error().message;
    trees_[slot] = std::move(tree);
    return "";
  }

  std::string put_one(const Part& part) {
    const PutOptions how{.placement = below(2) == 0 ? Placement::kLoose : Placement::kPacked};
    const auto put = store_.put(as_bytes(part.text), how);
    return put ? "" : put.error().message;
  }

  // In any order, parents before children too.
  std::string plant_pinned(const std::string& slot) {
    Tree tree = make_tree();
    Result<Pin> pin = store_.pin();
    if (!pin) return pin.error().message;
    std::vector<std::size_t> order;
    for (const Part& part : tree) {
      order.push_back(order.size());
      if (const auto pinned = pin->add(Link{part.id, part.kind}); !pinned) {
        return pinned.error().message;
      }
    }
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::size_t i : order) {
      // What is there and pinned need not be put.
      const auto known = store_.contains(tree[i].id);
      if (!known) return known.error().message;
      if (*known && below(2) == 0) continue;
      if (std::string failed = put_one(tree[i]); !failed.empty()) return failed;
    }
    const auto moved = store_.refs().move(slot, move_to(slot, tree.back()));
    if (!moved) return moved.error().message;
    trees_[slot] = std::move(tree);
    return "";
  }

  // One raw object without a pin: it may be gone before the ref is there, and is put again then.
  std::string plant_alone(const std::string& slot) {
    Tree tree;
    add_leaf(tree);
    for (int attempt = 0; attempt < 100; ++attempt) {
      if (std::string failed = put_one(tree.back()); !failed.empty()) return failed;
      const auto moved = store_.refs().move(slot, move_to(slot, tree.back()));
      if (!moved && moved.error().code == ErrorCode::kNotFound) continue;
      if (!moved) return moved.error().message;
      trees_[slot] = std::move(tree);
      return "";
    }
    return "a single object went away a hundred times";
  }

  std::string inspect() {
    if (trees_.empty()) return "";
    auto chosen = trees_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(trees_.size())));
    for (const Part& part : chosen->second) {
      const auto content = store_.get(part.id);
      if (!content) return chosen->first + " has lost a part: " + content.error().message;
    }
    return "";
  }

  Store& store_;
  std::string name_;
  std::mt19937_64 random_;
  std::map<std::string, Tree> trees_;  // By ref.
};

// Several of them, each in a thread, take so many steps in the store at `path` while the caller
// keeps doing `maintain`. Nobody has anything to complain about. Returns what their refs reach
// then.
inline std::set<ObjectId> plant_in_threads(const std::filesystem::path& path,
                                           const OpenOptions& options, std::size_t writers,
                                           int steps, const std::function<void()>& maintain) {
  const std::uint64_t seed = test_seed();
  std::vector<Store> stores;
  std::vector<Planter> planters;
  for (std::size_t i = 0; i < writers; ++i) stores.push_back(Store::open(path, options).value());
  for (std::size_t i = 0; i < writers; ++i) {
    planters.emplace_back(stores[i], "writer-" + std::to_string(i), seed + i);
  }
  std::atomic<std::size_t> at_work = writers;
  std::vector<std::string> complaints(writers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < writers; ++i) {
    threads.emplace_back([&, i] {
      for (int step = 0; step < steps && complaints[i].empty(); ++step) {
        complaints[i] = planters[i].step();
      }
      --at_work;
    });
  }
  while (at_work != 0 && !::testing::Test::HasFatalFailure()) maintain();
  for (std::thread& thread : threads) thread.join();
  for (const std::string& complaint : complaints) EXPECT_EQ(complaint, "");
  std::set<ObjectId> reached;
  for (const Planter& planter : planters) reached.merge(planter.reached());
  return reached;
}

}  // namespace packstore::testing
