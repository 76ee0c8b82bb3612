// A picture of a plan: keys across, LSNs up. Cells of the key space in use are equally wide, LSNs
// are to scale. Layers are drawn as outlines, deltas as boxes and images as lines; what a job makes
// lies over them in the colour of its kind, with its reason as a tooltip.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "packstore/compaction.h"

namespace packstore {
namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 480;
constexpr double kMargin = 20;

std::string_view colour_of(JobKind kind) {
  switch (kind) {
    case JobKind::kMerge:
      return "#2a7fb8";
    case JobKind::kImage:
      return "#2e9e5b";
    case JobKind::kDrop:
      return "#b03a2e";
    case JobKind::kCut:
      return "#8e7cc3";
    case JobKind::kMove:
      return "#c27ba0";
    case JobKind::kReclaim:
      return "#d68910";
  }
  return "#000000";
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c >= ' ' && c <= '~') {
      safe += c;
    }
  }
  return safe;
}

class Canvas {
 public:
  explicit Canvas(const PlannerInput& input) : input_(input) {
    bottom_ = input.tip;
    for (const LayerShape& layer : input.layers) bottom_ = std::min(bottom_, layer.lsns.begin);
  }

  void rectangle(const KeyRange& keys, const LsnRange& lsns, std::string_view style,
                 std::string_view title) {
    const double left = across(keys.begin);
    const double top = up(lsns.end);
    fmt::format_to(out(),
                   "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}>"
                   "<title>{}</title></rect>\n",
                   left, top, std::max(across(keys.end) - left, 1.0),
                   std::max(up(lsns.begin) - top, 2.0), style, escaped(title));
  }

  std::string finish() const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
        "font-family=\"sans-serif\" "
        "font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        "<text x=\"{}\" y=\"14\">LSN {} to {}, {} cells</text>\n{}</svg>\n",
        kWidth, kHeight, kMargin, bottom_, input_.tip, input_.cells.size(), body_);
  }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(body_); }

  // The number of cells that begin below `key`, to scale.
  double across(Key key) const {
    const auto below = std::ranges::lower_bound(
        input_.cells, key, {}, [](const CellState& cell) { return cell.keys.begin; });
    const auto cells = std::max<double>(static_cast<double>(input_.cells.size()), 1);
    return kMargin +
           (kWidth - 2 * kMargin) * static_cast<double>(below - input_.cells.begin()) / cells;
  }

  double up(Lsn lsn) const {
    const auto height = std::max<double>(static_cast<double>(input_.tip - bottom_), 1);
    const Lsn above = std::clamp(lsn, bottom_, input_.tip) - bottom_;
    return kHeight - kMargin - (kHeight - 2 * kMargin) * static_cast<double>(above) / height;
  }

  const PlannerInput& input_;
  Lsn bottom_ = 0;
  std::string body_;
};

}  // namespace

std::string draw_plan(const CompactionPlan& plan, const PlannerInput& input) {
  Canvas canvas(input);
  for (const LayerShape& layer : input.layers) {
    canvas.rectangle(layer.keys, layer.lsns,
                     layer.is_delta() ? "fill=\"#eeeeee\" stroke=\"#999999\""
                                      : "fill=\"#333333\" stroke=\"#333333\"",
                     fmt::format("layer {}: {} bytes", layer.id, layer.bytes));
  }
  for (const CompactionJob& job : plan.jobs) {
    const std::string style = fmt::format("fill=\"{}\" fill-opacity=\"0.4\" stroke=\"{}\"",
                                          colour_of(job.kind), colour_of(job.kind));
    for (const JobPart& part : job.parts) {
      canvas.rectangle(part.keys, part.lsns, style,
                       fmt::format("{}: {}", to_string(job.kind), job.reason));
    }
  }
  return canvas.finish();
}

}  // namespace packstore
