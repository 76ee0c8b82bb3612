// Planner input: layers drawn as in tests/compaction/ascii_layers.h, up to a line that is empty,
// and then bytes that spoil them. Every policy plans or refuses, twice the same; plans read back.
#include <vector>

#include "base/check.h"
#include "compaction/ascii_layers.h"
#include "fuzz/fuzz_input.h"
#include "packstore/compaction.h"

namespace packstore::testing {
namespace {

constexpr std::size_t kRowsMax = 40;
constexpr std::size_t kColumnsMax = 40;

std::vector<std::string> take_rows(FuzzInput& input) {
  std::vector<std::string> rows(1);
  while (!input.empty()) {
    const char c = static_cast<char>(input.take<std::uint8_t>());
    if (c == '\n') {
      if (rows.back().empty()) break;
      rows.emplace_back();
    } else if (rows.back().size() < kColumnsMax) {
      const bool is_layer = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '=';
      rows.back() += is_layer ? c : '.';
    }
    if (rows.size() > kRowsMax) break;
  }
  while (!rows.empty() && rows.back().empty()) rows.pop_back();
  return rows;
}

Key take_key(FuzzInput& input) {
  const std::uint64_t high = input.take<std::uint8_t>() / 128;
  return {high, input.take<std::uint16_t>()};
}

void spoil_layer(FuzzInput& input, LayerShape& layer) {
  switch (input.take_below(8)) {
    case 0:
      layer.keys = {take_key(input), take_key(input)};
      break;
    case 1:
      layer.lsns = {input.take<std::uint16_t>(), input.take<std::uint16_t>()};
      break;
    case 2:
      layer.kind = layer.is_delta() ? LayerKind::kImage : LayerKind::kDelta;
      break;
    case 3:
      layer.bytes = input.take<std::uint64_t>();
      break;
    case 4:
      layer.file = input.take<std::uint8_t>();
      break;
    case 5:
      layer.keys = KeyRange::all();
      break;
    case 6:
      layer.cells.resize(input.take_below(layer.cells.size() + 1));
      break;
    default:
      if (layer.cells.empty()) break;
      CellShare& share = layer.cells[input.take_below(layer.cells.size())];
      share.bytes = input.take<std::uint32_t>();
      share.visits_even = input.take<std::uint32_t>();
      share.visits_hot = input.take<std::uint16_t>();
      layer.bytes += share.bytes;
      break;
  }
}

void spoil(FuzzInput& input, DrawnLayers& drawn) {
  for (std::size_t i = input.take_below(16); i > 0 && !drawn.layers.empty(); --i) {
    spoil_layer(input, drawn.layers[input.take_below(drawn.layers.size())]);
  }
  for (std::size_t i = input.take_below(4); i > 0 && !drawn.files.empty(); --i) {
    drawn.files[input.take_below(drawn.files.size())].bytes = input.take<std::uint32_t>();
  }
  for (std::size_t i = input.take_below(4); i > 0 && !drawn.cells.empty(); --i) {
    CellState& cell = drawn.cells[input.take_below(drawn.cells.size())];
    cell.pages = input.take<std::uint8_t>() / 8;
    const CellInterval seen{.bytes = input.take<std::uint32_t>(),
                            .records = input.take<std::uint16_t>(),
                            .pages = input.take<std::uint8_t>()};
    cell.history.assign(cell.history.size(), seen);
  }
  if (const std::size_t intervals = input.take_below(20); intervals != 0) {
    for (CellState& cell : drawn.cells) cell.history.resize(intervals);
  }
}

std::optional<double> take_budget(FuzzInput& input) {
  const auto number = input.take<std::uint16_t>();
  return number == 0 ? std::nullopt : std::optional<double>((number - 1) / 1000.0);
}

void plan_all(FuzzInput& bytes, PlannerInput& input) {
  const PolicySizing sizing{.file_bytes = 1 + std::uint64_t{bytes.take<std::uint16_t>()},
                            .fan_out = bytes.take<std::uint8_t>()};
  for (const auto& policy :
       {make_tiered_policy(sizing), make_count_policy(sizing), make_lazy_leveling_policy(sizing),
        make_cell_policy({.sizing = sizing})}) {
    for (input.round = 0; input.round < 4; ++input.round) {
      const Result<CompactionPlan> plan = policy->plan(input);
      PACKSTORE_CHECK(plan.has_value() == check_planner_input(input).has_value());
      if (!plan) break;
      const std::string text = print_plan(*plan);
      PACKSTORE_CHECK(print_plan(policy->plan(input).value()) == text);
      PACKSTORE_CHECK(print_plan(parse_plan(text).value()) == text);
      PACKSTORE_CHECK(!draw_plan(*plan, input).empty());
    }
  }
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  testing::FuzzInput bytes(data, size);
  DrawnLayers drawn = draw_layers(testing::take_rows(bytes));
  testing::spoil(bytes, drawn);
  PlannerInput input = drawn.input();
  input.horizon = bytes.take<std::uint16_t>();
  input.budgets = {.read_amp_even = testing::take_budget(bytes),
                   .read_amp_hot = testing::take_budget(bytes),
                   .space_amp = testing::take_budget(bytes)};
  input.budgets.read_amp_peak = bytes.take<std::uint8_t>();
  input.tuning = {.even = static_cast<double>(bytes.take<std::uint32_t>()),
                  .hot = static_cast<double>(bytes.take<std::uint16_t>())};
  testing::plan_all(bytes, input);
  return 0;
}
