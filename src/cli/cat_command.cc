// cat: a file that was added, or a range of it. An object that is longer than a chunk can be is no
// file of chunks: it is streamed as get does it, and damage shows in the exit status.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "commands.h"
#include "copy_object.h"
#include "files.h"
#include "interrupt.h"
#include "options.h"
#include "packstore/file.h"
#include "report.h"

namespace packstore::cli {

namespace {

class CatCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    path_.add_option(app, "The file");
    app.add_option("-o,--output", output_, "Instead of standard output")->type_name("FILE");
    add_size_option(app, "--offset", offset_, "Skip so many bytes");
    add_size_option(app, "--length", length_, "Stop after so many bytes");
    add_threads_option(app, threads_, "Share reading and checking among so many");
    app.add_flag("--unverified", unverified_, "Do not compare chunks with their names");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store, {.verify = verify()});
    const Result<Cid> cid = path_.resolve(store, blocks);
    if (!cid) return cid.error();
    Result<FileReader> reader =
        FileReader::open(blocks, *cid, {.threads = static_cast<unsigned>(threads_)});
    if (!reader) return std::move(reader).error();
    if (offset_ > reader->size()) {
      return fail(ErrorCode::kInvalidArgument, "--offset {}: the file has {} bytes", offset_,
                  reader->size());
    }
    const Copier copy = [&](const FileReader::PieceVisitor& visit) {
      return is_plain_object(*cid, *reader) ? copy_from_object(store, *cid, *reader, visit)
                                            : reader->for_each_piece(stretch(), visit);
    };
    if (!output_.empty() && output_ != kStandardStream) {
      return into_file(*cid, wanted(*reader), copy, session);
    }
    if (session.as_json()) {
      return fail(ErrorCode::kInvalidArgument,
                  "--json: standard output is for the file; name another with -o");
    }
    const Status copied = copy([&](ByteView part) {
      session.out().write(part);
      return interrupted() ? Status(fail(ErrorCode::kCancelled, "cat: interrupted"))
                           : session.out().status();
    });
    if (!copied) return copied.error();
    return ExitStatus::kOk;
  }

 private:
  using Copier = std::function<Status(const FileReader::PieceVisitor& visit)>;

  Verify verify() const { return unverified_ ? Verify::kNone : Verify::kContent; }

  FileStretch stretch() const {
    return {.offset = offset_, .length = length_.value_or(UINT64_MAX)};
  }

  std::uint64_t wanted(const FileReader& reader) const {
    return std::min(length_.value_or(UINT64_MAX), reader.size() - offset_);
  }

  static bool is_plain_object(const Cid& cid, const FileReader& reader) {
    return cid.kind() == NodeKind::kRaw && cid.object_id() &&
           reader.size() > ChunkerSpec::kBytesMaxLimit;
  }

  Status copy_from_object(Store& store, const Cid& cid, const FileReader& reader,
                          const FileReader::PieceVisitor& visit) const {
    Result<ObjectReader> object = store.open_object(*cid.object_id(), {.verify = verify()});
    if (!object) return std::move(object).error();
    ObjectRange range;
    if (wanted(reader) < reader.size()) range = {.offset = offset_, .length = length_};
    return copy_object(*object, range, visit);
  }

  Result<ExitStatus> into_file(const Cid& cid, std::uint64_t total, const Copier& copy,
                               Session& session) const {
    Result<FileWriter> file = FileWriter::create(output_);
    if (!file) return std::move(file).error();
    std::uint64_t bytes = 0;
    const Status copied = copy([&](ByteView part) {
      bytes += part.size();
      session.progress(
          {.phase = "cat", .done = bytes, .total = total, .unit = ProgressUnit::kBytes});
      return file->write(part);
    });
    if (!copied) return copied.error();
    if (const Status finished = file->finish(); !finished) return finished.error();

    Report report;
    report.text({"cid", ""}, cid.to_text());
    report.text({"file", ""}, output_);
    report.bytes({"bytes", ""}, bytes);
    report.print(session);
    return ExitStatus::kOk;
  }

  PathWord path_;
  std::string output_;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> length_;
  std::uint64_t threads_ = 1;
  bool unverified_ = false;
};

}  // namespace

std::unique_ptr<Command> make_cat() { return std::make_unique<CatCommand>(); }

}  // namespace packstore::cli
