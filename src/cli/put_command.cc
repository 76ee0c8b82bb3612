// put: files become objects.
//   1. Gather the names: words, lists, and with --recursive what is in directories. Everything is
//      looked at once, so that a wrong name ends the command before anything is put.
//   2. Loose: each file is streamed into an object of its own and printed when it is durable.
//   3. Packed: small files are gathered in memory, because a group is hashed several times as fast
//      as one by one; larger ones are streamed. One batch takes all, and nothing is printed before
//      its commit made everything durable.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "files.h"
#include "found_file.h"
#include "options.h"
#include "packstore/batch.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

// Files up to this size are gathered. Above it hashing one alone is as fast.
constexpr std::size_t kSmallBytesMax = std::size_t{1} << 20;
// A group is large enough to fill every lane of the hash, and small beside the memory of anything.
constexpr std::uint64_t kGroupBytesMax = std::uint64_t{8} << 20;
constexpr std::size_t kGroupFilesMax = 1024;

struct PutRow {
  ObjectId id;
  std::uint64_t size = 0;
};

// What was read of a stream already, and then the rest of it.
class ResumedSource final : public ByteSource {
 public:
  ResumedSource(ByteView front, ByteSource& rest) : front_(front), rest_(rest) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (front_.empty()) return rest_.read(into);
    const std::size_t count = std::min(into.size(), front_.size());
    std::copy_n(front_.begin(), count, into.begin());
    front_ = front_.subspan(count);
    return count;
  }

 private:
  ByteView front_;
  ByteSource& rest_;
};

// Puts files into a batch, the small ones in groups.
class GroupedPut {
 public:
  explicit GroupedPut(Batch& batch) : batch_(batch), front_(kSmallBytesMax) {}

  // Fills `row` now or with the group; it has to stay where it is until flush().
  Status add(const std::string& name, PutRow& row) {
    Result<FileSource> source = FileSource::open(name);
    if (!source) return std::move(source).error();
    const Result<std::size_t> size = read_front(*source);
    if (!size) return size.error();
    if (*size == front_.size()) return put_large(*source, row);

    contents_.emplace_back(front_.begin(), front_.begin() + static_cast<std::ptrdiff_t>(*size));
    rows_.push_back(&row);
    bytes_ += *size;
    if (bytes_ < kGroupBytesMax && rows_.size() < kGroupFilesMax) return {};
    return flush();
  }

  Status flush() {
    const std::vector<ByteView> views(contents_.begin(), contents_.end());
    const Result<std::vector<ObjectId>> ids = batch_.put_many(views);
    if (!ids) return ids.error();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      *rows_[i] = {.id = (*ids)[i], .size = contents_[i].size()};
    }
    contents_.clear();
    rows_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  // How much of `front_` the file fills; all of it means that there may be more.
  Result<std::size_t> read_front(FileSource& source) {
    std::size_t filled = 0;
    while (filled < front_.size()) {
      const Result<std::size_t> count = source.read(std::span(front_).subspan(filled));
      if (!count) return count.error();
      if (*count == 0) break;
      filled += *count;
    }
    return filled;
  }

  Status put_large(FileSource& source, PutRow& row) {
    ResumedSource whole(front_, source);
    const Result<ObjectId> id = batch_.put(whole);
    if (!id) return id.error();
    row = {.id = *id, .size = source.bytes_read()};
    return {};
  }

  Batch& batch_;
  Bytes front_;
  std::vector<Bytes> contents_;
  std::vector<PutRow*> rows_;
  std::uint64_t bytes_ = 0;
};

// The names of the files to put, in their order.
class NameList {
 public:
  Status add(const std::string& name, bool enters_directories) {
    if (name == kStandardStream) return add_standard_input();
    std::error_code error;
    const fs::file_status status = fs::status(name, error);
    if (!fs::exists(status)) return system_error(name, "open", error.value());
    if (!fs::is_directory(status)) {
      names_.push_back(name);
      return {};
    }
    if (enters_directories) return add_directory(name);
    return fail(ErrorCode::kInvalidArgument, "{}: is a directory; --recursive puts the files in it",
                name);
  }

  // kInvalidArgument: the files in `store` are among them because of a directory above.
  Status check_outside(const fs::path& store) const {
    for (const std::string& directory : directories_) {
      if (const Status other = refuse_store(directory, store); !other) return other.error();
    }
    return {};
  }

  const std::vector<std::string>& names() const { return names_; }
  // What directories held besides files and links to files.
  std::uint64_t skipped() const { return skipped_; }

 private:
  Status add_standard_input() {
    // A second read would find the end at once and put an empty object.
    if (std::find(names_.begin(), names_.end(), kStandardStream) != names_.end()) {
      return fail(ErrorCode::kInvalidArgument, "standard input can be put only once");
    }
    names_.emplace_back(kStandardStream);
    return {};
  }

