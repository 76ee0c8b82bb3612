#include "store/recover_layout.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/format_file.h"
#include "index/index.h"

namespace packstore::store {
namespace {

// nullopt: FORMAT is absent or damaged.
Result<std::optional<format::Uuid>> read_uuid(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto file, root.find_file(kFormatFile, io::OpenMode::kRead));
  if (!file) return std::optional<format::Uuid>();
  Bytes text(format::kFormatFileBytesMax + 1);
  ASSIGN_OR_RETURN(const std::size_t count, (*file)->read_at(0, std::span<std::byte>(text)));
  const auto format = format::decode_format_file(as_text(ByteView(text).first(count)));
  // A newer version is not damage, and nothing that this library should touch.
  if (!format && format.error().code == ErrorCode::kUnsupported) return format.error();
  if (!format || count > format::kFormatFileBytesMax) return std::optional<format::Uuid>();
  return std::optional(format->store);
}

// nullopt: not the header of the pack that the name says.
Result<std::optional<format::Uuid>> uuid_of_pack(const io::Directory& packs,
                                                 const std::string& name) {
  const auto pack = parse_pack_file_name(name);
  if (!pack) return std::optional<format::Uuid>();
  ASSIGN_OR_RETURN(const auto file, packs.open_file(name, io::OpenMode::kRead));
  std::array<std::byte, format::PackHeader::kSize> bytes{};
  RETURN_IF_ERROR(file->read_at(0, std::span<std::byte>(bytes)));
  const auto header = format::decode_pack_header(bytes);
  if (!header || header->pack != *pack) return std::optional<format::Uuid>();
  return std::optional(header->store);
}

// A store that a pack says it belongs to, and the name of that pack.
struct PackOwner {
  format::Uuid store;
  std::string pack;
};

bool is_among(std::span<const PackOwner> owners, const format::Uuid& store) {
  return std::ranges::find(owners, store, &PackOwner::store) != owners.end();
}

// Each store once.
Result<std::vector<PackOwner>> ask_packs(const io::Directory& root) {
  std::vector<PackOwner> owners;
  ASSIGN_OR_RETURN(const auto packs, root.find_directory(kPacksDirectory));
  if (!packs) return owners;
  ASSIGN_OR_RETURN(const auto names, io::list_names(**packs, io::EntryKind::kFile));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto uuid, uuid_of_pack(**packs, name));
    if (uuid && !is_among(owners, *uuid)) owners.push_back({*uuid, name});
  }
  return owners;
}

Result<std::optional<format::Uuid>> ask_index(io::FileSystem& files, const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto text, index::salvage_uuid(files, root));
  if (!text) return std::optional<format::Uuid>();
  const Result<format::Uuid> uuid = format::parse_uuid(*text);
  return uuid ? std::optional(*uuid) : std::nullopt;
}

// The packs know best: what FORMAT says must be what their checksums were made with.
Result<format::Uuid> find_uuid(io::FileSystem& files, const io::Directory& root) {
  ASSIGN_OR_RETURN(const std::vector<PackOwner> owners, ask_packs(root));
  if (owners.size() > 1) {
    return fail(ErrorCode::kCorrupt,
                "{}: FORMAT is lost or damaged, and {} is of store {}, others are of {}",
                root.path(), owners[1].pack, to_text(owners[1].store), to_text(owners[0].store));
  }
  if (!owners.empty()) return owners[0].store;
  ASSIGN_OR_RETURN(const auto uuid, ask_index(files, root));
  if (uuid) return *uuid;
  return fail(ErrorCode::kInvalidArgument,
              "{}: not a store: no FORMAT that can be read, and neither a pack nor an index that "
              "says which store it is",
              root.path());
}

// The UUID that FORMAT says, unless there are packs and all of them say another. Nobody knows then
// which is wrong, but for the index: where it is of the packs' store, FORMAT is not.
Result<format::Uuid> confirm_uuid(io::FileSystem& files, const io::Directory& root,
                                  const format::Uuid& told) {
  ASSIGN_OR_RETURN(const std::vector<PackOwner> owners, ask_packs(root));
  if (owners.empty() || is_among(owners, told)) return told;
  const PackOwner& owner = owners[0];
  ASSIGN_OR_RETURN(const auto indexed, ask_index(files, root));
  if (owners.size() == 1 && indexed == owner.store) return owner.store;
  return fail(ErrorCode::kConflict,
              "{}: FORMAT says store {}, but {} is of store {}, and no pack is of the former: "
              "remove FORMAT if the packs are right, or move them elsewhere",
              root.path(), to_text(told), owner.pack, to_text(owner.store));
}

}  // namespace

Result<StoreLayout> open_incomplete_layout(io::FileSystem& files,
                                           const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const auto root, files.open_directory(path.string()));
  RETURN_IF_ERROR(lock_for_creation(*root));
  ASSIGN_OR_RETURN(const auto told, read_uuid(*root));
  ASSIGN_OR_RETURN(const format::Uuid uuid,
                   told ? confirm_uuid(files, *root, *told) : find_uuid(files, *root));
  if (told != uuid) {
    const format::FormatFile format{.store = uuid,
                                    .counts_references = index::salvage_counts(files, *root)};
    RETURN_IF_ERROR(publish_format(*root, format));
  }
  RETURN_IF_ERROR(make_store_directories(*root));
  RETURN_IF_ERROR(root->sync());
  return open_layout(files, path);
}

}  // namespace packstore::store
