// Lines in a coordinate system, as SVG.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace packstore::bench {

struct Point {
  double x = 0;
  double y = 0;
};

struct Series {
  std::string name;
  std::vector<Point> points;
};

enum class Scale : std::uint8_t { kLinear, kLogarithmic };

struct Axes {
  std::string title;
  std::string x_label;
  std::string y_label;
  Scale x_scale = Scale::kLinear;
};

// y begins at 0; a logarithmic x has a tick at each doubling.
std::string draw_lines(const Axes& axes, const std::vector<Series>& series);

}  // namespace packstore::bench
