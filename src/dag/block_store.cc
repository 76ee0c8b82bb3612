// From CIDs to objects and back; memory and overlay.
//
// get_many():
// 1. Blocks that their CIDs carry, and CIDs that no store can have, are visited at once.
// 2. The rest is sorted by id, with the positions that ask for it, so that a block that is asked
//    for several times is read once.
// 3. The store visits each id; every position of it is told.
#include "packstore/block_store.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "hash/sha256.h"

namespace packstore {
namespace {

// A slice is hashed side by side, looked up in one pass and appended in one write.
constexpr std::size_t kSliceBlocks = 256;
constexpr std::uint64_t kSliceBytes = 4 << 20;

// How many contents from the front make a slice; at least one.
std::size_t slice_length(std::span<const ByteView> contents) {
  std::size_t count = 0;
  for (std::uint64_t bytes = 0; count < std::min(contents.size(), kSliceBlocks); ++count) {
    bytes += contents[count].size();
    if (count != 0 && bytes > kSliceBytes) break;
  }
  return count;
}

Error unsupported_hash(const Cid& cid) {
  return fail(ErrorCode::kUnsupported,
              "block {}: its hash has the code {:#x}, only SHA-256 is kept", cid.to_text(),
              cid.hash_code());
}

Error not_in_memory(const ObjectId& id) {
  return fail(ErrorCode::kNotFound, "object {}: not in memory", id.to_hex());
}

// The error of reading an object, as one of the block that was asked for.
Error error_of_block(const Cid& cid, const Error& error) {
  return fail(error.code, "block {}: {}", cid.to_text(), error.message);
}

// What get_part() does, of content in memory.
std::uint64_t copy_part(ByteView content, std::uint64_t offset, std::span<std::byte> into) {
  const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(offset, content.size()));
  const std::size_t count = std::min(into.size(), content.size() - first);
  std::ranges::copy(content.subspan(first, count), into.begin());
  return content.size();
}

}  // namespace

Result<Bytes> BlockStore::get(const Cid& cid) const {
  if (const auto content = cid.inline_content()) return Bytes(content->begin(), content->end());
  const std::optional<ObjectId> id = cid.object_id();
  if (!id) return unsupported_hash(cid);
  Result<Bytes> content = get_object(*id);
  if (!content) return error_of_block(cid, content.error());
  return content;
}

Result<std::uint64_t> BlockStore::get_part(const Cid& cid, std::uint64_t offset,
                                           std::span<std::byte> into) const {
  if (const auto content = cid.inline_content()) return copy_part(*content, offset, into);
  const std::optional<ObjectId> id = cid.object_id();
  if (!id) return unsupported_hash(cid);
  Result<std::uint64_t> size = get_object_part(*id, offset, into);
  if (!size) return error_of_block(cid, size.error());
  return size;
}

Status BlockStore::get_many(std::span<const Cid> cids, const BlockVisitor& visit) const {
  struct Wanted {
    ObjectId id;
    std::size_t position;
  };
  std::vector<Wanted> wanted;
  wanted.reserve(cids.size());
  for (std::size_t i = 0; i < cids.size(); ++i) {
    if (const auto content = cids[i].inline_content()) {
      RETURN_IF_ERROR(visit(i, *content));
    } else if (const std::optional<ObjectId> id = cids[i].object_id()) {
      wanted.push_back({*id, i});
    } else {
      RETURN_IF_ERROR(visit(i, unsupported_hash(cids[i])));
    }
  }
  std::sort(wanted.begin(), wanted.end(), [](const Wanted& a, const Wanted& b) {
    return std::pair(a.id, a.position) < std::pair(b.id, b.position);
  });
  std::vector<ObjectId> ids;
  ids.reserve(wanted.size());
  for (const Wanted& each : wanted) {
    if (ids.empty() || ids.back() != each.id) ids.push_back(each.id);
  }
  return get_objects(ids, [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
    auto each = std::lower_bound(wanted.begin(), wanted.end(), id,
                                 [](const Wanted& a, const ObjectId& b) { return a.id < b; });
    for (; each != wanted.end() && each->id == id; ++each) {
      RETURN_IF_ERROR(
          content ? visit(each->position, content)
                  : visit(each->position, error_of_block(cids[each->position], content.error())));
    }
    return {};
  });
}

