// Every statement that is prepared once and kept: the text and what it is for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace packstore::index {

enum class Statement : std::uint8_t {
  kBeginRead,
  kBeginWrite,
  kCommit,
  kRollback,

  kFindObject,
  kPageObjects,
  kRunObjects,
  kScanObjects,
  kScanLocations,
  kWalkObjects,
  kCountObjects,
  kUsedPages,
  kInsertObject,
  kMoveObject,
  kEraseObject,
  kPackHasRows,

  kListPacks,
  kFindPack,
  kMaxPack,
  kPutPack,
  kErasePack,

  kFindRef,
  kListRefs,
  kListRefsBackwards,
  kPutRef,
  kEraseRef,

  kListPendingUnlinks,
  kAnyPendingUnlink,
  kFindPendingUnlink,
  kAddPendingUnlink,
  kErasePendingUnlink,

  kPageKept,
  kKeep,
  kIsKept,
  kClearKept,

  kFindReferences,
  kAddReference,
  kDropReference,
  kForgetReference,
  kHoldsObject,
  kHoldsLinks,
  kClearReferences,
  kPutReferenceStep,
  kEraseReferenceStep,
  kPageReferenceSteps,
  kClearReferenceSteps,

  kFindMeta,
  kPutMeta,
  kCountDurableCommit,

  kApplicationId,
  kUserVersion,
  kJournalMode,
  kUseLog,
  kListSchema,
  kIntegrityCheck,
  kIntegrityCheckOfRefs,

  kKeepRowsOfAllPacks,
  kKeepPack,
  kKeepRowsOfKeptPacks,
  kWalkKeptRows,

  kMarkPacked,
  kMarkLoose,
  kReach,
  kPushFrontier,
  kListFrontier,
  kCutFrontier,
  kSetAside,
  kTakeBack,
  kClearAside,
  kPageUnreached,
  kCountCandidates,
  kHasReached,

  kCopyClaims,
  kCopyUnfollowed,
  kCountRefs,
  kFollowFromRoots,
  kRecountReference,
  kRecountNode,
  kCompareCounts,

  kAttachSource,
};

inline constexpr std::size_t kStatementCount =
    static_cast<std::size_t>(Statement::kAttachSource) + 1;

struct StatementText {
  Statement statement;
  const char* purpose;  // Completes "while ..." in messages.
  const char* sql;
};

const StatementText& text_of(Statement statement);

}  // namespace packstore::index
