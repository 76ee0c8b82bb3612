#include "store/repair_quarantine.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr int kNameAttempts = 10'000;
constexpr std::size_t kCopyBytes = 64 << 10;

}  // namespace

Status Quarantine::ensure_open() {
  if (directory_) return {};
  Status created = root_.create_directory(kQuarantineDirectory);
  if (!created && created.error().code != ErrorCode::kConflict) return created;
  RETURN_IF_ERROR(root_.sync());
  ASSIGN_OR_RETURN(directory_, root_.open_directory(kQuarantineDirectory));
  return {};
}

Result<std::string> Quarantine::choose_name(std::string_view wish) const {
  std::string name(wish);
  for (int attempt = 1; attempt < kNameAttempts; ++attempt) {
    const auto info = directory_->stat_file(name);
    if (info && !*info) return name;
    // Something else than a file has the name.
    if (!info && info.error().code != ErrorCode::kCorrupt) return info.error();
    name = fmt::format("{}.{}", wish, attempt);
  }
  return fail(ErrorCode::kConflict, "{}: {} and {} names like it are taken", directory_->path(),
              wish, kNameAttempts - 1);
}

Status Quarantine::take(const io::Directory& from, std::string_view name, std::string_view as) {
  RETURN_IF_ERROR(ensure_open());
  ASSIGN_OR_RETURN(const std::string to_name, choose_name(as));
  RETURN_IF_ERROR(from.rename(name, *directory_, to_name));
  // The new name first: in between the file has two, never none.
  RETURN_IF_ERROR(directory_->sync());
  return from.sync();
}

Status Quarantine::take_link(const io::Directory& from, std::string_view name,
                             std::string_view as) {
  RETURN_IF_ERROR(ensure_open());
  ASSIGN_OR_RETURN(const std::string to_name, choose_name(as));
  RETURN_IF_ERROR(from.link(name, *directory_, to_name));
  return directory_->sync();
}

Status Quarantine::take_copy(const io::File& from, ByteRange range, std::string_view as) {
  RETURN_IF_ERROR(ensure_open());
  ASSIGN_OR_RETURN(const std::string to_name, choose_name(as));
  ASSIGN_OR_RETURN(SandboxFile copy, sandbox_.create());
  Bytes buffer(kCopyBytes);
  for (std::uint64_t done = 0; done < range.size();) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.size() - done));
    const Result<std::size_t> count =
        from.read_at(range.start + done, std::span<std::byte>(buffer).first(wanted));
    // The file ends here, or the disk does not give back what follows.
    if (!count || *count == 0) break;
    RETURN_IF_ERROR(copy.file().write_at(done, ByteView(buffer).first(*count)));
    done += *count;
  }
  return copy.publish(*directory_, to_name);
}

}  // namespace packstore::store
