#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "exit_status.h"
#include "packstore/directory.h"
#include "text.h"

namespace packstore::cli {

namespace {

// More threads than this read no faster from any disk we know.
constexpr std::uint64_t kThreadsMax = 256;
// The longest wait that still fits into milliseconds, and long enough for anybody: a year.
constexpr std::uint64_t kWaitSecondsMax = 31'536'000;

CLI::Option* refuse_sign(CLI::Option* option) {
  const auto no_sign = [](const std::string& word) {
    return word.starts_with('-') ? "must not be negative: " + word : std::string();
  };
  return option->check(no_sign)->type_name("N");
}

CLI::Option* accept_units(CLI::Option* option) {
  // Both spellings of a unit mean powers of two, as everywhere in the program's output.
  return option->transform(CLI::AsSizeValue(false).description(""))->type_name("SIZE");
}

Result<Cid> parse_cid(const std::string& word) {
  Result<Cid> cid =
      word.size() == ObjectId::kHexSize ? Cid::of_object_text(word) : Cid::parse(word);
  if (cid) return cid;
  return fail(ErrorCode::kInvalidArgument, "{} is no CID: {}", quote(word), cid.error().message);
}

}  // namespace

void add_id_options(CLI::App& app, IdWords& words) {
  app.add_option("ids", words.ids, "Ids of objects")->type_name("ID");
  add_ids_from_option(app, words.ids_from);
}

CLI::Option* add_ids_from_option(CLI::App& app, std::string& ids_from) {
  return app
      .add_option("--ids-from", ids_from,
                  "A list of ids, one a line, '-' for standard input; what follows an id on its "
                  "line is ignored")
      ->type_name("FILE");
}

CLI::Option* add_size_option(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                             const std::string& help) {
  return accept_units(add_count_option(app, name, bytes, help));
}

CLI::Option* add_size_option(CLI::App& app, const std::string& name,
                             std::optional<std::uint64_t>& bytes, const std::string& help) {
  return accept_units(add_count_option(app, name, bytes, help));
}

CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::uint64_t& count,
                              const std::string& help) {
  return refuse_sign(app.add_option(name, count, help));
}

CLI::Option* add_count_option(CLI::App& app, const std::string& name,
                              std::optional<std::uint64_t>& count, const std::string& help) {
  return refuse_sign(app.add_option(name, count, help));
}

CLI::Option* add_threads_option(CLI::App& app, std::uint64_t& threads, const std::string& help) {
  return add_count_option(app, "--threads", threads, help)
      ->check(CLI::Range(std::uint64_t{1}, kThreadsMax).description(""));
}

Result<Compression> CompressionWord::parse() const {
  if (!is_given()) return Compression::none();
  return Compression::parse(text);
}

CLI::Option* add_compression_option(CLI::App& app, const std::string& name, CompressionWord& word,
                                    const std::string& help) {
  return app.add_option(name, word.text, help)->type_name("none|zlib[:N]|zstd[:N]|auto[:RATIO]");
}

void CidWord::add_option(CLI::App& app, const std::string& help) {
  app.add_option("cid", word_, help + ": a CID, or the id of an object without links")
      ->type_name("CID")
      ->required();
}

Status CidWord::prepare() {
  Result<Cid> cid = parse_cid(word_);
  if (!cid) return std::move(cid).error();
  cid_ = std::move(*cid);
  return {};
}

void PathWord::add_option(CLI::App& app, const std::string& help) {
  app.add_option("cid", word_,
                 help +
                     ": a CID, with '/NAME' for what is below a directory; or the id of an "
                     "object without links")
      ->type_name("CID[/PATH]")
      ->required();
}

Status PathWord::prepare() {
  const std::size_t slash = std::min(word_.find('/'), word_.size());
  Result<Cid> cid = parse_cid(word_.substr(0, slash));
  if (!cid) return std::move(cid).error();
  root_ = std::move(*cid);
  path_ = word_.substr(slash);
  return {};
}

Result<Cid> PathWord::resolve(const BlockStore& blocks) const {
  return resolve_path(blocks, *root_, path_);
}

void LockWait::add_option(CLI::App& app) {
  add_count_option(app, "--wait", seconds, "Wait so long for somebody else's maintenance")
      ->check(CLI::Range(std::uint64_t{0}, kWaitSecondsMax).description(""))
      ->type_name("SECONDS");
}

Result<MaintenanceLock> LockWait::lock(Store& store, const std::string& operation) const {
  LockOptions options;
  options.wait = std::chrono::seconds(seconds);
  options.operation = operation;
  return store.lock_maintenance(options);
}

}  // namespace packstore::cli
