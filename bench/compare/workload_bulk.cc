// Batch put, reads, validation and removal of many objects.
//
// 1. Content is made once; every round stores the same objects in fresh directories.
// 2. A round goes through the rows. For each row the engines take turns, and who begins changes
//    from round to round, so that a slow phase of the machine hits all of them.
// 3. After the put of an engine its background work is waited for, untimed, and before whatever
//    writes much the machine is brought to rest.
// 4. The limits (bare write, SHA-256) are measured in the round, next to the rows that need them.
// 5. The directories are removed at the end of a round, untimed.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "compare/engine.h"
#include "compare/probes.h"
#include "compare/system.h"
#include "compare/workloads.h"

namespace packstore::compare {

namespace {

struct BulkRows {
  Row put, get, get_verified, read_many, read_many_verified, validate_1, validate_2, reclaim, disk;
  std::optional<Row> missing;
  bool count_bytes;  // Rates are MB/s, else objects/s.
};

constexpr BulkRows kSmallRows{Row::kPutSmall,
                              Row::kGetSmall,
                              Row::kGetSmallVerified,
                              Row::kReadManySmall,
                              Row::kReadManySmallVerified,
                              Row::kValidateSmall1,
                              Row::kValidateSmall2,
                              Row::kReclaimSmall,
                              Row::kDiskSmall,
                              Row::kMissing,
                              false};

constexpr BulkRows kLargeRows{Row::kPutLarge,
                              Row::kGetLarge,
                              Row::kGetLargeVerified,
                              Row::kReadManyLarge,
                              Row::kReadManyLargeVerified,
                              Row::kValidateLarge1,
                              Row::kValidateLarge2,
                              Row::kReclaimLarge,
                              Row::kDiskLarge,
                              std::nullopt,
                              true};

struct Contestant {
  std::string_view name;
  std::filesystem::path directory;
  std::unique_ptr<Engine> engine;
};

// One round of one workload.
class BulkRound {
 public:
  BulkRound(const BulkRows& rows, const ObjectSet& set, std::size_t round, Results& results)
      : rows_(rows), set_(set), round_(round), results_(results) {}

  void run(const RunOptions& options, const std::filesystem::path& directory);

 private:
  using Measure = std::function<std::optional<double>(Contestant&)>;

  void for_each_in_turn(Row row, const Measure& measure);
  void put(const std::filesystem::path& directory);
  void measure_disk();
  void read(const std::vector<Key>& sorted_keys);
  void ask_for_missing();
  void validate();
  void remove_half(const std::vector<Key>& sorted_keys);
  double rate(double seconds) const {
    const auto work = rows_.count_bytes ? static_cast<double>(set_.content_bytes()) / 1e6
                                        : static_cast<double>(set_.objects().size());
    return work / seconds;
  }

