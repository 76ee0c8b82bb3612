// chunk: where a file would be cut, for tools. Needs no store.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "files.h"
#include "packstore/chunker.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

// Chunkers scan a view of some megabytes fastest.
constexpr std::size_t kViewBytesMin = std::size_t{4} << 20;

class ChunkCommand final : public Command {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("file", name_, "A file, '-' for standard input")->type_name("FILE")->required();
    app.add_option("--chunker", chunker_word_,
                   "fixed, gear, fastcdc or native, then [:AVERAGE] or [:MIN-AVERAGE-MAX], "
                   "[:level=N], [:seed=N]; or xet")
        ->type_name("CHUNKER")
        ->capture_default_str();
  }

  Status prepare() override {
    const Result<ChunkerSpec> spec = ChunkerSpec::parse(chunker_word_);
    if (!spec) return spec.error();
    Result<std::unique_ptr<Chunker>> chunker = make_chunker(*spec);
    if (!chunker) return std::move(chunker).error();
    chunker_ = std::move(*chunker);
    return {};
  }

  Result<ExitStatus> run(Session& session) override {
    JsonList list(session.out());
    const Status done = print_chunks(session, list);
    if (session.as_json()) list.close();
    if (!done) return done.error();
    return ExitStatus::kOk;
  }

 private:
  Status print_chunks(Session& session, JsonList& list) const {
    Result<FileSource> source = FileSource::open(name_);
    if (!source) return std::move(source).error();
    Bytes buffer(
        std::max<std::size_t>(kViewBytesMin, 2 * std::size_t{chunker_->chunk_bytes_max()}));
    std::vector<std::uint32_t> lengths;
    std::uint64_t offset = 0;
    std::size_t filled = 0;
    for (InputEnd end = InputEnd::kMore; end == InputEnd::kMore;) {
      const Result<std::size_t> count = source->read(std::span(buffer).subspan(filled));
      if (!count) return count.error();
      filled += *count;
      if (*count == 0) end = InputEnd::kLast;
      if (end == InputEnd::kMore && filled < buffer.size()) continue;

      lengths.clear();
      const ByteView view(buffer.data(), filled);
      const std::size_t covered = chunker_->cut(view, end, lengths);
      print(view, lengths, offset, session, list);
      if (const Status written = session.out().status(); !written) return written.error();
      std::copy(view.begin() + static_cast<std::ptrdiff_t>(covered), view.end(), buffer.begin());
      filled -= covered;
      offset += covered;
      session.progress({.phase = "chunk", .done = offset, .unit = ProgressUnit::kBytes});
    }
    return {};
  }

  static void print(ByteView view, const std::vector<std::uint32_t>& lengths, std::uint64_t offset,
                    Session& session, JsonList& list) {
    for (const std::uint32_t length : lengths) {
      const std::string hex = ObjectId::of(view.first(length)).to_hex();
      if (session.as_json()) {
        list.add({{"offset", offset}, {"length", length}, {"hash", hex}});
      } else {
        session.out().line(fmt::format("{} {} {}", offset, length, hex));
      }
      view = view.subspan(length);
      offset += length;
    }
  }

  std::string name_;
  std::string chunker_word_ = ChunkerSpec{}.to_text();
  std::unique_ptr<Chunker> chunker_;
};

}  // namespace

std::unique_ptr<Command> make_chunk() { return std::make_unique<ChunkCommand>(); }

}  // namespace packstore::cli
