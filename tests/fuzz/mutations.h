// What bad disks, bad copies and bad people do to bytes, rows and directories, as an input says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "fuzz/fuzz_input.h"

namespace packstore::testing {

// Flips, overwrites, inserts, erases, cuts off, repeats or swaps; once.
void mutate_bytes(std::string& bytes, FuzzInput& input);

// Writes any numbers into a row of any table of the index `database`, or erases it; nothing where
// SQLite refuses. Leaves no log behind.
void mutate_rows(const std::filesystem::path& database, FuzzInput& input);

// Changes one thing of the directory `store`: bytes of a file, rows, names; or plants a file, a
// directory, or a link to something in `outside`.
void mutate_directory(const std::filesystem::path& store, const std::filesystem::path& outside,
                      FuzzInput& input);

}  // namespace packstore::testing
