// What a job would write, worked out from the shapes of its inputs and the history behind them.
#pragma once

#include <vector>

#include "compaction/layer_set.h"
#include "compaction/record_ledger.h"
#include "compaction/write_history.h"
#include "packstore/compaction_runner.h"

namespace packstore {

// What is known of single pages at the tip.
struct PageState {
  std::vector<std::uint8_t> in_use;
  // Written since the last image or embedded page.
  std::vector<std::uint32_t> replay_records;
  std::vector<std::uint32_t> replay_bytes;
  // Number of the flush interval that last embedded the page, counted from 1; 0: none since the
  // last image.
  std::vector<std::uint32_t> embedded_in;
};

// What a job changes in a layer set.
struct LayerEdit {
  std::vector<LayerShape> added;  // `file` is a position in `file_bytes`, or, where nothing is
  std::vector<std::uint64_t> file_bytes;  // written and this is empty, the file of the input.
  std::vector<JobInput> removed;
  // The same as areas of records, deltas only.
  std::vector<Area> added_areas;
  std::vector<Area> removed_areas;
  std::uint64_t read_bytes = 0;
  std::uint64_t single_input_bytes = 0;
};

Area area_of(const WriteHistory::Data& history, const KeyRange& keys, const LsnRange& lsns);

// kInvalidArgument: the job names layers that are not there, or an image below the tip.
Result<LayerEdit> work_out(const CompactionJob& job, const WriteHistory::Data& history,
                           const LayerSet& layers, const PageState& pages);

// Bytes that the page of `writes` received in the part of `interval` that lies in `lsns`.
std::uint64_t bytes_within(const PageWrites& writes, const LsnRange& interval,
                           const LsnRange& lsns);

// Divides the records of `part` into layers of about `target` bytes, as the tiered rule does.
std::vector<LayerShape> cut_by_size(const JobPart& part, const WriteHistory::Data& history,
                                    std::uint64_t target);

}  // namespace packstore
