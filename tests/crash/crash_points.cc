// How one run finds every crash point: nothing that a program does after a power cut matters, so
// the operation runs once to its end, and before each step the disk and the promises so far are
// kept. Then, of each kept moment and for each way of losing what was not synced:
// 1. The store opens by itself, and every promise holds.
// 2. clean() leaves nothing to clean and nothing to complain about.
// 3. The operation, done again, completes, and every promise holds again.
// Of some moments the steps of 1 are kept as well, and cut like those of the operation.
#include "crash/crash_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace packstore::crash {
namespace {

// Of so many states one has its reopening cut as well: enough to meet every step of opening.
constexpr std::uint64_t kSecondCutEvery = 7;
// And of each such reopening so much less is looked at.
constexpr std::uint64_t kSecondCutShare = 20;

struct Moment {
  std::uint64_t number = 0;
  std::string step;  // That did not happen any more.
  DiskState disk;
  Claims claims;
};

class Recorder {
 public:
  explicit Recorder(World& world) : world_(world) {
    world_.disk().observe([this](std::uint64_t, const std::string& step) { keep(step); });
  }
  ~Recorder() { world_.disk().observe(nullptr); }

  void keep(const std::string& step) {
    moments_.push_back({moments_.size() + 1, step, world_.disk().state(), world_.claims()});
  }
  std::vector<Moment> take() { return std::move(moments_); }

 private:
  World& world_;
  std::vector<Moment> moments_;
};

std::vector<PowerCut> ways_to_lose(std::uint64_t seed) {
  return {
      {Kept::kNothing, Kept::kNothing, 0},
      {Kept::kEverything, Kept::kNothing, 0},
      {Kept::kEverything, Kept::kLengths, 0},
      {Kept::kEverything, Kept::kEverything, 0},
      {Kept::kNothing, Kept::kEverything, 0},
      {Kept::kByChance, Kept::kByChance, seed},
      {Kept::kByChance, Kept::kByChance, seed + 1},
      {Kept::kEverything, Kept::kByChance, seed + 2},
      {Kept::kByChance, Kept::kEverything, seed + 3},
  };
}

std::string describe(Kept kept) {
  switch (kept) {
    case Kept::kNothing:
      return "none";
    case Kept::kEverything:
      return "all";
    case Kept::kLengths:
      return "lengths";
    case Kept::kByChance:
      return "some";
  }
  return {};
}

std::string describe(const Moment& moment, const PowerCut& cut) {
  return fmt::format("cut before step {} ({}), unsynced names kept: {}, content: {}, seed {}",
                     moment.number, moment.step, describe(cut.names), describe(cut.content),
                     cut.seed);
}

// Takes every n-th of `total` things, so that about as many are taken as the extent says.
class Sampler {
 public:
  Sampler(std::uint64_t total, const Extent& extent)
      : stride_(total / std::max<std::uint64_t>(1, extent.states) + 1),
        next_(extent.seed % stride_) {}
  bool takes_next() { return next_++ % stride_ == 0; }

 private:
  std::uint64_t stride_;
  std::uint64_t next_;
};

// By itself, or where the operation is a recovery after another one.
Status reopen(const Scenario& scenario, World& world) {
  Status opened = world.open();
  if (opened || !scenario.opens_after_recovery) return opened;
  return world.recover();
}

std::vector<std::string> complaints_when_done_again(const Scenario& scenario, World& world) {
  if (const Status done = scenario.act(world); !done) return {done.error().message};
  std::vector<std::string> found = complaints(world);
  for (const std::string& line : backup_complaints(world)) found.push_back(line);
  return found;
}

class Examiner {
 public:
  Examiner(const Scenario& scenario, const Extent& extent, Survey& survey)
      : scenario_(scenario), extent_(extent), survey_(survey) {}

  void examine(const std::vector<Moment>& moments, const std::string& during, bool deeper) {
    std::uint64_t seed = extent_.seed;
    Extent extent = extent_;
    if (!deeper) extent.states /= kSecondCutShare;
    Sampler sampler(moments.size() * ways_to_lose(seed).size(), extent);
    for (const Moment& moment : moments) {
      for (const PowerCut& cut : ways_to_lose(seed += 10)) {
        if (!sampler.takes_next()) continue;
        const std::string place = during + describe(moment, cut);
        const bool record = deeper && survey_.states % kSecondCutEvery == 0;
        const std::vector<Moment> second = look(moment, cut, place, record);
        if (!second.empty()) examine(second, place + "; while opening: ", false);
      }
    }
  }

 private:
  // Returns the moments of the reopening, where they are to be kept.
  std::vector<Moment> look(const Moment& moment, const PowerCut& cut, const std::string& place,
                           bool record) {
    ++survey_.states;
    SimDisk disk(moment.disk.after(cut));
    World world(disk, moment.claims);
    std::vector<Moment> moments;
    if (moment.claims.created) {
      Recorder recorder(world);
      const Status opened = reopen(scenario_, world);
      if (record) moments = recorder.take();
      if (!opened) {
        complain(place, "does not open: " + opened.error().message);
        return moments;
      }
      add(place, "", complaints(world));
      add(place, "", backup_complaints(world));
      clean_up(world, place);
    }
    add(place, "done again: ", complaints_when_done_again(scenario_, world));
    return moments;
  }

