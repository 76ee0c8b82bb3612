#include "pack_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text.h"

namespace packstore::cli {

namespace {

constexpr std::size_t kBarWidth = 40;
// More lines than this are no picture any more; --json has all of them.
constexpr std::size_t kLinesMax = 60;

// The picture's measures in pixels.
constexpr std::size_t kRowHeight = 22;
constexpr std::size_t kBarHeight = 14;
constexpr std::size_t kHeaderHeight = 56;
constexpr std::size_t kMargin = 16;
constexpr std::size_t kBarLeft = 110;
constexpr double kBarPixels = 480;
constexpr std::size_t kPictureWidth = 800;

std::uint64_t largest_file(std::span<const PackStats> packs) {
  std::uint64_t largest = 1;
  for (const PackStats& pack : packs) largest = std::max(largest, pack.file_bytes);
  return largest;
}

// A damaged index may count more dead bytes than the file has.
std::uint64_t dead_in_file(const PackStats& pack) {
  return std::min(pack.dead_bytes, pack.file_bytes);
}

double dead_share(const PackStats& pack) {
  if (pack.file_bytes == 0) return 0.0;
  return static_cast<double>(dead_in_file(pack)) / static_cast<double>(pack.file_bytes);
}

std::string draw_bar(const PackStats& pack, std::uint64_t largest) {
  const double length = static_cast<double>(pack.file_bytes) / static_cast<double>(largest);
  const auto width = static_cast<std::size_t>(std::ceil(length * kBarWidth));
  // Rounded so that any dead byte shows, and any live one too where there is room for both.
  const auto dead =
      static_cast<std::size_t>(std::ceil(dead_share(pack) * static_cast<double>(width)));
  const bool hides_live = dead == width && width > 1 && dead_in_file(pack) < pack.file_bytes;
  const std::size_t shown_dead = hides_live ? dead - 1 : dead;
  return std::string(width - shown_dead, '#') + std::string(shown_dead, '-');
}

std::string svg_rect(double left, std::size_t top, double width, std::string_view color) {
  return fmt::format(R"(<rect x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill="{}"/>)", left, top,
                     width, kBarHeight, color);
}

std::string svg_text(double left, std::size_t baseline, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>\n", left, baseline, text);
}

// Dark and light of one hue, and far apart in brightness: readable without colours too.
constexpr std::string_view kLiveColor = "#1f6f8b";
constexpr std::string_view kDeadColor = "#e0b48c";

std::string svg_row(const PackStats& pack, std::size_t top, std::uint64_t largest) {
  const double length =
      kBarPixels * static_cast<double>(pack.file_bytes) / static_cast<double>(largest);
  const double live = length * (1 - dead_share(pack));
  const std::string summary = fmt::format("{}, {} live, {} objects{}", format_size(pack.file_bytes),
                                          format_share(1 - dead_share(pack)),
                                          format_count(pack.objects), pack.sealed ? "" : ", open");
  return fmt::format("<g><title>pack {}: {}</title>\n", pack.pack, summary) +
         svg_text(kMargin, top + kBarHeight - 2, fmt::format("pack {}", pack.pack)) +
         svg_rect(kBarLeft, top, live, kLiveColor) + "\n" +
         svg_rect(kBarLeft + live, top, length - live, kDeadColor) + "\n" +
         svg_text(kBarLeft + length + 8, top + kBarHeight - 2, format_size(pack.file_bytes)) +
         "</g>\n";
}

}  // namespace

std::string draw_packs(std::span<const PackStats> packs) {
  if (packs.empty()) return {};
  const std::uint64_t largest = largest_file(packs);
  std::string lines = fmt::format("\n{:>10}  {:>10}  {:>6}  {}\n", "pack", "size", "live",
                                  "occupancy (# live, - dead)");
  for (const PackStats& pack : packs.first(std::min(packs.size(), kLinesMax))) {
    lines += fmt::format("{:>10}  {:>10}  {:>6}  |{:<{}}|{}\n", pack.pack,
                         format_size(pack.file_bytes), format_share(1 - dead_share(pack)),
                         draw_bar(pack, largest), kBarWidth, pack.sealed ? "" : " open");
  }
  if (packs.size() > kLinesMax) {
    lines += fmt::format("{:>10}  and {} more\n", "", format_count(packs.size() - kLinesMax));
  }
  return lines;
}

std::string draw_packs_as_svg(std::span<const PackStats> packs) {
  const std::uint64_t largest = largest_file(packs);
  const std::size_t height = kHeaderHeight + packs.size() * kRowHeight + kMargin;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kPictureWidth, height);
  const std::size_t legend = kMargin + 14;
  svg += svg_text(kMargin, kMargin + 6, "Occupancy of packs");
  svg += svg_rect(kBarLeft, legend, kBarHeight, kLiveColor) + "\n";
  svg += svg_text(kBarLeft + 20, legend + kBarHeight - 2, "live bytes");
  svg += svg_rect(kBarLeft + 110, legend, kBarHeight, kDeadColor) + "\n";
  svg += svg_text(kBarLeft + 130, legend + kBarHeight - 2, "dead bytes");
  for (std::size_t row = 0; row < packs.size(); ++row) {
    svg += svg_row(packs[row], kHeaderHeight + row * kRowHeight, largest);
  }
  return svg + "</svg>\n";
}

}  // namespace packstore::cli
