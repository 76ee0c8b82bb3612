// A store that counts references, and a recount of its own to hold against it.
#pragma once

#include <map>
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

class CountingFixture : public CollectionFixture {
 protected:
  CountingFixture()
      : CollectionFixture(
            {.reference_counts = ReferenceCounts::kExact, .open = {.children_of = links_of}}) {}

  std::uint64_t count(const Link& link) { return store().refs().count(link).value(); }
  // May fail: a damaged node stops releases.
  Result<CollectReport> collect(const CollectOptions& options = {}) {
    return CollectionFixture::collect(options);
  }
};

}  // namespace packstore::testing