  void clean_up(World& world, const std::string& place) {
    const Status cleaned = world.clean();
    if (!cleaned) return complain(place, "clean(): " + cleaned.error().message);
    const Result<ValidationReport> report = world.store().validate();
    if (!report) return complain(place, "after clean(): " + report.error().message);
    for (const Finding& finding : report->findings) {
      complain(place, "after clean(): " + finding.message);
    }
  }

  void add(const std::string& place, const std::string& when,
           const std::vector<std::string>& found) {
    for (const std::string& line : found) complain(place, when + line);
  }
  void complain(const std::string& place, const std::string& what) {
    survey_.complaints.push_back(fmt::format("{}: {}\n    {}", scenario_.name, place, what));
  }

  const Scenario& scenario_;
  const Extent extent_;
  Survey& survey_;
};

Status prepare(const Scenario& scenario, World& world) {
  if (!scenario.prepare) return {};
  RETURN_IF_ERROR(world.create());
  RETURN_IF_ERROR(world.open());
  RETURN_IF_ERROR(scenario.prepare(world));
  if (world.is_open()) RETURN_IF_ERROR(world.open());
  return {};
}

// The same handle goes on, and so does one that opens afterwards.
void check_after_fault(const Scenario& scenario, World& world, const Status& faulty,
                       const std::string& place, Survey& survey) {
  const auto complain = [&](const std::vector<std::string>& found, const char* when) {
    for (const std::string& line : found) {
      survey.complaints.push_back(fmt::format("{}\n    {}{}; the call said: {}", place, when, line,
                                              faulty ? "done" : faulty.error().message));
    }
  };
  if (world.is_open()) complain(complaints(world), "");
  world.close();
  if (world.claims().created) {
    if (const Status healed = reopen(scenario, world); !healed) {
      return complain({healed.error().message}, "afterwards: ");
    }
    complain(complaints(world), "reopened: ");
  }
  complain(complaints_when_done_again(scenario, world), "done again: ");
}

}  // namespace

Survey cut_power_everywhere(const Scenario& scenario, const Extent& extent) {
  Survey survey;
  std::vector<Moment> moments;
  {
    SimDisk disk;
    World world(disk);
    Status status = prepare(scenario, world);
    Recorder recorder(world);
    if (status) status = scenario.act(world);
    world.close();
    recorder.keep("nothing more");
    if (!status) {
      survey.complaints.push_back(
          fmt::format("{}: undisturbed: {}", scenario.name, status.error().message));
      return survey;
    }
    moments = recorder.take();
  }
  survey.steps = moments.size() - 1;
  Examiner(scenario, extent, survey).examine(moments, "", true);
  return survey;
}

Survey fail_everywhere(const Scenario& scenario, const Extent& extent) {
  Survey survey;
  SimDisk prepared;
  World before(prepared);
  if (const Status status = prepare(scenario, before); !status) {
    survey.complaints.push_back(fmt::format("{}: {}", scenario.name, status.error().message));
    return survey;
  }
  const bool opened = before.is_open();
  before.close();
  const DiskState state = prepared.state();

  using Effect = Fault::Effect;
  const std::vector<Fault> kinds = {
      {.code = ErrorCode::kIo},
      {.code = ErrorCode::kNoSpace},
      {.code = ErrorCode::kIo, .effect = Effect::kHalfDone},
      {.code = ErrorCode::kIo, .effect = Effect::kDoneAnyway},
      {.code = ErrorCode::kIo, .for_good = true},
      {.code = ErrorCode::kNoSpace, .for_good = true},
  };
  {
    SimDisk disk(state);
    World world(disk, before.claims());
    const Status reopened = opened ? world.open() : Status();
    const std::uint64_t first = disk.steps();
    if (reopened) static_cast<void>(scenario.act(world).has_value());
    survey.steps = disk.steps() - first;
  }
  Sampler sampler(kinds.size() * survey.steps, extent);
  for (Fault fault : kinds) {
    for (std::uint64_t step = 1; step <= survey.steps; ++step) {
      if (!sampler.takes_next()) continue;
      SimDisk disk(state);
      World world(disk, before.claims());
      if (opened && !world.open()) continue;
      const std::uint64_t first = disk.steps();
      fault.step = first + step;
      disk.fail(fault);
      std::string what = "no step";
      disk.observe([&](std::uint64_t number, const std::string& text) {
        if (number == fault.step) what = text;
      });
      const Status faulty = scenario.act(world);
      disk.observe(nullptr);
      ++survey.states;
      disk.fail(std::nullopt);

      const std::string place = fmt::format(
          "{}: step {} ({}) fails{}: {}{}", scenario.name, step, what,
          fault.for_good ? " for good" : "", fault.code == ErrorCode::kNoSpace ? "no space" : "I/O",
          fault.effect == Effect::kNothingDone ? "" : ", done in part or whole");
      check_after_fault(scenario, world, faulty, place, survey);
    }
  }
  return survey;
}

}  // namespace packstore::crash
