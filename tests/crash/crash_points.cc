// How one run finds every crash point: the operation runs once to its end, and before each step the
// disk and the promises so far are kept. Reopening a disk can be recorded in the same way.
#include "crash/crash_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "crash/checks.h"
#include "crash/sim_disk.h"

namespace packstore::crash {
namespace {

class Recorder {
 public:
  Recorder(SimDisk& disk, World& world) : disk_(disk), world_(world) {
    disk_.observe([this](std::uint64_t, const std::string& step) { keep(step); });
  }
  ~Recorder() { disk_.observe(nullptr); }

  void keep(const std::string& step) {
    const std::uint64_t digest = world_.claims().digest();
    const bool is_as_before = !moments_.empty() && moments_.back().claims_digest == digest &&
                              offered_ == world_.claims().offered.size();
    std::shared_ptr<const Claims> claims =
        is_as_before ? moments_.back().claims : std::make_shared<const Claims>(world_.claims());
    offered_ = claims->offered.size();
    moments_.push_back({moments_.size() + 1, step, disk_.state(), std::move(claims), digest});
  }
  std::vector<Moment> take() { return std::move(moments_); }

 private:
  SimDisk& disk_;
  World& world_;
  std::size_t offered_ = 0;
  std::vector<Moment> moments_;
};

// Adds lines under a heading that says when they were found.
class Complaints {
 public:
  explicit Complaints(std::vector<std::string>& found) : found_(found) {}
  void add(std::string_view when, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) found_.push_back(fmt::format("{}: {}", when, line));
  }
  // False where there is an error to complain of.
  bool expect(std::string_view when, const Status& status) {
    if (!status) add(when, {status.error().message});
    return status.has_value();
  }

 private:
  std::vector<std::string>& found_;
};

// Whether nobody has been here: with the log in the index, a disk is what its store is.
class States {
 public:
  States(DigestSet* seen, const SimDisk& disk, World& world)
      : seen_(seen), disk_(disk), world_(world) {}

  bool is_new(std::string_view when, Complaints& complaints) {
    if (!complaints.expect(fmt::format("{}: checkpoint", when), world_.checkpoint())) return true;
    const std::uint64_t digest = disk_.state().digest() ^ world_.claims().digest();
    return seen_ == nullptr || seen_->add(digest);
  }

 private:
  DigestSet* seen_;
  const SimDisk& disk_;
  World& world_;
};

// False where an earlier examination has seen the rest.
bool look_at_essentials(World& world, States& states, Complaints& complaints) {
  if (!states.is_new("opened", complaints)) return false;
  complaints.add("opened", broken_promises(world));
  complaints.add("opened", backup_complaints(world));
  if (!complaints.expect("clean()", world.clean())) return false;
  if (!states.is_new("after clean()", complaints)) return false;
  complaints.add("after clean()", damage_and_garbage(world.store()));
  return true;
}

void look_thoroughly(World& world, Complaints& complaints) {
  complaints.add("opened", broken_promises(world));
  complaints.add("opened", damage(world.store()));
  complaints.add("opened", backup_complaints(world));
  if (!complaints.expect("clean()", world.clean())) return;
  complaints.add("after clean()", damage_and_garbage(world.store()));
}

void do_again(const Scenario& scenario, World& world, Complaints& complaints) {
  if (!complaints.expect("done again", scenario.act(world))) return;
  if (!complaints.expect("clean() at the end", world.clean())) return;
  complaints.add("at the end", damage_and_garbage(world.store()));
  complaints.add("at the end", broken_promises(world));
  complaints.add("at the end", backup_complaints(world));
}

constexpr std::array<std::pair<Kept, std::string_view>, 5> kKeptNames = {{
    {Kept::kNothing, "none"},
    {Kept::kEverything, "all"},
    {Kept::kLengths, "lengths"},
    {Kept::kByChance, "some"},
    {Kept::kByFile, "files"},
}};

std::string_view to_text(Kept kept) {
  return std::ranges::find(kKeptNames, kept, &std::pair<Kept, std::string_view>::first)->second;
}

std::optional<Kept> parse_kept(std::string_view text) {
  const auto* found =
      std::ranges::find(kKeptNames, text, &std::pair<Kept, std::string_view>::second);
  if (found == kKeptNames.end()) return std::nullopt;
  return found->first;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What stands before the first `mark`, which is taken out of `text` with it; all of it without one.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t at = std::min(text.find(mark), text.size());
  const std::string_view front = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return front;
}

std::optional<Cut> parse_cut(std::string_view text) {
  const auto moment = parse_number(take_until(text, ':'));
  const auto names = parse_kept(take_until(text, '/'));
  const auto content = parse_kept(take_until(text, ':'));
  const auto seed = parse_number(text);
  if (!moment || !names || !content || !seed) return std::nullopt;
  return Cut{*moment, {*names, *content, *seed}};
}

}  // namespace

Result<std::vector<Moment>> record(const Scenario& scenario) {
  SimDisk disk;
  World world(disk);
  RETURN_IF_ERROR(prepare(scenario, world));
  Recorder recorder(disk, world);
  RETURN_IF_ERROR(scenario.act(world));
  world.close();
  recorder.keep("nothing more");
  return recorder.take();
}

std::vector<PowerCut> certain_cuts() {
  std::vector<PowerCut> cuts;
  for (const Kept names : {Kept::kNothing, Kept::kEverything}) {
    for (const Kept content : {Kept::kNothing, Kept::kLengths, Kept::kEverything}) {
      cuts.push_back({names, content, 0});
    }
  }
  return cuts;
}

std::vector<PowerCut> tossed_cuts(std::uint64_t seed) {
  std::vector<PowerCut> cuts;
  for (const Kept names : {Kept::kNothing, Kept::kEverything}) {
    cuts.push_back({names, Kept::kByChance, seed});
    cuts.push_back({names, Kept::kByFile, seed});
  }
  for (const Kept content : {Kept::kNothing, Kept::kLengths, Kept::kEverything, Kept::kByChance}) {
    cuts.push_back({Kept::kByChance, content, seed});
  }
  return cuts;
}

Sight examine(const Scenario& scenario, const DiskState& left, const Claims& claims, Look look) {
  Sight sight;
  Complaints complaints(sight.complaints);
  SimDisk disk(left);
  World world(disk, claims);
  if (claims.created) {
    std::optional<Recorder> recorder;
    if (look.reopening == Look::Reopening::kKept) recorder.emplace(disk, world);
    const Status opened = reopen(scenario, world);
    if (recorder) sight.reopening = recorder->take();
    recorder.reset();
    if (!complaints.expect("does not open", opened)) return sight;
    States states(look.states, disk, world);
    if (look.depth == Depth::kThorough) {
      look_thoroughly(world, complaints);
    } else if (!look_at_essentials(world, states, complaints)) {
      return sight;
    }
  }
  do_again(scenario, world, complaints);
  return sight;
}

std::string to_text(const std::vector<Cut>& cuts) {
  std::string text;
  for (const Cut& cut : cuts) {
    text += fmt::format("{}{}:{}/{}:{}", text.empty() ? "" : "+", cut.moment,
                        to_text(cut.way.names), to_text(cut.way.content), cut.way.seed);
  }
  return text;
}

std::optional<std::vector<Cut>> parse_cuts(std::string_view text) {
  std::vector<Cut> cuts;
  while (!text.empty()) {
    const std::optional<Cut> cut = parse_cut(take_until(text, '+'));
    if (!cut) return std::nullopt;
    cuts.push_back(*cut);
  }
  return cuts;
}

}  // namespace packstore::crash
