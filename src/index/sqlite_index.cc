// The Index over SQLite. Reads borrow a connection from a pool, one short transaction each; writes
// go through the one Writer.
//
// Looking up many ids at once: either one by one in their order, which touches each page once at
// most, or by a scan over the range that they span, which costs a quarter a row. Ids are hashes, so
// the share of the table in that range is known without reading it.
#include <algorithm>
#include <atomic>
#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "index/create.h"
#include "index/index.h"
#include "index/mark_table.h"
#include "index/queries.h"
#include "index/reader_pool.h"
#include "index/recount_table.h"
#include "index/reference_table.h"
#include "index/row_snapshot.h"
#include "index/schema.h"
#include "index/write_transaction.h"
#include "index/writer.h"

namespace packstore::index {
namespace {

// Measured: a lookup inside a transaction costs as much as stepping over so many rows.
constexpr double kLookupCostInRows = 4;
// Rows take 55 to 60 bytes of a page of 4096.
constexpr double kRowsPerPage = 70;

constexpr std::size_t kRowsReservedMax = 64;

// The first eight bytes of an id as a number: where it stands among all ids.
std::uint64_t position_of(const ObjectId& id) {
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < sizeof position; ++i) {
    position = position << 8 | std::to_integer<std::uint64_t>(id.bytes[i]);
  }
  return position;
}

Result<bool> scan_is_cheaper(Connection& connection, std::span<const ObjectId> sorted_ids) {
  Query query = connection.query(Statement::kUsedPages);
  ASSIGN_OR_RETURN(const bool known, query.step());
  const double rows = known ? static_cast<double>(query.integer(0)) * kRowsPerPage : 0;
  const std::uint64_t span = position_of(sorted_ids.back()) - position_of(sorted_ids.front());
  const double rows_in_range = rows * (static_cast<double>(span) / 0x1p64);
  return rows_in_range < kLookupCostInRows * static_cast<double>(sorted_ids.size());
}

Status look_up_each(Connection& connection, std::span<const ObjectId> sorted_ids,
                    const Index::FoundVisitor& visit) {
  for (std::size_t i = 0; i < sorted_ids.size(); ++i) {
    Query query = connection.query(Statement::kFindObject);
    ASSIGN_OR_RETURN(const bool found, query.bind(1, sorted_ids[i]).step());
    if (found) RETURN_IF_ERROR(visit(i, checked({.id = sorted_ids[i], .at = location_of(query)})));
  }
  return {};
}

Status scan_range(Connection& connection, std::span<const ObjectId> sorted_ids,
                  const Index::FoundVisitor& visit) {
  Query query = connection.query(Statement::kScanObjects);
  query.bind(1, sorted_ids.front()).bind(2, sorted_ids.back());
  std::size_t i = 0;
  while (i < sorted_ids.size()) {
    ASSIGN_OR_RETURN(const bool found, query.step());
    if (!found) break;
    const std::optional<ObjectId> id = query.id(5);
    if (!id) continue;
    std::strong_ordering order = sorted_ids[i] <=> *id;
    while (std::is_lt(order) && ++i < sorted_ids.size()) order = sorted_ids[i] <=> *id;
    if (std::is_neq(order)) continue;
    RETURN_IF_ERROR(visit(i, checked({.id = *id, .at = location_of(query)})));
    ++i;
  }
  return {};
}

// The ids that `query` lists. kCorrupt, with `complaint`: one is not 32 bytes long.
Result<std::vector<ObjectId>> read_ids(const Connection& connection, Query& query,
                                       std::string_view complaint) {
  std::vector<ObjectId> ids;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.step());
    if (!found) return ids;
    const std::optional<ObjectId> id = query.id(0);
    if (!id) return fail(ErrorCode::kCorrupt, "index {}: {}", connection.path(), complaint);
    ids.push_back(*id);
  }
}

