// The operating system's files with an ear at every step: what was done in which order, a hook that
// may act between two steps of the code under test, and failures on demand.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"

namespace packstore::store {

// What happens to files below one directory. Steps are texts like
//   "write sandbox/*", "sync packs/0000000001.pack", "rename sandbox/* loose/ab/cd...",
//   "sync loose/ab/", "remove loose/ab/cd...", "open packs/0000000001.pack",
//   "read packs/0000000001.pack"
// where the chosen names of the sandbox are '*', and a directory ends with '/'.
//
// Thread safety: steps may come from any thread; the rest belongs to the test.
class Watch {
 public:
  explicit Watch(std::string root) : root_(std::move(root)) {}

  // Called before each step; an error is the answer to the step, which is then not done.
  std::function<Status(const std::string& step)> before;

  // Steps that change something, in their order, since the last call.
  std::vector<std::string> take_log();

  // The hook that acts once, right before the first step that begins with `step`.
  void once_before(std::string_view step, std::function<void()> act);
  // The hook that fails every step that begins with `step`.
  void fail_at(std::string_view step, ErrorCode code);

  // For the file system: announces a step that changes something, or one that only looks.
  Status change(std::string_view verb, const std::string& path, const std::string& to = "");
  Status look(std::string_view verb, const std::string& path);

 private:
  std::string shorten(const std::string& path) const;

  std::string root_;
  std::mutex mutex_;  // Guards log_.
  std::vector<std::string> log_;
};

class WatchedFileSystem final : public io::FileSystem {
 public:
  // Steps are told with paths below `root`.
  explicit WatchedFileSystem(const std::string& root) : watch_(root) {}

  Watch& watch() { return watch_; }

  Result<std::unique_ptr<io::Directory>> open_directory(const std::string& path) override;
  Result<std::unique_ptr<io::Directory>> create_directory(const std::string& path,
                                                          bool owner_only) override;
  const char* sqlite_vfs() const override { return io::posix_file_system().sqlite_vfs(); }

 private:
  Watch watch_;
};

}  // namespace packstore::store
