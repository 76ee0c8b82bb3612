// Getting content out of what lookup found, checked as the caller asked.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "format/pack_record.h"
#include "index/rows.h"
#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/object.h"
#include "packstore/result.h"
#include "packstore/store.h"
#include "store/lookup.h"

namespace packstore::store {

// The whole content. kCorrupt: stored bytes or content are not what record and id promise.
Result<Bytes> read_content(const FoundObject& found, Verify verify);

// Looks the object up and reads it; a damaged packed copy gives way to a good loose one.
// kNotFound: nobody has put it.
Result<Bytes> read_object(const StoreCore& core, const ObjectId& id, Verify verify);

// The content from `offset` on into the front of `into`, as far as there is any; returns the size
// of all of it. What `into` has after an error is undefined. Errors as read_object().
Result<std::uint64_t> read_part_of_object(const StoreCore& core, const ObjectId& id,
                                          std::uint64_t offset, std::span<std::byte> into,
                                          Verify verify);

// The content of a record whose header was checked, from its stored bytes.
Result<Bytes> decode_record(const index::ObjectRow& row, const format::PackRecord& record,
                            ByteView stored, Verify verify);

// kCorrupt: `stored` does not fit the record's checksum.
Status check_checksum(const index::ObjectRow& row, const format::PackRecord& record,
                      ByteView stored);

// kCorrupt: `content` does not hash to `id`.
Status check_content(const ObjectId& id, ByteView content);
Status check_content(const ObjectId& id, ByteSource& content);

// The same of a copy, whatever its length, in bounded memory. kCorrupt: it is not the object, or
// its record's header does not fit. kCancelled: `stop` was triggered.
Status check_copy(const FoundObject& found, const std::stop_token& stop = {});

// A buffer of `size` bytes; kNoSpace when memory has no room for it.
Result<Bytes> allocate(std::uint64_t size);

// kCorrupt: a record that claims more content than its stored bytes can hold in its codec.
Status check_expansion(const index::ObjectRow& row);

Status read_many(const StoreCore& core, std::span<const ObjectId> ids,
                 const Store::ContentVisitor& visit, const ReadOptions& options);

}  // namespace packstore::store
