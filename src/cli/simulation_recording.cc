#include "simulation_recording.h"

#include <algorithm>
#include <tuple>

namespace packstore::cli {
namespace {

// All that neighbours must have in common to be drawn as one.
auto fate_of(const LayerLife& life) {
  return std::tuple(life.kind, life.lsns.begin, life.lsns.end, life.first, life.end);
}

std::vector<LayerLife> join_neighbours(std::vector<LayerLife> lives) {
  std::ranges::sort(lives, {}, [](const LayerLife& life) {
    return std::tuple_cat(fate_of(life), std::tuple(life.keys.begin));
  });
  std::vector<LayerLife> joined;
  for (const LayerLife& life : lives) {
    if (!joined.empty() && joined.back().keys.end == life.keys.begin &&
        fate_of(joined.back()) == fate_of(life)) {
      joined.back().keys.end = life.keys.end;
      joined.back().bytes += life.bytes;
      joined.back().layers += life.layers;
    } else {
      joined.push_back(life);
    }
  }
  return joined;
}

}  // namespace

void RunRecorder::note(const SimulatedMoment& moment) {
  recording_.points.push_back({.tip = moment.tip,
                               .jobs = moment.jobs,
                               .write_amp = moment.write_amp,
                               .read_amp_even = moment.read_amp_even,
                               .read_amp_hot = moment.read_amp_hot,
                               .space_amp = moment.space_amp});
  const std::size_t now = recording_.points.size() - 1;
  std::vector<LayerLife>& lives = recording_.lives;
  for (const LayerShape& layer : moment.layers) {
    const auto known = life_of_.find(layer.id);
    const bool goes_on = known != life_of_.end() && lives[known->second].keys == layer.keys &&
                         lives[known->second].lsns == layer.lsns;
    if (goes_on) {
      lives[known->second].end = now + 1;
      continue;
    }
    life_of_[layer.id] = lives.size();
    lives.push_back({.kind = layer.kind,
                     .keys = layer.keys,
                     .lsns = layer.lsns,
                     .bytes = layer.bytes,
                     .first = now,
                     .end = now + 1});
    for (const CellShare& share : layer.cells) recording_.cells.push_back(share.cell);
  }
}

RunRecording RunRecorder::take() && {
  std::vector<Key>& cells = recording_.cells;
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  recording_.lives = join_neighbours(std::move(recording_.lives));
  return std::move(recording_);
}

void SuiteRecorder::note(std::string_view workload, std::string_view policy,
                         const SimulatedMoment& moment) {
  recorder_of(workload, policy).note(moment);
}

std::map<SuiteRecorder::RunName, RunRecording> SuiteRecorder::take() && {
  std::map<RunName, RunRecording> recordings;
  for (auto& [name, recorder] : recorders_) {
    recordings.emplace(name, std::move(recorder).take());
  }
  return recordings;
}

RunRecorder& SuiteRecorder::recorder_of(std::string_view workload, std::string_view policy) {
  const std::lock_guard lock(mutex_);
  return recorders_[{std::string(workload), std::string(policy)}];
}

}  // namespace packstore::cli
