// 1. open() finds the object and checks its record header against the index.
// 2. read() streams stored bytes through the decoder, and hashes what it gives out; the last bytes
//    are held back until the hash is right.
// 3. read_at() goes straight to the file for verbatim content. Compressed content up to 16 MiB is
//    decoded once and kept; longer content is decoded forward, from the start when going back.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "codec/codec.h"
#include "hash/sha256.h"
#include "hash/xxh3.h"
#include "packstore/object.h"
#include "store/file_source.h"
#include "store/lookup.h"
#include "store/pack_files.h"
#include "store/put.h"
#include "store/read.h"
#include "store/store_core.h"

namespace packstore {
namespace {

constexpr std::uint64_t kKeptBytesMax = 16 << 20;
constexpr std::size_t kPassBufferSize = 256 << 10;

// The stored bytes of a found object, front to back, with their checksum.
class StoredSource final : public ByteSource {
 public:
  StoredSource(const io::File& file, std::uint64_t start, std::uint64_t size)
      : source_(file, start, size) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    ASSIGN_OR_RETURN(const std::size_t count, source_.read(into));
    checksum_.update(into.first(count));
    return count;
  }

  std::uint64_t checksum() const { return checksum_.digest(); }

 private:
  store::FileSource source_;
  hash::Xxh3 checksum_;
};

}  // namespace

class ObjectReader::Impl {
 public:
  Impl(store::FoundObject found, std::optional<std::uint64_t> checksum, Verify verify)
      : found_(std::move(found)), checksum_(checksum), verify_(verify) {}

  std::uint64_t size() const { return found_.row.at.size; }

