#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compare/report.h"

namespace packstore::compare {

namespace {

constexpr int kLineHeight = 24;
constexpr int kTop = 64;
constexpr int kLabelWidth = 430;
constexpr int kBarsWidth = 420;
constexpr int kWidth = kLabelWidth + kBarsWidth + 190;
// The scale: from an eighth of a goal to eight times it.
constexpr double kDoublings = 3;

// Where a share of a goal ends, in pixels from the left.
double place_of(double attainment) {
  const double doublings = std::clamp(std::log2(attainment), -kDoublings, kDoublings);
  return kLabelWidth + (doublings + kDoublings) / (2 * kDoublings) * kBarsWidth;
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    if (character == '&') {
      escaped += "&amp;";
    } else if (character == '<') {
      escaped += "&lt;";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string bar(const Verdict& verdict, int top) {
  const double end = place_of(verdict.attainment());
  const double goal = place_of(1);
  std::string text = fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
                                 kLabelWidth - 8, top + 16, escape(verdict.title));
  text += fmt::format("<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n",
                      std::min(end, goal), top + 4, std::max(std::abs(end - goal), 1.0),
                      kLineHeight - 8, verdict.is_reached() ? "#2a7f62" : "#b3452c");
  text += fmt::format("<text x=\"{}\" y=\"{}\">{:.4g} (wanted {} {:.4g})</text>\n",
                      kLabelWidth + kBarsWidth + 8, top + 16, verdict.measured,
                      verdict.at_least ? "&gt;=" : "&lt;=", verdict.goal);
  return text;
}

std::string scale(int bottom) {
  std::string text;
  for (const double share : {0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0}) {
    const double x = place_of(share);
    text += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"{3}\"/>\n"
        "<text x=\"{0:.1f}\" y=\"{4}\" text-anchor=\"middle\">{5:g}</text>\n",
        x, kTop, bottom, share == 1.0 ? "#222" : "#ddd", kTop - 6, share);
  }
  return text;
}

}  // namespace

std::string to_svg(const Facts& facts, const std::vector<Verdict>& verdicts) {
  const int bottom = kTop + kLineHeight * static_cast<int>(verdicts.size());
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
      "<text x=\"8\" y=\"18\" font-size=\"14\">How much of each goal is reached (1 = the goal, "
      "to the right is better)</text>\n"
      "<text x=\"8\" y=\"36\" fill=\"#666\">{2}</text>\n",
      kWidth, bottom + 12, escape(facts.machine));
  text += scale(bottom);
  int top = kTop;
  for (const Verdict& verdict : verdicts) {
    text += bar(verdict, top);
    top += kLineHeight;
  }
  return text + "</svg>\n";
}

}  // namespace packstore::compare
