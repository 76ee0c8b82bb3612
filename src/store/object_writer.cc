#include <optional>
#include <utility>

#include "base/error.h"
#include "hash/sha256.h"
#include "packstore/object.h"
#include "store/put.h"
#include "store/sandbox.h"
#include "store/store_core.h"

namespace packstore {

class ObjectWriter::Impl {
 public:
  Impl(store::StoreCore& core, store::SandboxFile file) : core_(core), file_(std::move(file)) {}

  Status write(ByteView content) {
    if (dead_) return *dead_;
    RETURN_IF_ERROR(core_.check_home());
    Status written = file_->file().write_at(size_, content);
    if (!written) {
      dead_ = written.error();
      return written;
    }
    hasher_.update(content);
    size_ += content.size();
    return {};
  }

  Result<ObjectId> finish() {
    if (dead_) return *dead_;
    Result<ObjectId> id = publish();
    dead_ = id ? Error{ErrorCode::kInvalidArgument, "this writer is finished already"} : id.error();
    return id;
  }

 private:
  Result<ObjectId> publish() {
    const ObjectId id = hasher_.finish();
    ASSIGN_OR_RETURN(const bool known, store::confirm_known(core_, id, size_, Durability::kSynced));
    if (known) {
      file_.reset();
    } else {
      RETURN_IF_ERROR(store::adopt_loose(core_, std::move(*file_), id));
    }
    return id;
  }

  store::StoreCore& core_;
  std::optional<store::SandboxFile> file_;  // Until finish().
  hash::Sha256 hasher_;
  std::uint64_t size_ = 0;
  std::optional<Error> dead_;
};

ObjectWriter::ObjectWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObjectWriter::ObjectWriter(ObjectWriter&&) noexcept = default;
ObjectWriter& ObjectWriter::operator=(ObjectWriter&&) noexcept = default;
ObjectWriter::~ObjectWriter() = default;

Result<ObjectWriter> ObjectWriter::begin(store::StoreCore& core) {
  RETURN_IF_ERROR(core.begin_writing());
  ASSIGN_OR_RETURN(store::SandboxFile file, core.sandbox.create());
  return ObjectWriter(std::make_unique<Impl>(core, std::move(file)));
}

Status ObjectWriter::write(ByteView content) { return impl_->write(content); }
Result<ObjectId> ObjectWriter::finish() { return impl_->finish(); }

}  // namespace packstore
