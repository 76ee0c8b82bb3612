#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "index/connection.h"
#include "index/index.h"
#include "index/queries.h"
#include "index/schema.h"
#include "index/writer.h"

namespace packstore::index {
namespace {

// Takes rows until the first error; false when there was no row to take at all.
bool take_refs(Connection& connection, Statement listing, std::map<std::string, Link>& refs) {
  Query query = connection.query(listing);
  query.bind(1, std::string_view());
  Result<bool> found = query.step();
  const bool readable = found.has_value();
  for (; found && *found; found = query.step()) {
    const std::optional<std::string_view> name = query.text(0);
    const std::optional<ObjectId> id = query.id(1);
    const Result<NodeKind> kind = node_kind_of(connection, query, 2);
    if (name && id) refs.emplace(*name, Link{*id, kind ? *kind : NodeKind::kRaw});
  }
  return readable;
}

}  // namespace

Result<std::optional<std::vector<Ref>>> salvage_refs(io::FileSystem& files,
                                                     const io::Directory& root) {
  const Result<std::unique_ptr<Connection>> connection =
      Connection::open(database_in(files, root), Access::kRead);
  if (!connection) return std::optional<std::vector<Ref>>();
  std::map<std::string, Link> found;
  // From both ends: one damaged page between them hides only what is on it.
  const bool forwards = take_refs(**connection, Statement::kListRefs, found);
  const bool backwards = take_refs(**connection, Statement::kListRefsBackwards, found);
  if (!forwards && !backwards) return std::optional<std::vector<Ref>>();
  std::vector<Ref> refs;
  for (const auto& [name, target] : found) {
    refs.push_back({.name = name, .id = target.id, .kind = target.kind});
  }
  return std::optional<std::vector<Ref>>(std::move(refs));
}

Result<std::optional<std::string>> salvage_uuid(io::FileSystem& files, const io::Directory& root) {
  const Result<std::unique_ptr<Connection>> connection =
      Connection::open(database_in(files, root), Access::kRead);
  if (!connection) return std::optional<std::string>();
  Query query = (*connection)->query(Statement::kFindMeta);
  query.bind(1, kMetaUuid);
  const Result<bool> found = query.step();
  if (!found || !*found) return std::optional<std::string>();
  return std::optional<std::string>(query.text(0));
}

bool salvage_counts(io::FileSystem& files, const io::Directory& root) {
  const Result<std::unique_ptr<Connection>> connection =
      Connection::open(database_in(files, root), Access::kRead);
  if (!connection) return false;
  Query version = (*connection)->query(Statement::kUserVersion);
  const Result<bool> found = version.step();
  return found && *found && version.integer(0) == kCountingVersion;
}

}  // namespace packstore::index
