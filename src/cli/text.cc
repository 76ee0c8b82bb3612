#include "text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "packstore/cid.h"

namespace packstore::cli {

namespace {

// An id fits; a binary file that was taken for a list of ids does not fill the screen.
constexpr std::size_t kQuotedMax = 72;

bool is_control(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return code < 0x20 || code == 0x7f;
}

}  // namespace

std::string format_size(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);

  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would print as "1024.0": it is 1.0 of the next unit already.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (std::size_t from_right = 3; from_right < digits.size(); from_right += 4) {
    digits.insert(digits.size() - from_right, 1, ',');
  }
  return digits;
}

std::string format_share(double share) { return fmt::format("{:.1f}%", share * 100); }

LineName line_name(std::string_view name) {
  if (name.find_first_of("\n\r") == std::string_view::npos) return {std::string(name), false};
  LineName escaped{{}, true};
  for (const char letter : name) {
    switch (letter) {
      case '\n':
        escaped.text += "\\n";
        break;
      case '\r':
        escaped.text += "\\r";
        break;
      case '\\':
        escaped.text += "\\\\";
        break;
      default:
        escaped.text += letter;
    }
  }
  return escaped;
}

std::string printable(std::string_view text) {
  std::string safe(text);
  std::replace_if(safe.begin(), safe.end(), is_control, '?');
  return safe;
}

std::string quote(std::string_view text) {
  return fmt::format("'{}{}'", printable(text.substr(0, kQuotedMax)),
                     text.size() > kQuotedMax ? "..." : "");
}

std::string_view to_text(NodeKind kind) {
  switch (kind) {
    case NodeKind::kDagPb:
      return "dag-pb";
    case NodeKind::kDagCbor:
      return "dag-cbor";
    default:
      return "raw";
  }
}

std::string to_text(const Link& link) {
  return link.kind == NodeKind::kRaw ? link.id.to_hex() : Cid::of(link.kind, link.id).to_text();
}

}  // namespace packstore::cli
