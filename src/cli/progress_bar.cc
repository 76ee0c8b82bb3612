#include "progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "text.h"

namespace packstore::cli {

namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};
constexpr std::size_t kBarWidth = 30;
// With the widest numbers the line stays below the 80 columns that every terminal has.
constexpr std::size_t kPhaseWidth = 10;

std::string amount(std::uint64_t count, ProgressUnit unit) {
  return unit == ProgressUnit::kBytes ? format_size(count) : format_count(count);
}

std::string_view unit_name(ProgressUnit unit) {
  switch (unit) {
    case ProgressUnit::kObjects:
      return " objects";
    case ProgressUnit::kBytes:
      return "";
    case ProgressUnit::kPacks:
      return " packs";
  }
  return "";
}

}  // namespace

ProgressBar::ProgressBar() : is_terminal_(isatty(fileno(stderr)) == 1) {}

void ProgressBar::update(const Progress& progress) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (is_drawn_ && now - drawn_at_ < kRedrawInterval) return;
  is_drawn_ = true;
  drawn_at_ = now;
  // The line end is cut off by clearing behind the text: a shorter line leaves nothing of a longer.
  std::fputs(fmt::format("\r{}\033[K", draw_progress(progress)).c_str(), stderr);
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (!is_drawn_) return;
  is_drawn_ = false;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

std::string draw_progress(const Progress& progress) {
  const std::string_view phase = progress.phase.substr(0, kPhaseWidth);
  const std::string done = amount(progress.done, progress.unit);
  const std::string_view unit = unit_name(progress.unit);
  if (progress.total == 0) return fmt::format("{:<{}} {}{}", phase, kPhaseWidth, done, unit);

  const double share =
      std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  return fmt::format("{:<{}} [{:#<{}}{:-<{}}] {:3.0f}%  {} of {}{}", phase, kPhaseWidth, "", filled,
                     "", kBarWidth - filled, share * 100, done,
                     amount(progress.total, progress.unit), unit);
}

}  // namespace packstore::cli
