// The shared counter of commits, in the directory of locks: odd from right before a commit or a
// checkpoint until it has succeeded. Whoever saw the same even number before and after read no row
// that came or went in between.
//
// Odd while nobody has the turn: a process has failed, or died, in the middle. Then the log is in
// doubt. Its end may hold a commit that reported an error, whole, which the next one that reads the
// log from its front would find; and a sync may have failed, after which the system takes pages for
// clean that the disk does not hold, so that later syncs make nothing durable.
#pragma once

#include <string_view>

#include "index/connection.h"
#include "index/index.h"
#include "io/file.h"
#include "packstore/result.h"

namespace packstore::index {

inline constexpr std::string_view kGenerationFile = "generation";

bool is_settled(const io::SharedCounter& generation);

// COMMIT, counted. Within a turn only, as all of these.
Status commit_counted(Connection& connection, CommitSync sync, io::SharedCounter& generation);
Status checkpoint_counted(Connection& connection, Connection::Checkpoint mode,
                          io::SharedCounter& generation);

// Ends the doubt, where there is any: writes the log of the index in `root` again, so that it can
// be synced, and a commit behind it, durably. `connection` syncs its commits in full.
Status settle(Connection& connection, const io::Directory& root, io::SharedCounter& generation);

}  // namespace packstore::index
