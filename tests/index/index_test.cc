#include "index/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/error.h"
#include "index_fixture.h"

namespace packstore::index {
namespace {

using ::packstore::index::testing::FailsWith;
using ::packstore::index::testing::id_of;
using ::packstore::index::testing::insert;
using ::packstore::index::testing::row_of;
using ::packstore::index::testing::sorted_rows;
using ::packstore::index::testing::StoreDirectory;
using ::packstore::index::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() {
    store_.create();
    index_ = store_.open();
  }

  // Runs `change` in a transaction of its own.
  template <typename Change>
  void write(Change change) {
    const std::unique_ptr<WriteTransaction> transaction =
        index_->begin_write(CommitSync::kLazy).value();
    change(*transaction);
    ASSERT_THAT(transaction->commit(), Succeeds());
  }

  std::vector<std::size_t> positions_found(std::span<const ObjectId> ids) {
    std::vector<std::size_t> positions;
    const auto collect = [&](std::size_t position, const Result<Location>& at) -> Status {
      EXPECT_THAT(at, Succeeds());
      positions.push_back(position);
      return {};
    };
    EXPECT_THAT(index_->find_many(ids, collect), Succeeds());
    return positions;
  }

  StoreDirectory store_;
  std::unique_ptr<Index> index_;
};

TEST_F(IndexTest, FindsWhatWasInsertedAndNothingElse) {
  insert(*index_, sorted_rows(1000));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(index_->find(id_of(i)).value(), row_of(i).at);
    ASSERT_EQ(index_->find(id_of(i + 1000)).value(), std::nullopt);
  }
}

TEST_F(IndexTest, KeepsTheLargestNumbers) {
  const ObjectRow row{.id = id_of(1),
                      .at = {.pack = kPackMax,
                             .offset = kOffsetMax,
                             .stored_size = kObjectBytesMax,
                             .size = kObjectBytesMax,
                             .codec = Codec::kZstd}};
  insert(*index_, {&row, 1});
  EXPECT_EQ(index_->find(row.id).value(), row.at);
}

// Method: the same random choices of ids, dense (answered by a scan) and sparse (answered by
// lookups), against a set in memory.
TEST_F(IndexTest, FindManyAgreesWithFindForDenseAndSparseIds) {
  const std::vector<ObjectRow> rows = sorted_rows(20'000);
  insert(*index_, rows);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const double share : {1.0, 0.5, 0.01, 0.0003}) {
    std::set<ObjectId> chosen;
    std::bernoulli_distribution choose(share);
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      if (choose(random)) chosen.insert(id_of(i));
    }
    const std::vector<ObjectId> ids(chosen.begin(), chosen.end());
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (index_->find(ids[i]).value()) expected.push_back(i);
    }
    EXPECT_EQ(positions_found(ids), expected) << share;
  }
}

TEST_F(IndexTest, FindManyOfNarrowRangesFindsTheEnds) {
  const std::vector<ObjectRow> rows = sorted_rows(5000);
  insert(*index_, rows);
  std::vector<ObjectId> ids;
  for (std::size_t i = 100; i < 140; ++i) ids.push_back(rows[i].id);
  EXPECT_THAT(positions_found(ids), SizeIs(40));
  EXPECT_THAT(positions_found({ids.data(), 1}), ElementsAre(0));
  EXPECT_THAT(positions_found({}), IsEmpty());
}

