#include "index/row_snapshot.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "index/queries.h"

namespace packstore::index {
namespace {

// Rows are copied before they are walked, so that no transaction is open while the walker works.
constexpr const char* kCreateKept =
    "CREATE TEMP TABLE kept_rows(pack, offset, stored_size, size, codec, id);"
    "CREATE TEMP TABLE kept_packs(pack INTEGER PRIMARY KEY)";

class MemoryRowSnapshot final : public RowSnapshot {
 public:
  explicit MemoryRowSnapshot(std::vector<ObjectRow> rows) : rows_(std::move(rows)) {}

  Result<std::optional<ObjectRow>> next() override {
    if (next_ == rows_.size()) return std::optional<ObjectRow>();
    return std::optional<ObjectRow>(rows_[next_++]);
  }

  std::uint64_t size() const override { return rows_.size(); }

 private:
  std::vector<ObjectRow> rows_;
  std::size_t next_ = 0;
};

class SqliteRowSnapshot final : public RowSnapshot {
 public:
  SqliteRowSnapshot(std::unique_ptr<Connection> connection, std::uint64_t size)
      : connection_(std::move(connection)),
        walk_(connection_->query(Statement::kWalkKeptRows)),
        size_(size) {}

  Result<std::optional<ObjectRow>> next() override {
    if (ended_) return std::optional<ObjectRow>();
    ASSIGN_OR_RETURN(const bool found, walk_.step());
    // A further step would begin again from the first row.
    ended_ = !found;
    return found ? std::optional<ObjectRow>(row_of(walk_)) : std::nullopt;
  }

  std::uint64_t size() const override { return size_; }

 private:
  std::unique_ptr<Connection> connection_;
  Query walk_;
  std::uint64_t size_;
  bool ended_ = false;
};

Status keep_packs(Connection& connection, std::span<const std::uint64_t> packs) {
  for (const std::uint64_t pack : packs) {
    if (pack > kPackMax) continue;
    Query query = connection.query(Statement::kKeepPack);
    RETURN_IF_ERROR(query.bind(1, pack).run());
  }
  return {};
}

using ChosenPacks = std::optional<std::span<const std::uint64_t>>;

Result<std::uint64_t> count_objects(Connection& connection) {
  Query query = connection.query(Statement::kCountObjects);
  ASSIGN_OR_RETURN(const bool counted, query.step());
  return counted ? query.integer(0) : 0;
}

// All rows of `packs`, sorted; nullopt when the index has more than `rows_max`.
Result<std::optional<std::vector<ObjectRow>>> read_sorted(Connection& connection,
                                                          const ChosenPacks& packs,
                                                          std::uint64_t rows_max) {
  // One moment for the count and the rows.
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadScope> scope, ReadScope::begin(connection));
  ASSIGN_OR_RETURN(const std::uint64_t count, count_objects(connection));
  if (count > rows_max) return std::optional<std::vector<ObjectRow>>();

  std::vector<std::uint64_t> chosen;
  if (packs) chosen.assign(packs->begin(), packs->end());
  std::sort(chosen.begin(), chosen.end());
  std::vector<ObjectRow> rows;
  rows.reserve(packs ? 0 : static_cast<std::size_t>(count));
  Query walk = connection.query(Statement::kWalkObjects);
  while (true) {
    ASSIGN_OR_RETURN(const bool found, walk.step());
    if (!found) break;
    const ObjectRow row = row_of(walk);
    if (packs && !std::binary_search(chosen.begin(), chosen.end(), row.at.pack)) continue;
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const ObjectRow& a, const ObjectRow& b) {
    return std::tie(a.at.pack, a.at.offset) < std::tie(b.at.pack, b.at.offset);
  });
  return std::optional<std::vector<ObjectRow>>(std::move(rows));
}

}  // namespace

Result<std::unique_ptr<RowSnapshot>> make_row_snapshot(
    const DatabaseFile& file, std::optional<std::span<const std::uint64_t>> packs,
    std::uint64_t rows_in_memory_max) {
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::open(file, Access::kRead));
  ASSIGN_OR_RETURN(auto rows, read_sorted(*connection, packs, rows_in_memory_max));
  if (rows) {
    return std::unique_ptr<RowSnapshot>(std::make_unique<MemoryRowSnapshot>(std::move(*rows)));
  }
  RETURN_IF_ERROR(connection->execute(kCreateKept, "preparing to sort rows"));
  if (packs) RETURN_IF_ERROR(keep_packs(*connection, *packs));
  RETURN_IF_ERROR(
      connection->run(packs ? Statement::kKeepRowsOfKeptPacks : Statement::kKeepRowsOfAllPacks));
  const std::uint64_t size = connection->changes();
  return std::unique_ptr<RowSnapshot>(
      std::make_unique<SqliteRowSnapshot>(std::move(connection), size));
}

}  // namespace packstore::index
