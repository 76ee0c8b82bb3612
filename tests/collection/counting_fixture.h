// A store that counts references, and a recount of its own to hold against it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "collection/test_nodes.h"

namespace packstore::testing {

struct LinkOrder {
  bool operator()(const Link& a, const Link& b) const {
    return std::tie(a.id, a.kind) < std::tie(b.id, b.kind);
  }
};
using Counts = std::map<Link, std::uint64_t, LinkOrder>;

// From the refs and the bytes of nodes alone.
inline Counts recount(Store& store) {
  Counts counts;
  std::vector<Link> open;
  const auto count = [&](const Link& link) {
    if (++counts[link] == 1 && link.kind != NodeKind::kRaw) open.push_back(link);
  };
  for (const Ref& ref : store.refs().list().value()) count({ref.id, ref.kind});
  while (!open.empty()) {
    const Link from = open.back();
    open.pop_back();
    const auto content = store.get(from.id);
    if (!content) {
      ADD_FAILURE() << "a ref reaches what is gone: " << content.error().message;
      continue;
    }
    const std::vector<Link> links = links_of(from.kind, *content).value();
    for (const Link& link : std::set<Link, LinkOrder>(links.begin(), links.end())) count(link);
  }
  return counts;
}

// Every count that the recount knows, and validate() for those that it does not.
inline void expect_exact(Store& store) {
  for (const auto& [link, count] : recount(store)) {
    EXPECT_EQ(store.refs().count(link).value(), count) << link.id.to_hex();
  }
  EXPECT_THAT(store, IsUndamaged());
}

class CountingFixture : public ::testing::Test {
 protected:
  CountingFixture() {
    EXPECT_THAT(Store::create(path(), {.reference_counts = ReferenceCounts::kExact}), Succeeds());
  }

  std::filesystem::path path() const { return scratch_ / "store"; }
  OpenOptions options_{.children_of = links_of};

  Store& store() {
    if (!store_) store_ = Store::open(path(), options_).value();
    return *store_;
  }
  Store& reopen() {
    store_.reset();
    return store();
  }
  void close() { store_.reset(); }

  ObjectId put(std::string_view text, const PutOptions& how = {}) {
    return store().put(as_bytes(text), how).value();
  }
  ObjectId put_packed(std::string_view text) {
    return put(text, {.placement = Placement::kPacked});
  }
  ObjectId put_node(std::string_view name, const std::vector<Link>& links) {
    return put_packed(node_text(name, links));
  }
  Status move(std::string_view name, const std::optional<Link>& to) {
    const auto from = store().refs().find(name).value();
    RefMove step{.from = from};
    if (to) {
      step.to = to->id;
      step.kind = to->kind;
    }
    return store().refs().move(name, step);
  }
  void set_ref(std::string_view name, const std::optional<Link>& to) {
    ASSERT_THAT(move(name, to), Succeeds());
  }
  bool has(const ObjectId& id) { return store().contains(id).value(); }
  std::uint64_t count(const Link& link) { return store().refs().count(link).value(); }
  std::uint64_t count_objects() {
    const StoreStats stats = store().stats().value();
    return stats.loose_objects + stats.packed_objects;
  }
  Result<CollectReport> collect(CollectOptions options = {}) {
    if (!options.children_of) options.children_of = links_of;
    return store().lock_maintenance().value().collect(options);
  }

  ScratchDirectory scratch_;

 private:
  std::optional<Store> store_;
};

}  // namespace packstore::testing
