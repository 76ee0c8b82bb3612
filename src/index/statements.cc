// The words of every statement, in the order of their enumeration.
#include "index/statements.h"

#include <array>

namespace packstore::index {
namespace {

constexpr std::array<StatementText, kStatementCount> kTexts = {{
    {Statement::kBeginRead, "beginning to read", "BEGIN"},
    {Statement::kBeginWrite, "beginning to write", "BEGIN IMMEDIATE"},
    {Statement::kCommit, "committing", "COMMIT"},
    {Statement::kRollback, "rolling back", "ROLLBACK"},

    {Statement::kFindObject, "finding an object",
     "SELECT pack, offset, stored_size, size, codec FROM objects WHERE id = ?1"},
    {Statement::kPageObjects, "listing objects",
     "SELECT pack, offset, stored_size, size, codec, id FROM objects WHERE id > ?1 "
     "ORDER BY id LIMIT ?2"},
    {Statement::kRunObjects, "finding an object and those behind it",
     "SELECT pack, offset, stored_size, size, codec, id FROM objects WHERE id >= ?1 "
     "ORDER BY id LIMIT ?2"},
    {Statement::kScanObjects, "scanning objects",
     "SELECT pack, offset, stored_size, size, codec, id FROM objects WHERE id BETWEEN ?1 AND ?2 "
     "ORDER BY id"},
    {Statement::kScanLocations, "scanning objects",
     "SELECT pack, offset, stored_size, size, codec FROM objects"},
    {Statement::kWalkObjects, "reading objects",
     "SELECT pack, offset, stored_size, size, codec, id FROM objects"},
    {Statement::kCountObjects, "counting objects", "SELECT count(*) FROM objects"},
    {Statement::kUsedPages, "sizing the table of objects",
     "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count"},
    {Statement::kInsertObject, "inserting an object",
     "INSERT INTO objects(id, pack, offset, stored_size, size, codec) "
     "VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"},
    {Statement::kMoveObject, "moving an object",
     "UPDATE objects SET pack = ?2, offset = ?3, stored_size = ?4, size = ?5, codec = ?6 "
     "WHERE id = ?1 AND pack = ?7 AND offset = ?8"},
    {Statement::kEraseObject, "erasing an object", "DELETE FROM objects WHERE id = ?1"},
    {Statement::kPackHasRows, "looking for rows of a pack",
     "SELECT 1 FROM objects WHERE pack = ?1 LIMIT 1"},

    {Statement::kListPacks, "listing packs",
     "SELECT pack, state, indexed_bytes, dead_bytes FROM packs ORDER BY pack"},
    {Statement::kFindPack, "finding a pack",
     "SELECT pack, state, indexed_bytes, dead_bytes FROM packs WHERE pack = ?1"},
    {Statement::kMaxPack, "finding the last pack", "SELECT max(pack) FROM packs"},
    {Statement::kPutPack, "writing a pack",
     "INSERT INTO packs(pack, state, indexed_bytes, dead_bytes) VALUES(?1, ?2, ?3, ?4) "
     "ON CONFLICT(pack) DO UPDATE SET state = excluded.state, "
     "indexed_bytes = excluded.indexed_bytes, dead_bytes = excluded.dead_bytes"},
    {Statement::kErasePack, "erasing a pack", "DELETE FROM packs WHERE pack = ?1"},

    {Statement::kFindRef, "finding a ref", "SELECT id, kind FROM refs WHERE name = ?1"},
    {Statement::kListRefs, "listing refs",
     "SELECT name, id, kind FROM refs WHERE name >= ?1 ORDER BY name"},
    {Statement::kListRefsBackwards, "listing refs",
     "SELECT name, id, kind FROM refs WHERE name >= ?1 ORDER BY name DESC"},
    {Statement::kPutRef, "writing a ref",
     "INSERT INTO refs(name, id, kind, moved_at) VALUES(?1, ?2, ?3, unixepoch()) "
     "ON CONFLICT(name) DO UPDATE SET id = excluded.id, kind = excluded.kind, "
     "moved_at = excluded.moved_at"},
    {Statement::kEraseRef, "erasing a ref", "DELETE FROM refs WHERE name = ?1"},

    {Statement::kListPendingUnlinks, "listing pending unlinks",
     "SELECT id FROM pending_unlinks ORDER BY id"},
    {Statement::kAnyPendingUnlink, "looking for pending unlinks",
     "SELECT 1 FROM pending_unlinks LIMIT 1"},
    {Statement::kFindPendingUnlink, "finding a pending unlink",
     "SELECT 1 FROM pending_unlinks WHERE id = ?1"},
    {Statement::kAddPendingUnlink, "adding a pending unlink",
     "INSERT INTO pending_unlinks(id) VALUES(?1) ON CONFLICT DO NOTHING"},
    {Statement::kErasePendingUnlink, "erasing a pending unlink",
     "DELETE FROM pending_unlinks WHERE id = ?1"},

    {Statement::kPageKept, "listing what was put again",
     "SELECT id FROM kept WHERE id > ?1 ORDER BY id LIMIT ?2"},
    {Statement::kKeep, "keeping an object",
     "INSERT INTO kept(id) VALUES(?1) ON CONFLICT DO NOTHING"},
    {Statement::kIsKept, "looking for what was put again", "SELECT 1 FROM kept WHERE id = ?1"},
    {Statement::kClearKept, "forgetting what was put again", "DELETE FROM kept"},

    {Statement::kFindReferences, "finding a count",
     "SELECT count FROM reference_counts WHERE id = ?1 AND kind = ?2"},
    {Statement::kAddReference, "counting a reference",
     "INSERT INTO reference_counts(id, kind, count) VALUES(?1, ?2, 1) "
     "ON CONFLICT(id, kind) DO UPDATE SET count = count + 1 RETURNING count"},
    {Statement::kDropReference, "dropping a reference",
     "UPDATE reference_counts SET count = count - 1 WHERE id = ?1 AND kind = ?2 AND count > 0 "
     "RETURNING count"},
    {Statement::kForgetReference, "dropping a reference",
     "DELETE FROM reference_counts WHERE id = ?1 AND kind = ?2"},
    {Statement::kHoldsObject, "looking for references",
     "SELECT 1 FROM reference_counts WHERE id = ?1 UNION ALL "
     "SELECT 1 FROM reference_steps WHERE step IN (0, 1, 2) AND id = ?1 LIMIT 1"},
    {Statement::kHoldsLinks, "looking for references",
     "SELECT 1 FROM reference_counts WHERE id = ?1 AND kind = ?2 UNION ALL "
     "SELECT 1 FROM reference_steps WHERE step = 2 AND id = ?1 AND kind = ?2 LIMIT 1"},
    {Statement::kClearReferences, "forgetting counts", "DELETE FROM reference_counts"},
    {Statement::kPutReferenceStep, "noting a step",
     "INSERT INTO reference_steps(step, id, kind) VALUES(?3, ?1, ?2) ON CONFLICT DO NOTHING"},
    {Statement::kEraseReferenceStep, "finishing a step",
     "DELETE FROM reference_steps WHERE step = ?3 AND id = ?1 AND kind = ?2"},
    {Statement::kPageReferenceSteps, "listing steps",
     "SELECT id, kind FROM reference_steps WHERE step = ?3 AND (id, kind) > (?1, ?2) "
     "ORDER BY id, kind LIMIT ?4"},
    {Statement::kClearReferenceSteps, "forgetting steps", "DELETE FROM reference_steps"},

    {Statement::kFindMeta, "reading a property", "SELECT value FROM meta WHERE key = ?1"},
    {Statement::kPutMeta, "writing a property",
     "INSERT INTO meta(key, value) VALUES(?1, ?2) "
     "ON CONFLICT(key) DO UPDATE SET value = excluded.value"},
    {Statement::kCountDurableCommit, "counting a durable commit",
     "INSERT INTO meta(key, value) VALUES('durable_commits', 1) "
     "ON CONFLICT(key) DO UPDATE SET value = value + 1"},

    {Statement::kApplicationId, "reading the application id", "PRAGMA application_id"},
    {Statement::kUserVersion, "reading the version of the schema", "PRAGMA user_version"},
    {Statement::kJournalMode, "reading the journal mode", "PRAGMA journal_mode"},
    {Statement::kUseLog, "switching to the write-ahead log", "PRAGMA journal_mode = WAL"},
    {Statement::kListSchema, "reading the schema",
     "SELECT type, name, sql FROM sqlite_schema ORDER BY name"},
    {Statement::kIntegrityCheck, "checking the integrity", "PRAGMA integrity_check"},
    {Statement::kIntegrityCheckOfRefs, "checking the table of refs",
     "PRAGMA integrity_check(refs)"},

    {Statement::kKeepRowsOfAllPacks, "sorting rows by pack",
     "INSERT INTO temp.kept_rows SELECT pack, offset, stored_size, size, codec, id "
     "FROM main.objects ORDER BY pack, offset"},
    {Statement::kKeepPack, "choosing packs", "INSERT OR IGNORE INTO temp.kept_packs VALUES(?1)"},
    {Statement::kKeepRowsOfKeptPacks, "sorting rows by pack",
     "INSERT INTO temp.kept_rows SELECT pack, offset, stored_size, size, codec, id "
     "FROM main.objects WHERE pack IN (SELECT pack FROM temp.kept_packs) ORDER BY pack, offset"},
    {Statement::kWalkKeptRows, "walking sorted rows",
     "SELECT pack, offset, stored_size, size, codec, id FROM temp.kept_rows ORDER BY rowid"},

    {Statement::kMarkPacked, "copying the ids of packed objects",
     "INSERT INTO temp.marks SELECT id, 1, NULL, 0 FROM main.objects ORDER BY id"},
    {Statement::kMarkLoose, "noting a loose object",
     "INSERT INTO temp.marks VALUES(?1, 1, ?2, 0) "
     "ON CONFLICT(id) DO UPDATE SET loose_bytes = excluded.loose_bytes"},
    {Statement::kReach, "marking an object",
     "INSERT INTO temp.marks VALUES(?1, 0, NULL, ?2) ON CONFLICT(id) "
     "DO UPDATE SET kinds = kinds | ?2 WHERE kinds & ?2 = 0 RETURNING candidate"},
    {Statement::kPushFrontier, "noting a node to walk",
     "INSERT INTO temp.frontier(id, kind, parent) VALUES(?1, ?2, ?3)"},
    {Statement::kListFrontier, "taking nodes to walk",
     "SELECT step, id, kind, parent FROM temp.frontier ORDER BY step DESC LIMIT ?1"},
    {Statement::kCutFrontier, "taking nodes to walk", "DELETE FROM temp.frontier WHERE step >= ?1"},
    {Statement::kSetAside, "setting a node aside",
     "INSERT INTO temp.aside(id, kind, parent) VALUES(?1, ?2, ?3)"},
    {Statement::kTakeBack, "taking nodes back",
     "INSERT INTO temp.frontier(id, kind, parent) SELECT id, kind, parent FROM temp.aside"},
    {Statement::kClearAside, "taking nodes back", "DELETE FROM temp.aside"},
    {Statement::kPageUnreached, "listing what was not reached",
     "SELECT id, loose_bytes FROM temp.marks WHERE id > ?1 AND candidate AND NOT kinds "
     "ORDER BY id LIMIT ?2"},
    {Statement::kCountCandidates, "counting candidates",
     "SELECT count(*) FROM temp.marks WHERE candidate"},
    {Statement::kHasReached, "looking for a mark",
     "SELECT 1 FROM temp.marks WHERE id = ?1 AND kinds"},

    {Statement::kCopyClaims, "copying counts",
     "INSERT INTO temp.claimed SELECT id, kind, count FROM main.reference_counts"},
    {Statement::kCopyUnfollowed, "copying steps",
     "INSERT INTO temp.unfollowed SELECT id, kind FROM main.reference_steps WHERE step < 2"},
    {Statement::kCountRefs, "counting refs",
     "INSERT INTO temp.counted SELECT id, kind, count(*) FROM main.refs GROUP BY id, kind"},
    {Statement::kFollowFromRoots, "noting nodes to walk",
     "INSERT INTO temp.frontier(id, kind) SELECT id, kind FROM temp.counted WHERE kind <> 85 "
     "EXCEPT SELECT id, kind FROM temp.unfollowed UNION "
     "SELECT id, kind FROM main.reference_steps WHERE step = 2 AND kind <> 85"},
    {Statement::kRecountReference, "counting a reference",
     "INSERT INTO temp.counted VALUES(?1, ?2, 1) ON CONFLICT(id, kind) "
     "DO UPDATE SET count = count + 1 RETURNING count"},
    {Statement::kRecountNode, "noting a node to walk",
     "INSERT INTO temp.frontier(id, kind) SELECT ?1, ?2 WHERE NOT EXISTS "
     "(SELECT 1 FROM temp.unfollowed WHERE id = ?1 AND kind = ?2)"},
    {Statement::kCompareCounts, "comparing counts",
     "SELECT f.id, f.kind, coalesce(c.count, 0), f.count FROM temp.counted f "
     "LEFT JOIN temp.claimed c ON c.id = f.id AND c.kind = f.kind WHERE c.count IS NOT f.count "
     "UNION ALL SELECT c.id, c.kind, c.count, 0 FROM temp.claimed c LEFT JOIN temp.counted f "
     "ON f.id = c.id AND f.kind = c.kind WHERE f.id IS NULL LIMIT ?1"},

    {Statement::kAttachSource, "opening the source of a copy", "ATTACH ?1 AS source"},
}};

consteval bool texts_stand_in_order() {
  for (std::size_t i = 0; i < kStatementCount; ++i) {
    if (static_cast<std::size_t>(kTexts[i].statement) != i) return false;
  }
  return true;
}
static_assert(texts_stand_in_order());

}  // namespace

const StatementText& text_of(Statement statement) {
  return kTexts[static_cast<std::size_t>(statement)];
}

}  // namespace packstore::index
