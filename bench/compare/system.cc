#include "compare/system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <thread>

#include "compare/content.h"

namespace packstore::compare {

namespace {

// Passes on what a system call returned; stops the program when it failed.
template <typename T>
T checked(T returned, const char* call) {
  if (returned < 0) stop(fmt::format("{}: {}", call, std::generic_category().message(errno)));
  return returned;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::string file_system_of(const std::filesystem::path& directory) {
  const std::string absolute = std::filesystem::absolute(directory).string();
  std::ifstream mounts("/proc/self/mounts");
  std::string device, point, type, rest, best_point, best_type;
  while (mounts >> device >> point >> type && std::getline(mounts, rest)) {
    if (absolute.starts_with(point) && point.size() >= best_point.size()) {
      best_point = point;
      best_type = type;
    }
  }
  return best_type;
}

}  // namespace

Descriptor Descriptor::open_directory(const std::filesystem::path& path) {
  return Descriptor(checked(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
}

Descriptor Descriptor::create_file(const Descriptor& directory, const std::string& name) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  return Descriptor(checked(::openat(directory.number_, name.c_str(), flags, 0600), "openat"));
}

Descriptor Descriptor::open_file(const Descriptor& directory, const std::string& name) {
  return Descriptor(
      checked(::openat(directory.number_, name.c_str(), O_RDONLY | O_CLOEXEC), "openat"));
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

void Descriptor::write_all(ByteView content) const {
  while (!content.empty()) {
    const ssize_t written = checked(::write(number_, content.data(), content.size()), "write");
    content = content.subspan(static_cast<std::size_t>(written));
  }
}

ByteView Descriptor::read_all(Bytes& buffer) const {
  struct stat facts {};
  checked(::fstat(number_, &facts), "fstat");
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (buffer.size() < size) buffer.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = checked(::read(number_, buffer.data() + done, size - done), "read");
    if (got == 0) stop("read: the file ended early");
    done += static_cast<std::size_t>(got);
  }
  return ByteView(buffer).first(size);
}

void Descriptor::sync() const { checked(::fsync(number_), "fsync"); }
void Descriptor::sync_data() const { checked(::fdatasync(number_), "fdatasync"); }
void Descriptor::sync_system() const { checked(::syncfs(number_), "syncfs"); }

void rename_file(const Descriptor& from, const std::string& from_name, const Descriptor& to,
                 const std::string& to_name) {
  checked(::renameat(from.number(), from_name.c_str(), to.number(), to_name.c_str()), "renameat");
}

bool has_file(const Descriptor& directory, const std::string& name) {
  return ::faccessat(directory.number(), name.c_str(), F_OK, 0) == 0;
}

void remove_file(const Descriptor& directory, const std::string& name) {
  checked(::unlinkat(directory.number(), name.c_str(), 0), "unlinkat");
}

std::uint64_t allocated_bytes(const std::filesystem::path& directory) {
  constexpr std::uint64_t kBlockBytes = 512;  // The unit of st_blocks, whatever the file system.
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat facts {};
    checked(::lstat(entry.path().c_str(), &facts), "lstat");
    bytes += static_cast<std::uint64_t>(facts.st_blocks) * kBlockBytes;
  }
  return bytes;
}

void settle_machine() {
  ::sync();
  // Linux reports free memory to its hypervisor two seconds after it was freed.
  std::this_thread::sleep_for(std::chrono::seconds(3));
}

std::string describe_machine(const std::filesystem::path& directory) {
  struct utsname kernel {};
  checked(::uname(&kernel), "uname");
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  return fmt::format("{}, {} processors, {} GiB, Linux {}, {}", processor_name(),
                     std::thread::hardware_concurrency(), pages * page_bytes / (1L << 30),
                     kernel.release, file_system_of(directory));
}

}  // namespace packstore::compare
