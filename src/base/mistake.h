// Mistakes that the tests make on purpose, to prove that they would notice them.
//
// Only code that is compiled with PACKSTORE_MISTAKES can make one, and nothing but a test program
// is. Everywhere else makes() is false at compile time and leaves no trace.
#pragma once

#include <cstdint>

#ifdef PACKSTORE_MISTAKES
#include <atomic>
#endif

namespace packstore {

enum class Mistake : std::uint8_t {
  kNone,
  // Order and durability.
  kSkipPackSync,
  kSkipPackDirectorySync,
  kCommitBeforeSync,
  kSkipPublishSync,
  kSkipPublishDirectorySync,
  kRenameBeforeSync,
  kUnlinkLooseBeforeCommit,
  kUnlinkLooseAfterLazyCommit,
  kUnlinkPackBeforeCommit,
  kForgetUnlinkBeforeSync,
  kRemoveLazily,
  kMoveRefLazily,
  kAcknowledgeBeforeCommit,
  kSkipCommitRecord,
  kLeaveTailsOut,
  kTakeInOpenGroups,
  kReusePackNumber,
  kLeaveLogInDoubt,
  // Errors.
  kRetryFailedSync,
  kSyncTailWithoutRewriting,
  kGoOnAfterFailure,
  kAcceptShortWrite,
  // Races, damage and lies.
  kForgetLock,
  kSkipSecondLookup,
  kMoveRefToAbsentObject,
  kCopyDamagedRecord,
  kTrustLength,
};

#ifdef PACKSTORE_MISTAKES
inline std::atomic<Mistake> mistake_of_the_test{Mistake::kNone};
inline bool makes(Mistake mistake) {
  return mistake_of_the_test.load(std::memory_order_relaxed) == mistake;
}
#else
constexpr bool makes(Mistake) { return false; }
#endif

}  // namespace packstore
