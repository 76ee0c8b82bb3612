#include "packstore/store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "io/file.h"
#include "store/backup.h"
#include "store/list.h"
#include "store/lookup.h"
#include "store/put.h"
#include "store/read.h"
#include "store/recover.h"
#include "store/stats.h"
#include "store/store_core.h"
#include "store/validate.h"

namespace packstore {

Result<Store> Store::create(const std::filesystem::path& path, const CreateOptions& options) {
  ASSIGN_OR_RETURN(auto core, store::create_core(io::posix_file_system(), path, options));
  return Store(std::move(core));
}

Result<Store> Store::open(const std::filesystem::path& path, const OpenOptions& options) {
  ASSIGN_OR_RETURN(auto core, store::open_core(io::posix_file_system(), path, options));
  return Store(std::move(core));
}

Result<RecoveryReport> Store::recover(const std::filesystem::path& path,
                                      const RecoverOptions& options) {
  return store::recover(io::posix_file_system(), path, options);
}

Store::Store(std::unique_ptr<store::StoreCore> core) : core_(std::move(core)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

std::string Store::uuid() const { return to_text(core_->uuid); }
const std::filesystem::path& Store::path() const { return core_->path; }

Result<ObjectId> Store::put(ByteView content, const PutOptions& options) {
  return store::put(*core_, content, options);
}

Result<ObjectId> Store::put(ByteSource& source, const PutOptions& options) {
  return store::put(*core_, source, options);
}

Result<Pin> Store::pin() { return Pin::begin(*core_); }

Result<ObjectWriter> Store::begin_put() { return ObjectWriter::begin(*core_); }

Status Store::sync() {
  RETURN_IF_ERROR(core_->check_home());
  return core_->packed_puts.sync();
}

Result<Bytes> Store::get(const ObjectId& id, const ReadOptions& options) const {
  return store::read_object(*core_, id, options.verify);
}

Result<std::uint64_t> Store::get_part(const ObjectId& id, std::uint64_t offset,
                                      std::span<std::byte> into, const ReadOptions& options) const {
  return store::read_part_of_object(*core_, id, offset, into, options.verify);
}

Result<ObjectReader> Store::open_object(const ObjectId& id, const ReadOptions& options) const {
  return ObjectReader::open(*core_, id, options);
}

Status Store::read_many(std::span<const ObjectId> ids, const ContentVisitor& visit,
                        const ReadOptions& options) const {
  return store::read_many(*core_, ids, visit, options);
}

Result<bool> Store::contains(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto located, store::locate(*core_, id));
  return located.has_value();
}

Result<std::vector<bool>> Store::contains(std::span<const ObjectId> ids) const {
  ASSIGN_OR_RETURN(const auto presence, store::find_presence(*core_, ids));
  std::vector<bool> found(ids.size());
  std::transform(presence.begin(), presence.end(), found.begin(),
                 [](store::Presence where) { return where != store::Presence::kAbsent; });
  return found;
}

Result<ObjectInfo> Store::info(const ObjectId& id) const {
  ASSIGN_OR_RETURN(const auto located, store::locate(*core_, id));
  if (!located) return fail(ErrorCode::kNotFound, "object {}: not in the store", id.to_hex());
  return *located;
}

Status Store::for_each_object(const ObjectVisitor& visit) const {
  return store::for_each_object(*core_, visit);
}

Result<StoreStats> Store::stats() const { return store::stats(*core_); }

Result<ValidationReport> Store::validate(const ValidateOptions& options) const {
  return store::validate(*core_, options);
}

Result<Batch> Store::begin_batch(const BatchOptions& options) {
  return Batch::begin(*core_, options);
}

Refs Store::refs() const { return Refs(*core_); }

Result<MaintenanceLock> Store::lock_maintenance(const LockOptions& options) {
  return MaintenanceLock::take(*core_, options);
}

Result<BackupReport> Store::backup(const std::filesystem::path& destination,
                                   const BackupOptions& options) const {
  RETURN_IF_ERROR(core_->check_home());
  // What was acknowledged kBuffered is in no other place than this process.
  RETURN_IF_ERROR(core_->packed_puts.publish());
  return store::backup(*core_, destination, options);
}

}  // namespace packstore
