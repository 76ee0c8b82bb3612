// Lazy levelling, cell by cell: runs of about the same height wait for each other, and the tallest
// run, at the bottom, takes in whatever has become a F-th of it.
//
// 1. A run's level is the logarithm of its height, in flushes, to the base F.
// 2. When the newest F runs are of one level they are merged; that may complete the next level, so
//    levels are counted as they will be.
// 3. When what is merged reaches a F-th of the bottom run, and nothing lies between, the bottom run
//    is merged as well: one run at the last level.
// 4. A cell with more bytes above its image than in its pages gets an image.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "compaction/cell_stack.h"

namespace packstore {
namespace {

class LazyLevelingPolicy final : public CompactionPolicy {
 public:
  explicit LazyLevelingPolicy(const PolicySizing& sizing) : sizing_(sizing) {}

  std::string_view name() const override { return "lazy"; }

  Result<CompactionPlan> plan(const PlannerInput& input) const override {
    RETURN_IF_ERROR(check_planner_input(input));
    CompactionPlan plan{.tuning = input.tuning};
    if (input.round == 0) append_trims(input, plan);
    if (!plan.jobs.empty() || input.round > 1) return plan;
    std::vector<CellPart> merges;
    std::vector<CellPart> images;
    for (const CellStack& stack : stack_cells(input)) {
      const std::size_t count = count_to_merge(stack);
      if (count == 0) continue;
      std::uint64_t bytes = 0;
      for (const Fragment& fragment : stack.fragments) bytes += fragment.share->bytes;
      if (count == stack.fragments.size() && stack.page_bytes() < bytes) {
        images.push_back(image_at_tip(stack, input.tip));
      } else {
        merges.push_back(merge_newest(stack, count));
      }
    }
    append_merges(std::move(merges), sizing_.file_bytes, "level full", input.measured.wal_bytes,
                  plan);
    append_jobs(JobKind::kImage, std::move(images), sizing_.file_bytes, "pages < deltas",
                input.measured.wal_bytes, plan);
    return plan;
  }

 private:
  int level_of(Lsn height) const {
    const double flushes =
        static_cast<double>(height) / static_cast<double>(std::max<Lsn>(sizing_.file_bytes, 1));
    return static_cast<int>(std::log(std::max(flushes, 1.0) * 1.1) /
                            std::log(std::max<double>(sizing_.fan_out, 2)));
  }

  std::size_t count_to_merge(const CellStack& stack) const {
    const auto& runs = stack.fragments;
    const std::size_t fan_out = std::max<std::size_t>(sizing_.fan_out, 2);
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < runs.size();) {
      // What is merged so far counts as one run of the level that it has reached.
      const Lsn top = runs.front().layer->lsns.end;
      const int level = count == 0 ? level_of(runs[begin].layer->lsns.height())
                                   : level_of(top - runs[count - 1].layer->lsns.begin);
      std::size_t end = begin;
      while (end < runs.size() && level_of(runs[end].layer->lsns.height()) <= level) ++end;
      if (end - begin + (count == 0 ? 0 : 1) < fan_out) break;
      count = end;
      begin = end;
    }
    if (count != 0 && count + 1 == runs.size()) {
      std::uint64_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) bytes += runs[i].share->bytes;
      if (bytes >= runs.back().share->bytes / fan_out) ++count;
    }
    return count < 2 ? 0 : count;
  }

  PolicySizing sizing_;
};

}  // namespace

std::unique_ptr<CompactionPolicy> make_lazy_leveling_policy(const PolicySizing& sizing) {
  return std::make_unique<LazyLevelingPolicy>(sizing);
}

}  // namespace packstore
