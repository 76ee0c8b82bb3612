#include <array>

#include "base/error.h"
#include "dag/preset.h"
#include "packstore/file.h"

namespace packstore {
namespace {

std::array<FileProfile, 3> presets() {
  return {FileProfile(),
          FileProfile{.name = "unixfs-v1-2025",
                      .nodes = FileNodes::kUnixFs,
                      .width = 1024,
                      .chunker = ChunkerSpec::fixed(1 << 20)},
          FileProfile{.name = "unixfs-v0-2015",
                      .nodes = FileNodes::kUnixFs0,
                      .width = 174,
                      .chunker = ChunkerSpec::fixed(256 << 10)}};
}

}  // namespace

Result<FileProfile> FileProfile::named(std::string_view name) {
  return dag::find_preset(presets(), name);
}

Status FileProfile::check() const {
  if (width < 2 || width > kWidthMax) {
    return fail(ErrorCode::kInvalidArgument, "profile {}: a width of {}, limits 2 and {}", name,
                width, kWidthMax);
  }
  return chunker.check();
}

}  // namespace packstore
