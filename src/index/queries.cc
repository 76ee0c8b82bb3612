#include "index/queries.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/node_kind.h"

namespace packstore::index {

Location location_of(const Query& query) {
  const std::uint64_t codec = query.integer(4);
  constexpr std::uint64_t kCodecMax = std::numeric_limits<std::uint8_t>::max();
  return {.pack = query.integer(0),
          .offset = query.integer(1),
          .stored_size = query.integer(2),
          .size = query.integer(3),
          .codec = static_cast<Codec>(std::min(codec, kCodecMax))};
}

ObjectRow row_of(const Query& query) {
  ObjectRow row{.id = {}, .at = location_of(query)};
  if (const std::optional<ObjectId> id = query.id(5)) {
    row.id = *id;
  } else {
    row.at.pack = 0;
  }
  return row;
}

Result<Location> checked(const ObjectRow& row) {
  RETURN_IF_ERROR(check(row));
  return row.at;
}

Result<std::optional<Location>> find_object(Connection& connection, const ObjectId& id) {
  Query query = connection.query(Statement::kFindObject);
  query.bind(1, id);
  ASSIGN_OR_RETURN(const bool found, query.step());
  if (!found) return std::optional<Location>();
  ASSIGN_OR_RETURN(const Location at, checked({.id = id, .at = location_of(query)}));
  return std::optional<Location>(at);
}

Result<PackRow> pack_row_of(const Connection& connection, const Query& query) {
  const std::uint64_t state = query.integer(1);
  const PackRow row{.pack = query.integer(0),
                    .state = static_cast<PackState>(std::min<std::uint64_t>(state, 0xff)),
                    .indexed_bytes = query.integer(2),
                    .dead_bytes = query.integer(3)};
  const Status checked = check(row);
  if (!checked) {
    return fail(checked.error().code, "index {}: {}", connection.path(), checked.error().message);
  }
  return row;
}

Result<std::optional<PackRow>> find_pack_row(Connection& connection, std::uint64_t pack) {
  if (pack > kPackMax) return std::optional<PackRow>();
  Query query = connection.query(Statement::kFindPack);
  query.bind(1, pack);
  ASSIGN_OR_RETURN(const bool found, query.step());
  if (!found) return std::optional<PackRow>();
  ASSIGN_OR_RETURN(const PackRow row, pack_row_of(connection, query));
  return std::optional<PackRow>(row);
}

Result<NodeKind> node_kind_of(const Connection& connection, const Query& query, int column) {
  const std::uint64_t number = query.integer(column);
  if (const auto kind = to_node_kind(number)) return *kind;
  return fail(ErrorCode::kCorrupt, "index {}: unknown kind of node {:#x}", connection.path(),
              number);
}

Result<Link> link_of(const Connection& connection, const Query& query, int first) {
  const std::optional<ObjectId> id = query.id(first);
  if (!id) {
    return fail(ErrorCode::kCorrupt, "index {}: a link whose id is not 32 bytes long",
                connection.path());
  }
  ASSIGN_OR_RETURN(const NodeKind kind, node_kind_of(connection, query, first + 1));
  return Link{.id = *id, .kind = kind};
}

Result<std::optional<Link>> find_ref_target(Connection& connection, std::string_view name) {
  Query query = connection.query(Statement::kFindRef);
  query.bind(1, name);
  ASSIGN_OR_RETURN(const bool found, query.step());
  if (!found) return std::optional<Link>();
  if (!query.id(0)) {
    return fail(ErrorCode::kCorrupt, "index {}: ref {} does not point at an id of 32 bytes",
                connection.path(), name);
  }
  ASSIGN_OR_RETURN(const Link target, link_of(connection, query, 0));
  return std::optional(target);
}

Result<std::vector<std::string>> complaints_of(Connection& connection, Statement check) {
  Query query = connection.query(check);
  std::vector<std::string> complaints;
  while (true) {
    const Result<bool> found = query.step();
    if (!found && found.error().code != ErrorCode::kCorrupt) return found.error();
    if (!found) complaints.push_back(found.error().message);
    if (!found || !*found) return complaints;
    const std::string_view complaint = query.text(0).value_or("a complaint that is no text");
    if (complaint != "ok") complaints.emplace_back(complaint);
  }
}

}  // namespace packstore::index
