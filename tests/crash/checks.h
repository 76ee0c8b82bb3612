// Whether what was promised holds.
#pragma once

#include <string>
#include <vector>

#include "crash/world.h"

namespace packstore::crash {

// What is wrong with the store of `world`, which is open: one line for each finding. Every visible
// object is read; each acknowledged one is there, no removed one is, no batch is there in part;
// every ref is where somebody moved it, and its target is there, with all below where it is a
// node; every file of every acknowledged directory reads back.
std::vector<std::string> broken_promises(World& world);

// What validate() finds: all of it, or damage only.
std::vector<std::string> damage(Store& store);
std::vector<std::string> damage_and_garbage(Store& store);

// The same of the backup: it opens, is valid and holds what was promised.
std::vector<std::string> backup_complaints(World& world);

}  // namespace packstore::crash
