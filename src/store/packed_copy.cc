#include "store/packed_copy.h"

#include <memory>
#include <utility>

#include "base/error.h"
#include "store/read.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using State = PackedCopy::State;

// What an error in opening or reading the copy says about it.
Result<PackedCopy> judge(const Error& error, State state, Finding finding) {
  // The disk may give it back tomorrow, a newer library may know it; a full memory says nothing.
  const bool is_readable_elsewhere =
      error.code == ErrorCode::kIo || error.code == ErrorCode::kUnsupported;
  const bool is_damage = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
  if (!is_damage && !is_readable_elsewhere) return error;
  finding.message = error.message;
  return PackedCopy{is_damage ? state : State::kUnknown, std::move(finding)};
}

}  // namespace

Result<PackedCopy> inspect_packed_copy(const StoreCore& core, const ObjectId& id,
                                       const std::stop_token& stop) {
  const auto at = core.index->find(id);
  if (!at) {
    return judge(at.error(), State::kUnknown, {.kind = FindingKind::kRowInvalid, .object = id});
  }
  if (!*at) return PackedCopy{};
  Finding finding{.object = id, .pack = (*at)->pack, .offset = (*at)->offset};
  Result<std::shared_ptr<const PackFile>> pack = core.packs.open(**at);
  if (!pack) {
    // Nobody repacks now, so a pack that is gone does not come back.
    const bool is_gone = pack.error().code == ErrorCode::kNotFound;
    finding.kind = is_gone ? FindingKind::kPackMissing : FindingKind::kPackHeaderDamaged;
    return judge(pack.error(), is_gone ? State::kDamaged : State::kUnknown, std::move(finding));
  }
  const FoundObject found{.pack = std::move(*pack), .row = {id, **at}};
  finding.kind = FindingKind::kRecordDamaged;
  const Status good = check_copy(found, stop);
  return good ? PackedCopy{State::kGood} : judge(good.error(), State::kDamaged, std::move(finding));
}

}  // namespace packstore::store
