// What a collection has to remember, in a temporary database of SQLite; see MarkTable.
#pragma once

#include <memory>

#include "index/connection.h"
#include "index/index.h"
#include "packstore/result.h"

namespace packstore::index {

Result<std::unique_ptr<MarkTable>> make_mark_table(const DatabaseFile& file);

}  // namespace packstore::index
