// car export, car import: DAGs as files that other programs read.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "packstore/car.h"
#include "report.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

class CarExportCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    cid_.add_option(app, "The root of what is exported");
    app.add_option("-o,--output", output_, "Instead of standard output")->type_name("FILE");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store);
    const Result<Cid> root = cid_.resolve(store);
    if (!root) return root.error();
    if (!output_.empty() && output_ != kStandardStream) return into_file(blocks, *root, session);
    if (session.as_json()) {
      return fail(ErrorCode::kInvalidArgument,
                  "--json: standard output is for the CAR; name a file with -o");
    }
    const auto print = [&session](ByteView part) {
      session.out().write(part);
      return session.out().status();
    };
    const Result<CarExport> done = export_car(blocks, *root, print, {.control = session.control()});
    if (!done) return done.error();
    return ExitStatus::kOk;
  }

 private:
  // The file appears when it is whole.
  Result<ExitStatus> into_file(const BlockStore& blocks, const Cid& root, Session& session) const {
    Result<FileWriter> file = FileWriter::create(output_);
    if (!file) return std::move(file).error();
    const auto write = [&file](ByteView part) { return file->write(part); };
    const Result<CarExport> done = export_car(blocks, root, write, {.control = session.control()});
    if (!done) return done.error();
    if (const Status finished = file->finish(); !finished) return finished.error();

    Report report;
    report.text({"root", "root"}, root.to_text());
    report.text({"file", "file"}, output_);
    report.count({"blocks", "blocks"}, done->blocks);
    report.bytes({"block_bytes", "content of blocks"}, done->block_bytes);
    report.bytes({"file_bytes", "written"}, done->file_bytes);
    report.print(session);
    return ExitStatus::kOk;
  }

  CidWord cid_;
  std::string output_;
};

class CarImportCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("file", file_, "A CAR of version 1 or 2, '-' for standard input")
        ->type_name("FILE")
        ->required();
    app.add_flag("--incomplete", keeps_incomplete_,
                 "Keep the blocks also where the file was cut or blocks are missing");
    add_compression_option(app, "--compress", compression_word_, "How to compress the blocks");
  }

  Status prepare() override {
    const Result<Compression> compression = compression_word_.parse();
    if (!compression) return compression.error();
    compression_ = *compression;
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<FileSource> source = FileSource::open(file_);
    if (!source) return std::move(source).error();
    StoreBlocks blocks(store, {.compression = compression_});
    const Result<CarImport> done = import_car(
        blocks, *source, {.bytes_expected = size_of_file(), .control = session.control()});
    if (!done) return fail(done.error().code, "{}: {}", file_, done.error().message);
    const bool keeps = done->is_whole() || keeps_incomplete_;
    Report report = describe(*done, keeps);
    if (keeps) {
      const Result<BatchReport> committed = blocks.commit();
      if (!committed) return committed.error();
      report.count({"objects", "new objects"}, committed->objects);
      report.bytes({"stored_bytes", "stored as"}, committed->stored_bytes);
    }
    report.print(session);
    return done->is_whole() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  // 0 where nobody knows it.
  std::uint64_t size_of_file() const {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file_, error);
    return error ? 0 : size;
  }

  static Report describe(const CarImport& done, bool keeps) {
    Report report;
    report.text({"", "result"}, done.is_whole() ? "whole"
                                : keeps         ? "incomplete, kept"
                                                : "incomplete, nothing kept");
    report.json("whole", done.is_whole());
    report.json("kept", keeps);
    report.count({"version", "version"}, done.version);
    report.cids({"roots", "root"}, done.roots);
    report.count({"blocks", "blocks"}, done.blocks);
    report.bytes({"block_bytes", "content of blocks"}, done.block_bytes);
    if (done.cut_off_at) report.count({"cut_off_at", "cut off at byte"}, *done.cut_off_at);
    report.count({"faults", "faults"}, done.faults);
    report.faults({"listed", "fault"}, done.listed);
    return report;
  }

  std::string file_;
  bool keeps_incomplete_ = false;
  CompressionWord compression_word_;
  Compression compression_;
};

}  // namespace

std::unique_ptr<Command> make_car_export() { return std::make_unique<CarExportCommand>(); }
std::unique_ptr<Command> make_car_import() { return std::make_unique<CarImportCommand>(); }

}  // namespace packstore::cli
