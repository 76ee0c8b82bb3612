// A rollback journal of SQLite that names a second file, to be removed once it was played back
// (https://sqlite.org/fileformat2.html, "The Rollback Journal"; the end of it is how pager.c reads
// the name of a super-journal).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace packstore::testing {

inline void append_big_endian(std::string& bytes, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(number >> shift & 0xff));
  }
}

// For a database of `pages` pages of 4096 bytes.
inline std::string rollback_journal(const std::filesystem::path& named, std::uint32_t pages) {
  const std::string magic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
  const std::string name = named.string();
  std::uint32_t sum = 0;
  for (const char c : name) sum += static_cast<unsigned char>(c);
  std::string journal = magic;
  for (const std::uint32_t number : {0U, 0U, pages, 512U, 4096U})
    append_big_endian(journal, number);
  journal.resize(512);
  append_big_endian(journal, 0x40000000U / 4096U + 1);
  journal += name;
  append_big_endian(journal, static_cast<std::uint32_t>(name.size()));
  append_big_endian(journal, sum);
  return journal + magic;
}

}  // namespace packstore::testing
