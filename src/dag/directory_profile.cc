#include <array>
#include <bit>

#include "base/error.h"
#include "dag/preset.h"
#include "packstore/directory.h"

namespace packstore {
namespace {

std::array<DirectoryProfile, 3> presets() {
  return {DirectoryProfile(), DirectoryProfile{.name = "unixfs-v1-2025"},
          DirectoryProfile{
              .name = "unixfs-v0-2015", .cid_version = 0, .measure = DirectoryMeasure::kLinks}};
}

}  // namespace

Result<DirectoryProfile> DirectoryProfile::named(std::string_view name) {
  return dag::find_preset(presets(), name);
}

Status DirectoryProfile::check() const {
  if (cid_version > 1) {
    return fail(ErrorCode::kInvalidArgument, "profile {}: CIDs of version {}, known are 0 and 1",
                name, cid_version);
  }
  if (shard_above > kShardAboveMax) {
    return fail(ErrorCode::kInvalidArgument, "profile {}: directories of {} bytes, limit {}", name,
                shard_above, kShardAboveMax);
  }
  if (fanout < kFanoutMin || fanout > kFanoutMax || !std::has_single_bit(fanout)) {
    return fail(ErrorCode::kInvalidArgument,
                "profile {}: a fan-out of {}, which is no power of two from {} to {}", name, fanout,
                kFanoutMin, kFanoutMax);
  }
  return {};
}

}  // namespace packstore