  const BulkRows& rows_;
  const ObjectSet& set_;
  std::size_t round_;
  Results& results_;
  double sha256_speed_ = 0;
  std::vector<Contestant> contestants_;
};

void BulkRound::run(const RunOptions& options, const std::filesystem::path& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (const std::string_view name : chosen_engines(options)) {
    contestants_.push_back({name, directory / name, make_engine(name, directory / name)});
  }
  const std::vector<Key> sorted_keys = set_.sorted_keys();
  sha256_speed_ = sha256_speed();
  results_.add(Row::kProbeSha256, kLimit, sha256_speed_);
  put(directory);
  measure_disk();
  read(sorted_keys);
  if (rows_.missing) ask_for_missing();
  validate();
  remove_half(sorted_keys);
  contestants_.clear();
  std::filesystem::remove_all(directory);
}

// Measures each engine, and adds what was measured; nullopt means the engine cannot.
void BulkRound::for_each_in_turn(Row row, const Measure& measure) {
  announce(info_of(row).title);
  const std::size_t count = contestants_.size();
  for (std::size_t turn = 0; turn < count; ++turn) {
    Contestant& contestant = contestants_[(turn + round_) % count];
    const std::optional<double> value = measure(contestant);
    if (value) results_.add(row, contestant.name, *value);
  }
}

void BulkRound::put(const std::filesystem::path& directory) {
  settle_machine();
  const double write_speed = sequential_write_speed(directory / "sequential", set_.objects());
  results_.add(Row::kProbeWrite, kLimit, write_speed);
  if (rows_.count_bytes) results_.add(rows_.put, kLimit, std::min(write_speed, sha256_speed_));
  for_each_in_turn(rows_.put, [this](Contestant& contestant) {
    settle_machine();
    const double seconds = seconds_of([&] { contestant.engine->put_batch(set_.objects()); });
    contestant.engine->settle();
    return rate(seconds);
  });
}

void BulkRound::measure_disk() {
  settle_machine();
  for_each_in_turn(rows_.disk, [this](Contestant& contestant) {
    const auto allocated = static_cast<double>(allocated_bytes(contestant.directory));
    const auto content = static_cast<double>(set_.content_bytes());
    return (allocated - content) / static_cast<double>(set_.objects().size());
  });
}

void BulkRound::read(const std::vector<Key>& sorted_keys) {
  const std::vector<Key> shuffled_keys = set_.shuffled_keys(round_);
  const std::pair<Row, Check> gets[] = {{rows_.get, Check::kNone},
                                        {rows_.get_verified, Check::kSha256}};
  for (const auto& [row, check] : gets) {
    for_each_in_turn(row, [&, with = check](Contestant& contestant) {
      return rate(seconds_of([&] {
        for (const Key& key : shuffled_keys) contestant.engine->get(key, with);
      }));
    });
  }
  const std::pair<Row, Check> scans[] = {{rows_.read_many, Check::kNone},
                                         {rows_.read_many_verified, Check::kSha256}};
  for (const auto& [row, check] : scans) {
    for_each_in_turn(row, [&, with = check](Contestant& contestant) {
      return rate(seconds_of([&] { contestant.engine->get_all(sorted_keys, with); }));
    });
  }
}

void BulkRound::ask_for_missing() {
  const std::vector<Key> absent = absent_keys(set_.objects().size(), round_);
  for_each_in_turn(*rows_.missing, [&](Contestant& contestant) {
    const double seconds = seconds_of([&] {
      for (const Key& key : absent) {
        if (contestant.engine->contains(key)) stop("an absent key was found");
      }
    });
    return static_cast<double>(absent.size()) / seconds;
  });
}

void BulkRound::validate() {
  const std::pair<Row, unsigned> rows[] = {{rows_.validate_1, 1}, {rows_.validate_2, 2}};
  for (const auto& [row, threads] : rows) {
    // Measured again, right beside what it is the limit of.
    const double limit = sha256_speed() * threads;
    results_.add(row, kLimit, limit);
    for_each_in_turn(row, [&, count = threads](Contestant& contestant) -> std::optional<double> {
      auto* engine = dynamic_cast<PackstoreEngine*>(contestant.engine.get());
      if (engine == nullptr) return std::nullopt;
      const double seconds = seconds_of([&] {
        if (!engine->store().validate({.threads = count, .control = {}}).value().is_valid()) {
          stop("validation found damage");
        }
      });
      return static_cast<double>(set_.content_bytes()) / 1e6 / seconds;
    });
  }
}

void BulkRound::remove_half(const std::vector<Key>& sorted_keys) {
  // Keys are hashes: every second one by key is a random half by age and place.
  std::vector<Key> removed;
  for (std::size_t i = 0; i < sorted_keys.size(); i += 2) removed.push_back(sorted_keys[i]);
  const double kept_mb = static_cast<double>(set_.content_bytes()) / 2e6;
  for_each_in_turn(rows_.reclaim, [&](Contestant& contestant) -> std::optional<double> {
    settle_machine();
    bool done = false;
    const double seconds =
        seconds_of([&] { done = contestant.engine->remove_and_reclaim(removed); });
    if (!done) return std::nullopt;
    return kept_mb / seconds;
  });
}

void run_bulk(const RunOptions& options, const BulkRows& rows, const ContentSpec& spec,
              const std::filesystem::path& directory, Results& results) {
  const ObjectSet set(spec);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    announce(fmt::format("{} objects, round {} of {}", spec.count, round + 1, options.rounds));
    BulkRound(rows, set, round, results).run(options, directory);
  }
}

}  // namespace

void run_small(const RunOptions& options, Results& results) {
  const ContentSpec spec{options.small_objects, 1 << 10, 10 << 10, 11};
  run_bulk(options, kSmallRows, spec, options.directory / "small", results);
}

void run_large(const RunOptions& options, Results& results) {
  const ContentSpec spec{options.large_objects, 1 << 20, 1 << 20, 12};
  run_bulk(options, kLargeRows, spec, options.directory / "large", results);
}

}  // namespace packstore::compare
