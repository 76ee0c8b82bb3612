// What must be looked at before SQLite opens the database of an index.
#pragma once

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::index {

// SQLite plays a rollback journal back before anybody can ask anything. Where the journal names a
// second file (https://sqlite.org/atomiccommit.html, section 5), that one is read, and removed in
// the end, wherever it is. Transactions of this library never make such a journal.
//
// kCorrupt: there is one beside the index in `root`.
Status check_journal(const io::Directory& root);

}  // namespace packstore::index
