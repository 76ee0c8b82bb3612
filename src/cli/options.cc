// How a word becomes a CID:
//   1. A CID, or the 64 digits of an id, says itself what it is.
//   2. Otherwise it is the name of a ref, or begins with one: the longest of them is meant.
//   3. The ref has an id and a kind, which make a CID.
#include "options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <system_error>

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

struct Limits {
  std::uint64_t min;
  std::uint64_t max;
};

// The parser's own check would call a fraction out of range.
CLI::Option* limit(CLI::Option* option, const Limits& limits) {
  return option->check([limits](const std::string& word) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool is_whole = error == std::errc() && end == word.data() + word.size();
    if (is_whole && limits.min <= number && number <= limits.max) return std::string();
    return fmt::format("must be a whole number from {} to {}: {}", limits.min, limits.max, word);
  });
}

CLI::Option* accept_units(CLI::Option* option) {
  // Both spellings of a unit mean powers of two, as everywhere in the program's output.
  return option->transform(CLI::AsSizeValue(false).description(""))->type_name("SIZE");
}

Result<Cid> parse_cid(std::string_view word) {
  return word.size() == ObjectId::kHexSize ? Cid::of_object_text(word) : Cid::parse(word);
}

// nullopt also where no ref can be called `name`.
Result<std::optional<Cid>> find_target(const Store& store, std::string_view name) {
  const Result<std::optional<Ref>> ref = find_ref(store, name);
  if (!ref && ref.error().code != ErrorCode::kInvalidArgument) return ref.error();
  return ref && *ref ? std::optional(Cid::of((*ref)->kind, (*ref)->id)) : std::nullopt;
}

Error no_cid(std::string_view word, const Error& error) {
  return fail(ErrorCode::kInvalidArgument, "{} is neither a CID nor a ref: {}", quote(word),
              error.message);
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
  return limit(add_count_option(app, "--threads", threads, help), {.min = 1, .max = kThreadsMax});
}

Result<Compression> CompressionWord::parse() const {
  if (!is_given()) return Compression::none();
  return Compression::parse(text);
}

CLI::Option* add_compression_option(CLI::App& app, const std::string& name, CompressionWord& word,
                                    const std::string& help) {
  return app.add_option(name, word.text, help)->type_name("none|zlib[:N]|zstd[:N]|auto[:RATIO]");
}

Result<std::optional<Ref>> find_ref(const Store& store, std::string_view name) {
  const Refs refs = store.refs();
  const Result<std::optional<ObjectId>> id = refs.find(name);
  if (!id) return id.error();
  if (!*id) return std::optional<Ref>();
  // Only a list says the kinds. Names that go on after this one come behind it.
  Result<std::vector<Ref>> list = refs.list(name);
  if (!list) return std::move(list).error();
  if (list->empty() || list->front().name != name) return std::optional<Ref>();
  return std::optional(std::move(list->front()));
}

void CidWord::add_option(CLI::App& app, const std::string& help) {
  app.add_option("cid", word_,
                 help + ": a CID, the id of an object without links, or the name of a ref")
      ->type_name("CID")
      ->required();
}

Result<Cid> CidWord::resolve(const Store& store) const {
  Result<Cid> cid = parse_cid(word_);
  if (cid) return cid;
  Result<std::optional<Cid>> target = find_target(store, word_);
  if (!target) return std::move(target).error();
  if (!*target) return no_cid(word_, cid.error());
  return std::move(**target);
}

void PathWord::add_option(CLI::App& app, const std::string& help) {
  app.add_option("cid", word_,
                 help +
                     ": a CID, the id of an object without links, or the name of a ref, with "
                     "'/NAME' for what is below a directory")
      ->type_name("CID[/PATH]")
      ->required();
}

Result<Cid> PathWord::resolve(const Store& store, const BlockStore& blocks) const {
  const std::string_view word = word_;
  const std::string_view first = word.substr(0, word.find('/'));
  const Result<Cid> cid = parse_cid(first);
  if (cid) return resolve_path(blocks, *cid, word.substr(first.size()));
  for (std::size_t end = word.size(); end != std::string_view::npos && end != 0;
       end = word.rfind('/', end - 1)) {
    const Result<std::optional<Cid>> target = find_target(store, word.substr(0, end));
    if (!target) return target.error();
    if (*target) return resolve_path(blocks, **target, word.substr(end));
  }
  return no_cid(word, cid.error());
}

void LockWait::add_option(CLI::App& app) {
  limit(add_count_option(app, "--wait", seconds, "Wait so long for somebody else's maintenance"),
        {.min = 0, .max = kWaitSecondsMax})
      ->type_name("SECONDS");
}

Result<MaintenanceLock> LockWait::lock(Store& store, const std::string& operation) const {
  LockOptions options;
  options.wait = std::chrono::seconds(seconds);
  options.operation = operation;
  return store.lock_maintenance(options);
}

}  // namespace packstore::cli
