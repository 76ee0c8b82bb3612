// What the report on simulations draws: how amplification moved, and where the layers were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "packstore/simulation.h"

namespace packstore::cli {

// One rectangle of a layer, and after which flushes it was there: from `first` up to, not
// including, `end`. A layer that is cut or moved has one life for each of its rectangles;
// neighbours that came and went together share one.
struct LayerLife {
  LayerKind kind = LayerKind::kDelta;
  KeyRange keys = {};
  LsnRange lsns = {};
  std::uint64_t bytes = 0;
  std::size_t layers = 1;
  std::size_t first = 0;
  std::size_t end = 0;
};

struct AmplificationPoint {
  Lsn tip = 0;
  std::uint64_t jobs = 0;
  double write_amp = 0;
  double read_amp_even = 0;
  double read_amp_hot = 0;
  double space_amp = 0;
};

struct RunRecording {
  std::vector<AmplificationPoint> points = {};  // One for each flush.
  std::vector<LayerLife> lives = {};
  std::vector<Key> cells =
      {};  // First keys of all cells that any layer held something in, ascending.
};

// Follows one run. One thread at a time.
class RunRecorder {
 public:
  void note(const SimulatedMoment& moment);
  RunRecording take() &&;

 private:
  RunRecording recording_;
  std::unordered_map<LayerId, std::size_t> life_of_;  // The newest life of each layer.
};

// Follows the runs of a suite, each named by its workload and policy.
//
// Thread safety: note() from any thread, moments of one run by one thread.
class SuiteRecorder {
 public:
  using RunName = std::pair<std::string, std::string>;

  void note(std::string_view workload, std::string_view policy, const SimulatedMoment& moment);
  std::map<RunName, RunRecording> take() &&;

 private:
  RunRecorder& recorder_of(std::string_view workload, std::string_view policy);

  std::mutex mutex_;  // Guards the map; its elements stay where they are.
  std::map<RunName, RunRecorder> recorders_;
};

}  // namespace packstore::cli
