// 1. Each scenario runs once and leaves its moments.
// 2. Threads take one moment after the other, round after round over all of them: the first round
//    with the ways that know no chance, each one with its own seed.
// 3. Each cut is counted. What it leaves is examined if no earlier cut left the same under the same
//    promises: a disk and the promises about it decide everything that can follow.
// 4. Most examinations end as soon as the reopened store is in a state that was examined before.
// 5. Of some images the moments of the reopening are kept and cut in the same way.
#include "crash/crash_matrix.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace packstore::crash {
namespace {

using Clock = std::chrono::steady_clock;

// Of so many images one is looked at thoroughly, and of so many one has its reopening cut as well.
constexpr std::uint64_t kThoroughEvery = 8;
constexpr std::uint64_t kSecondCutEvery = 16;

// A scenario with its moments, and what was counted of it so far.
struct Work {
  explicit Work(Scenario of) : scenario(std::move(of)) {}
  const Scenario scenario;
  std::vector<Moment> moments = {};
  DigestSet images = {};
  DigestSet states = {};
  std::atomic<std::uint64_t> cuts = 0;
  std::atomic<std::uint64_t> images_seen = 0;
  std::atomic<std::uint64_t> nanoseconds = 0;
  std::atomic<std::uint64_t> violations = 0;
};

class Matrix {
 public:
  Matrix(const MatrixOptions& options, const OnViolation& on_violation)
      : options_(options), on_violation_(on_violation) {
    for (Scenario& scenario : scenarios()) {
      if (!options.scenario.empty() && options.scenario != scenario.name) continue;
      works_.push_back(std::make_unique<Work>(std::move(scenario)));
      Work& work = *works_.back();
      auto moments = record(work.scenario);
      if (moments) {
        work.moments = std::move(*moments);
      } else {
        report(work, {}, {"undisturbed: " + moments.error().message});
      }
      for (const Moment& moment : work.moments) places_.push_back({&work, &moment});
    }
  }

  MatrixReport run() {
    if (options_.time) deadline_ = Clock::now() + *options_.time;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) {
      threads.emplace_back([this] { work_on(); });
    }
    for (std::thread& thread : threads) thread.join();
    MatrixReport report;
    for (const auto& work : works_) {
      report.rows.push_back({.scenario = work->scenario.name,
                             .steps = work->moments.empty() ? 0 : work->moments.size() - 1,
                             .cuts = work->cuts,
                             .images = work->images_seen,
                             .time = std::chrono::nanoseconds(work->nanoseconds),
                             .violations = work->violations});
    }
    return report;
  }

 private:
  struct Place {
    Work* work;
    const Moment* moment;
  };

  bool is_over() const {
    return places_.empty() || cuts_ >= options_.cuts || violations_ >= options_.violations ||
           (deadline_ && Clock::now() > *deadline_);
  }

  void work_on() {
    while (!is_over()) {
      const std::uint64_t turn = next_turn_.fetch_add(1);
      const Place& place = places_[turn % places_.size()];
      const std::uint64_t round = turn / places_.size();
      const auto start = Clock::now();
      if (round == 0) {
        for (const PowerCut& cut : certain_cuts()) cut_at(place, cut);
      }
      for (const PowerCut& cut : tossed_cuts(options_.seed + round)) cut_at(place, cut);
      place.work->nanoseconds += static_cast<std::uint64_t>((Clock::now() - start).count());
    }
  }

  void cut_at(const Place& place, const PowerCut& way) {
    const std::vector<Cut> cuts = {{place.moment->number, way}};
    const std::vector<Moment> reopening = look(*place.work, *place.moment, cuts);
    for (const Moment& moment : reopening) {
      for (const PowerCut& second : {PowerCut{Kept::kNothing, Kept::kNothing, 0},
                                     PowerCut{Kept::kEverything, Kept::kEverything, 0},
                                     PowerCut{Kept::kEverything, Kept::kNothing, 0},
                                     PowerCut{Kept::kByChance, Kept::kByChance, way.seed},
                                     PowerCut{Kept::kByChance, Kept::kByChance, way.seed + 1}}) {
        look(*place.work, moment, {cuts.front(), {moment.number, second}});
      }
    }
  }

  std::vector<Moment> look(Work& work, const Moment& moment, const std::vector<Cut>& cuts) {
    ++work.cuts;
    ++cuts_;
    const DiskState left = moment.disk.after(cuts.back().way);
    if (!work.images.add(left.digest() ^ moment.claims_digest)) return {};
    const std::uint64_t number = work.images_seen++;
    Look how;
    if (number % kThoroughEvery != 0) how = {.depth = Depth::kEssential, .states = &work.states};
    if (cuts.size() == 1 && number % kSecondCutEvery == 0) how.reopening = Look::Reopening::kKept;
    Sight sight = examine(work.scenario, left, *moment.claims, how);
    if (!sight.complaints.empty()) report(work, cuts, sight.complaints);
    return std::move(sight.reopening);
  }

  void report(Work& work, const std::vector<Cut>& cuts,
              const std::vector<std::string>& complaints) {
    ++work.violations;
    ++violations_;
    const std::lock_guard lock(report_mutex_);
    on_violation_(work.scenario.name, cuts, complaints);
  }

  const MatrixOptions& options_;
  const OnViolation& on_violation_;
  std::mutex report_mutex_;
  std::vector<std::unique_ptr<Work>> works_;
  std::vector<Place> places_;
  std::optional<Clock::time_point> deadline_;
  std::atomic<std::uint64_t> next_turn_ = 0;
  std::atomic<std::uint64_t> cuts_ = 0;
  std::atomic<std::uint64_t> violations_ = 0;
};

const Moment* find_moment(const std::vector<Moment>& moments, std::uint64_t number) {
  const auto found = std::ranges::find(moments, number, &Moment::number);
  return found == moments.end() ? nullptr : &*found;
}

}  // namespace

MatrixRow MatrixReport::total() const {
  MatrixRow total{.scenario = "total"};
  for (const MatrixRow& row : rows) {
    total.steps += row.steps;
    total.cuts += row.cuts;
    total.images += row.images;
    total.time += row.time;
    total.violations += row.violations;
  }
  return total;
}

MatrixReport run_matrix(const MatrixOptions& options, const OnViolation& on_violation) {
  return Matrix(options, on_violation).run();
}

std::optional<std::vector<std::string>> look_at(std::string_view scenario,
                                                const std::vector<Cut>& cuts) {
  const std::vector<Scenario> all = scenarios();
  const auto found = std::ranges::find(all, scenario, &Scenario::name);
  if (found == all.end() || cuts.empty()) return std::nullopt;
  auto moments = record(*found);
  if (!moments) return std::vector<std::string>{moments.error().message};
  Sight sight{.complaints = {}, .reopening = std::move(*moments)};
  for (const Cut& cut : cuts) {
    const std::vector<Moment> here = std::move(sight.reopening);
    const Moment* moment = find_moment(here, cut.moment);
    if (moment == nullptr) return std::nullopt;
    const DiskState left = moment->disk.after(cut.way);
    // clean() in between may hide what the shorter look sees.
    const Sight essential = examine(*found, left, *moment->claims, {.depth = Depth::kEssential});
    sight = examine(*found, left, *moment->claims, {.reopening = Look::Reopening::kKept});
    sight.complaints.insert(sight.complaints.end(), essential.complaints.begin(),
                            essential.complaints.end());
  }
  return std::move(sight.complaints);
}

}  // namespace packstore::crash
