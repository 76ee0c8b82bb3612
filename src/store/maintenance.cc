#include "packstore/maintenance.h"

#include <utility>

#include "base/error.h"
#include "io/lock.h"
#include "store/clean.h"
#include "store/collect.h"
#include "store/collection_watch.h"
#include "store/pack_loose.h"
#include "store/remove.h"
#include "store/repack.h"
#include "store/repair.h"
#include "store/reserve.h"
#include "store/store_core.h"
#include "store/unlinks.h"

namespace packstore {

class MaintenanceLock::Impl {
 public:
  Impl(store::StoreCore& opened, io::HeldLock held) : core(opened), lock_(std::move(held)) {}

  store::StoreCore& core;

 private:
  io::HeldLock lock_;
};

MaintenanceLock::MaintenanceLock(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MaintenanceLock::MaintenanceLock(MaintenanceLock&&) noexcept = default;
MaintenanceLock& MaintenanceLock::operator=(MaintenanceLock&&) noexcept = default;
MaintenanceLock::~MaintenanceLock() = default;

Result<MaintenanceLock> MaintenanceLock::take(store::StoreCore& core, const LockOptions& options) {
  RETURN_IF_ERROR(core.check_home());
  ASSIGN_OR_RETURN(io::HeldLock lock,
                   io::HeldLock::take(*core.locks, store::kMaintenanceLock,
                                      io::LockKind::kExclusive, options.wait, options.operation));
  // What a removal has left half done comes first: its objects are gone, and must not be packed.
  RETURN_IF_ERROR(store::finish_unlinks(core));
  store::take_reserve(*core.locks);
  store::end_dead_collection(core);
  return MaintenanceLock(std::make_unique<Impl>(core, std::move(lock)));
}

Result<PackReport> MaintenanceLock::pack_loose(const PackOptions& options) {
  return store::pack_loose(impl_->core, options);
}

Result<RepackReport> MaintenanceLock::repack(const RepackOptions& options) {
  return store::with_reserve(*impl_->core.locks,
                             [&] { return store::repack(impl_->core, options); });
}

Result<RemoveReport> MaintenanceLock::remove(std::span<const ObjectId> ids,
                                             std::chrono::milliseconds wait) {
  return store::with_reserve(*impl_->core.locks,
                             [&] { return store::remove(impl_->core, ids, wait); });
}

Result<CollectReport> MaintenanceLock::collect(const CollectOptions& options) {
  return store::with_reserve(*impl_->core.locks,
                             [&] { return store::collect(impl_->core, options); });
}

Result<CleanReport> MaintenanceLock::clean() {
  return store::with_reserve(*impl_->core.locks, [&] { return store::clean(impl_->core); });
}

Result<RepairReport> MaintenanceLock::repair(const ValidationReport& report) {
  return store::repair(impl_->core, report);
}

}  // namespace packstore