Result<std::uint64_t> BlockStore::size(const Cid& cid) const {
  if (const auto content = cid.inline_content()) return std::uint64_t{content->size()};
  const std::optional<ObjectId> id = cid.object_id();
  if (!id) return unsupported_hash(cid);
  Result<std::uint64_t> size = object_size(*id);
  if (!size) return error_of_block(cid, size.error());
  return size;
}

Result<bool> BlockStore::has(const Cid& cid) const {
  ASSIGN_OR_RETURN(const std::vector<bool> has, has_many({&cid, 1}));
  return has.front();
}

Result<std::vector<bool>> BlockStore::has_many(std::span<const Cid> cids) const {
  std::vector<bool> has(cids.size());
  std::vector<ObjectId> ids;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < cids.size(); ++i) {
    if (const std::optional<ObjectId> id = cids[i].object_id()) {
      ids.push_back(*id);
      positions.push_back(i);
    } else {
      has[i] = cids[i].inline_content().has_value();
    }
  }
  ASSIGN_OR_RETURN(const std::vector<bool> has_id, has_objects(ids));
  for (std::size_t i = 0; i < ids.size(); ++i) has[positions[i]] = has_id[i];
  return has;
}

Result<Cid> BlockStore::put(NodeKind kind, ByteView content) {
  ASSIGN_OR_RETURN(const std::vector<Cid> cids, put_many(kind, {&content, 1}));
  return cids.front();
}

Result<std::vector<Cid>> BlockStore::put_many(NodeKind kind, std::span<const ByteView> contents) {
  std::vector<Cid> cids;
  cids.reserve(contents.size());
  while (!contents.empty()) {
    const std::size_t count = slice_length(contents);
    ASSIGN_OR_RETURN(const auto blocks, prepare(contents.first(count)));
    RETURN_IF_ERROR(put_prepared(*blocks));
    for (const ObjectId& id : blocks->names) cids.push_back(Cid::of(kind, id));
    contents = contents.subspan(count);
  }
  return cids;
}

Result<std::unique_ptr<PreparedBlocks>> BlockStore::prepare(
    std::span<const ByteView> contents) const {
  auto blocks = std::make_unique<PreparedBlocks>();
  blocks->names.resize(contents.size());
  hash::sha256_many(contents, blocks->names);
  ASSIGN_OR_RETURN(const std::vector<bool> has, has_objects(blocks->names));
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (has[i]) continue;
    blocks->contents.push_back(contents[i]);
    blocks->ids.push_back(blocks->names[i]);
  }
  return blocks;
}

Result<std::uint64_t> BlockStore::get_object_part(const ObjectId& id, std::uint64_t offset,
                                                  std::span<std::byte> into) const {
  ASSIGN_OR_RETURN(const Bytes content, get_object(id));
  return copy_part(content, offset, into);
}

Status BlockStore::get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const {
  for (const ObjectId& id : ids) {
    const Result<Bytes> content = get_object(id);
    RETURN_IF_ERROR(content ? visit(id, ByteView(*content)) : visit(id, content.error()));
  }
  return {};
}

Status MemoryBlocks::put_prepared(const PreparedBlocks& blocks) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < blocks.ids.size(); ++i) {
    const ByteView content = blocks.contents[i];
    blocks_.try_emplace(blocks.ids[i], content.begin(), content.end());
  }
  return {};
}

std::size_t MemoryBlocks::block_count() const {
  const std::scoped_lock lock(mutex_);
  return blocks_.size();
}

