// The changes that a transaction can make, one statement each. Every call asks first whether the
// transaction is still there (transaction_state.h).
#include "index/write_transaction.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/mistake.h"
#include "index/queries.h"
#include "index/reference_table.h"
#include "index/schema.h"
#include "index/transaction_state.h"

namespace packstore::index {
namespace {

class SqliteTransaction final : public WriteTransaction {
 public:
  SqliteTransaction(Writer& writer, CommitSync sync, std::unique_ptr<WriteTurn> turn)
      : writer_(writer), sync_(sync), turn_(std::move(turn)), state_(writer.connection()) {
    if (writer.reference_counts() == ReferenceCounts::kExact) {
      references_ = make_reference_table(state_);
    }
  }

  ~SqliteTransaction() override {
    if (turn_) writer_.rollback();
  }

  Result<bool> insert(const ObjectRow& row) override {
    RETURN_IF_ERROR(check_usable());
    RETURN_IF_ERROR(check(row));
    Query query = connection().query(Statement::kInsertObject);
    query.bind(1, row.id);
    bind_location(query, 2, row.at);
    RETURN_IF_ERROR(remember(query.run()));
    return connection().changes() == 1;
  }

  Result<std::optional<Location>> find(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    return find_object(connection(), id);
  }

  Result<bool> move(const ObjectId& id, const Location& from, const Location& to) override {
    RETURN_IF_ERROR(check_usable());
    RETURN_IF_ERROR(check(ObjectRow{.id = id, .at = to}));
    if (from.pack > kPackMax || from.offset > kOffsetMax) return false;
    Query query = connection().query(Statement::kMoveObject);
    query.bind(1, id);
    bind_location(query, 2, to);
    query.bind(7, from.pack).bind(8, from.offset);
    RETURN_IF_ERROR(remember(query.run()));
    return connection().changes() == 1;
  }

  Result<std::optional<Location>> erase(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    ASSIGN_OR_RETURN(const std::optional<Location> at, find_unchecked(id));
    if (!at) return at;
    Query query = connection().query(Statement::kEraseObject);
    RETURN_IF_ERROR(remember(query.bind(1, id).run()));
    return at;
  }

  Result<std::uint64_t> allocate_pack() override {
    RETURN_IF_ERROR(check_usable());
    ASSIGN_OR_RETURN(const std::uint64_t pack, find_next_pack());
    if (pack == 0 || pack > kPackMax) {
      return fail(ErrorCode::kCorrupt, "index {}: claims that the next pack is {}, limit {}",
                  connection().path(), pack, kPackMax);
    }
    RETURN_IF_ERROR(put_next_pack(pack + 1));
    return pack;
  }

  Status reserve_packs_through(std::uint64_t pack) override {
    RETURN_IF_ERROR(check_usable());
    if (pack > kPackMax) {
      return fail(ErrorCode::kInvalidArgument, "pack {}: packs are 1 to {}", pack, kPackMax);
    }
    ASSIGN_OR_RETURN(const std::uint64_t next, find_next_pack());
    if (next > pack) return {};
    return put_next_pack(pack + 1);
  }

  Result<std::optional<PackRow>> find_pack(std::uint64_t pack) override {
    RETURN_IF_ERROR(check_usable());
    return find_pack_row(connection(), pack);
  }

  Status put_pack(const PackRow& row) override {
    RETURN_IF_ERROR(check_usable());
    RETURN_IF_ERROR(check(row));
    Query query = connection().query(Statement::kPutPack);
    query.bind(1, row.pack).bind(2, static_cast<std::uint64_t>(row.state));
    query.bind(3, row.indexed_bytes).bind(4, row.dead_bytes);
    return remember(query.run());
  }

  Status add_dead_bytes(std::uint64_t pack, std::uint64_t bytes) override {
    ASSIGN_OR_RETURN(const std::optional<PackRow> found, find_pack(pack));
    if (!found) return {};
    PackRow row = *found;
    row.dead_bytes += std::min(bytes, kOffsetMax - row.dead_bytes);
    return put_pack(row);
  }

  Status erase_pack(std::uint64_t pack) override {
    RETURN_IF_ERROR(check_usable());
    if (pack > kPackMax) return {};
    Query query = connection().query(Statement::kErasePack);
    return remember(query.bind(1, pack).run());
  }

