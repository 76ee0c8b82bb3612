#include "index/journal_check.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "index/index.h"

namespace packstore::index {
namespace {

// Begins every header of a journal, and ends a journal that names a second file.
constexpr std::array<std::byte, 8> kMagic = {std::byte{0xd9}, std::byte{0xd5}, std::byte{0x05},
                                             std::byte{0xf9}, std::byte{0x20}, std::byte{0xa1},
                                             std::byte{0x63}, std::byte{0xd7}};

}  // namespace

Status check_journal(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto journal,
                   root.find_file(fmt::format("{}-journal", kIndexFile), io::OpenMode::kRead));
  if (!journal) return {};
  ASSIGN_OR_RETURN(const io::FileInfo info, (*journal)->info());
  if (info.size < kMagic.size()) return {};
  std::array<std::byte, kMagic.size()> end{};
  RETURN_IF_ERROR((*journal)->read_at(info.size - end.size(), std::span<std::byte>(end)));
  if (!std::ranges::equal(end, kMagic)) return {};
  return fail(ErrorCode::kCorrupt, "{}: a rollback journal that names a second file",
              (*journal)->path());
}

}  // namespace packstore::index
