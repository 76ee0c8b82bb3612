// How a file is written so that nobody sees half of it:
//   1. Follow links to the place that the bytes will really take.
//   2. Write to a new file beside it, whose name nobody can have guessed.
//   3. Give it the permissions of what it will replace.
//   4. Close it, which is where a full disk may show, and rename it.
// Failing anywhere before the rename removes the new file.
#include "files.h"

#include <cerrno>
#include <fstream>
#include <random>
#include <system_error>

#include "exit_status.h"
#include "interrupt.h"
#include "packstore/cid.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

Error cancelled(std::string_view place) {
  return fail(ErrorCode::kCancelled, "{}: interrupted", place);
}

// A name beside `path` that is not in use.
fs::path part_beside(const fs::path& path) {
  static std::mt19937_64 random{std::random_device{}()};
  fs::path part = path;
  part += fmt::format(".{:016x}.part", random());
  return part;
}

Result<FileHandle> open_file(const fs::path& path, const char* mode) {
  errno = 0;
  FileHandle file(std::fopen(path.c_str(), mode));
  if (!file) return system_error(path.string(), "open", errno);
  return file;
}

// The id that a line of a list begins with. `put` marks a line whose name is escaped by a
// backslash.
std::string_view id_of_line(std::string_view line) {
  if (line.starts_with('\\')) line.remove_prefix(1);
  return line.substr(0, line.find_first_of(" \t\r"));
}

}  // namespace

Error system_error(std::string_view place, std::string_view deed, int error_number) {
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EMFILE ||
                       error_number == ENFILE;
  return fail(is_full ? ErrorCode::kNoSpace : ErrorCode::kIo, "{}: cannot {}: {}", place, deed,
              error_number == 0 ? "unknown reason" : std::generic_category().message(error_number));
}

void FileCloser::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

Result<FileSource> FileSource::open(const std::string& name) {
  if (name == kStandardStream) return FileSource(FileHandle(stdin), "standard input");

  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    return fail(ErrorCode::kInvalidArgument, "{}: is a directory", name);
  }
  Result<FileHandle> file = open_file(name, "rb");
  if (!file) return std::move(file).error();
  return FileSource(std::move(*file), name);
}

Result<std::size_t> FileSource::read(std::span<std::byte> into) {
  if (interrupted()) return cancelled(name_);
  errno = 0;
  const std::size_t count = std::fread(into.data(), 1, into.size(), file_.get());
  const int error_number = errno;
  // Asked again: the signal may have come while the read waited, and the end of a stream that a
  // dying pipeline closed is no end to believe in.
  if (interrupted()) return cancelled(name_);
  if (std::ferror(file_.get()) != 0) return system_error(name_, "read", error_number);
  bytes_read_ += count;
  return count;
}

Result<FileWriter> FileWriter::create(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    return fail(ErrorCode::kInvalidArgument, "{}: is a directory", path.string());
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    Result<FileHandle> file = open_file(path, "wb");
    if (!file) return std::move(file).error();
    return FileWriter(std::move(*file), path, {});
  }

  const fs::path target = fs::weakly_canonical(path, error);
  if (error) return system_error(path.string(), "resolve", error.value());
  const fs::path part = part_beside(target);
  Result<FileHandle> file = open_file(part, "wbx");
  if (!file) return std::move(file).error();
  FileWriter writer(std::move(*file), target, part);
  // Before the first byte: content that replaces a private file is never readable by others.
  if (fs::exists(status)) fs::permissions(part, status.permissions(), error);
  if (error) return system_error(part.string(), "set the permissions", error.value());
  return writer;
}

FileWriter::~FileWriter() {
  file_.reset();
  std::error_code ignored;
  if (!part_.empty()) fs::remove(part_, ignored);
}

Status FileWriter::write(ByteView content) {
  if (interrupted()) return cancelled(path_.string());
  errno = 0;
  if (std::fwrite(content.data(), 1, content.size(), file_.get()) != content.size()) {
    return system_error(path_.string(), "write", errno);
  }
  return {};
}

Status FileWriter::finish() {
  errno = 0;
  if (std::fclose(file_.release()) != 0) return system_error(path_.string(), "write", errno);
  if (part_.empty()) return {};

  std::error_code error;
  fs::rename(part_, path_, error);
  if (error) return system_error(path_.string(), "replace", error.value());
  part_.clear();
  return {};
}

Status write_file(const std::string& name, std::string_view text) {
  Result<FileWriter> file = FileWriter::create(name);
  if (!file) return std::move(file).error();
  if (const Status written = file->write(as_bytes(text)); !written) return written.error();
  return file->finish();
}

Result<std::vector<std::string>> read_lines(const std::string& name) {
  Result<FileSource> source = FileSource::open(name);
  if (!source) return std::move(source).error();

  std::vector<std::string> lines;
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) lines.push_back(std::move(line));
    line.clear();
  };
  Bytes buffer(std::size_t{1} << 16);
  for (;;) {
    const Result<std::size_t> count = source->read(buffer);
    if (!count) return count.error();
    if (*count == 0) break;
    for (const char letter : as_text(ByteView(buffer).first(*count))) {
      if (letter == '\n') {
        end_line();
      } else {
        line.push_back(letter);
      }
    }
  }
  end_line();
  return lines;
}

Result<std::vector<ObjectId>> IdWords::parse() const {
  if (ids.empty() && ids_from.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no ids: name some, or a list with --ids-from");
  }
  std::vector<ObjectId> parsed;
  for (const std::string& word : ids) {
    const Result<ObjectId> id = parse_id(word);
    if (!id) return id.error();
    parsed.push_back(*id);
  }
  if (ids_from.empty()) return parsed;

  const Result<std::vector<std::string>> lines = read_lines(ids_from);
  if (!lines) return lines.error();
  for (const std::string& line : *lines) {
    const Result<ObjectId> id = parse_id(id_of_line(line));
    if (!id) return fail(id.error().code, "{}: {}", ids_from, id.error().message);
    parsed.push_back(*id);
  }
  return parsed;
}

Result<ObjectId> parse_id(std::string_view word) {
  if (Result<ObjectId> id = ObjectId::parse(word)) return id;
  if (const Result<Cid> cid = Cid::parse(word)) {
    if (const std::optional<ObjectId> id = cid->object_id()) return *id;
  }
  return fail(ErrorCode::kInvalidArgument,
              "{} is no id: an id is 64 digits of 0-9 and a-f, or a CID with SHA-256", quote(word));
}

}  // namespace packstore::cli