  Result<bool> pack_has_rows(std::uint64_t pack) override {
    RETURN_IF_ERROR(check_usable());
    if (pack > kPackMax) return false;
    Query query = connection().query(Statement::kPackHasRows);
    return remember(query.bind(1, pack).step());
  }

  Result<std::optional<Link>> find_ref(std::string_view name) override {
    RETURN_IF_ERROR(check_usable());
    return find_ref_target(connection(), name);
  }

  Status put_ref(std::string_view name, const Link& target) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kPutRef);
    query.bind(1, name).bind(2, target.id).bind(3, static_cast<std::uint64_t>(target.kind));
    return remember(query.run());
  }

  Status erase_ref(std::string_view name) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kEraseRef);
    return remember(query.bind(1, name).run());
  }

  Status add_pending_unlink(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kAddPendingUnlink);
    return remember(query.bind(1, id).run());
  }

  Result<bool> erase_pending_unlink(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kErasePendingUnlink);
    RETURN_IF_ERROR(remember(query.bind(1, id).run()));
    return connection().changes() == 1;
  }

  Status keep(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kKeep);
    return remember(query.bind(1, id).run());
  }

  Result<bool> is_kept(const ObjectId& id) override {
    RETURN_IF_ERROR(check_usable());
    Query query = connection().query(Statement::kIsKept);
    return remember(query.bind(1, id).step());
  }

  Status clear_kept() override {
    RETURN_IF_ERROR(check_usable());
    return remember(connection().run(Statement::kClearKept));
  }

  ReferenceTable* reference_table() override { return references_.get(); }

  Status commit() override {
    RETURN_IF_ERROR(check_usable());
    Status committed = writer_.commit(sync_);
    turn_.reset();
    return committed;
  }

 private:
  Connection& connection() { return writer_.connection(); }

  Status check_usable() {
    PACKSTORE_CHECK(turn_ != nullptr);
    return state_.check_usable();
  }

  template <typename T>
  Result<T> remember(Result<T> result) {
    return state_.remember(std::move(result));
  }

  static void bind_location(Query& query, int first, const Location& at) {
    query.bind(first, at.pack).bind(first + 1, at.offset).bind(first + 2, at.stored_size);
    query.bind(first + 3, at.size).bind(first + 4, static_cast<std::uint64_t>(at.codec));
  }

  Result<std::optional<Location>> find_unchecked(const ObjectId& id) {
    Query query = connection().query(Statement::kFindObject);
    ASSIGN_OR_RETURN(const bool found, remember(query.bind(1, id).step()));
    return found ? std::optional<Location>(location_of(query)) : std::nullopt;
  }

  // Above every pack that there is, whatever `meta` says.
  Result<std::uint64_t> find_next_pack() {
    Query meta = connection().query(Statement::kFindMeta);
    ASSIGN_OR_RETURN(const bool has_meta, remember(meta.bind(1, kMetaNextPack).step()));
    const bool counts = has_meta && !makes(Mistake::kReusePackNumber);
    const std::uint64_t next = counts ? meta.integer(0) : 1;
    Query last = connection().query(Statement::kMaxPack);
    ASSIGN_OR_RETURN(const bool has_last, remember(last.step()));
    const std::uint64_t pack = has_last && !last.is_null(0) ? last.integer(0) : 0;
    return std::max(next, std::min(pack, kPackMax) + 1);
  }

  Status put_next_pack(std::uint64_t next) {
    Query query = connection().query(Statement::kPutMeta);
    return remember(query.bind(1, kMetaNextPack).bind(2, next).run());
  }

  Writer& writer_;
  CommitSync sync_;
  std::unique_ptr<WriteTurn> turn_;  // Null once the transaction has ended.
  TransactionState state_;
  std::unique_ptr<ReferenceTable> references_;
};

}  // namespace

Result<std::unique_ptr<WriteTransaction>> begin_transaction(Writer& writer, CommitSync sync) {
  ASSIGN_OR_RETURN(std::unique_ptr<WriteTurn> turn, writer.begin(sync));
  return std::unique_ptr<WriteTransaction>(
      std::make_unique<SqliteTransaction>(writer, sync, std::move(turn)));
}

}  // namespace packstore::index