TEST_F(IndexTest, FindManyEndsWithTheErrorOfItsVisitor) {
  insert(*index_, sorted_rows(10));
  std::vector<ObjectId> ids;
  for (const ObjectRow& row : sorted_rows(10)) ids.push_back(row.id);
  int calls = 0;
  const auto refuse = [&](std::size_t, const Result<Location>&) -> Status {
    ++calls;
    return fail(ErrorCode::kCancelled, "enough");
  };
  EXPECT_THAT(index_->find_many(ids, refuse), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(calls, 1);
  // The snapshot was let go: a writer can empty the log.
  EXPECT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_EQ(store_.wal_bytes(), 0);
}

TEST_F(IndexTest, FindManySeesOneMomentWhileAWriterCommits) {
  const std::vector<ObjectRow> rows = sorted_rows(100);
  insert(*index_, rows);
  std::vector<ObjectId> ids;
  for (const ObjectRow& row : rows) ids.push_back(row.id);
  std::size_t found = 0;
  const auto erase_all = [&](std::size_t, const Result<Location>&) -> Status {
    if (found++ == 0) {
      write([&](WriteTransaction& transaction) {
        for (const ObjectId& id : ids) ASSERT_THAT(transaction.erase(id), Succeeds());
      });
    }
    return {};
  };
  EXPECT_THAT(index_->find_many(ids, erase_all), Succeeds());
  EXPECT_EQ(found, 100);
  EXPECT_EQ(index_->find(ids[0]).value(), std::nullopt);
}

TEST_F(IndexTest, PagesListEveryRowOnceAscending) {
  const std::vector<ObjectRow> rows = sorted_rows(1000);
  insert(*index_, rows);
  std::vector<ObjectId> seen;
  std::optional<ObjectId> after;
  while (true) {
    const std::vector<ObjectRow> page = index_->page(after, 37).value();
    if (page.empty()) break;
    EXPECT_LE(page.size(), 37);
    for (const ObjectRow& row : page) seen.push_back(row.id);
    after = page.back().id;
  }
  ASSERT_THAT(seen, SizeIs(1000));
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], rows[i].id);
}

TEST_F(IndexTest, RowsFromAnIdBeginWithItsOwnAndAscend) {
  const std::vector<ObjectRow> rows = sorted_rows(100);
  insert(*index_, rows);
  EXPECT_THAT(index_->rows_from(rows[40].id, 3).value(), ElementsAre(rows[40], rows[41], rows[42]));
  EXPECT_THAT(index_->rows_from(rows[98].id, 10).value(), ElementsAre(rows[98], rows[99]));
  ObjectId between = rows[40].id;
  between.bytes.back() ^= std::byte{1};
  const auto next = std::ranges::upper_bound(rows, between, {}, &ObjectRow::id);
  EXPECT_THAT(index_->rows_from(between, 1).value(), ElementsAre(*next));
}

TEST_F(IndexTest, TotalsAddUpEachPack) {
  ObjectRow compressed = row_of(3);
  compressed.at = {.pack = 7, .offset = 64, .stored_size = 10, .size = 1000, .codec = Codec::kZlib};
  insert(*index_, {{row_of(1), row_of(2), compressed}});
  const std::vector<Index::PackTotals> totals = index_->totals().value();
  ASSERT_THAT(totals, SizeIs(2));
  EXPECT_EQ(totals[0].pack, 1);
  EXPECT_EQ(totals[0].objects, 2);
  EXPECT_EQ(totals[0].size, 200);
  EXPECT_EQ(totals[1].pack, 7);
  EXPECT_EQ(totals[1].size, 1000);
  EXPECT_EQ(totals[1].stored_size, 10);
}

TEST_F(IndexTest, PacksAreFoundAndListedByNumber) {
  write([](WriteTransaction& transaction) {
    for (const std::uint64_t pack : {5U, 2U, 9U}) {
      ASSERT_THAT(transaction.put_pack({.pack = pack,
                                        .state = PackState::kSealed,
                                        .indexed_bytes = pack * 1000,
                                        .dead_bytes = pack}),
                  Succeeds());
    }
  });
  std::vector<std::uint64_t> listed;
  const std::vector<PackRow> rows = index_->packs().value();
  for (const PackRow& row : rows) listed.push_back(row.pack);
  EXPECT_THAT(listed, ElementsAre(2, 5, 9));
  const PackRow row = index_->find_pack(5).value().value();
  EXPECT_EQ(row.state, PackState::kSealed);
  EXPECT_EQ(row.indexed_bytes, 5000);
  EXPECT_EQ(row.dead_bytes, 5);
  EXPECT_FALSE(index_->find_pack(3).value());
  EXPECT_FALSE(index_->find_pack(~std::uint64_t{0}).value());
}

