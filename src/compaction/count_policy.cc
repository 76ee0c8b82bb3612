// The count rule of the tiered rule's production sibling: whatever the sizes,
//
// 1. ten flushed layers are merged, cell by cell, into files of half the target;
// 2. a cell under three merged deltas above its newest image gets an image.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "compaction/cell_stack.h"

namespace packstore {
namespace {

constexpr std::size_t kFlushesPerMerge = 10;
constexpr std::size_t kDeltasPerImage = 3;

bool is_flushed(const Fragment& fragment) { return fragment.layer->keys == KeyRange::all(); }

class CountPolicy final : public CompactionPolicy {
 public:
  explicit CountPolicy(const PolicySizing& sizing) : sizing_(sizing) {}

  std::string_view name() const override { return "count"; }

  Result<CompactionPlan> plan(const PlannerInput& input) const override {
    RETURN_IF_ERROR(check_planner_input(input));
    CompactionPlan plan{.tuning = input.tuning};
    if (input.round == 0) merge_flushes(input, plan);
    if (!plan.jobs.empty() || input.round > 1) return plan;
    std::vector<CellPart> images;
    for (const CellStack& stack : stack_cells(input)) {
      const auto merged = static_cast<std::size_t>(
          std::ranges::count_if(stack.fragments, [](const auto& it) { return !is_flushed(it); }));
      if (merged >= kDeltasPerImage) images.push_back(image_at_tip(stack, input.tip));
    }
    append_jobs(JobKind::kImage, std::move(images), sizing_.file_bytes, "three merged deltas",
                input.measured.wal_bytes, plan);
    return plan;
  }

 private:
  void merge_flushes(const PlannerInput& input, CompactionPlan& plan) const {
    std::vector<const LayerShape*> flushed;
    for (const LayerShape& layer : input.layers) {
      if (layer.is_delta() && layer.keys == KeyRange::all()) flushed.push_back(&layer);
    }
    if (flushed.size() < kFlushesPerMerge) return;
    std::vector<CellPart> merges;
    for (const CellStack& stack : stack_cells(input)) {
      const auto count = static_cast<std::size_t>(
          std::ranges::find_if_not(stack.fragments, is_flushed) - stack.fragments.begin());
      if (count != 0) merges.push_back(merge_newest(stack, count));
    }
    append_jobs(JobKind::kMerge, std::move(merges), sizing_.file_bytes / 2, "ten flushes",
                input.measured.wal_bytes, plan);
  }

  PolicySizing sizing_;
};

}  // namespace

std::unique_ptr<CompactionPolicy> make_count_policy(const PolicySizing& sizing) {
  return std::make_unique<CountPolicy>(sizing);
}

}  // namespace packstore