Result<Bytes> MemoryBlocks::get_object(const ObjectId& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) return not_in_memory(id);
  return found->second;
}

Result<std::uint64_t> MemoryBlocks::get_object_part(const ObjectId& id, std::uint64_t offset,
                                                    std::span<std::byte> into) const {
  const std::scoped_lock lock(mutex_);
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) return not_in_memory(id);
  return copy_part(found->second, offset, into);
}

Result<std::uint64_t> MemoryBlocks::object_size(const ObjectId& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = blocks_.find(id);
  if (found == blocks_.end()) return not_in_memory(id);
  return std::uint64_t{found->second.size()};
}

Result<std::vector<bool>> MemoryBlocks::has_objects(std::span<const ObjectId> ids) const {
  const std::scoped_lock lock(mutex_);
  std::vector<bool> has(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) has[i] = blocks_.contains(ids[i]);
  return has;
}

struct OverlayBlocks::Prepared final : PreparedBlocks {
  std::unique_ptr<PreparedBlocks> upper;  // Those that the lower store does not have.
};

Result<std::unique_ptr<PreparedBlocks>> OverlayBlocks::prepare(
    std::span<const ByteView> contents) const {
  auto blocks = std::make_unique<Prepared>();
  blocks->names.resize(contents.size());
  hash::sha256_many(contents, blocks->names);
  ASSIGN_OR_RETURN(const std::vector<bool> in_lower, lower_.has_objects(blocks->names));
  std::vector<ByteView> missing;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (!in_lower[i]) missing.push_back(contents[i]);
  }
  ASSIGN_OR_RETURN(blocks->upper, upper_.prepare(missing));
  return std::unique_ptr<PreparedBlocks>(std::move(blocks));
}

Status OverlayBlocks::put_prepared(const PreparedBlocks& blocks) {
  return upper_.put_prepared(*static_cast<const Prepared&>(blocks).upper);
}

Result<Bytes> OverlayBlocks::get_object(const ObjectId& id) const {
  Result<Bytes> content = upper_.get_object(id);
  if (content || content.error().code != ErrorCode::kNotFound) return content;
  return lower_.get_object(id);
}

Result<std::uint64_t> OverlayBlocks::get_object_part(const ObjectId& id, std::uint64_t offset,
                                                     std::span<std::byte> into) const {
  Result<std::uint64_t> size = upper_.get_object_part(id, offset, into);
  if (size || size.error().code != ErrorCode::kNotFound) return size;
  return lower_.get_object_part(id, offset, into);
}

Result<std::uint64_t> OverlayBlocks::object_size(const ObjectId& id) const {
  Result<std::uint64_t> size = upper_.object_size(id);
  if (size || size.error().code != ErrorCode::kNotFound) return size;
  return lower_.object_size(id);
}

Result<std::vector<bool>> OverlayBlocks::has_objects(std::span<const ObjectId> ids) const {
  ASSIGN_OR_RETURN(std::vector<bool> has, upper_.has_objects(ids));
  std::vector<ObjectId> missing;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (has[i]) continue;
    missing.push_back(ids[i]);
    positions.push_back(i);
  }
  ASSIGN_OR_RETURN(const std::vector<bool> in_lower, lower_.has_objects(missing));
  for (std::size_t i = 0; i < missing.size(); ++i) has[positions[i]] = in_lower[i];
  return has;
}

Status OverlayBlocks::get_objects(std::span<const ObjectId> ids, const ObjectVisitor& visit) const {
  std::vector<ObjectId> missing;
  RETURN_IF_ERROR(
      upper_.get_objects(ids, [&](const ObjectId& id, const Result<ByteView>& content) -> Status {
        if (content || content.error().code != ErrorCode::kNotFound) return visit(id, content);
        missing.push_back(id);
        return {};
      }));
  // The upper store has visited in its own order.
  std::sort(missing.begin(), missing.end());
  return lower_.get_objects(missing, visit);
}

}  // namespace packstore
