// init, backup and recover: whole stores.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "packstore/backup.h"
#include "report.h"

namespace packstore::cli {

namespace fs = std::filesystem;

namespace {

class InitCommand final : public Command {
 public:
  void add_options(CLI::App& app) override {
    app.add_flag("--umask", follow_umask_,
                 "Permissions as the umask says, instead of for the owner only");
    app.add_flag("--reference-counts", counts_references_,
                 "Count what points at each object: what has lost its last reference goes at once");
  }

  Result<ExitStatus> run(Session& session) override {
    const Result<fs::path> path = session.store_path();
    if (!path) return path.error();
    CreateOptions options;
    options.permissions = follow_umask_ ? Permissions::kUmask : Permissions::kPrivate;
    if (counts_references_) options.reference_counts = ReferenceCounts::kExact;
    const Result<Store> store = Store::create(*path, options);
    if (!store) return session.give_up(store.error());

    Report report;
    report.text({"path", "created"}, store->path().string());
    report.text({"uuid", "uuid"}, store->uuid());
    report.print(session);
    return ExitStatus::kOk;
  }

 private:
  bool follow_umask_ = false;
  bool counts_references_ = false;
};

class BackupCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("destination", destination_,
                   "A new or empty directory, or an earlier backup of this store")
        ->required()
        ->type_name("DEST");
    app.add_option("--previous", previous_,
                   "An earlier backup, whose files are shared instead of copied")
        ->type_name("DIR");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    BackupOptions options;
    if (!previous_.empty()) options.previous = previous_;
    options.control = session.control();
    const Result<BackupReport> done = store.backup(destination_, options);
    if (!done) return session.give_up(done.error());

    Report report;
    report.text({"destination", "backup in"}, destination_);
    report.count({"packs_copied", "packs copied"}, done->packs_copied);
    report.count({"packs_reused", "packs reused"}, done->packs_reused);
    report.count({"loose_copied", "loose objects copied"}, done->loose_copied);
    report.count({"loose_reused", "loose objects reused"}, done->loose_reused);
    report.bytes({"bytes_copied", "copied"}, done->bytes_copied);
    report.findings({"damaged", "damage"}, done->damaged);
    report.print(session);
    return done->damaged.empty() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  std::string destination_;
  std::string previous_;
};

class RecoverCommand final : public Command {
 public:
  void add_options(CLI::App& app) override {
    app.add_flag("--no-heads", skip_heads_,
                 "Do not read all content for what lost refs may have pointed at");
  }

  Result<ExitStatus> run(Session& session) override {
    const Result<fs::path> path = session.store_path();
    if (!path) return path.error();
    RecoverOptions options;
    options.find_candidate_heads = !skip_heads_;
    options.control = session.control();
    const Result<RecoveryReport> done = Store::recover(*path, options);
    if (!done) return session.give_up(done.error());

    print(*done, session);
    // Refs are what packs cannot give back: losing any is a finding.
    const bool is_whole =
        !has_damage(done->findings) && done->refs_dropped.empty() && !done->refs_lost;
    return is_whole ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  static void print(const RecoveryReport& done, Session& session) {
    Report report;
    report.count({"packs", "packs"}, done.packs);
    report.count({"packed_objects", "packed objects"}, done.packed_objects);
    report.count({"loose_objects", "loose objects"}, done.loose_objects);
    report.refs({"refs_kept", "ref kept"}, done.refs_kept);
    report.refs({"refs_dropped", "ref dropped"}, done.refs_dropped);
    report.json("refs_lost", done.refs_lost);
    if (done.refs_lost) {
      const bool is_all = done.refs_kept.empty() && done.refs_dropped.empty();
      report.text({"", "refs"}, is_all ? "lost: the old index could not be read"
                                       : "some lost: the old index could be read in part");
    }
    report.ids({"candidate_heads", "candidate head"}, done.candidate_heads);
    report.findings({"findings", "damage"}, done.findings);
    report.text({"old_index", done.old_index.empty() ? "" : "old index moved to"}, done.old_index);
    report.print(session);
  }

  bool skip_heads_ = false;
};

}  // namespace

std::unique_ptr<Command> make_init() { return std::make_unique<InitCommand>(); }
std::unique_ptr<Command> make_backup() { return std::make_unique<BackupCommand>(); }
std::unique_ptr<Command> make_recover() { return std::make_unique<RecoverCommand>(); }

}  // namespace packstore::cli
