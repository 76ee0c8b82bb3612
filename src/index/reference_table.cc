#include "index/reference_table.h"

#include "base/error.h"
#include "index/queries.h"
#include "index/transaction_state.h"

namespace packstore::index {
namespace {

class SqliteReferenceTable final : public ReferenceTable {
 public:
  explicit SqliteReferenceTable(TransactionState& state) : state_(state) {}

  Result<bool> add(const Link& link) override {
    ASSIGN_OR_RETURN(const auto count, change(Statement::kAddReference, link));
    return count == 1;
  }

  Result<bool> drop(const Link& link) override {
    ASSIGN_OR_RETURN(const auto count, change(Statement::kDropReference, link));
    if (!count) {
      return fail(ErrorCode::kCorrupt,
                  "index {}: counts no reference to {}, and one goes; repair() counts anew",
                  state_.connection().path(), link.id.to_hex());
    }
    if (*count != 0) return false;
    RETURN_IF_ERROR(run(Statement::kForgetReference, link));
    return true;
  }

  Result<bool> holds(const ObjectId& id) override {
    RETURN_IF_ERROR(state_.check_usable());
    Query query = state_.connection().query(Statement::kHoldsObject);
    return state_.remember(query.bind(1, id).step());
  }

  Result<bool> holds_links_of(const Link& node) override {
    RETURN_IF_ERROR(state_.check_usable());
    Query query = state_.connection().query(Statement::kHoldsLinks);
    query.bind(1, node.id).bind(2, static_cast<std::uint64_t>(node.kind));
    return state_.remember(query.step());
  }

  Status put_step(ReferenceStep step, const Link& node) override {
    return run(Statement::kPutReferenceStep, node, step);
  }

  Result<bool> erase_step(ReferenceStep step, const Link& node) override {
    RETURN_IF_ERROR(run(Statement::kEraseReferenceStep, node, step));
    return state_.connection().changes() == 1;
  }

  Result<std::vector<Link>> steps(ReferenceStep step, const std::optional<Link>& after,
                                  std::size_t limit) override {
    RETURN_IF_ERROR(state_.check_usable());
    return state_.remember(page_steps(state_.connection(), step, after, limit));
  }

  Status clear() override {
    RETURN_IF_ERROR(state_.check_usable());
    RETURN_IF_ERROR(state_.remember(state_.connection().run(Statement::kClearReferences)));
    return state_.remember(state_.connection().run(Statement::kClearReferenceSteps));
  }

 private:
  // The count that `statement` leaves; nullopt: there is none.
  Result<std::optional<std::uint64_t>> change(Statement statement, const Link& link) {
    RETURN_IF_ERROR(state_.check_usable());
    Query query = state_.connection().query(statement);
    query.bind(1, link.id).bind(2, static_cast<std::uint64_t>(link.kind));
    ASSIGN_OR_RETURN(const bool changed, state_.remember(query.step()));
    if (!changed) return std::optional<std::uint64_t>();
    const std::uint64_t count = query.integer(0);
    // A statement that is not run to its end may be undone.
    RETURN_IF_ERROR(state_.remember(query.run()));
    return std::optional(count);
  }

  Status run(Statement statement, const Link& link, std::optional<ReferenceStep> step = {}) {
    RETURN_IF_ERROR(state_.check_usable());
    Query query = state_.connection().query(statement);
    query.bind(1, link.id).bind(2, static_cast<std::uint64_t>(link.kind));
    if (step) query.bind(3, static_cast<std::uint64_t>(*step));
    return state_.remember(query.run());
  }

  TransactionState& state_;
};

}  // namespace

Result<std::vector<Link>> page_steps(Connection& connection, ReferenceStep step,
                                     const std::optional<Link>& after, std::size_t limit) {
  Query query = connection.query(Statement::kPageReferenceSteps);
  query.bind(1, after ? ByteView(after->id.bytes) : ByteView());
  query.bind(2, after ? static_cast<std::uint64_t>(after->kind) : 0);
  query.bind(3, static_cast<std::uint64_t>(step)).bind(4, std::uint64_t{limit});
  std::vector<Link> nodes;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.step());
    if (!found) return nodes;
    ASSIGN_OR_RETURN(const Link node, link_of(connection, query, 0));
    nodes.push_back(node);
  }
}

std::unique_ptr<ReferenceTable> make_reference_table(TransactionState& state) {
  return std::make_unique<SqliteReferenceTable>(state);
}

}  // namespace packstore::index
