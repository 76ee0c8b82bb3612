#include "index/row_snapshot.h"

#include <utility>

#include "base/error.h"
#include "index/queries.h"

namespace packstore::index {
namespace {

// Rows are copied before they are walked, so that no transaction is open while the walker works.
constexpr const char* kCreateKept =
    "CREATE TEMP TABLE kept_rows(pack, offset, stored_size, size, codec, id);"
    "CREATE TEMP TABLE kept_packs(pack INTEGER PRIMARY KEY)";

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

}  // namespace

Result<std::unique_ptr<RowSnapshot>> make_row_snapshot(
    const DatabaseFile& file, std::optional<std::span<const std::uint64_t>> packs) {
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::open(file, Access::kRead));
  RETURN_IF_ERROR(connection->execute(kCreateKept, "preparing to sort rows"));
  if (packs) RETURN_IF_ERROR(keep_packs(*connection, *packs));
  RETURN_IF_ERROR(
      connection->run(packs ? Statement::kKeepRowsOfKeptPacks : Statement::kKeepRowsOfAllPacks));
  const std::uint64_t size = connection->changes();
  return std::unique_ptr<RowSnapshot>(
      std::make_unique<SqliteRowSnapshot>(std::move(connection), size));
}

}  // namespace packstore::index
