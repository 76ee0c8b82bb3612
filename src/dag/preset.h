// Choosing a profile of files or directories by its name.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "packstore/result.h"

namespace packstore::dag {

// The one of `presets` with that name. kInvalidArgument: none has it; the message lists them.
template <typename Presets, typename Profile = typename Presets::value_type>
Result<Profile> find_preset(const Presets& presets, std::string_view name) {
  std::string known;
  for (const Profile& preset : presets) {
    if (preset.name == name) return preset;
    known += (known.empty() ? "" : ", ") + preset.name;
  }
  return fail(ErrorCode::kInvalidArgument, "profile {}: there are {}", name, known);
}

}  // namespace packstore::dag
