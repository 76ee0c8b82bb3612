// Files outside the store: what is put, what is got, and lists of names and ids.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::cli {

// Stands for standard input, or standard output, wherever a file is named.
inline constexpr std::string_view kStandardStream = "-";

// What the operating system refused: kNoSpace or kIo, naming the place and the deed.
Error system_error(std::string_view place, std::string_view deed, int error_number);

struct FileCloser {
  void operator()(std::FILE* file) const;
};
using FileHandle = std::unique_ptr<std::FILE, FileCloser>;

// The content of a file, or of standard input, as a stream.
class FileSource final : public ByteSource {
 public:
  // kIo: `name` cannot be opened. kInvalidArgument: it is a directory.
  static Result<FileSource> open(const std::string& name);

  // kCancelled: the program was interrupted; a source that breaks off never becomes an object.
  Result<std::size_t> read(std::span<std::byte> into) override;

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  FileSource(FileHandle file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  FileHandle file_;
  std::string name_;
  std::uint64_t bytes_read_ = 0;
};

// Writes a file that appears under its name when it is whole. What was there before stays until
// then. A device or a pipe is written straight.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::filesystem::path& path);

  FileWriter(FileWriter&& other) noexcept
      : file_(std::move(other.file_)),
        path_(std::move(other.path_)),
        part_(std::exchange(other.part_, {})) {}
  FileWriter& operator=(FileWriter&&) = delete;
  // Removes what was not finished.
  ~FileWriter();

  Status write(ByteView content);
  Status finish();

 private:
  FileWriter(FileHandle file, std::filesystem::path path, std::filesystem::path part)
      : file_(std::move(file)), path_(std::move(path)), part_(std::move(part)) {}

  FileHandle file_;
  std::filesystem::path path_;
  std::filesystem::path part_;  // Empty where the file is written straight.
};

// Makes `text` the content of the file `name`, at once. Errors as FileWriter.
Status write_file(const std::string& name, std::string_view text);

// The lines of a file, or of standard input, without the empty ones.
Result<std::vector<std::string>> read_lines(const std::string& name);

// Ids as words of the command line, and as a list in a file. A line of the list is an id and, after
// white space, anything: what `put` prints can be given back as it is.
struct IdWords {
  std::vector<std::string> ids;
  std::string ids_from;

  // kInvalidArgument: something is no id, or no ids were named at all.
  Result<std::vector<ObjectId>> parse() const;
};

// The object that a word names: by its id, or by a CID of it, as `ref get` prints it for a node.
// kInvalidArgument names the word that is neither.
Result<ObjectId> parse_id(std::string_view word);

}  // namespace packstore::cli
