// Cutting the power at a step of an operation, and looking at what is left.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crash/digest_set.h"
#include "crash/disk_state.h"
#include "crash/scenario.h"
#include "crash/world.h"

namespace packstore::crash {

// The instant right before a step: what the disk holds and what was promised. Nothing that a
// program does after a power cut matters, so each one is a crash point.
struct Moment {
  std::uint64_t number = 0;
  std::string step;  // That does not happen any more.
  DiskState disk;
  // Moments between which nothing was promised or offered share their claims.
  std::shared_ptr<const Claims> claims;
  std::uint64_t claims_digest = 0;
};

// All moments of one undisturbed run of the operation, its end included.
Result<std::vector<Moment>> record(const Scenario& scenario);

// The ways to lose what was not synced. Some know no chance, the others take a seed.
std::vector<PowerCut> certain_cuts();
std::vector<PowerCut> tossed_cuts(std::uint64_t seed);

enum class Depth : std::uint8_t {
  // The store opens by itself, and every promise holds; clean() leaves neither damage nor garbage;
  // the operation, done again, completes, and all of that holds again. The write-ahead log goes
  // into the index in between, so that equal stores have equal disks.
  kEssential,
  // The same without touching the log, and damage is looked for before clean() as well.
  kThorough,
};

struct Look {
  Depth depth = Depth::kThorough;
  // Keeps the moments of the reopening, so that the power can be cut there as well.
  enum class Reopening : std::uint8_t { kForgotten, kKept } reopening = Reopening::kForgotten;
  // What was examined before, under kEssential: nothing new can be seen of it.
  DigestSet* states = nullptr;
};

struct Sight {
  std::vector<std::string> complaints = {};
  std::vector<Moment> reopening = {};
};

// Opens what a power cut has left, and asks for everything that was promised.
Sight examine(const Scenario& scenario, const DiskState& left, const Claims& claims, Look look);

// Where the power is cut, as the command line says it: "57:all/some:123", and with a second cut
// during the reopening "57:all/some:123+4:none/none:0".
struct Cut {
  std::uint64_t moment = 0;
  PowerCut way = {};
};
std::string to_text(const std::vector<Cut>& cuts);
std::optional<std::vector<Cut>> parse_cuts(std::string_view text);

}  // namespace packstore::crash
