// Temporary tables of one connection, filled in one read transaction:
//
// - claimed: the counts of the index.
// - unfollowed: counted nodes whose links are not counted. Neither are they here.
// - counted: what was found so far; refs first.
// - frontier: nodes whose links are to be counted: those that were found, and those that are being
//   released, whose links count until they are.
#include "index/recount_table.h"

#include "base/error.h"
#include "index/connection.h"
#include "index/frontier.h"
#include "index/queries.h"

namespace packstore::index {
namespace {

constexpr const char* kCreateTables =
    "PRAGMA temp.journal_mode = MEMORY;"
    "CREATE TEMP TABLE claimed(id, kind, count, PRIMARY KEY(id, kind)) WITHOUT ROWID;"
    "CREATE TEMP TABLE unfollowed(id, kind, PRIMARY KEY(id, kind)) WITHOUT ROWID;"
    "CREATE TEMP TABLE counted(id, kind, count, PRIMARY KEY(id, kind)) WITHOUT ROWID;";

class SqliteRecountTable final : public RecountTable {
 public:
  explicit SqliteRecountTable(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  Result<std::vector<Link>> take_nodes(std::size_t limit) override {
    ASSIGN_OR_RETURN(const auto steps, pop_frontier(*connection_, limit));
    std::vector<Link> nodes;
    nodes.reserve(steps.size());
    for (const MarkTable::Step& step : steps) nodes.push_back(step.node);
    return nodes;
  }

  Status add(const Link& link) override {
    Query query = connection_->query(Statement::kRecountReference);
    query.bind(1, link.id).bind(2, static_cast<std::uint64_t>(link.kind));
    ASSIGN_OR_RETURN(const bool counted, query.step());
    const bool first = counted && query.integer(0) == 1;
    // A statement that is not run to its end may be undone.
    RETURN_IF_ERROR(query.run());
    if (!first || link.kind == NodeKind::kRaw) return {};
    Query follow = connection_->query(Statement::kRecountNode);
    return follow.bind(1, link.id).bind(2, static_cast<std::uint64_t>(link.kind)).run();
  }

  Result<std::vector<Difference>> differences(std::size_t limit) override {
    Query query = connection_->query(Statement::kCompareCounts);
    query.bind(1, std::uint64_t{limit});
    std::vector<Difference> found;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, query.step());
      if (!more) return found;
      ASSIGN_OR_RETURN(const Link link, link_of(*connection_, query, 0));
      found.push_back({.link = link, .claimed = query.integer(2), .found = query.integer(3)});
    }
  }

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<RecountTable>> make_recount_table(const DatabaseFile& file) {
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::open(file, Access::kRead));
  RETURN_IF_ERROR(connection->execute(kCreateTables, "preparing to count"));
  RETURN_IF_ERROR(connection->execute(kCreateFrontier, "preparing to count"));
  {
    ASSIGN_OR_RETURN(const auto moment, ReadScope::begin(*connection));
    for (const Statement copy : {Statement::kCopyClaims, Statement::kCopyUnfollowed,
                                 Statement::kCountRefs, Statement::kFollowFromRoots}) {
      RETURN_IF_ERROR(connection->run(copy));
    }
  }
  return std::unique_ptr<RecountTable>(std::make_unique<SqliteRecountTable>(std::move(connection)));
}

}  // namespace packstore::index