TEST_F(IndexTest, RefsSayTheKindOfTheirTarget) {
  write([](WriteTransaction& transaction) {
    ASSERT_THAT(transaction.put_ref("raw", {.id = id_of(1)}), Succeeds());
    ASSERT_THAT(transaction.put_ref("tree", {id_of(1), NodeKind::kDagCbor}), Succeeds());
    ASSERT_THAT(transaction.put_ref("moved", {id_of(1), NodeKind::kDagCbor}), Succeeds());
    ASSERT_THAT(transaction.put_ref("moved", {id_of(1), NodeKind::kDagPb}), Succeeds());
  });
  std::vector<NodeKind> kinds;
  const std::vector<Ref> refs = index_->list_refs("").value();
  for (const Ref& ref : refs) kinds.push_back(ref.kind);
  EXPECT_THAT(kinds, ElementsAre(NodeKind::kDagPb, NodeKind::kRaw, NodeKind::kDagCbor));
}

TEST_F(IndexTest, RefsAreFoundAndListedByPrefix) {
  write([](WriteTransaction& transaction) {
    for (const char* name : {"b", "a/2", "a/1", "a", "a0"}) {
      ASSERT_THAT(transaction.put_ref(name, {.id = id_of(1)}), Succeeds());
    }
    ASSERT_THAT(transaction.put_ref("a/2", {.id = id_of(2)}), Succeeds());
  });
  const auto names = [&](std::string_view prefix) {
    std::vector<std::string> found;
    const std::vector<Ref> refs = index_->list_refs(prefix).value();
    for (const Ref& ref : refs) found.push_back(ref.name);
    return found;
  };
  EXPECT_THAT(names(""), ElementsAre("a", "a/1", "a/2", "a0", "b"));
  EXPECT_THAT(names("a/"), ElementsAre("a/1", "a/2"));
  EXPECT_THAT(names("c"), IsEmpty());
  EXPECT_EQ(index_->find_ref("a/2").value(), id_of(2));
  EXPECT_EQ(index_->find_ref("a/3").value(), std::nullopt);
  write([](WriteTransaction& transaction) {
    ASSERT_THAT(transaction.erase_ref("a/2"), Succeeds());
    ASSERT_THAT(transaction.erase_ref("never there"), Succeeds());
  });
  EXPECT_EQ(index_->find_ref("a/2").value(), std::nullopt);
}

TEST_F(IndexTest, PendingUnlinksAreListedAscendingUntilErased) {
  write([](WriteTransaction& transaction) {
    for (const std::uint64_t number : {3U, 1U, 2U, 3U}) {
      ASSERT_THAT(transaction.add_pending_unlink(id_of(number)), Succeeds());
    }
  });
  std::vector<ObjectId> expected = {id_of(1), id_of(2), id_of(3)};
  std::ranges::sort(expected);
  EXPECT_EQ(index_->pending_unlinks().value(), expected);
  write([](WriteTransaction& transaction) {
    EXPECT_EQ(transaction.erase_pending_unlink(id_of(2)).value(), true);
    EXPECT_EQ(transaction.erase_pending_unlink(id_of(2)).value(), false);
  });
  EXPECT_THAT(index_->pending_unlinks().value(), SizeIs(2));
}

