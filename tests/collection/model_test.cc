// Writers with moving refs beside collections, in threads and in processes. In the end exactly what
// the refs reach is there.
#include <gmock/gmock.h>

#include "collection/planter.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

constexpr int kWriters = 3;
constexpr int kSteps = 120;

class CollectionModel : public CollectionFixture {
 protected:
  // One collection, and now and then what makes objects change their places.
  void maintain(std::uint64_t round) {
    MaintenanceLock lock = store().lock_maintenance({.wait = std::chrono::seconds(60)}).value();
    const auto done = lock.collect({.children_of = links_of, .wait = std::chrono::seconds(60)});
    ASSERT_THAT(done, Succeeds());
    removed_ += done->removed;
    if (round % 3 == 0) {
      ASSERT_THAT(lock.pack_loose(), Succeeds());
    }
    if (round % 4 == 0) {
      ASSERT_THAT(lock.repack(), Succeeds());
    }
    if (round % 5 == 0) {
      ASSERT_THAT(lock.clean(), Succeeds());
    }
  }

  std::set<ObjectId> present() {
    std::set<ObjectId> ids;
    EXPECT_THAT(store().for_each_object([&](const ObjectInfo& info) -> Status {
      ids.insert(info.id);
      return {};
    }),
                Succeeds());
    return ids;
  }

  std::uint64_t removed_ = 0;
};

TEST_F(CollectionModel, ThreadsLoseNothingThatTheirRefsReach) {
  std::uint64_t rounds = 0;
  const std::set<ObjectId> reached =
      plant_in_threads(path(), options_, kWriters, kSteps, [&] { maintain(rounds++); });

  maintain(1);
  EXPECT_EQ(present(), reached);
  EXPECT_GT(removed_, 0);
  EXPECT_THAT(store(), IsUndamaged());
}

TEST_F(CollectionModel, ProcessesLoseNothingThatTheirRefsReach) {
  const std::uint64_t seed = test_seed();
  Pipe ended;
  std::vector<ChildProcess> children;
  for (std::uint64_t i = 0; i < kWriters; ++i) {
    children.emplace_back([&, i] {
      Result<Store> store = Store::open(path());
      if (!store) return 1;
      Planter planter(*store, "writer-" + std::to_string(i), seed + i);
      std::string complaint;
      for (int step = 0; step < kSteps && complaint.empty(); ++step) complaint = planter.step();
      if (!complaint.empty()) std::printf("%s\n", complaint.c_str());
      return complaint.empty() && ended.tell('e') ? 0 : 1;
    });
  }
  ended.close_writing();
  std::uint64_t rounds = 0;
  for (int at_work = kWriters; at_work != 0 && !HasFatalFailure(); ++rounds) {
    maintain(rounds);
    // The collector looks whether a writer has ended without waiting for it.
    pollfd heard{.fd = ended.reading(), .events = POLLIN, .revents = 0};
    while (at_work != 0 && ::poll(&heard, 1, 0) == 1)
      at_work = ended.hear<char>() ? at_work - 1 : 0;
  }
  for (ChildProcess& child : children) EXPECT_EQ(child.wait(), 0);

  maintain(1);
  EXPECT_GT(removed_, 0);
  // Their refs say what they reach.
  std::set<ObjectId> reached;
  std::vector<Link> open;
  for (const Ref& ref : store().refs().list().value()) open.push_back({ref.id, ref.kind});
  while (!open.empty()) {
    const Link link = open.back();
    open.pop_back();
    reached.insert(link.id);
    const auto content = store().get(link.id);
    ASSERT_THAT(content, Succeeds());
    if (link.kind == NodeKind::kRaw) continue;
    const std::vector<Link> links = links_of(link.kind, *content).value();
    open.insert(open.end(), links.begin(), links.end());
  }
  EXPECT_EQ(present(), reached);
  EXPECT_THAT(store(), IsUndamaged());
}

}  // namespace
}  // namespace packstore::testing
