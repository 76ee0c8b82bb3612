// 1. The store is prepared once; each run starts from that disk.
// 2. The operation runs into its faults; then the disk is well again.
// 3. The handle is asked for every promise. What it says after a failed sync must stay true even
//    when the power goes: the disk forgets what a failed sync should have kept.
// 4. The handle tries again. What it acknowledges now must be true as well.
// 5. A process that opens the store afterwards finds everything, and completes the operation. Then
//    the power goes; so it does when a process that was there from the beginning completes it.
#include "crash/fault_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/error.h"
#include "crash/checks.h"
#include "crash/crash_points.h"

namespace packstore::crash {
namespace {

using Effect = Fault::Effect;

// EMFILE and EDQUOT reach the library as kNoSpace too.
constexpr Fault kKinds[] = {
    {.code = ErrorCode::kIo},
    {.code = ErrorCode::kNoSpace},
    {.code = ErrorCode::kIo, .effect = Effect::kHalfDone},
    {.code = ErrorCode::kNoSpace, .effect = Effect::kHalfDone},
    {.code = ErrorCode::kIo, .effect = Effect::kDoneAnyway},
    {.code = ErrorCode::kIo, .for_good = true},
    {.code = ErrorCode::kNoSpace, .for_good = true},
};

// Of so many single faults one more run meets a pair.
constexpr std::uint64_t kPairEvery = 3;

std::string describe(const Fault& fault) {
  const char* effect = fault.effect == Effect::kHalfDone     ? ", half done"
                       : fault.effect == Effect::kDoneAnyway ? ", done anyway"
                                                             : "";
  return fmt::format("step {} fails ({}{}{})", fault.step,
                     fault.code == ErrorCode::kNoSpace ? "no space" : "I/O", effect,
                     fault.for_good ? ", for good" : "");
}

class FaultRunner {
 public:
  FaultRunner(const Scenario& scenario, FaultSurvey& survey)
      : scenario_(scenario), survey_(survey) {}

  Status prepare_store() {
    SimDisk disk;
    World world(disk);
    RETURN_IF_ERROR(prepare(scenario_, world));
    opens_ = world.is_open();
    world.close();
    start_ = disk.state();
    claims_ = world.claims();
    return {};
  }

  // The steps of an undisturbed run.
  std::uint64_t count_steps() const {
    SimDisk disk(start_);
    World world(disk, claims_);
    if (opens_ && !world.open()) return 0;
    const std::uint64_t first = disk.steps();
    static_cast<void>(scenario_.act(world).has_value());
    return disk.steps() - first;
  }

  // The steps of `faults` count from the beginning of the operation.
  void run(std::vector<Fault> faults) {
    ++survey_.runs;
    place_ = scenario_.name;
    for (const Fault& fault : faults) place_ += ": " + describe(fault);
    SimDisk disk(start_);
    World world(disk, claims_);
    World beside(disk);
    if (opens_) {
      if (const Status opened = world.open(); !opened) return complain({opened.error().message});
      if (const Status opened = beside.open(); !opened) return complain({opened.error().message});
    }
    for (Fault& fault : faults) fault.step += disk.steps();
    disk.fail(std::move(faults));
    const Status said = scenario_.act(world);
    disk.fail({});
    place_ += said ? "; it said: done" : "; it said: " + said.error().message;

    if (world.is_open()) {
      complain(broken_promises(world));
      complain(damage(world.store()));
    }
    look("the power goes: ", disk.state().after({}), world.claims());
    const Status again = scenario_.act(world);
    place_ += again ? "; tried again: done" : "; tried again: " + again.error().message;
    look("the power goes: ", disk.state().after({}), world.claims());
    world.close();
    look("another process: ", disk.state(), world.claims());
    go_on_afterwards(disk.state(), world.claims());
    if (!opens_) return;
    beside.learn(world.claims());
    go_on("a process beside it", beside, disk);
  }

 private:
  void go_on_afterwards(DiskState left, const Claims& claims) {
    SimDisk disk(std::move(left));
    World world(disk, claims);
    if (claims.created) {
      if (const Status opened = reopen(scenario_, world); !opened)
        return;  // Complained of already.
    }
    go_on("another process", world, disk);
  }

  void go_on(const std::string& who, World& world, const SimDisk& disk) {
    if (const Status done = scenario_.act(world); !done) {
      complain({who + ": " + done.error().message});
    }
    world.close();
    look(who + ", and the power goes: ", disk.state().after({}), world.claims());
  }

  void look(std::string_view when, const DiskState& left, const Claims& claims) {
    for (const std::string& line : examine(scenario_, left, claims, {}).complaints) {
      complain({std::string(when) + line});
    }
  }

  void complain(const std::vector<std::string>& found) {
    for (const std::string& line : found) survey_.complaints.push_back(place_ + "\n    " + line);
  }

  const Scenario& scenario_;
  FaultSurvey& survey_;
  DiskState start_;
  Claims claims_;
  bool opens_ = false;
  std::string place_;
};

}  // namespace

FaultSurvey fail_everywhere(const Scenario& scenario, const FaultExtent& extent) {
  FaultSurvey survey;
  FaultRunner runner(scenario, survey);
  if (const Status prepared = runner.prepare_store(); !prepared) {
    survey.complaints.push_back(scenario.name + ": " + prepared.error().message);
    return survey;
  }
  survey.steps = runner.count_steps();
  const std::uint64_t total = std::size(kKinds) * survey.steps;
  const std::uint64_t stride = total / std::max<std::uint64_t>(1, extent.runs) + 1;
  std::mt19937_64 random(extent.seed);
  // The second one often comes at once: where the first is being cleared up.
  const auto second_step = [&](std::uint64_t first) {
    return first + 1 + (random() % 2 == 0 ? 0 : random() % (survey.steps - first + 3));
  };
  for (std::uint64_t i = 0; i < total; ++i) {
    if (random() % stride != 0) continue;
    Fault fault = kKinds[i % std::size(kKinds)];
    fault.step = i / std::size(kKinds) + 1;
    runner.run({fault});
    if (random() % kPairEvery != 0) continue;
    Fault second = kKinds[random() % std::size(kKinds)];
    second.step = second_step(fault.step);
    runner.run({fault, second});
  }
  return survey;
}

FaultSurvey fail_at(const Scenario& scenario, const std::vector<Fault>& faults) {
  FaultSurvey survey;
  FaultRunner runner(scenario, survey);
  if (const Status prepared = runner.prepare_store(); !prepared) {
    survey.complaints.push_back(scenario.name + ": " + prepared.error().message);
    return survey;
  }
  survey.steps = runner.count_steps();
  runner.run(faults);
  return survey;
}

}  // namespace packstore::crash
