// pack, repack, rm, gc and clean: what needs the maintenance lock.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "options.h"
#include "packstore/dag.h"
#include "packstore/maintenance.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

ExitStatus status_of(std::span<const Finding> damaged) {
  return damaged.empty() ? ExitStatus::kOk : ExitStatus::kFindings;
}

class PackCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    add_ids_from_option(app, ids_.ids_from);
    app.add_option("--prefix", options_.id_prefix, "Only ids that begin so")->type_name("HEX");
    app.add_option("--match", options_.id_pattern, "Only ids in which the expression is found")
        ->type_name("REGEX");
    add_size_option(app, "--min-size", options_.size_min, "Only objects of at least this size");
    add_size_option(app, "--max-size", options_.size_max, "Only objects of at most this size");
    add_size_option(app, "--max-bytes", options_.bytes_max, "Stop before so much content");
    add_count_option(app, "--max-objects", options_.objects_max, "Stop after so many objects");
    add_compression_option(app, "--compress", compression_, "How to compress what is packed");
    add_threads_option(app, threads_, "Unlink loose copies on so many; default is 8");
    wait_.add_option(app);
  }

  Status prepare() override {
    options_.threads = static_cast<unsigned>(threads_);
    const Result<Compression> compression = compression_.parse();
    if (!compression) return compression.error();
    options_.compression = *compression;
    if (ids_.ids_from.empty()) return {};
    Result<std::vector<ObjectId>> ids = ids_.parse();
    if (!ids) return std::move(ids).error();
    options_.ids = std::move(*ids);
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<MaintenanceLock> lock = wait_.lock(store, "pack");
    if (!lock) return std::move(lock).error();
    options_.control = session.control();
    const Result<PackReport> done = lock->pack_loose(options_);
    if (!done) return done.error();

    Report report;
    report.count({"objects", "objects packed"}, done->objects);
    report.count({"already_packed", "packed before"}, done->already_packed);
    report.bytes({"content_bytes", "content"}, done->content_bytes);
    report.bytes({"stored_bytes", "in packs"}, done->stored_bytes);
    report.findings({"damaged", "damaged, left loose"}, done->damaged);
    report.print(session);
    return status_of(done->damaged);
  }

 private:
  IdWords ids_;
  PackOptions options_;
  // What a disk does side by side, whatever the number of processors.
  std::uint64_t threads_ = 8;
  CompressionWord compression_;
  LockWait wait_;
};

class RepackCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    const auto is_share = [](double ratio) { return ratio >= 0.0 && ratio <= 1.0; };
    app.add_option("--min-dead", options_.dead_ratio_min,
                   "Choose packs with at least this share of dead bytes")
        ->check([is_share](const std::string& word) {
          double ratio = 0;
          const bool is_valid = CLI::detail::lexical_cast(word, ratio) && is_share(ratio);
          return is_valid ? std::string() : "must be between 0 and 1: " + word;
        })
        ->type_name("RATIO");
    add_size_option(app, "--min-pack-bytes", options_.pack_bytes_min,
                    "Choose packs that are smaller; several become one");
    add_size_option(app, "--max-bytes", options_.bytes_max, "Copy no more live bytes than this");
    add_compression_option(app, "--codec", compression_, "Compress again what is copied");
    wait_.add_option(app);
  }

  Status prepare() override {
    if (!compression_.is_given()) return {};
    const Result<Compression> compression = compression_.parse();
    if (!compression) return compression.error();
    options_.compression = *compression;
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<MaintenanceLock> lock = wait_.lock(store, "repack");
    if (!lock) return std::move(lock).error();
    options_.control = session.control();
    const Result<RepackReport> done = lock->repack(options_);
    if (!done) return done.error();

    Report report;
    report.count({"", "packs rewritten"}, done->packs_rewritten.size());
    report.json("packs_rewritten", done->packs_rewritten);
    report.count({"", "packs left for damage"}, done->packs_damaged.size());
    report.json("packs_damaged", done->packs_damaged);
    report.count({"", "packs left in use"}, done->packs_in_use.size());
    report.json("packs_in_use", done->packs_in_use);
    report.count({"objects", "objects copied"}, done->objects);
    report.bytes({"bytes_before", "before"}, done->bytes_before);
    report.bytes({"bytes_after", "after"}, done->bytes_after);
    report.findings({"damaged", "damaged"}, done->damaged);
    report.print(session);
    return status_of(done->damaged);
  }

 private:
  RepackOptions options_;
  CompressionWord compression_;
  LockWait wait_;
};

class RmCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    add_id_options(app, words_);
    wait_.add_option(app);
  }

  Status prepare() override {
    Result<std::vector<ObjectId>> ids = words_.parse();
    if (!ids) return std::move(ids).error();
    ids_ = std::move(*ids);
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<MaintenanceLock> lock = wait_.lock(store, "rm");
    if (!lock) return std::move(lock).error();
    const Result<RemoveReport> done = lock->remove(ids_);
    if (!done) return done.error();

    Report report;
    report.count({"removed", "objects removed"}, done->removed);
    report.ids({"absent", "absent"}, done->absent);
    report.print(session);
    return done->absent.empty() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  IdWords words_;
  std::vector<ObjectId> ids_;
  LockWait wait_;
};

class GcCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_flag("--dry-run", is_dry_run_, "Say what would go, and remove nothing");
    app.add_flag("--skip-broken", skip_broken_,
                 "Go on behind absent and damaged nodes; what only they reach is removed");
    wait_.add_option(app);
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<MaintenanceLock> lock = wait_.lock(store, "gc");
    if (!lock) return std::move(lock).error();
    const Result<CollectReport> done =
        lock->collect({.children_of = object_links,
                       .mode = is_dry_run_ ? CollectMode::kDryRun : CollectMode::kRemove,
                       .broken_nodes = skip_broken_ ? BrokenNodes::kSkip : BrokenNodes::kRefuse,
                       .control = session.control()});
    if (!done) return done.error();

    Report report;
    report.json("dry_run", is_dry_run_);
    report.count({"reached", "objects reached"}, done->reached);
    report.count({"released", is_dry_run_ ? "would be released" : "objects released"},
                 done->released);
    report.count({"removed", is_dry_run_ ? "would be removed" : "objects removed"}, done->removed);
    report.bytes({"loose_bytes", "in loose files"}, done->loose_bytes);
    report.bytes({"packed_bytes", "in packs, until repack"}, done->packed_bytes);
    Json skipped = Json::array();
    for (const Error& error : done->skipped) {
      skipped.push_back(error.message);
      report.text({"", "skipped"}, printable(error.message));
    }
    report.json("skipped", std::move(skipped));
    report.print(session);
    return done->skipped.empty() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  bool is_dry_run_ = false;
  bool skip_broken_ = false;
  LockWait wait_;
};

class CleanCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { wait_.add_option(app); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Result<MaintenanceLock> lock = wait_.lock(store, "clean");
    if (!lock) return std::move(lock).error();
    const Result<CleanReport> done = lock->clean();
    if (!done) return done.error();

    Report report;
    report.count({"sandbox_files", "sandbox files"}, done->sandbox_files);
    report.count({"loose_redundant", "redundant loose copies"}, done->loose_redundant);
    report.count({"packs_dropped", "unreachable packs"}, done->packs_dropped);
    report.count({"tails_trimmed", "unfinished tails"}, done->tails_trimmed);
    report.bytes({"bytes_freed", "freed"}, done->bytes_freed);
    report.findings({"damaged", "damaged, loose copy kept"}, done->damaged);
    report.print(session);
    return status_of(done->damaged);
  }

 private:
  LockWait wait_;
};

}  // namespace

std::unique_ptr<Command> make_pack() { return std::make_unique<PackCommand>(); }
std::unique_ptr<Command> make_repack() { return std::make_unique<RepackCommand>(); }
std::unique_ptr<Command> make_rm() { return std::make_unique<RmCommand>(); }
std::unique_ptr<Command> make_gc() { return std::make_unique<GcCommand>(); }
std::unique_ptr<Command> make_clean() { return std::make_unique<CleanCommand>(); }

}  // namespace packstore::cli
