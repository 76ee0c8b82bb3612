#include "chunking/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace packstore::bench {

namespace {

constexpr double kLeft = 60;
constexpr double kTop = 40;
constexpr double kWidth = 560;
constexpr double kHeight = 300;
constexpr double kLegendWidth = 170;
constexpr std::array<const char*, 6> kColours = {"#1b6ca8", "#b3452c", "#2a7f62",
                                                 "#8a5a9e", "#777777", "#b8860b"};

// Where values are on the page.
class Frame {
 public:
  Frame(const Axes& axes, const std::vector<Series>& series) : scale_(axes.x_scale) {
    x_min_ = scaled(series.front().points.front().x);
    x_max_ = x_min_;
    for (const Series& one : series) {
      for (const Point& point : one.points) {
        x_min_ = std::min(x_min_, scaled(point.x));
        x_max_ = std::max(x_max_, scaled(point.x));
        y_max_ = std::max(y_max_, point.y);
      }
    }
  }

  double x(double value) const {
    return kLeft + (scaled(value) - x_min_) / (x_max_ - x_min_) * kWidth;
  }
  double y(double value) const { return kTop + kHeight - value / y_max_ * kHeight; }

  std::vector<double> x_ticks() const {
    std::vector<double> ticks;
    if (scale_ == Scale::kLogarithmic) {
      for (double power = std::ceil(x_min_); power <= x_max_; ++power) {
        ticks.push_back(std::exp2(power));
      }
    } else {
      for (double value = std::ceil(x_min_); value <= x_max_; ++value) ticks.push_back(value);
    }
    return ticks;
  }

  // A power of ten apart, or a fifth or half of it: from four to ten.
  std::vector<double> y_ticks() const {
    double step = std::pow(10, std::floor(std::log10(y_max_)));
    if (y_max_ < 2 * step) {
      step /= 5;
    } else if (y_max_ < 5 * step) {
      step /= 2;
    }
    std::vector<double> ticks;
    for (double value = 0; value <= y_max_; value += step) ticks.push_back(value);
    return ticks;
  }

 private:
  double scaled(double value) const {
    return scale_ == Scale::kLogarithmic ? std::log2(value) : value;
  }

  Scale scale_;
  double x_min_ = 0;
  double x_max_ = 0;
  double y_max_ = 0;
};

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
      y2, colour);
}

std::string text(double x, double y, const char* anchor, const std::string& words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     words);
}

std::string draw_grid(const Axes& axes, const Frame& frame) {
  std::string svg;
  for (const double tick : frame.x_ticks()) {
    const double x = frame.x(tick);
    svg += line(x, kTop, x, kTop + kHeight, "#dddddd");
    svg += text(x, kTop + kHeight + 18, "middle", fmt::format("{:g}", tick));
  }
  for (const double tick : frame.y_ticks()) {
    const double y = frame.y(tick);
    svg += line(kLeft, y, kLeft + kWidth, y, "#dddddd");
    svg += text(kLeft - 8, y + 4, "end", fmt::format("{:g}", tick));
  }
  svg += text(kLeft + kWidth / 2, kTop - 16, "middle", axes.title);
  svg += text(kLeft + kWidth / 2, kTop + kHeight + 38, "middle", axes.x_label);
  svg += text(kLeft - 8, kTop - 10, "end", axes.y_label);
  return svg;
}

}  // namespace

std::string draw_lines(const Axes& axes, const std::vector<Series>& series) {
  const Frame frame(axes, series);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" font-family=\"sans-"
      "serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kLeft + kWidth + kLegendWidth, kTop + kHeight + 50);
  svg += draw_grid(axes, frame);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const char* const colour = kColours[i % kColours.size()];
    std::string places;
    for (const Point& point : series[i].points) {
      places += fmt::format("{:.1f},{:.1f} ", frame.x(point.x), frame.y(point.y));
    }
    places.pop_back();
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                       places, colour);
    const double y = kTop + 16 + 20 * static_cast<double>(i);
    svg += line(kLeft + kWidth + 12, y - 4, kLeft + kWidth + 36, y - 4, colour);
    svg += text(kLeft + kWidth + 42, y, "start", series[i].name);
  }
  return svg + "</svg>\n";
}

}  // namespace packstore::bench
