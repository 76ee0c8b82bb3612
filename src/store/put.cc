#include "store/put.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "hash/sha256.h"
#include "store/collection_watch.h"
#include "store/hash_file.h"
#include "store/lookup.h"
#include "store/release.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// Calls off the unlink that a crashed removal may have left pending: the object is wanted again.
Status keep_loose(StoreCore& core, const ObjectId& id) {
  // A commit in doubt may have noted the unlink, or forgotten it, whatever the index says now.
  RETURN_IF_ERROR(core.index->check_writable());
  ASSIGN_OR_RETURN(const auto pending, core.index->pending_unlinks());
  if (!std::binary_search(pending.begin(), pending.end(), id)) return {};
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kDurable));
  RETURN_IF_ERROR(transaction->erase_pending_unlink(id));
  return transaction->commit();
}

Result<bool> confirm_loose(StoreCore& core, const ObjectId& id) {
  ASSIGN_OR_RETURN(const bool whole, has_whole_loose_copy(core, id));
  if (!whole) return false;
  RETURN_IF_ERROR(core.loose.make_durable(id));
  return true;
}

Result<bool> find_known(StoreCore& core, const ObjectId& id, std::uint64_t size,
                        Durability durability) {
  ASSIGN_OR_RETURN(LocatedObject known, look_up(core, id));
  if (known.presence == Presence::kWaiting && durability == Durability::kSynced) {
    RETURN_IF_ERROR(core.packed_puts.publish());
    // Another thread had the turn first, perhaps, and lost it. Who finds it waiting once more has
    // a copy that may be lost as well.
    ASSIGN_OR_RETURN(known, look_up(core, id));
    if (known.presence == Presence::kWaiting) return false;
  }
  if (known.presence == Presence::kAbsent) return false;
  if (known.presence == Presence::kLoose) {
    RETURN_IF_ERROR(keep_loose(core, id));
    return confirm_loose(core, id);
  }
  RETURN_IF_ERROR(check_same_size(known.info, size));
  return true;
}

}  // namespace

Result<std::size_t> fill(ByteSource& source, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    ASSIGN_OR_RETURN(const std::size_t count, source.read(into.subspan(filled)));
    if (count == 0) break;
    if (count > into.size() - filled) {
      return fail(ErrorCode::kInvalidArgument, "byte source: claims {} bytes, {} were asked for",
                  count, into.size() - filled);
    }
    filled += count;
  }
  return filled;
}

Result<bool> has_whole_loose_copy(const StoreCore& core, const ObjectId& id) {
  ASSIGN_OR_RETURN(const auto file, core.loose.find(id));
  if (!file) return false;
  ASSIGN_OR_RETURN(const ObjectId actual, hash_file(**file));
  return actual == id;
}

Result<bool> confirm_known(StoreCore& core, const ObjectId& id, std::uint64_t size,
                           Durability durability) {
  const CollectionWatch watch(core);
  // Asked first: a release that comes later is one of a ref that moved beside this put.
  ASSIGN_OR_RETURN(const bool releases_wait, has_releases(core));
  ASSIGN_OR_RETURN(const bool known, find_known(core, id, size, durability));
  if (known) RETURN_IF_ERROR(core.index->check_writable());
  if (watch.was_quiet() && !(known && releases_wait)) return known;
  // Once it is noted, what is still there stays.
  RETURN_IF_ERROR(keep_object(core, id));
  return find_known(core, id, size, durability);
}

Status adopt_loose(StoreCore& core, SandboxFile file, const ObjectId& id) {
  RETURN_IF_ERROR(keep_loose(core, id));
  return core.loose.adopt(std::move(file), id);
}

Result<ObjectId> put(StoreCore& core, ByteView content, const PutOptions& options) {
  RETURN_IF_ERROR(core.begin_writing());
  RETURN_IF_ERROR(options.compression.check());
  const ObjectId id = hash::sha256(content);
  ASSIGN_OR_RETURN(const bool known, confirm_known(core, id, content.size(), options.durability));
  if (known) return id;

  const bool packed =
      options.placement == Placement::kPacked || options.durability == Durability::kBuffered;
  if (packed && content.size() <= kPackedPutBytesMax) {
    RETURN_IF_ERROR(core.packed_puts.put(id, content, options));
    return id;
  }
  ASSIGN_OR_RETURN(SandboxFile file, core.sandbox.create());
  RETURN_IF_ERROR(file.file().write_at(0, content));
  RETURN_IF_ERROR(adopt_loose(core, std::move(file), id));
  return id;
}

Result<ObjectId> put(StoreCore& core, ByteSource& source, const PutOptions& options) {
  RETURN_IF_ERROR(options.compression.check());
  // One byte more than a pack takes singly, so that a full buffer means a longer stream.
  Bytes buffer(kPackedPutBytesMax + 1);
  ASSIGN_OR_RETURN(std::size_t count, fill(source, buffer));
  if (count < buffer.size()) return put(core, ByteView(buffer).first(count), options);

  ASSIGN_OR_RETURN(ObjectWriter writer, ObjectWriter::begin(core));
  while (count != 0) {
    RETURN_IF_ERROR(writer.write(ByteView(buffer).first(count)));
    ASSIGN_OR_RETURN(count, fill(source, buffer));
  }
  return writer.finish();
}

}  // namespace packstore::store
