// validate: report all damage, and on request move it aside.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "commands.h"
#include "options.h"
#include "report.h"

namespace packstore::cli {

namespace {

class ValidateCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    add_threads_option(app, threads_, "How many; default is one for each processor");
    app.add_flag("--no-rehash", skip_content_, "Headers, sizes and index only: read no content");
    app.add_flag("--repair", repair_, "Move damaged things to quarantine/ in the store");
    wait_.add_option(app);
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    ValidateOptions options;
    options.threads = static_cast<unsigned>(
        threads_ != 0 ? threads_ : std::max(1U, std::thread::hardware_concurrency()));
    options.rehash_content = !skip_content_;
    options.control = session.control();
    const Result<ValidationReport> found = store.validate(options);
    if (!found) return found.error();

    Report report;
    report.text({"", "result"}, found->is_valid() ? "valid" : "damaged");
    report.json("valid", found->is_valid());
    report.count({"objects", "objects"}, found->objects);
    report.bytes({"content_bytes", "content hashed"}, found->content_bytes);
    report.count({"packs", "packs"}, found->packs);
    report.findings({"findings", "damage"}, found->findings);
    if (repair_ && !found->is_valid()) {
      const Status repaired = add_repair(store, *found, report);
      if (!repaired) return repaired.error();
    }
    report.print(session);
    // Repaired damage is still a finding: the next validate says whether any is left.
    return found->is_valid() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  Status add_repair(Store& store, const ValidationReport& found, Report& report) const {
    Result<MaintenanceLock> lock = wait_.lock(store, "repair");
    if (!lock) return std::move(lock).error();
    const Result<RepairReport> done = lock->repair(found);
    if (!done) return done.error();
    report.count({"moved_aside", "moved to quarantine"}, done->moved_aside);
    report.count({"rows_dropped", "index rows dropped"}, done->rows_dropped);
    report.count({"rows_added", "index rows added"}, done->rows_added);
    report.ids({"lost", "lost"}, done->lost);
    return {};
  }

  std::uint64_t threads_ = 0;
  bool skip_content_ = false;
  bool repair_ = false;
  LockWait wait_;
};

}  // namespace

std::unique_ptr<Command> make_validate() { return std::make_unique<ValidateCommand>(); }

}  // namespace packstore::cli
