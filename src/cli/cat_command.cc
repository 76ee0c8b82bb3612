// cat: a file that was added, or a range of it.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
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
    const StoreBlocks blocks(store, {.verify = unverified_ ? Verify::kNone : Verify::kContent});
    const Result<Cid> cid = path_.resolve(store, blocks);
    if (!cid) return cid.error();
    Result<FileReader> reader =
        FileReader::open(blocks, *cid, {.threads = static_cast<unsigned>(threads_)});
    if (!reader) return std::move(reader).error();
    if (offset_ > reader->size()) {
      return fail(ErrorCode::kInvalidArgument, "--offset {}: the file has {} bytes", offset_,
                  reader->size());
    }
    if (!output_.empty() && output_ != kStandardStream) return into_file(*cid, *reader, session);
    if (session.as_json()) {
      return fail(ErrorCode::kInvalidArgument,
                  "--json: standard output is for the file; name another with -o");
    }
    const Status copied = reader->for_each_piece(stretch(), [&](ByteView part) {
      session.out().write(part);
      return interrupted() ? Status(fail(ErrorCode::kCancelled, "cat: interrupted"))
                           : session.out().status();
    });
    if (!copied) return copied.error();
    return ExitStatus::kOk;
  }

 private:
  FileStretch stretch() const {
    return {.offset = offset_, .length = length_.value_or(UINT64_MAX)};
  }

  std::uint64_t wanted(const FileReader& reader) const {
    return std::min(length_.value_or(UINT64_MAX), reader.size() - offset_);
  }

  Result<ExitStatus> into_file(const Cid& cid, FileReader& reader, Session& session) const {
    Result<FileWriter> file = FileWriter::create(output_);
    if (!file) return std::move(file).error();
    std::uint64_t bytes = 0;
    const Status copied = reader.for_each_piece(stretch(), [&](ByteView part) {
      bytes += part.size();
      session.progress(
          {.phase = "cat", .done = bytes, .total = wanted(reader), .unit = ProgressUnit::kBytes});
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
