// Opening the directories of a store that may be incomplete.
#pragma once

#include <filesystem>

#include "io/file.h"
#include "packstore/result.h"
#include "store/store_core.h"

namespace packstore::store {

// As open_layout(), for a copy that lost empty directories or FORMAT: makes the directories, and
// writes FORMAT anew when it is absent or damaged and the packs agree on a UUID, or when packs and
// index agree on another than it says. kConflict: all packs are of another store than FORMAT says.
Result<StoreLayout> open_incomplete_layout(io::FileSystem& files,
                                           const std::filesystem::path& path);

}  // namespace packstore::store