Result<std::vector<ObjectRow>> read_rows(const Connection& connection, Query& query,
                                         std::size_t limit) {
  std::vector<ObjectRow> rows;
  rows.reserve(std::min(limit, kRowsReservedMax));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.step());
    if (!found) return rows;
    if (!query.id(5)) {
      return fail(ErrorCode::kCorrupt, "index {}: a row whose id is not 32 bytes long",
                  connection.path());
    }
    rows.push_back(row_of(query));
  }
}

class SqliteIndex final : public Index {
 public:
  SqliteIndex(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
              std::unique_ptr<Writer> writer)
      : files_(files),
        uuid_(uuid),
        writer_(std::move(writer)),
        readers_(database_in(files, root)) {}

  Result<std::optional<Location>> find(const ObjectId& id) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    return find_object(*reader, id);
  }

  Status find_many(std::span<const ObjectId> sorted_ids, const FoundVisitor& visit) const override {
    PACKSTORE_CHECK(std::ranges::adjacent_find(sorted_ids, std::greater_equal<>()) ==
                    sorted_ids.end());
    if (sorted_ids.empty()) return {};
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    ASSIGN_OR_RETURN(const std::unique_ptr<ReadScope> scope, ReadScope::begin(*reader));
    ASSIGN_OR_RETURN(const bool scan, scan_is_cheaper(*reader, sorted_ids));
    return scan ? scan_range(*reader, sorted_ids, visit) : look_up_each(*reader, sorted_ids, visit);
  }

  Result<std::vector<ObjectRow>> page(std::optional<ObjectId> after,
                                      std::size_t limit) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kPageObjects);
    query.bind(1, after ? ByteView(after->bytes) : ByteView()).bind(2, std::uint64_t{limit});
    return read_rows(*reader, query, limit);
  }

  Result<std::vector<ObjectRow>> rows_from(const ObjectId& first,
                                           std::size_t limit) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kRunObjects);
    query.bind(1, first).bind(2, std::uint64_t{limit});
    return read_rows(*reader, query, limit);
  }

  Result<std::unique_ptr<RowSnapshot>> rows_in_pack_order(
      std::optional<std::span<const std::uint64_t>> packs) const override {
    return make_row_snapshot(readers_.file(), packs);
  }

  Result<std::vector<PackTotals>> totals() const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kScanLocations);
    std::map<std::uint64_t, PackTotals> by_pack;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, query.step());
      if (!found) break;
      const Location at = location_of(query);
      if (!check(ObjectRow{.id = {}, .at = at})) continue;
      PackTotals& totals = by_pack[at.pack];
      totals.objects += 1;
      totals.size += at.size;
      totals.stored_size += at.stored_size;
    }
    std::vector<PackTotals> all;
    for (auto& [pack, totals] : by_pack) {
      totals.pack = pack;
      all.push_back(totals);
    }
    return all;
  }

  Result<std::vector<PackRow>> packs() const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kListPacks);
    std::vector<PackRow> rows;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, query.step());
      if (!found) return rows;
      ASSIGN_OR_RETURN(const PackRow row, pack_row_of(*reader, query));
      rows.push_back(row);
    }
  }

  Result<std::optional<PackRow>> find_pack(std::uint64_t pack) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    return find_pack_row(*reader, pack);
  }

  Result<std::optional<ObjectId>> find_ref(std::string_view name) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    ASSIGN_OR_RETURN(const auto target, find_ref_target(*reader, name));
    return target ? std::optional(target->id) : std::nullopt;
  }

  Result<std::vector<Ref>> list_refs(std::string_view prefix) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kListRefs);
    query.bind(1, prefix);
    std::vector<Ref> refs;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, query.step());
      if (!found) return refs;
      const std::optional<std::string_view> name = query.text(0);
      const std::optional<ObjectId> id = query.id(1);
      if (!name || !id) {
        return fail(ErrorCode::kCorrupt, "index {}: ref {} does not point at an id of 32 bytes",
                    reader->path(), name.value_or("without a name"));
      }
      if (!name->starts_with(prefix)) return refs;
      ASSIGN_OR_RETURN(const NodeKind kind, node_kind_of(*reader, query, 2));
      refs.push_back({.name = std::string(*name), .id = *id, .kind = kind});
    }
  }

  Result<std::vector<ObjectId>> pending_unlinks() const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kListPendingUnlinks);
    return read_ids(*reader, query, "a pending unlink that is not an id of 32 bytes");
  }

  Result<bool> is_pending_unlink(const ObjectId& id) const override {
    // An odd generation means that a commit is under way, which may note some.
    const std::uint64_t before = generation();
    const bool is_even = before % 2 == 0;
    if (is_even && no_unlinks_as_of_.load(std::memory_order_relaxed) == before) return false;
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    ASSIGN_OR_RETURN(const bool has_any, reader->query(Statement::kAnyPendingUnlink).step());
    if (!has_any) {
      if (is_even) no_unlinks_as_of_.store(before, std::memory_order_relaxed);
      return false;
    }
    return reader->query(Statement::kFindPendingUnlink).bind(1, id).step();
  }

  Result<std::vector<ObjectId>> kept(std::optional<ObjectId> after,
                                     std::size_t limit) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kPageKept);
    query.bind(1, after ? ByteView(after->bytes) : ByteView()).bind(2, std::uint64_t{limit});
    return read_ids(*reader, query, "kept: an id that is not 32 bytes long");
  }

  Result<std::unique_ptr<MarkTable>> begin_marking(Candidates candidates) const override {
    return make_mark_table(readers_.file(), candidates);
  }

  ReferenceCounts reference_counts() const override { return writer_->reference_counts(); }

  Result<std::uint64_t> count_references(const Link& link) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    Query query = reader->query(Statement::kFindReferences);
    query.bind(1, link.id).bind(2, static_cast<std::uint64_t>(link.kind));
    ASSIGN_OR_RETURN(const bool found, query.step());
    return found ? query.integer(0) : 0;
  }

  Result<std::vector<Link>> reference_steps(ReferenceStep step, const std::optional<Link>& after,
                                            std::size_t limit) const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    return page_steps(*reader, step, after, limit);
  }

  Result<std::unique_ptr<RecountTable>> begin_recount() const override {
    return make_recount_table(readers_.file());
  }

  std::uint64_t generation() const override { return writer_->generation(); }

  Result<std::unique_ptr<WriteTransaction>> begin_write(CommitSync sync) override {
    return begin_transaction(*writer_, sync);
  }

  Status check_writable() override { return writer_->check_writable(); }

  Status checkpoint() override { return writer_->checkpoint(); }

  Result<std::vector<std::string>> integrity_complaints() const override {
    ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.take());
    return complaints_of(*reader, Statement::kIntegrityCheck);
  }

  Status copy_to(const io::Directory& root, const io::Directory& locks) const override {
    return copy_index(readers_.file(), {.files = files_, .root = root, .locks = locks}, uuid_,
                      reference_counts());
  }

 private:
  io::FileSystem& files_;
  std::string uuid_;
  std::unique_ptr<Writer> writer_;
  mutable ReaderPool readers_;  // Lending a connection changes nothing that a caller can see.
  mutable std::atomic<std::uint64_t> no_unlinks_as_of_{1};  // An even generation, or none.
};

}  // namespace

Status Index::create(io::FileSystem& files, const io::Directory& root, std::string_view uuid,
                     ReferenceCounts counts) {
  return create_index(files, root, uuid, counts);
}

Result<std::unique_ptr<Index>> Index::open(io::FileSystem& files, const io::Directory& root,
                                           const io::Directory& locks, std::string_view uuid) {
  ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer, Writer::open(files, root, locks, uuid));
  return std::unique_ptr<Index>(
      std::make_unique<SqliteIndex>(files, root, uuid, std::move(writer)));
}

std::string_view sqlite_version() { return sqlite3_libversion(); }

}  // namespace packstore::index
