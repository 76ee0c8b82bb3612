// Files and directories that answer as a test tells them to.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "io/file.h"

namespace packstore::io {

class MockFile : public File {
 public:
  MockFile() { ON_CALL(*this, path).WillByDefault(testing::ReturnRef(path_)); }

  MOCK_METHOD(Result<std::size_t>, read_at, (std::uint64_t, std::span<std::byte>),
              (const, override));
  MOCK_METHOD(Result<std::size_t>, read_at, (std::uint64_t, std::span<const std::span<std::byte>>),
              (const, override));
  MOCK_METHOD(void, start_writeback, (std::uint64_t, std::uint64_t), (override));
  MOCK_METHOD(Result<FileInfo>, info, (), (const, override));
  MOCK_METHOD(Result<bool>, try_lock, (LockKind), (override));
  MOCK_METHOD(void, unlock, (), (override));
  MOCK_METHOD(const std::string&, path, (), (const, override));
  MOCK_METHOD(Status, do_write_at, (std::uint64_t, std::span<const ByteView>), (override));
  MOCK_METHOD(Status, do_sync, (), (override));
  MOCK_METHOD(Status, do_truncate, (std::uint64_t), (override));

 private:
  std::string path_ = "mock file";
};

class MockDirectory : public Directory {
 public:
  using DirectoryResult = Result<std::unique_ptr<Directory>>;
  using FileResult = Result<std::unique_ptr<File>>;
  using FoundDirectory = Result<std::optional<std::unique_ptr<Directory>>>;
  using FoundFile = Result<std::optional<std::unique_ptr<File>>>;
  using CounterResult = Result<std::unique_ptr<SharedCounter>>;
  using Visitor = std::function<Status(const Entry&)>;

  MockDirectory() { ON_CALL(*this, path).WillByDefault(testing::ReturnRef(path_)); }

  MOCK_METHOD(DirectoryResult, open_directory, (std::string_view), (const, override));
  MOCK_METHOD(FileResult, open_file, (std::string_view, OpenMode), (const, override));
  MOCK_METHOD(FoundDirectory, find_directory, (std::string_view), (const, override));
  MOCK_METHOD(FoundFile, find_file, (std::string_view, OpenMode), (const, override));
  MOCK_METHOD(Status, create_directory, (std::string_view), (const, override));
  MOCK_METHOD(FileResult, create_file, (std::string_view), (const, override));
  MOCK_METHOD(Status, rename, (std::string_view, const Directory&, std::string_view),
              (const, override));
  MOCK_METHOD(Status, link, (std::string_view, const Directory&, std::string_view),
              (const, override));
  MOCK_METHOD(Status, remove_file, (std::string_view), (const, override));
  MOCK_METHOD(Status, remove_directory, (std::string_view), (const, override));
  MOCK_METHOD(Result<std::optional<FileInfo>>, stat_file, (std::string_view), (const, override));
  MOCK_METHOD(Status, list, (const Visitor&), (const, override));
  MOCK_METHOD(Status, sync, (), (const, override));
  MOCK_METHOD(Result<bool>, try_lock, (), (override));
  MOCK_METHOD(Result<std::uint64_t>, free_bytes, (), (const, override));
  MOCK_METHOD(CounterResult, open_counter, (std::string_view), (const, override));
  MOCK_METHOD(const std::string&, path, (), (const, override));

 private:
  std::string path_ = "mock directory";
};

}  // namespace packstore::io
