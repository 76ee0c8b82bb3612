// add: files become chunks under a root.
//   1. Every name is looked at before anything is stored.
//   2. All files go into one batch: chunks that they share are stored once.
//   3. Nothing is printed before the commit made everything durable.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "packstore/file.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

class AddCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("files", names_, "Files, '-' for standard input")->type_name("FILE")->required();
    app.add_option("--profile", profile_word_,
                   "native (default), unixfs-v1-2025 or unixfs-v0-2015: nodes, layout and chunker")
        ->type_name("NAME");
    app.add_option("--chunker", chunker_word_,
                   "Instead of the profile's: fixed, gear, fastcdc or native, with ':AVERAGE' or "
                   "':MIN-AVERAGE-MAX' in bytes")
        ->type_name("SPEC");
    add_count_option(app, "--threads", threads_, "Share the work among so many")
        ->check(CLI::Range(std::uint64_t{1}, kThreadsMax).description(""));
    add_compression_option(app, "--compress", compression_word_, "How to compress the chunks");
  }

  Status prepare() override {
    const Result<Compression> compression = compression_word_.parse();
    if (!compression) return compression.error();
    compression_ = *compression;
    Result<FileProfile> profile = FileProfile::named(profile_word_);
    if (!profile) return std::move(profile).error();
    profile_ = std::move(*profile);
    if (!chunker_word_.empty()) {
      const Result<ChunkerSpec> chunker = ChunkerSpec::parse(chunker_word_);
      if (!chunker) return chunker.error();
      profile_.chunker = *chunker;
    }
    bool has_standard_input = false;
    for (const std::string& name : names_) {
      if (name == kStandardStream && std::exchange(has_standard_input, true)) {
        return fail(ErrorCode::kInvalidArgument, "standard input can be added only once");
      }
      if (name == kStandardStream) continue;
      if (const Result<FileSource> source = FileSource::open(name); !source) {
        return source.error();
      }
    }
    return profile_.check();
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    StoreBlocks blocks(store, {.compression = compression_});
    std::vector<FileRoot> roots;
    for (const std::string& name : names_) {
      Result<FileSource> source = FileSource::open(name);
      if (!source) return std::move(source).error();
      std::error_code unknown;
      const std::uintmax_t size = fs::file_size(name, unknown);
      Result<FileRoot> root = write_file(blocks, *source,
                                         {.profile = profile_,
                                          .threads = static_cast<unsigned>(threads_),
                                          .bytes_expected = unknown ? 0 : size,
                                          .control = session.control()});
      if (!root) return std::move(root).error();
      roots.push_back(std::move(*root));
    }
    const Result<BatchReport> committed = blocks.commit();
    if (!committed) return committed.error();

    JsonList list(session.out());
    for (std::size_t i = 0; i < names_.size(); ++i) print(names_[i], roots[i], session, list);
    if (session.as_json()) list.close();
    if (const Status written = session.out().status(); !written) return written.error();
    return ExitStatus::kOk;
  }

 private:
  static void print(const std::string& name, const FileRoot& root, Session& session,
                    JsonList& list) {
    if (session.as_json()) {
      list.add({{"cid", root.cid.to_text()},
                {"name", name},
                {"size", root.size},
                {"chunks", root.chunks},
                {"nodes", root.nodes}});
      return;
    }
    const LineName shown = line_name(name);
    session.out().line(
        fmt::format("{}{}  {}", shown.is_escaped ? "\\" : "", root.cid.to_text(), shown.text));
  }

  static constexpr std::uint64_t kThreadsMax = 256;

  std::vector<std::string> names_;
  std::string profile_word_ = "native";
  std::string chunker_word_;
  std::uint64_t threads_ = 1;
  CompressionWord compression_word_;
  Compression compression_;
  FileProfile profile_;
};

}  // namespace

std::unique_ptr<Command> make_add() { return std::make_unique<AddCommand>(); }

}  // namespace packstore::cli
