// A store to keep nodes in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "packstore/store.h"
#include "support/store_scratch.h"
#include "support/text_nodes.h"

namespace packstore::testing {

class CollectionFixture : public ::testing::Test {
 protected:
  CollectionFixture() : CollectionFixture(CreateOptions()) {}
  explicit CollectionFixture(const CreateOptions& how) : options_(how.open) {
    EXPECT_THAT(Store::create(path(), how), Succeeds());
  }

  // Of the next store().
  OpenOptions options_;

  // Opened when it is first asked for. Whoever forks closes it before: SQLite does not survive
  // that.
  Store& store() {
    if (!store_) store_ = Store::open(path(), options_).value();
    return *store_;
  }
  Store& reopen() {
    close();
    return store();
  }
  void close() { store_.reset(); }

  std::filesystem::path path() const { return scratch_ / "store"; }

  ObjectId put(std::string_view text, const PutOptions& how = {}) {
    return store().put(as_bytes(text), how).value();
  }
  ObjectId put_packed(std::string_view text) {
    return put(text, {.placement = Placement::kPacked});
  }
  ObjectId put_node(std::string_view name, const std::vector<Link>& links) {
    return put_packed(node_text(name, links));
  }
  // Points the ref at `to`, or drops it, wherever it is now.
  Status move(std::string_view name, const std::optional<Link>& to) {
    RefMove step{.from = store().refs().find(name).value()};
    if (to) {
      step.to = to->id;
      step.kind = to->kind;
    }
    return store().refs().move(name, step);
  }
  void set_ref(std::string_view name, const std::optional<Link>& to) {
    ASSERT_THAT(move(name, to), Succeeds());
  }
  std::uint64_t count_objects() {
    const StoreStats stats = store().stats().value();
    return stats.loose_objects + stats.packed_objects;
  }
  bool has(const ObjectId& id) { return store().contains(id).value(); }

  Result<CollectReport> collect(CollectOptions options) {
    if (!options.children_of) options.children_of = links_of;
    return store().lock_maintenance().value().collect(options);
  }
  CollectReport collect() { return collect(CollectOptions{}).value(); }

  // Collects, and does `act` in the middle of marking: when the node that the ref "watched" points
  // at is walked.
  CollectReport collect_while(const std::function<void()>& act) {
    set_ref("watched", node(put_node("watched", {})));
    bool acted = false;
    const CollectReport report = collect({.children_of = [&](NodeKind kind, ByteView content) {
                                   if (!std::exchange(acted, true)) act();
                                   return links_of(kind, content);
                                 }}).value();
    EXPECT_TRUE(acted);
    return report;
  }

  ScratchDirectory scratch_;

 private:
  std::optional<Store> store_;
};

}  // namespace packstore::testing
