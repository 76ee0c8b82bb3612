// One durable put at a time, measured in flushes.
//
// A flush costs 0.1 or 4 milliseconds on the same machine, depending on its mood, so times alone
// say nothing:
// 1. Blocks of a few puts of packstore's loose objects take turns with blocks of bare durable
// files.
// 2. Before each block of an engine's single puts comes one of bare flushes, its measure.
// 3. The same with 16 threads, for the engines that commit several callers' puts together.
// 4. Each block is a round of its own in the results, and ratios are made within it.
#include <fmt/format.h>

#include <functional>
#include <memory>
#include <thread>

#include "compare/engine.h"
#include "compare/probes.h"
#include "compare/workloads.h"

namespace packstore::compare {

namespace {

constexpr std::size_t kBlocks = 8;
constexpr std::size_t kBlockPuts = 20;
constexpr std::size_t kThreads = 16;
constexpr std::size_t kThreadPuts = 20;
constexpr std::size_t kThreadBlocks = 3;
// The first puts make directories, packs and logs; they are not what is measured.
constexpr std::size_t kWarmUpPuts = 10;

using PutOne = std::function<void(const Object&)>;

// Hands out objects that the engine has not seen.
class Supply {
 public:
  explicit Supply(std::span<const Object> objects) : rest_(objects) {}
  std::span<const Object> take(std::size_t count) {
    const std::span<const Object> taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  std::span<const Object> rest_;
};

constexpr std::size_t kObjectsNeeded =
    kWarmUpPuts + kBlocks * kBlockPuts + kThreadBlocks * kThreads * kThreadPuts;

double median_seconds(std::span<const Object> objects, const PutOne& put) {
  std::vector<double> seconds;
  for (const Object& object : objects) seconds.push_back(seconds_of([&] { put(object); }));
  return median_of(std::move(seconds));
}

struct Contestant {
  std::string_view name;
  PutOne put;
  Supply supply;
};

double flush_seconds(SyncProbe& probe, std::span<const Object> block) {
  return median_seconds(block, [&probe](const Object&) { probe.append_and_sync(); });
}

class SingleRound {
 public:
  SingleRound(const ObjectSet& set, const std::filesystem::path& directory, Results& results)
      : set_(set),
        results_(results),
        flush_(directory / "flush"),
        file_probe_(directory / "bare"),
        loose_(directory / "loose", Placement::kLoose) {}

  void add_engine(std::string_view name, const std::filesystem::path& directory) {
    engines_.push_back(make_engine(name, directory));
    put_by(name,
           [engine = engines_.back().get()](const Object& object) { engine->put_single(object); });
  }

  void run();

 private:
  void put_by(std::string_view name, const PutOne& put) {
    packed_.push_back({name, put, Supply(set_.objects())});
    for (const Object& object : packed_.back().supply.take(kWarmUpPuts)) put(object);
  }
  void run_loose_block(std::vector<Contestant>& loose);
  void run_packed_block();
  void run_thread_block();

  const ObjectSet& set_;
  Results& results_;
  SyncProbe flush_;
  FileProbe file_probe_;
  PackstoreEngine loose_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::vector<Contestant> packed_;
};

void SingleRound::run() {
  std::vector<Contestant> loose;
  loose.push_back(
      {kLimit, [this](const Object& object) { file_probe_.put(object); }, Supply(set_.objects())});
  loose.push_back({kPackstore, [this](const Object& object) { loose_.put_single(object); },
                   Supply(set_.objects())});
  for (Contestant& contestant : loose) {
    for (const Object& object : contestant.supply.take(kWarmUpPuts)) contestant.put(object);
  }
  announce(info_of(Row::kPutLoose).title);
  for (std::size_t block = 0; block < kBlocks; ++block) run_loose_block(loose);
  announce(info_of(Row::kPutPacked).title);
  for (std::size_t block = 0; block < kBlocks; ++block) run_packed_block();
  announce(info_of(Row::kPutPacked16).title);
  for (std::size_t block = 0; block < kThreadBlocks; ++block) run_thread_block();
}

void SingleRound::run_loose_block(std::vector<Contestant>& loose) {
  for (Contestant& contestant : loose) {
    const double seconds = median_seconds(contestant.supply.take(kBlockPuts), contestant.put);
    results_.add(Row::kPutLoose, contestant.name, 1 / seconds);
  }
}

void SingleRound::run_packed_block() {
  for (Contestant& contestant : packed_) {
    const std::span<const Object> objects = contestant.supply.take(kBlockPuts);
    const double flush = flush_seconds(flush_, objects);
    const double seconds = median_seconds(objects, contestant.put);
    results_.add(Row::kProbeSync, kLimit, flush * 1e6);
    results_.add(Row::kPutPacked, contestant.name, seconds / flush);
  }
}

// Only engines that take puts from several threads at once.
void SingleRound::run_thread_block() {
  for (Contestant& contestant : packed_) {
    if (contestant.name != kPackstore && contestant.name != kRocksdb) continue;
    const double flush = flush_seconds(flush_, set_.objects().first(kBlockPuts));
    const std::size_t puts = kThreads * kThreadPuts;
    Supply supply(contestant.supply.take(puts));
    const double seconds = seconds_of([&] {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&put = contestant.put, objects = supply.take(kThreadPuts)] {
          for (const Object& object : objects) put(object);
        });
      }
    });
    const double seconds_each = seconds / static_cast<double>(puts);
    results_.add(Row::kPutPacked16, contestant.name, 1 / seconds_each);
    results_.add(Row::kPutPacked16Flushes, contestant.name, seconds_each / flush);
  }
}

}  // namespace

void run_single(const RunOptions& options, Results& results) {
  const std::filesystem::path directory = options.directory / "single";
  const ObjectSet set({kObjectsNeeded, 1 << 10, 10 << 10, 13});
  for (std::size_t round = 0; round < options.rounds; ++round) {
    announce(fmt::format("single puts, round {} of {}", round + 1, options.rounds));
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    SingleRound measured(set, directory, results);
    for (const std::string_view name : chosen_engines(options)) {
      measured.add_engine(name, directory / name);
    }
    measured.run();
  }
  std::filesystem::remove_all(directory);
}

}  // namespace packstore::compare