  // Links to directories are not followed: they may lead in a circle.
  Status add_directory(const std::string& directory) {
    std::error_code error;
    std::vector<std::string> found;
    directories_.push_back(directory);
    fs::recursive_directory_iterator entry(directory, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_regular_file(ignored)) {
        found.push_back(entry->path().string());
      } else if (entry->is_symlink(ignored) || !entry->is_directory(ignored)) {
        ++skipped_;
      } else {
        directories_.push_back(entry->path().string());
      }
    }
    if (error) return system_error(directory, "list", error.value());
    std::sort(found.begin(), found.end());
    std::move(found.begin(), found.end(), std::back_inserter(names_));
    return {};
  }

  std::vector<std::string> names_;
  std::vector<std::string> directories_;  // Entered.
  std::uint64_t skipped_ = 0;
};

class PutCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("files", words_, "Files, '-' for standard input")->type_name("FILE");
    app.add_option("--files-from", files_from_,
                   "A list of files, one a line, '-' for standard input")
        ->type_name("FILE");
    app.add_flag("-r,--recursive", recursive_, "Put the files in directories, by ascending name");
    app.add_flag("--packed", packed_, "Straight into a pack, all or nothing: for many small files");
    add_compression_option(app, "--compress", compression_word_,
                           "How to compress what is packed; implies --packed");
  }

  Status prepare() override {
    const Result<Compression> compression = compression_word_.parse();
    if (!compression) return compression.error();
    compression_ = *compression;
    if (words_.empty() && files_from_.empty()) {
      return fail(ErrorCode::kInvalidArgument, "no files: name some, or a list with --files-from");
    }
    for (const std::string& word : words_) {
      if (word == kStandardStream && files_from_ == kStandardStream) {
        return fail(ErrorCode::kInvalidArgument,
                    "standard input is the list of files already: it cannot be put as well");
      }
      if (const Status added = files_.add(word, recursive_); !added) return added.error();
    }
    if (files_from_.empty()) return {};
    const Result<std::vector<std::string>> lines = read_lines(files_from_);
    if (!lines) return lines.error();
    for (const std::string& line : *lines) {
      if (const Status added = files_.add(line, recursive_); !added) return added.error();
    }
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    if (const Status outside = files_.check_outside(store.path()); !outside) return outside.error();
    if (files_.skipped() > 0) {
      session.note(fmt::format("skipped {} entries that are no files", files_.skipped()));
    }
    JsonList list(session.out());
    const bool is_packed = packed_ || compression_word_.is_given();
    const Status done =
        is_packed ? put_packed(store, session, list) : put_loose(store, session, list);
    // Also after a failure: what is listed has been put.
    if (session.as_json()) list.close();
    if (!done) return done.error();
    return ExitStatus::kOk;
  }

 private:
  Status put_loose(Store& store, Session& session, JsonList& list) const {
    for (std::size_t i = 0; i < files_.names().size(); ++i) {
      show_progress(session, i);
      const std::string& name = files_.names()[i];
      Result<FileSource> source = FileSource::open(name);
      if (!source) return std::move(source).error();
      const Result<ObjectId> id = store.put(*source);
      if (!id) return id.error();
      print(name, {.id = *id, .size = source->bytes_read()}, session, list);
      if (const Status written = session.out().status(); !written) return written.error();
    }
    return {};
  }

  Status put_packed(Store& store, Session& session, JsonList& list) const {
    Result<Batch> batch = store.begin_batch({.compression = compression_});
    if (!batch) return std::move(batch).error();
    const std::vector<std::string>& names = files_.names();
    std::vector<PutRow> rows(names.size());
    GroupedPut group(*batch);
    for (std::size_t i = 0; i < names.size(); ++i) {
      show_progress(session, i);
      if (const Status added = group.add(names[i], rows[i]); !added) return added.error();
    }
    if (const Status flushed = group.flush(); !flushed) return flushed.error();
    const Result<BatchReport> committed = batch->commit();
    if (!committed) return committed.error();

    for (std::size_t i = 0; i < names.size(); ++i) print(names[i], rows[i], session, list);
    return session.out().status();
  }

  void show_progress(Session& session, std::size_t done) const {
    session.progress({.phase = "put",
                      .done = done,
                      .total = files_.names().size(),
                      .unit = ProgressUnit::kObjects});
  }

  static void print(const std::string& name, const PutRow& row, Session& session, JsonList& list) {
    if (session.as_json()) {
      list.add({{"id", row.id.to_hex()}, {"name", name}, {"size", row.size}});
      return;
    }
    const LineName shown = line_name(name);
    session.out().line(
        fmt::format("{}{}  {}", shown.is_escaped ? "\\" : "", row.id.to_hex(), shown.text));
  }

  std::vector<std::string> words_;
  std::string files_from_;
  bool recursive_ = false;
  bool packed_ = false;
  CompressionWord compression_word_;
  Compression compression_;
  NameList files_;
};

}  // namespace

std::unique_ptr<Command> make_put() { return std::make_unique<PutCommand>(); }

}  // namespace packstore::cli
