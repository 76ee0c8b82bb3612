// get: objects become files, or standard output.
//   1. One object: open it, and cut the range out of it or stream it.
//      - Into a file it is streamed; the file appears when all of it was verified.
//      - Onto standard output a small object is read whole first, so that nothing damaged is ever
//        printed. A larger one is streamed, and damage shows in the exit status.
//   2. Many: read_many gives them in the order of the packs, each verified, each to a file that is
//      named by its id. One that is absent or damaged is reported and the rest goes on.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "copy_object.h"
#include "files.h"
#include "options.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

// What is held in memory to be verified before it is printed.
constexpr std::uint64_t kVerifyFirstBytesMax = std::uint64_t{16} << 20;

using Sink = std::function<Status(ByteView)>;

Status copy_verified_first(ObjectReader& reader, const Sink& sink) {
  Bytes whole;
  whole.reserve(static_cast<std::size_t>(reader.size()));
  const Status read = copy_object(reader, {}, [&](ByteView part) -> Status {
    whole.insert(whole.end(), part.begin(), part.end());
    return {};
  });
  if (!read) return read.error();
  return sink(whole);
}

// Writes each object to a file of its own and remembers what could not be given.
class ObjectFiles {
 public:
  ObjectFiles(fs::path directory, std::uint64_t total, Session& session)
      : directory_(std::move(directory)), total_(total), session_(session) {}

  Status take(const ObjectId& id, const Result<ByteView>& content) {
    if (interrupted()) return fail(ErrorCode::kCancelled, "get: interrupted");
    session_.progress(
        {.phase = "get", .done = done_++, .total = total_, .unit = ProgressUnit::kObjects});
    if (!content) {
      note_failure(id, content.error());
      return {};
    }
    Result<FileWriter> file = FileWriter::create(directory_ / id.to_hex());
    if (!file) return std::move(file).error();
    if (const Status written = file->write(*content); !written) return written.error();
    if (const Status finished = file->finish(); !finished) return finished.error();
    ++written_;
    bytes_ += content->size();
    return {};
  }

  // Damage outweighs absence.
  ExitStatus status() const {
    if (!damaged_.empty()) return ExitStatus::kError;
    return absent_.empty() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

  void print() const {
    Report report;
    report.text({"into", "into"}, directory_.string());
    report.count({"objects", "objects"}, written_);
    report.bytes({"bytes", "content"}, bytes_);
    report.ids({"absent", "absent"}, absent_);
    report.ids({"damaged", "damaged"}, damaged_);
    report.print(session_);
  }

 private:
  void note_failure(const ObjectId& id, const Error& error) {
    const bool is_absent = error.code == ErrorCode::kNotFound;
    (is_absent ? absent_ : damaged_).push_back(id);
    session_.report({error.code, fmt::format("{}: {}", id.to_hex(), error.message)});
  }

  fs::path directory_;
  std::uint64_t total_;
  Session& session_;
  std::uint64_t done_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<ObjectId> absent_;
  std::vector<ObjectId> damaged_;
};

class GetCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    CLI::Option* id = app.add_option("id", id_word_, "The object")->type_name("ID");
    CLI::Option* output =
        app.add_option("-o,--output", output_, "Instead of standard output")->type_name("FILE");
    CLI::Option* offset = add_count_option(app, "--offset", range_.offset, "Skip so many bytes");
    CLI::Option* length =
        add_count_option(app, "--length", range_.length, "Stop after so many bytes");
    CLI::Option* list = add_ids_from_option(app, list_.ids_from);
    CLI::Option* into =
        app.add_option("--into", into_, "Where the objects of --ids-from go, each named by its id")
            ->type_name("DIR");
    app.add_flag("--unverified", unverified_, "Do not compare the content with the id");
    list->needs(into)->excludes(id)->excludes(offset)->excludes(length);
    into->needs(list)->excludes(output);
  }

  Status prepare() override {
    if (!id_word_.empty()) list_.ids.push_back(id_word_);
    Result<std::vector<ObjectId>> ids = list_.parse();
    if (!ids) return std::move(ids).error();
    ids_ = std::move(*ids);
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    if (!into_.empty()) return get_many(store, session);
    if (!output_.empty() && output_ != kStandardStream) return get_into_file(store, session);
    if (session.as_json()) {
      return fail(ErrorCode::kInvalidArgument,
                  "--json: standard output is for the object; name a file with -o");
    }
    Result<ObjectReader> reader = store.open_object(ids_.front(), read_options());
    if (!reader) return std::move(reader).error();
    const Status copied = copy(*reader, reader->size() <= kVerifyFirstBytesMax, [&](ByteView part) {
      session.out().write(part);
      return interrupted() ? Status(fail(ErrorCode::kCancelled, "get: interrupted"))
                           : session.out().status();
    });
    if (!copied) return copied.error();
    return ExitStatus::kOk;
  }

 private:
  ReadOptions read_options() const {
    return {.verify = unverified_ ? Verify::kNone : Verify::kContent};
  }

  Status copy(ObjectReader& reader, bool verifies_first, const Sink& sink) const {
    const bool goes_first = verifies_first && !range_.is_given();
    return goes_first ? copy_verified_first(reader, sink) : copy_object(reader, range_, sink);
  }

  Result<ExitStatus> get_into_file(Store& store, Session& session) const {
    Result<ObjectReader> reader = store.open_object(ids_.front(), read_options());
    if (!reader) return std::move(reader).error();
    Result<FileWriter> file = FileWriter::create(output_);
    if (!file) return std::move(file).error();
    std::uint64_t bytes = 0;
    const std::uint64_t total = reader->size();
    const Status copied = copy(*reader, false, [&](ByteView part) {
      bytes += part.size();
      session.progress(
          {.phase = "get", .done = bytes, .total = total, .unit = ProgressUnit::kBytes});
      return file->write(part);
    });
    if (!copied) return copied.error();
    if (const Status finished = file->finish(); !finished) return finished.error();

    Report report;
    report.text({"id", ""}, ids_.front().to_hex());
    report.text({"file", ""}, output_);
    report.bytes({"bytes", ""}, bytes);
    report.print(session);
    return ExitStatus::kOk;
  }

  Result<ExitStatus> get_many(Store& store, Session& session) const {
    std::error_code error;
    fs::create_directories(into_, error);
    if (error) return system_error(into_, "create", error.value());
    ObjectFiles files(into_, ids_.size(), session);
    const Status read = store.read_many(
        ids_,
        [&](const ObjectId& id, const Result<ByteView>& content) {
          return files.take(id, content);
        },
        read_options());
    if (!read) return read.error();
    files.print();
    return files.status();
  }

  std::string id_word_;
  std::string output_;
  ObjectRange range_;
  IdWords list_;
  std::string into_;
  bool unverified_ = false;
  std::vector<ObjectId> ids_;
};

}  // namespace

std::unique_ptr<Command> make_get() { return std::make_unique<GetCommand>(); }

}  // namespace packstore::cli
