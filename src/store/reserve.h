// Room for when there is none. Removing and repacking free space, but only after they have written
// a little: rows, a smaller pack. So a store keeps a file, locks/reserve, that takes space and
// holds nothing, and gives it up for them on a full disk.
#pragma once

#include <cstdint>

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::store {

// Enough for a commit of a hundred pages of the index, or as many removals, all on different pages;
// more take several calls.
inline constexpr std::uint64_t kReserveBytes = 512 << 10;

// Takes the room, as far as there is any. Under the maintenance lock, as everything here, or by the
// creator of the store.
void take_reserve(const io::Directory& locks);

// False: there was nothing to give up.
bool give_up_reserve(const io::Directory& locks);

// Does `work`, and does it once more with the reserve when there was no room for it.
template <typename Work>
auto with_reserve(const io::Directory& locks, const Work& work) -> decltype(work()) {
  auto done = work();
  const bool again = !done && done.error().code == ErrorCode::kNoSpace && give_up_reserve(locks);
  if (again) done = work();
  take_reserve(locks);
  return done;
}

}  // namespace packstore::store
