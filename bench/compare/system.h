// The few system calls that the peers without a database, the probes and the harness need.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "packstore/bytes.h"

namespace packstore::compare {

// An open file or directory. A failed call stops the program.
class Descriptor {
 public:
  static Descriptor open_directory(const std::filesystem::path& path);
  static Descriptor create_file(const Descriptor& directory, const std::string& name);
  static Descriptor open_file(const Descriptor& directory, const std::string& name);

  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  void write_all(ByteView content) const;
  // Reads the whole file into the front of `buffer`, which grows when it is too small.
  ByteView read_all(Bytes& buffer) const;
  void sync() const;         // fsync
  void sync_data() const;    // fdatasync
  void sync_system() const;  // syncfs

  int number() const { return number_; }

 private:
  explicit Descriptor(int number) : number_(number) {}
  int number_;
};

void rename_file(const Descriptor& from, const std::string& from_name, const Descriptor& to,
                 const std::string& to_name);
bool has_file(const Descriptor& directory, const std::string& name);
void remove_file(const Descriptor& directory, const std::string& name);

// What the files and directories below `directory` occupy on the disk.
std::uint64_t allocated_bytes(const std::filesystem::path& directory);

// Writes out what the system still holds back, so that the next measurement does not pay for it,
// and waits until the memory that the last one freed has gone back to the hypervisor, where there
// is one. Fetching memory again is a large part of the cost of a write there, and whoever came
// second would find it fetched.
void settle_machine();

// Processor, cores, memory, kernel and file system of `directory`, in one line.
std::string describe_machine(const std::filesystem::path& directory);

}  // namespace packstore::compare
