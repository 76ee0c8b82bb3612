#include "store/recover_layout.h"

#include <array>
#include <optional>
#include <string>

#include "base/error.h"
#include "format/format_file.h"
#include "index/index.h"

namespace packstore::store {
namespace {

// nullopt: FORMAT is absent or damaged.
Result<std::optional<format::Uuid>> read_uuid(const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto file, root.find_file(kFormatFile, io::OpenMode::kRead));
  if (!file) return std::optional<format::Uuid>();
  Bytes text(format::kFormatFileBytesMax);
  ASSIGN_OR_RETURN(const std::size_t count, (*file)->read_at(0, std::span<std::byte>(text)));
  const auto format = format::decode_format_file(as_text(ByteView(text).first(count)));
  if (format) return std::optional(format->store);
  // A newer version is not damage, and nothing that this library should touch.
  if (format.error().code == ErrorCode::kUnsupported) return format.error();
  return std::optional<format::Uuid>();
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

// nullopt: there is no pack that says it.
Result<std::optional<format::Uuid>> ask_packs(const io::Directory& root) {
  std::optional<format::Uuid> agreed;
  ASSIGN_OR_RETURN(const auto packs, root.find_directory(kPacksDirectory));
  if (!packs) return agreed;
  ASSIGN_OR_RETURN(const auto names, io::list_names(**packs, io::EntryKind::kFile));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto uuid, uuid_of_pack(**packs, name));
    if (!uuid) continue;
    if (agreed && *agreed != *uuid) {
      return fail(ErrorCode::kCorrupt,
                  "{}: FORMAT is lost or damaged, and {} is of store {}, others are of {}",
                  root.path(), name, to_text(*uuid), to_text(*agreed));
    }
    agreed = uuid;
  }
  return agreed;
}

Result<std::optional<format::Uuid>> ask_index(io::FileSystem& files, const io::Directory& root) {
  ASSIGN_OR_RETURN(const auto text, index::salvage_uuid(files, root));
  if (!text) return std::optional<format::Uuid>();
  const Result<format::Uuid> uuid = format::parse_uuid(*text);
  return uuid ? std::optional(*uuid) : std::nullopt;
}

// The packs know best: what FORMAT says must be what their checksums were made with.
Result<format::Uuid> find_uuid(io::FileSystem& files, const io::Directory& root) {
  ASSIGN_OR_RETURN(std::optional<format::Uuid> uuid, ask_packs(root));
  if (!uuid) {
    ASSIGN_OR_RETURN(uuid, ask_index(files, root));
  }
  if (uuid) return *uuid;
  return fail(ErrorCode::kInvalidArgument,
              "{}: not a store: no FORMAT that can be read, and neither a pack nor an index that "
              "says which store it is",
              root.path());
}

}  // namespace

Result<StoreLayout> open_incomplete_layout(io::FileSystem& files,
                                           const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const auto root, files.open_directory(path.string()));
  RETURN_IF_ERROR(lock_for_creation(*root));
  ASSIGN_OR_RETURN(const auto told, read_uuid(*root));
  if (!told) {
    ASSIGN_OR_RETURN(const format::Uuid uuid, find_uuid(files, *root));
    const format::FormatFile format{.store = uuid,
                                    .counts_references = index::salvage_counts(files, *root)};
    RETURN_IF_ERROR(publish_format(*root, format));
  }
  RETURN_IF_ERROR(make_store_directories(*root));
  RETURN_IF_ERROR(root->sync());
  return open_layout(files, path);
}

}  // namespace packstore::store