  Result<std::size_t> read(std::span<std::byte> into) {
    if (!stream_.has_value()) RETURN_IF_ERROR(restart(stream_));
    return stream_->read(*this, into, verify_);
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) {
    if (into.empty()) return std::size_t{0};
    const bool keeps = !is_verbatim() && size() <= kKeptBytesMax;
    // Before the end is told as well: a damaged file may have lost what lies behind it.
    RETURN_IF_ERROR(keeps ? keep_content() : verify_once());
    if (offset >= size()) return std::size_t{0};
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size() - offset));
    if (is_verbatim()) return read_file(offset, into.first(wanted));
    if (!keeps) return read_decoded(offset, into.first(wanted));
    std::memcpy(into.data(), kept_->data() + offset, wanted);
    return wanted;
  }

 private:
  // One pass over the content, with what is needed to judge it at its end. Once it has failed, it
  // gives the same error for ever: who reads on must not take what follows for the end.
  struct Pass {
    std::unique_ptr<StoredSource> stored;
    std::unique_ptr<ByteSource> decoder;
    hash::Sha256 hasher;
    std::uint64_t position;
    bool ended;
    std::optional<Error> failed;

    // Not an initializer of the member: clang 14 takes a nested class that has one for not default
    // constructible as long as the class around it is not complete.
    Pass() : position(0), ended(false) {}

    Result<std::size_t> read(const Impl& reader, std::span<std::byte> into, Verify verify) {
      if (failed) return *failed;
      if (into.empty()) return std::size_t{0};
      Result<std::size_t> count = read_on(reader, into, verify);
      if (!count) failed = count.error();
      return count;
    }

    Result<std::size_t> read_on(const Impl& reader, std::span<std::byte> into, Verify verify) {
      ASSIGN_OR_RETURN(const std::size_t count, store::fill(*decoder, into));
      if (verify == Verify::kContent) hasher.update(into.first(count));
      position += count;
      if (!ended && position == reader.size()) {
        RETURN_IF_ERROR(reader.check_end(*this, verify));
        ended = true;
      }
      return count;
    }
  };

  bool is_verbatim() const { return found_.row.at.codec == Codec::kNone; }
  const io::File& file() const { return found_.pack ? found_.pack->file() : *found_.loose; }
  std::uint64_t start() const { return found_.pack ? store::stored_begin(found_.row.at) : 0; }

  Status restart(std::optional<Pass>& pass) const {
    pass.reset();
    Pass begun;
    begun.stored = std::make_unique<StoredSource>(file(), start(), found_.row.at.stored_size);
    ASSIGN_OR_RETURN(begun.decoder,
                     codec::make_decoder(found_.row.at.codec, *begun.stored, size()));
    pass = std::move(begun);
    return {};
  }

  // Called once in a pass, with its last bytes, before they are given out; of an empty object,
  // before its end is told.
  Status check_end(Pass& pass, Verify verify) const {
    std::byte beyond;
    ASSIGN_OR_RETURN(const std::size_t more, pass.decoder->read({&beyond, 1}));
    if (more != 0) return fail(ErrorCode::kCorrupt, "{}: yields more than its size", describe());
    if (verify == Verify::kChecksum && checksum_ && pass.stored->checksum() != *checksum_) {
      return fail(ErrorCode::kCorrupt, "{}: its stored bytes do not fit their checksum",
                  describe());
    }
    if (verify == Verify::kContent && pass.hasher.finish() != found_.row.id) {
      return fail(ErrorCode::kCorrupt, "{}: its content does not hash to its id", describe());
    }
    return {};
  }

  std::string describe() const {
    return fmt::format("object {} in {} at {}", found_.row.id.to_hex(), file().path(), start());
  }

  Result<std::size_t> read_file(std::uint64_t offset, std::span<std::byte> into) const {
    ASSIGN_OR_RETURN(const std::size_t count, file().read_at(start() + offset, into));
    if (count == into.size()) return count;
    return fail(ErrorCode::kCorrupt, "{}: {} bytes at {} asked for, {} there", describe(),
                into.size(), offset, count);
  }

  // Random access cannot check a part: it checks the whole before the first part is given out.
  Status verify_once() {
    if (verified_ || verify_ == Verify::kNone) return {};
    std::optional<Pass> pass;
    RETURN_IF_ERROR(restart(pass));
    Bytes buffer(kPassBufferSize);
    for (std::size_t count = 1; count != 0;) {
      ASSIGN_OR_RETURN(count, pass->read(*this, buffer, verify_));
    }
    verified_ = true;
    return {};
  }

  Status keep_content() {
    if (kept_) return {};
    ASSIGN_OR_RETURN(kept_, store::read_content(found_, verify_));
    return {};
  }

  Result<std::size_t> read_decoded(std::uint64_t offset, std::span<std::byte> into) {
    if (!seek_ || seek_->position > offset) RETURN_IF_ERROR(restart(seek_));
    Bytes skipped(kPassBufferSize);
    while (seek_->position < offset) {
      const auto step = static_cast<std::size_t>(
          std::min<std::uint64_t>(skipped.size(), offset - seek_->position));
      ASSIGN_OR_RETURN(const std::size_t count,
                       seek_->read(*this, std::span(skipped).first(step), Verify::kNone));
      if (count == 0) break;
    }
    return seek_->read(*this, into, Verify::kNone);
  }

  store::FoundObject found_;
  std::optional<std::uint64_t> checksum_;
  Verify verify_;
  std::optional<Pass> stream_;
  std::optional<Pass> seek_;
  std::optional<Bytes> kept_;
  bool verified_ = false;
};

ObjectReader::ObjectReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader& ObjectReader::operator=(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

Result<ObjectReader> ObjectReader::open(const store::StoreCore& core, const ObjectId& id,
                                        const ReadOptions& options) {
  ASSIGN_OR_RETURN(auto found, store::open_found(core, id));
  if (!found) return fail(ErrorCode::kNotFound, "object {}: not in the store", id.to_hex());
  if (!found->pack) {
    return ObjectReader(std::make_unique<Impl>(std::move(*found), std::nullopt, options.verify));
  }
  const Result<format::PackRecord> record = found->pack->read_header(found->row);
  if (!record) {
    // A damaged packed copy does not matter while there is a good loose one.
    ASSIGN_OR_RETURN(auto loose, store::open_loose_copy(core, id));
    if (!loose) return record.error();
    return ObjectReader(std::make_unique<Impl>(std::move(*loose), std::nullopt, options.verify));
  }
  RETURN_IF_ERROR(store::check_expansion(found->row));
  return ObjectReader(
      std::make_unique<Impl>(std::move(*found), record->stored_xxh3, options.verify));
}

std::uint64_t ObjectReader::size() const { return impl_->size(); }
Result<std::size_t> ObjectReader::read(std::span<std::byte> into) { return impl_->read(into); }
Result<std::size_t> ObjectReader::read_at(std::uint64_t offset, std::span<std::byte> into) {
  return impl_->read_at(offset, into);
}

}  // namespace packstore
