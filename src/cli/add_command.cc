// add: files become chunks under a root, directories nodes above them.
//   1. Every name is looked at, down to the last file, before anything is stored.
//   2. All of it goes into one batch: chunks that files share are stored once. What is in a
//      directory is stored before the directory.
//   3. Nothing is printed before the commit made everything durable.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <system_error>

#include "commands.h"
#include "files.h"
#include "found_file.h"
#include "options.h"
#include "packstore/directory.h"
#include "packstore/file.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

// A shorter file ends before a second thread has begun.
constexpr std::uint64_t kBytesForThreadsMin = 4 << 20;

struct AddedRoot {
  Cid cid;
  std::uint64_t encoded_size = 0;
  // Of the file, or of all below the directory.
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;
  std::uint64_t nodes = 0;
  std::uint64_t files = 0;
};

class Adder {
 public:
  Adder(StoreBlocks& blocks, WriteFileOptions options, DirectoryProfile directories)
      : blocks_(blocks), options_(std::move(options)), directories_(std::move(directories)) {
    watch_ = options_.control.on_progress;
  }

  // Calls itself once a directory on the way down.
  Result<AddedRoot> add(const FoundFile& found) {
    switch (found.type) {
      case FoundFile::Type::kDirectory:
        return add_directory(found);
      case FoundFile::Type::kSymlink:
        return add_symlink(found);
      case FoundFile::Type::kFile:
        break;
    }
    return add_file(found);
  }

  void expect(std::uint64_t bytes) { bytes_expected_ = bytes; }

 private:
  Result<AddedRoot> add_file(const FoundFile& found) {
    Result<FileSource> source = FileSource::open(found.path.string());
    if (!source) return std::move(source).error();
    WriteFileOptions options = options_;
    const bool is_short = found.size != 0 && found.size < kBytesForThreadsMin;
    if (is_short) options.threads = 1;
    options.control.on_progress = [this](Progress progress) {
      progress.done += bytes_done_;
      progress.total = bytes_expected_;
      if (watch_) watch_(progress);
    };
    const Result<FileRoot> root = write_file(blocks_, *source, options);
    if (!root) return fail(root.error().code, "{}: {}", found.path.string(), root.error().message);
    bytes_done_ += root->size;
    return AddedRoot{root->cid, root->encoded_size, root->size, root->chunks, root->nodes, 1};
  }

  Result<AddedRoot> add_symlink(const FoundFile& found) {
    std::error_code error;
    const fs::path target = fs::read_symlink(found.path, error);
    if (error) return system_error(found.path.string(), "read the link", error.value());
    const Result<DirectoryRoot> root = write_symlink(blocks_, target.string(), directories_);
    if (!root) return fail(root.error().code, "{}: {}", found.path.string(), root.error().message);
    return AddedRoot{.cid = root->cid, .encoded_size = root->encoded_size, .nodes = 1};
  }

  Result<AddedRoot> add_directory(const FoundFile& found) {
    AddedRoot sum{.cid = Cid::of(NodeKind::kDagPb, {})};
    std::vector<DirectoryEntry> entries;
    entries.reserve(found.entries.size());
    for (const FoundFile& each : found.entries) {
      Result<AddedRoot> root = add(each);
      if (!root) return root;
      entries.push_back({each.name(), std::move(root->cid), root->encoded_size});
      sum.size += root->size;
      sum.chunks += root->chunks;
      sum.nodes += root->nodes;
      sum.files += root->files;
    }
    Result<DirectoryRoot> root = write_directory(blocks_, entries, directories_);
    if (!root) return fail(root.error().code, "{}: {}", found.path.string(), root.error().message);
    sum.cid = std::move(root->cid);
    sum.encoded_size = root->encoded_size;
    sum.nodes += root->nodes;
    return sum;
  }

  StoreBlocks& blocks_;
  WriteFileOptions options_;
  DirectoryProfile directories_;
  std::function<void(const Progress&)> watch_;
  std::uint64_t bytes_expected_ = 0;
  std::uint64_t bytes_done_ = 0;
};

class AddCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("files", names_, "Files and directories, '-' for standard input")
        ->type_name("FILE")
        ->required();
    app.add_option("--profile", profile_word_,
                   "native (default), unixfs-v1-2025 or unixfs-v0-2015: nodes, layout and chunker")
        ->type_name("NAME");
    app.add_option("--chunker", chunker_word_,
                   "Instead of the profile's: fixed, gear, fastcdc or native, with ':AVERAGE' or "
                   "':MIN-AVERAGE-MAX' in bytes")
        ->type_name("SPEC");
    add_threads_option(app, threads_, "Share the work among so many");
    add_compression_option(app, "--compress", compression_word_, "How to compress the chunks");
  }

  Status prepare() override {
    const Result<Compression> compression = compression_word_.parse();
    if (!compression) return compression.error();
    compression_ = *compression;
    Result<FileProfile> profile = FileProfile::named(profile_word_);
    if (!profile) return std::move(profile).error();
    profile_ = std::move(*profile);
    Result<DirectoryProfile> directories = DirectoryProfile::named(profile_word_);
    if (!directories) return std::move(directories).error();
    directories_ = std::move(*directories);
    if (!chunker_word_.empty()) {
      const Result<ChunkerSpec> chunker = ChunkerSpec::parse(chunker_word_);
      if (!chunker) return chunker.error();
      profile_.chunker = *chunker;
    }
    if (std::ranges::count(names_, kStandardStream) > 1) {
      return fail(ErrorCode::kInvalidArgument, "standard input can be added only once");
    }
    return profile_.check();
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<std::vector<FoundFile>> found = find_all(session);
    if (!found) return std::move(found).error();
    StoreBlocks blocks(store, {.compression = compression_});
    Adder adder(blocks,
                {.profile = profile_,
                 .threads = static_cast<unsigned>(threads_),
                 .control = session.control()},
                directories_);
    std::uint64_t bytes = 0;
    for (const FoundFile& each : *found) bytes += each.size;
    adder.expect(bytes);
    std::vector<AddedRoot> roots;
    for (const FoundFile& each : *found) {
      Result<AddedRoot> root = adder.add(each);
      if (!root) return std::move(root).error();
      roots.push_back(std::move(*root));
    }
    const Result<BatchReport> committed = blocks.commit();
    if (!committed) return committed.error();

    JsonList list(session.out());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      print(names_[i], (*found)[i].type, roots[i], session, list);
    }
    if (session.as_json()) list.close();
    if (const Status written = session.out().status(); !written) return written.error();
    return ExitStatus::kOk;
  }

 private:
  Result<std::vector<FoundFile>> find_all(Session& session) const {
    const Result<fs::path> store = session.store_path();
    if (!store) return store.error();
    std::vector<FoundFile> all;
    for (const std::string& name : names_) {
      if (name == kStandardStream) {
        all.push_back({.path = name});
        continue;
      }
      Result<FoundFile> found = find_files(name, *store);
      if (!found) return std::move(found).error();
      all.push_back(std::move(*found));
    }
    return all;
  }

  static void print(const std::string& name, FoundFile::Type type, const AddedRoot& root,
                    Session& session, JsonList& list) {
    if (session.as_json()) {
      Json facts = {{"cid", root.cid.to_text()},
                    {"name", name},
                    {"size", root.size},
                    {"chunks", root.chunks},
                    {"nodes", root.nodes}};
      if (type == FoundFile::Type::kDirectory) facts["files"] = root.files;
      list.add(facts);
      return;
    }
    const LineName shown = line_name(name);
    session.out().line(
        fmt::format("{}{}  {}", shown.is_escaped ? "\\" : "", root.cid.to_text(), shown.text));
  }

  std::vector<std::string> names_;
  std::string profile_word_ = "native";
  std::string chunker_word_;
  std::uint64_t threads_ = 1;
  CompressionWord compression_word_;
  Compression compression_;
  FileProfile profile_;
  DirectoryProfile directories_;
};

}  // namespace

std::unique_ptr<Command> make_add() { return std::make_unique<AddCommand>(); }

}  // namespace packstore::cli
