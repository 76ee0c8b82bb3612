// Packs as files: names, checked opening, a bounded cache of descriptors for readers.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "format/pack_header.h"
#include "format/pack_record.h"
#include "index/rows.h"
#include "io/file.h"
#include "packstore/result.h"

namespace packstore::store {

// "0000000001.pack".
std::string pack_file_name(std::uint64_t pack);
// nullopt: not the name of a pack.
std::optional<std::uint64_t> parse_pack_file_name(std::string_view name);

// Of a record, its header included; where its stored bytes begin; what is behind it. The row has
// passed check().
inline std::uint64_t record_bytes(const index::Location& at) {
  return format::PackRecord::kHeaderSize + at.stored_size;
}
inline std::uint64_t stored_begin(const index::Location& at) {
  return at.offset + format::PackRecord::kHeaderSize;
}
inline std::uint64_t end_of(const index::ObjectRow& row) {
  return row.at.offset + record_bytes(row.at);
}

// Checks that the file begins with the header of pack `pack` of store `store`.
// kCorrupt: damaged, or a pack of another store or number. kUnsupported: a newer version.
Result<format::PackHeader> check_pack_header(const io::File& file, const format::Uuid& store,
                                             std::uint64_t pack);

// True when the file ends, or has nothing but zeros, where its header should be: all that a crash
// leaves of a pack whose header was never synced.
bool has_no_header(const io::File& file);

// An open pack whose header was checked. Thread safety: any thread.
class PackFile {
 public:
  PackFile(std::unique_ptr<io::File> file, const format::Uuid& store, std::uint64_t pack)
      : file_(std::move(file)), store_(store), pack_(pack) {}

  std::uint64_t pack() const { return pack_; }
  const io::File& file() const { return *file_; }
  format::RecordPlace place(std::uint64_t offset) const { return {store_, pack_, offset}; }

  // kCorrupt: [offset, offset + length) does not lie inside the file.
  Status check_inside(std::uint64_t offset, std::uint64_t length) const;

  // Checks the header that stands at `row.at` against the row. kCorrupt: they disagree.
  Result<format::PackRecord> check_record(
      std::span<const std::byte, format::PackRecord::kHeaderSize> header,
      const index::ObjectRow& row) const;

  // Reads and checks the header only.
  Result<format::PackRecord> read_header(const index::ObjectRow& row) const;

  // Reads the header, and the stored bytes from `from` on into `stored`; all of these are the
  // record's. In one call where they begin with the first.
  Result<format::PackRecord> read_record(const index::ObjectRow& row, std::uint64_t from,
                                         std::span<std::byte> stored) const;

 private:
  std::unique_ptr<io::File> file_;
  format::Uuid store_;
  std::uint64_t pack_;
  mutable std::atomic<std::uint64_t> known_size_{0};
};

// Thread safety: any thread.
class PackFiles {
 public:
  PackFiles(std::unique_ptr<io::Directory> directory, const format::Uuid& store,
            std::size_t open_max);

  // kNotFound: the pack's file is gone; look its objects up again.
  Result<std::shared_ptr<const PackFile>> open(std::uint64_t pack) const;

  // The same for who reads the record at `at`. A file that was opened before and ends before the
  // record does is opened anew: where a backup is brought up to date, a longer one takes its name.
  Result<std::shared_ptr<const PackFile>> open(const index::Location& at) const;

  // Closes it here; readers that still use it keep it.
  void forget(std::uint64_t pack) const;

  // The numbers of all pack files, ascending.
  Result<std::vector<std::uint64_t>> list() const;

  const io::Directory& directory() const { return *directory_; }

 private:
  using Entry = std::shared_ptr<const PackFile>;
  std::unique_ptr<io::Directory> directory_;
  format::Uuid store_;
  std::size_t open_max_;
  // Held across nothing but the list: files are opened and read outside of it.
  mutable std::mutex mutex_;
  mutable std::list<Entry> recent_;  // Most recently used first.
  mutable std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_pack_;
};

}  // namespace packstore::store
