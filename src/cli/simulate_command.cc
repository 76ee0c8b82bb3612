// simulate: what compaction policies cost, on paper.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "packstore/simulation.h"
#include "report.h"
#include "simulation_page.h"
#include "text.h"
#include "trace_file.h"

namespace packstore::cli {

namespace {

Json to_json(const SimulationResult& row) {
  return {{"workload", row.workload},
          {"policy", row.policy},
          {"flush", row.flush_mode == FlushMode::kMerged ? "merged" : "alone"},
          {"write_amp", row.write_amp},
          {"bound", row.bound},
          {"storage_amp", row.storage_amp},
          {"physical_amp", row.physical_amp},
          {"occ_uni", row.read_even.occupied},
          {"occ_hot", row.read_hot.occupied},
          {"cov_uni", row.read_even.covered},
          {"cov_hot", row.read_hot.covered},
          {"filt_uni", row.read_even.exact},
          {"filt_hot", row.read_hot.exact},
          {"read_p99", row.read_p99},
          {"read_history", row.read_history},
          {"peak", row.read_peak},
          {"files", row.files_written},
          {"files_left", row.files_left},
          {"layers_made", row.layers_made},
          {"layers_deleted", row.layers_deleted},
          {"deltas_left", row.deltas_left},
          {"images_left", row.images_left},
          {"replay_records", row.replay_records},
          {"replay_bytes", row.replay_bytes},
          {"replay_bytes_max", row.replay_bytes_max},
          {"wal_bytes", row.wal_bytes},
          {"records", row.records},
          {"flush_bytes", row.flush_bytes},
          {"merge_bytes", row.merge_bytes},
          {"image_bytes", row.image_bytes},
          {"reclaim_bytes", row.reclaim_bytes},
          {"embedded_bytes", row.embedded_bytes},
          {"single_input_bytes", row.single_input_bytes},
          {"compaction_read_amp", row.compaction_read_amp},
          {"occupancy_bytes", row.occupancy_bytes},
          {"live_over_ideal", row.live_over_ideal},
          {"file_size_p1", row.file_size_p1},
          {"file_size_p99", row.file_size_p99},
          {"cut_points", row.cut_points},
          {"perfect_cut_points", row.perfect_cut_points},
          {"seconds", row.seconds}};
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class SimulateCommand final : public Command {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("--workload", workloads_, "Of these only; default is all, or none with --trace")
        ->type_name("NAME")
        ->check(CLI::IsMember(workload_names()));
    app.add_option("--trace", trace_, "Replay a page write trace, as it is or compressed by xz")
        ->type_name("FILE");
    add_size_option(app, "--target", target_bytes_, "Bytes of a flush and of a file, with --trace");
    app.add_option("--scale", scale_, "Part of each workload's records and pages")
        ->type_name("SHARE")
        ->check(CLI::Range(1e-6, 1.0).description(""));
    add_count_option(app, "--seed", seed_, "What the workloads are drawn with");
    add_threads_option(app, threads_, "How many; default is one for each processor");
    app.add_option("--flush", flush_, "With cells: merged from memory where it is due, or alone")
        ->check(CLI::IsMember({"merged", "alone"}).description(""))
        ->type_name("HOW");
    add_size_option(app, "--holes", hole_bytes_, "Bytes of a block that files give back; 0: never");
    app.add_option("--report", page_, "Write a page with the table, charts and moving pictures")
        ->type_name("FILE.html");
  }

  Status prepare() override {
    if (target_bytes_ && trace_.empty()) {
      return Error{ErrorCode::kInvalidArgument, "--target goes with --trace"};
    }
    if (target_bytes_ && *target_bytes_ == 0) {
      return Error{ErrorCode::kInvalidArgument, "--target 0: a flush holds at least a byte"};
    }
    return {};
  }

  Result<ExitStatus> run(Session& session) override {
    SuiteRecorder recorder;
    const Result<std::vector<SimulationResult>> rows = simulate_all(session, recorder);
    if (!rows) return refuse_or_give_up(rows.error(), session);
    if (!page_.empty()) {
      const auto recordings = std::move(recorder).take();
      const std::string page = draw_simulation_page(
          {.title = "Compaction policies compared", .rows = *rows, .recordings = recordings});
      if (const Status written = write_file(page_, page); !written) {
        return refuse_or_give_up(written.error(), session);
      }
    }
    print(*rows, session);
    note_rate(*rows, session);
    return ExitStatus::kOk;
  }

 private:
  // Nothing here is a question that "not found" would answer.
  static Result<ExitStatus> refuse_or_give_up(const Error& error, Session& session) {
    if (error.code == ErrorCode::kInvalidArgument) return error;
    return session.give_up(error);
  }

  Result<std::vector<SimulationResult>> simulate_all(Session& session, SuiteRecorder& recorder) {
    SuiteOptions options;
    options.workloads = workloads_;
    options.scale = scale_;
    options.seed = seed_;
    options.flush_mode = flush_ == "merged" ? FlushMode::kMerged : FlushMode::kAlone;
    options.hole_bytes = hole_bytes_;
    options.threads = static_cast<unsigned>(
        threads_ != 0 ? threads_ : std::max(1U, std::thread::hardware_concurrency()));
    options.clock = seconds_now;
    options.control = session.control();
    if (!page_.empty()) {
      options.on_flush = [&recorder](std::string_view workload, std::string_view policy,
                                     const SimulatedMoment& moment) {
        recorder.note(workload, policy, moment);
      };
    }
    if (trace_.empty()) return run_suite(options);
    const Result<WriteHistory> history = read_trace();
    if (!history) return history.error();
    options.traces = {&*history};
    return run_suite(options);
  }

  Result<WriteHistory> read_trace() const {
    const Result<Bytes> content = read_trace_file(trace_);
    if (!content) return content.error();
    TraceOptions options;
    options.name = std::filesystem::path(trace_).filename().string();
    if (target_bytes_) options.file_bytes = *target_bytes_;
    return WriteHistory::from_trace(*content, options);
  }

  static void print(std::span<const SimulationResult> rows, Session& session) {
    if (!session.as_json()) return session.out().write(print_suite(rows));
    JsonList list(session.out());
    for (const SimulationResult& row : rows) list.add(to_json(row));
    list.close();
  }

  // Beside the table, which is the same for the same seed.
  static void note_rate(std::span<const SimulationResult> rows, Session& session) {
    std::uint64_t records = 0;
    double seconds = 0;
    for (const SimulationResult& row : rows) {
      records += row.records;
      seconds += row.seconds;
    }
    if (seconds <= 0) return;
    session.note(fmt::format("{} rows, {:.1f} million records a second and thread, all checked",
                             rows.size(), static_cast<double>(records) / seconds / 1e6));
  }

  std::vector<std::string> workloads_;
  std::string trace_;
  std::optional<std::uint64_t> target_bytes_;
  double scale_ = 1;
  std::uint64_t seed_ = 1;
  std::uint64_t threads_ = 0;
  std::string flush_ = "merged";
  std::uint64_t hole_bytes_ = 4096;
  std::string page_;
};

}  // namespace

std::unique_ptr<Command> make_simulate() { return std::make_unique<SimulateCommand>(); }

}  // namespace packstore::cli
