// How full a store is.
#pragma once

#include <cstdint>
#include <vector>

namespace packstore {

struct PackStats {
  std::uint64_t pack = 0;           // Its number, as in packs/0000000001.pack.
  bool sealed = false;              // Gets no further records.
  std::uint64_t objects = 0;        // Visible objects.
  std::uint64_t content_bytes = 0;  // Their content.
  std::uint64_t stored_bytes = 0;   // Their stored bytes, record headers not counted.
  std::uint64_t file_bytes = 0;
  // Bytes of the file that nobody can reach: removed objects with their headers, unfinished tails,
  // and up to 256 KiB that an open store keeps ready for single puts.
  std::uint64_t dead_bytes = 0;
};

struct StoreStats {
  std::uint64_t loose_objects = 0;
  std::uint64_t loose_bytes = 0;
  std::uint64_t packed_objects = 0;
  std::uint64_t packed_content_bytes = 0;
  std::uint64_t packed_stored_bytes = 0;
  std::uint64_t pack_file_bytes = 0;
  std::uint64_t dead_bytes = 0;
  std::uint64_t index_bytes = 0;  // The database with its write-ahead log.
  std::uint64_t refs = 0;
  std::uint64_t sandbox_files = 0;
  std::vector<PackStats> packs = {};  // By number.

  // Stored over content bytes of packed objects; 1 where there are none.
  double compression_ratio() const {
    return packed_content_bytes == 0 ? 1.0
                                     : static_cast<double>(packed_stored_bytes) /
                                           static_cast<double>(packed_content_bytes);
  }
  // Index bytes per packed object; 0 where there are none.
  double index_bytes_per_object() const {
    return packed_objects == 0
               ? 0.0
               : static_cast<double>(index_bytes) / static_cast<double>(packed_objects);
  }
};

}  // namespace packstore
