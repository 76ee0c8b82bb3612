// An object, or a part of it, on its way out of the store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "packstore/bytes.h"
#include "packstore/object.h"
#include "packstore/result.h"

namespace packstore::cli {

// The part that is asked for; all of it where nothing is given.
struct ObjectRange {
  std::optional<std::uint64_t> offset;
  std::optional<std::uint64_t> length;

  bool is_given() const { return offset.has_value() || length.has_value(); }
};

// Gives it to `sink` piece by piece, front to back, in time that is linear and memory that is
// bounded for any object. A range is verified before its first byte is given; a whole object with
// its last bytes.
//
// kInvalidArgument: the range begins behind the end.
Status copy_object(ObjectReader& reader, const ObjectRange& range,
                   const std::function<Status(ByteView)>& sink);

}  // namespace packstore::cli
