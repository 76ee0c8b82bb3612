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

using Extent = SalvagedRefs::Extent;

// Takes rows until the first error. A ref of which a part is lost is not all of it.
Extent take_refs(Connection& connection, Statement listing, std::map<std::string, Link>& refs) {
  Query query = connection.query(listing);
  query.bind(1, std::string_view());
  Result<bool> found = query.step();
  if (!found) return Extent::kNone;
  bool all = true;
  for (; found && *found; found = query.step()) {
    const std::optional<std::string_view> name = query.text(0);
    const std::optional<ObjectId> id = query.id(1);
    const Result<NodeKind> kind = node_kind_of(connection, query, 2);
    if (name && id) refs.emplace(*name, Link{*id, kind ? *kind : NodeKind::kRaw});
    all = all && name && id && kind;
  }
  return found && all ? Extent::kAll : Extent::kSome;
}

}  // namespace

SalvagedRefs salvage_refs(io::FileSystem& files, const io::Directory& root) {
  SalvagedRefs salvaged;
  const Result<std::unique_ptr<Connection>> connection =
      Connection::open(database_in(files, root), Access::kRead);
  if (!connection) return salvaged;
  std::map<std::string, Link> found;
  // From both ends: one damaged page between them hides only what is on it.
  const Extent forwards = take_refs(**connection, Statement::kListRefs, found);
  const Extent backwards = take_refs(**connection, Statement::kListRefsBackwards, found);
  // Both say kAll, or there is damage somewhere.
  salvaged.extent = forwards == backwards ? forwards : Extent::kSome;
  // A page that says that it holds fewer rows than it does hides them without an error.
  if (salvaged.extent == Extent::kAll) {
    const auto complaints = complaints_of(**connection, Statement::kIntegrityCheckOfRefs);
    if (!complaints || !complaints->empty()) salvaged.extent = Extent::kSome;
  }
  for (const auto& [name, target] : found) {
    salvaged.refs.push_back({.name = name, .id = target.id, .kind = target.kind});
  }
  return salvaged;
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
