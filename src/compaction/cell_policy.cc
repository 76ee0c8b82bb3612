// Rent or buy, cell by cell.
//
// Every read that must look into a layer pays rent to it: the price of a visit. A merge or an image
// is bought when the rent that its inputs have been paid reaches its cost.
//
//      rent paid            before             after
//       2  [ newest ]  <-.
//       5  [        ]  <-+- bytes <= rent      [ merged ]  0
//      30  [          ]<-'
//      12  [ oldest        ]                   [ oldest        ] 12
//          [ image ]                           [ image ]
//
// 1. Round 0: prices are tuned to the target (price_tuning.cc). Layers as flushed span all keys;
//    they are cut to the cells in which they hold anything, which writes nothing. While a flush is
//    in memory, merges that take from it are decided before, as in round 1.
// 2. Round 1: for each cell, the most newest runs whose bytes their rent covers are merged. Where
//    the rent of all runs covers the cell's pages, and the space budget has room, the cell gets an
//    image instead; the cell with the most rent for its pages first. A cell that waits for room
//    makes no merge larger than its image. Where the stack would be deeper than the peak allows,
//    the cheapest merge that helps is forced.
// 3. What cells write is packed into files of the target size. A file ends with a cell, so layers
//    never straddle a border of another one.
// 4. Round 2: what no readable LSN can see is dropped, and files that are mostly dead are copied.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "compaction/cell_stack.h"
#include "compaction/price_tuning.h"

namespace packstore {
namespace {

struct Wish {
  const CellStack* stack = nullptr;
  std::vector<RentedRun> runs = {};
  double rent = 0;
  CellDecision decision = {};
};

class CellPolicy final : public CompactionPolicy {
 public:
  explicit CellPolicy(const CellPolicyOptions& options) : options_(options) {}

  std::string_view name() const override { return "cells"; }

  Result<CompactionPlan> plan(const PlannerInput& input) const override {
    RETURN_IF_ERROR(check_planner_input(input));
    CompactionPlan plan{.tuning = input.tuning};
    std::uint32_t round = input.round;
    if (round == 0) {
      plan.tuning = tune_prices(input, options_);
      if (input.is_flushing()) append_decisions(input, Deciding::kFlush, plan);
      append_trims(input, plan);
      if (plan.jobs.empty() && !input.is_flushing()) ++round;
    }
    if (round == 1) {
      append_decisions(input, Deciding::kAll, plan);
      if (plan.jobs.empty()) ++round;
    }
    if (round == 2) {
      append_drops(input, plan);
      if (plan.jobs.empty()) ++round;
    }
    if (round == 3 && options_.reclaim_after > 0) {
      append_reclaims(input, options_.reclaim_after, options_.sizing.file_bytes, plan);
    }
    return plan;
  }

 private:
  enum class Deciding : std::uint8_t {
    kFlush,  // Merges that take from memory; the rest is for the next round.
    kAll,
  };

  void append_decisions(const PlannerInput& input, Deciding what, CompactionPlan& plan) const {
    const std::vector<CellStack> stacks = stack_cells(input);
    const RentRule rule = rule_of(input, options_);
    std::vector<Wish> wishes;
    double pages = 1;
    for (const CellStack& stack : stacks) {
      pages += static_cast<double>(stack.cell->pages);
      const double bias = rent_bias(stack.cell->keys.begin, input.grid, options_.spread);
      wishes.push_back(
          decide(stack, rule, {.even = plan.tuning.even * bias, .hot = plan.tuning.hot * bias}));
    }
    grant_images(input, rule, wishes);
    std::vector<CellPart> merges;
    std::vector<CellPart> images;
    for (const Wish& wish : wishes) {
      if (!wish.decision.is_image && wish.decision.merge == 0) continue;
      if (what == Deciding::kFlush && (wish.decision.is_image || !wish.stack->is_flushing())) {
        continue;
      }
      CellPart made = wish.decision.is_image ? image_at_tip(*wish.stack, input.tip)
                                             : merge_newest(*wish.stack, wish.decision.merge);
      made.pages_share = static_cast<double>(wish.stack->cell->pages) / pages;
      made.rent = wish.rent;
      (wish.decision.is_image ? images : merges).push_back(std::move(made));
    }
    const std::uint64_t file_bytes = options_.sizing.file_bytes;
    const std::string prices =
        fmt::format("price {:.0f} even, {:.0f} hot", plan.tuning.even, plan.tuning.hot);
    append_merges(std::move(merges), file_bytes,
                  fmt::format("bytes <= {:.2f} rent; {}", options_.merge_share, prices),
                  input.measured.wal_bytes, plan);
    append_jobs(JobKind::kImage, std::move(images), file_bytes, "pages <= rent; " + prices,
                input.measured.wal_bytes, plan);
  }

  static Wish decide(const CellStack& stack, const RentRule& rule, const PriceTuning& prices) {
    Wish wish{.stack = &stack};
    for (const Fragment& fragment : stack.fragments) {
      const CellShare& share = *fragment.share;
      const double rent = prices.even * share.visits_even + prices.hot * share.visits_hot;
      wish.runs.push_back({static_cast<double>(share.bytes), rent, fragment.layer->is_in_memory()});
      wish.rent += rent;
    }
    wish.decision = rule.decide(wish.runs, static_cast<double>(stack.page_bytes()), ImageRoom::kNow,
                                stack.image != 0 ? 1 : 0);
    return wish;
  }

  // Images while there is room for them, where they are wanted most; the others decide again.
  static void grant_images(const PlannerInput& input, const RentRule& rule,
                           std::vector<Wish>& wishes) {
    double live_bytes = 0;
    for (const LayerShape& layer : input.layers) live_bytes += static_cast<double>(layer.bytes);
    SpaceRoom space(input.budgets.space_amp, static_cast<double>(input.measured.wal_bytes),
                    live_bytes);
    std::vector<Wish*> wanted;
    for (Wish& wish : wishes) {
      if (wish.decision.is_image) wanted.push_back(&wish);
    }
    const auto rent_for_pages = [](const Wish* wish) {
      return wish->rent /
             static_cast<double>(std::max<std::uint64_t>(wish->stack->page_bytes(), 1));
    };
    std::ranges::stable_sort(wanted, [&](const Wish* a, const Wish* b) {
      return rent_for_pages(a) > rent_for_pages(b);
    });
    for (Wish* wish : wanted) {
      const auto bytes = static_cast<double>(wish->stack->page_bytes());
      const ImageRoom room = space.ask(bytes);
      if (room == ImageRoom::kNow) continue;
      wish->decision = rule.decide(wish->runs, bytes, room, wish->stack->image != 0 ? 1 : 0);
    }
  }

  CellPolicyOptions options_;
};

}  // namespace

std::unique_ptr<CompactionPolicy> make_cell_policy(const CellPolicyOptions& options) {
  return std::make_unique<CellPolicy>(options);
}

}  // namespace packstore
