// The directory of a store: its names, creating it, opening it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "format/format_file.h"
#include "format/pack_header.h"
#include "io/file.h"
#include "packstore/result.h"
#include "packstore/store.h"

namespace packstore::store {

// Names in the store directory; docs/format.md, "Store directory".
inline constexpr std::string_view kFormatFile = "FORMAT";
inline constexpr std::string_view kLooseDirectory = "loose";
inline constexpr std::string_view kPacksDirectory = "packs";
inline constexpr std::string_view kSandboxDirectory = "sandbox";
inline constexpr std::string_view kLocksDirectory = "locks";
inline constexpr std::array<std::string_view, 4> kStoreDirectories = {
    kLooseDirectory, kPacksDirectory, kSandboxDirectory, kLocksDirectory};
inline constexpr std::string_view kQuarantineDirectory = "quarantine";
inline constexpr std::string_view kBackupMark = "BACKUP";
inline constexpr std::string_view kMaintenanceLock = "maintenance";
inline constexpr std::string_view kSessionsLock = "sessions";
inline constexpr std::string_view kWaitingLock = "waiting";
inline constexpr std::string_view kCollectionsCounter = "collections";

// The directories of a store whose FORMAT was read.
struct StoreLayout {
  std::unique_ptr<io::Directory> root;
  std::unique_ptr<io::Directory> locks;
  std::unique_ptr<io::Directory> loose;
  std::unique_ptr<io::Directory> packs;
  std::unique_ptr<io::Directory> sandbox;
  format::Uuid uuid;
  ReferenceCounts reference_counts = ReferenceCounts::kNone;  // As FORMAT says.
  bool is_backup = false;  // Nobody but backup() has written here: the mark is there.
};

// Opens the directories and reads FORMAT; the errors of Store::open().
Result<StoreLayout> open_layout(io::FileSystem& files, const std::filesystem::path& path);

enum class Purpose : std::uint8_t { kStore, kBackup };

// Makes a store with this FORMAT, or completes one half created; the errors of Store::create().
Status create_layout(io::FileSystem& files, const std::filesystem::path& path,
                     Permissions permissions, const format::FormatFile& format,
                     Purpose purpose = Purpose::kStore);

// Whether the store still is as backups have left it.
Result<bool> is_marked_as_backup(const io::Directory& root);

// From here on the store is one of its own, which no backup replaces. Durable on return.
Status remove_backup_mark(const io::Directory& root);

// For who writes FORMAT: one at a time, until `root` is closed. kBusy: a minute was not enough.
Status lock_for_creation(io::Directory& root);

// Makes those that are missing; not durable yet.
Status make_store_directories(const io::Directory& root);

// Durable on return.
Status publish_format(const io::Directory& root, const format::FormatFile& format);

}  // namespace packstore::store
