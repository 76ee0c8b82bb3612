#include "fuzz/mutations.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/rollback_journal.h"
#include "support/scratch_directory.h"

namespace packstore::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRepeatedMax = 64 << 10;

// Any number, and often one at the edge of something.
std::string take_number(FuzzInput& input) {
  constexpr std::array<const char*, 10> kEdges = {"0",
                                                  "1",
                                                  "-1",
                                                  "64",
                                                  "4611686018427387904",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "9999999999",
                                                  "281474976710656",
                                                  "281474976710657"};
  const auto choice = input.take<std::uint8_t>();
  if (choice < kEdges.size()) return kEdges[choice];
  return std::to_string(static_cast<std::int64_t>(input.take<std::uint64_t>() >> choice % 64));
}

std::string take_change_of_row(FuzzInput& input) {
  constexpr std::array<std::string_view, 12> kCells = {
      "objects SET pack",  "objects SET offset",   "objects SET stored_size",
      "objects SET size",  "objects SET codec",    "packs SET state",
      "packs SET pack",    "packs SET dead_bytes", "packs SET indexed_bytes",
      "refs SET moved_at", "meta SET value",       "objects SET id",
  };
  const std::string cell(kCells[input.take_below(kCells.size())]);
  const std::string table = cell.substr(0, cell.find(' '));
  const std::string row = std::to_string(input.take_below(8));
  const auto way = input.take<std::uint8_t>() % 8;
  if (way == 0) return "DELETE FROM " + table;
  const std::string key = table == "refs"    ? "name"
                          : table == "meta"  ? "key"
                          : table == "packs" ? "pack"
                                             : "id";
  const std::string where = " WHERE " + key + " = (SELECT " + key + " FROM " + table +
                            " ORDER BY " + key + " LIMIT 1 OFFSET " + row + ")";
  if (way == 1) return "DELETE FROM " + table + where;
  const bool is_blob = cell.ends_with(" id");
  const std::string value =
      is_blob ? "randomblob(" + std::to_string(input.take_below(40)) + ")" : take_number(input);
  return "UPDATE " + cell + " = " + value + (way == 2 ? "" : where);
}

// Everything below the store but empty directories, of which there are hundreds; sorted, so that a
// number means the same each time.
std::vector<fs::path> entries_of(const fs::path& store) {
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(store)) {
    if (!entry.is_directory() || !fs::is_empty(entry.path())) entries.push_back(entry.path());
  }
  std::ranges::sort(entries);
  return entries;
}

void plant_file(const fs::path& store, FuzzInput& input) {
  constexpr std::array<std::string_view, 12> kNames = {"packs/0000000099.pack",
                                                       "packs/9999999999.pack",
                                                       "packs/1.pack",
                                                       "loose/aa",
                                                       "loose/ab/cd",
                                                       "sandbox/put-0-0",
                                                       "index.sqlite-wal",
                                                       "index.sqlite-journal",
                                                       "index.sqlite-shm",
                                                       "locks/stray",
                                                       "quarantine",
                                                       "index.sqlite.recovered"};
  const fs::path place = store / kNames[input.take_below(kNames.size())];
  std::error_code ignored;
  fs::create_directories(place.parent_path(), ignored);
  write_file(place, as_text(input.take_bytes(input.take<std::uint16_t>())));
}

void plant_link(const fs::path& place, const fs::path& outside) {
  std::error_code ignored;
  const bool is_directory = fs::is_directory(place, ignored);
  fs::remove_all(place, ignored);
  fs::create_symlink(outside / (is_directory ? "directory" : "precious"), place, ignored);
}

}  // namespace

void mutate_bytes(std::string& bytes, FuzzInput& input) {
  const auto way = input.take<std::uint8_t>();
  const std::size_t at = input.take_below(bytes.size() + 1);
  const std::size_t length = std::min<std::size_t>(input.take<std::uint8_t>(), bytes.size() - at);
  switch (way % 7) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << way % 8));
      break;
    case 1:
      bytes.replace(at, length, as_text(input.take_bytes(length)));
      break;
    case 2:
      bytes.insert(at, as_text(input.take_bytes(length)));
      break;
    case 3:
      bytes.erase(at, length);
      break;
    case 4:
      bytes.resize(at);
      break;
    case 5:
      if (bytes.size() < kRepeatedMax) bytes.insert(at, bytes.substr(input.take_below(at + 1)));
      break;
    default:
      // Two pieces beside each other change places.
      std::rotate(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at + length / 2),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
      break;
  }
}

void mutate_rows(const fs::path& database, FuzzInput& input) {
  const std::string sql = take_change_of_row(input) + "; PRAGMA wal_checkpoint(TRUNCATE)";
  sqlite3* raw = nullptr;
  if (sqlite3_open_v2(database.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
                      nullptr) == SQLITE_OK) {
    sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr);
  }
  sqlite3_close(raw);
}

void mutate_directory(const fs::path& store, const fs::path& outside, FuzzInput& input) {
  const std::vector<fs::path> entries = entries_of(store);
  if (entries.empty()) return;
  const auto way = input.take<std::uint8_t>() % 16;
  const fs::path& place = entries[input.take_below(entries.size())];
  const fs::path& other = entries[input.take_below(entries.size())];
  std::error_code ignored;
  if (way < 8 && fs::is_regular_file(place, ignored) && !fs::is_symlink(place)) {
    std::string bytes = read_file(place);
    mutate_bytes(bytes, input);
    write_file(place, bytes);
  } else if (way < 11) {
    mutate_rows(store / "index.sqlite", input);
  } else if (way == 11) {
    plant_file(store, input);
  } else if (way == 12) {
    plant_link(place, outside);
  } else if (way == 13) {
    fs::remove_all(place, ignored);
  } else if (way == 14) {
    fs::rename(place, other, ignored);
  } else {
    const auto pages = fs::file_size(store / "index.sqlite", ignored) / 4096;
    write_file(store / "index.sqlite-journal",
               rollback_journal(outside / "precious", static_cast<std::uint32_t>(pages)));
  }
}

}  // namespace packstore::testing
