// Temporary tables of one connection:
//
// - marks: every object that is a candidate for removal, with what it was reached as, one bit for
//   each kind: the same bytes may be reached as raw and as a node, and only then are followed. What
//   is reached without being a candidate (put since the copy) gets a row as well, so that it is
//   walked once.
// - frontier: nodes that were reached and not yet walked.
// - aside: nodes that were not there when they should have been walked.
//
// They live in a temporary file, and no transaction on the index is open after the copy.
#include "index/mark_table.h"

#include <utility>

#include "base/error.h"
#include "index/connection.h"
#include "index/frontier.h"

namespace packstore::index {
namespace {

constexpr const char* kCreateMarks =
    "PRAGMA temp.journal_mode = MEMORY;"
    "CREATE TEMP TABLE marks(id BLOB NOT NULL PRIMARY KEY, candidate INTEGER NOT NULL, "
    "loose_bytes INTEGER, kinds INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TEMP TABLE aside(id, kind, parent)";

std::uint64_t bit_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::kDagPb:
      return 2;
    case NodeKind::kDagCbor:
      return 4;
    default:
      return 1;
  }
}

class SqliteMarkTable final : public MarkTable {
 public:
  explicit SqliteMarkTable(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  Status add_loose_candidate(const ObjectId& id, std::uint64_t bytes) override {
    Query query = connection_->query(Statement::kMarkLoose);
    return query.bind(1, id).bind(2, bytes).run();
  }

  Result<Reached> reach(const Link& link) override {
    Query query = connection_->query(Statement::kReach);
    query.bind(1, link.id).bind(2, bit_of(link.kind));
    ASSIGN_OR_RETURN(const bool changed, query.step());
    if (!changed) return Reached::kBefore;
    const bool candidate = query.integer(0) != 0;
    // A statement that is not run to its end may be undone.
    RETURN_IF_ERROR(query.run());
    return candidate ? Reached::kCandidate : Reached::kOther;
  }

  Status push(const Step& step) override {
    return put_step(*connection_, Statement::kPushFrontier, step);
  }

  Status set_aside(const Step& step) override {
    return put_step(*connection_, Statement::kSetAside, step);
  }

  Status take_back() override {
    RETURN_IF_ERROR(connection_->run(Statement::kTakeBack));
    return connection_->run(Statement::kClearAside);
  }

  Result<std::vector<Step>> pop(std::size_t limit) override {
    return pop_frontier(*connection_, limit);
  }

  Result<std::vector<Garbage>> unreached(std::optional<ObjectId> after,
                                         std::size_t limit) override {
    Query query = connection_->query(Statement::kPageUnreached);
    query.bind(1, after ? ByteView(after->bytes) : ByteView()).bind(2, std::uint64_t{limit});
    std::vector<Garbage> page;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, query.step());
      if (!found) return page;
      const std::optional<ObjectId> id = query.id(0);
      if (!id) {
        return fail(ErrorCode::kCorrupt, "index {}: a row whose id is not 32 bytes long",
                    connection_->path());
      }
      page.push_back({.id = *id, .loose_bytes = std::nullopt});
      if (!query.is_null(1)) page.back().loose_bytes = query.integer(1);
    }
  }

  Result<std::uint64_t> count_candidates() override {
    Query query = connection_->query(Statement::kCountCandidates);
    ASSIGN_OR_RETURN(const bool found, query.step());
    return found ? query.integer(0) : 0;
  }

  Result<bool> has_reached(const ObjectId& id) override {
    Query query = connection_->query(Statement::kHasReached);
    return query.bind(1, id).step();
  }

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<MarkTable>> make_mark_table(const DatabaseFile& file,
                                                   Index::Candidates candidates) {
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::open(file, Access::kRead));
  RETURN_IF_ERROR(connection->execute(kCreateMarks, "preparing to mark"));
  RETURN_IF_ERROR(connection->execute(kCreateFrontier, "preparing to mark"));
  if (candidates == Index::Candidates::kPacked) {
    RETURN_IF_ERROR(connection->run(Statement::kMarkPacked));
  }
  return std::unique_ptr<MarkTable>(std::make_unique<SqliteMarkTable>(std::move(connection)));
}

}  // namespace packstore::index
