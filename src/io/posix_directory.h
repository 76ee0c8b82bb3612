// Directories of the operating system.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "io/file.h"
#include "io/posix_call.h"

namespace packstore::io {

// Whom the entries are for that are created through a directory.
enum class Privacy : std::uint8_t { kAsUmaskSays, kOwnerOnly };

// The mode of a new directory and of a new file.
mode_t directory_mode(Privacy privacy);
mode_t file_mode(Privacy privacy);

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(OwnedFd fd, std::string path, Privacy privacy)
      : fd_(std::move(fd)), path_(std::move(path)), privacy_(privacy) {}

  Result<std::unique_ptr<Directory>> open_directory(std::string_view name) const override;
  Result<std::unique_ptr<File>> open_file(std::string_view name, OpenMode mode) const override;
  Result<std::optional<std::unique_ptr<Directory>>> find_directory(
      std::string_view name) const override;
  Result<std::optional<std::unique_ptr<File>>> find_file(std::string_view name,
                                                         OpenMode mode) const override;
  Result<std::optional<std::unique_ptr<File>>> find_file_below(std::string_view directory,
                                                               std::string_view name,
                                                               OpenMode mode) const override;
  Status create_directory(std::string_view name) const override;
  Result<std::unique_ptr<File>> create_file(std::string_view name) const override;
  Status rename(std::string_view name, const Directory& to,
                std::string_view to_name) const override;
  Status link(std::string_view name, const Directory& to, std::string_view to_name) const override;
  Status remove_file(std::string_view name) const override;
  Status remove_directory(std::string_view name) const override;
  Result<std::optional<FileInfo>> stat_file(std::string_view name) const override;
  Status list(const std::function<Status(const Entry&)>& visit) const override;
  Status sync() const override;
  Result<bool> try_lock() override;
  Result<std::uint64_t> free_bytes() const override;
  Result<std::unique_ptr<SharedCounter>> open_counter(std::string_view name) const override;
  const std::string& path() const override { return path_; }

  // Gives the directory, when it is empty, the mode that one made in it would have.
  Status adapt_mode_if_empty() const;

 private:
  Error entry_error(int error_number, std::string_view operation, std::string_view name) const;
  std::string child_path(std::string_view name) const;

  OwnedFd fd_;
  std::string path_;
  Privacy privacy_;
};

}  // namespace packstore::io
