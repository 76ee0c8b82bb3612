#include "index/frontier.h"

#include "base/error.h"
#include "index/queries.h"

namespace packstore::index {

Status put_step(Connection& connection, Statement statement, const MarkTable::Step& step) {
  Query query = connection.query(statement);
  query.bind(1, step.node.id).bind(2, static_cast<std::uint64_t>(step.node.kind));
  query.bind(3, step.parent ? ByteView(step.parent->bytes) : ByteView());
  return query.run();
}

Result<std::vector<MarkTable::Step>> pop_frontier(Connection& connection, std::size_t limit) {
  std::vector<MarkTable::Step> steps;
  std::uint64_t first = 0;
  {
    Query query = connection.query(Statement::kListFrontier);
    query.bind(1, std::uint64_t{limit});
    while (true) {
      ASSIGN_OR_RETURN(const bool found, query.step());
      if (!found) break;
      first = query.integer(0);
      ASSIGN_OR_RETURN(const NodeKind kind, node_kind_of(connection, query, 2));
      steps.push_back({.node = {query.id(1).value_or(ObjectId{}), kind}, .parent = query.id(3)});
    }
  }
  if (steps.empty()) return steps;
  RETURN_IF_ERROR(connection.query(Statement::kCutFrontier).bind(1, first).run());
  return steps;
}

}  // namespace packstore::index