// Asked for with every loose object, so that there are none is remembered until the next commit.
TEST_F(IndexTest, PendingUnlinksAreFoundAsSoonAsTheyAreCommitted) {
  EXPECT_EQ(index_->is_pending_unlink(id_of(1)).value(), false);
  EXPECT_EQ(index_->is_pending_unlink(id_of(1)).value(), false);
  write([](WriteTransaction& transaction) {
    ASSERT_THAT(transaction.add_pending_unlink(id_of(1)), Succeeds());
  });
  EXPECT_EQ(index_->is_pending_unlink(id_of(1)).value(), true);
  EXPECT_EQ(index_->is_pending_unlink(id_of(2)).value(), false);
  write([](WriteTransaction& transaction) {
    EXPECT_EQ(transaction.erase_pending_unlink(id_of(1)).value(), true);
  });
  EXPECT_EQ(index_->is_pending_unlink(id_of(1)).value(), false);
}

// Many threads look up and list while one writes; each must see whole rows, and the pool must not
// lend one connection twice (the thread sanitizer would tell).
TEST_F(IndexTest, ReadsFromManyThreadsBesideAWriter) {
  insert(*index_, sorted_rows(1000));
  const auto read_all = [&] {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      EXPECT_EQ(index_->find(id_of(i)).value(), row_of(i).at);
    }
    EXPECT_GE(index_->page(std::nullopt, 10'000).value().size(), 1000);
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back(read_all);
  for (std::uint64_t i = 1000; i < 1100; ++i) {
    const ObjectRow row = row_of(i);
    insert(*index_, {&row, 1});
  }
  for (std::thread& reader : readers) reader.join();
}

TEST_F(IndexTest, IdleReadersDoNotKeepTheLogFromBeingEmptied) {
  insert(*index_, sorted_rows(5000));
  ASSERT_TRUE(index_->find(id_of(1)).value());
  ASSERT_THAT(index_->page(std::nullopt, 3), Succeeds());
  ASSERT_GT(store_.wal_bytes(), 0);
  EXPECT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_EQ(store_.wal_bytes(), 0);
}

TEST_F(IndexTest, TheLogStaysSmallOverManyCommits) {
  std::uint64_t next = 0;
  for (int commit = 0; commit < 60; ++commit) {
    std::vector<ObjectRow> rows;
    for (int i = 0; i < 500; ++i) rows.push_back(row_of(next++));
    insert(*index_, rows);
  }
  EXPECT_LT(store_.wal_bytes(), 16 << 20);
  EXPECT_EQ(index_->totals().value().at(0).objects, 30'000);
}

TEST_F(IndexTest, ClosingItEmptiesALongLog) {
  insert(*index_, sorted_rows(10'000));
  ASSERT_GT(store_.wal_bytes(), 256 << 10);
  index_.reset();
  EXPECT_EQ(store_.wal_bytes(), 0);
  EXPECT_EQ(store_.open()->totals().value().at(0).objects, 10'000);
}

TEST_F(IndexTest, ClosingItWaitsForNobody) {
  insert(*index_, sorted_rows(10'000));
  const auto lock_file = store_.locks().open_file("index", io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(lock_file->try_lock(io::LockKind::kExclusive).value());
  index_.reset();
  EXPECT_GT(store_.wal_bytes(), 0);
  lock_file->unlock();
  EXPECT_EQ(store_.open()->totals().value().at(0).objects, 10'000);
}

TEST_F(IndexTest, SoundIndexHasNoComplaints) {
  insert(*index_, sorted_rows(100));
  EXPECT_THAT(index_->integrity_complaints().value(), IsEmpty());
}

TEST_F(IndexTest, RowsTakeAtMostSixtyBytes) {
  std::vector<ObjectRow> rows = sorted_rows(20'000);
  std::uint64_t offset = 64;
  for (ObjectRow& row : rows) {
    row.at = {.pack = 300, .offset = offset, .stored_size = 5000, .size = 5000};
    offset += 5064;
  }
  insert(*index_, rows);
  ASSERT_THAT(index_->checkpoint(), Succeeds());
  EXPECT_LE(std::filesystem::file_size(store_.database()) / 20'000, 60);
}

}  // namespace
}  // namespace packstore::index
