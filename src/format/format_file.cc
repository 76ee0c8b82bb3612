#include "format/format_file.h"

#include <charconv>

#include "base/error.h"

namespace packstore::format {
namespace {

constexpr std::string_view kVersionWord = "packstore ";
constexpr std::string_view kUuidWord = "uuid ";
constexpr std::string_view kCountsLine = "counts references";

// Takes the line up to and with its '\n' off the front of `text`; empty when there is none.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return {};
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

std::string encode(const FormatFile& format) {
  std::string text =
      fmt::format("{}{}\n{}{}\n", kVersionWord, kStoreVersion, kUuidWord, to_text(format.store));
  if (format.counts_references) text.append(kCountsLine).append("\n");
  return text;
}

Result<FormatFile> decode_format_file(std::string_view text) {
  const std::string_view version_line = take_line(text);
  if (!version_line.starts_with(kVersionWord)) {
    return fail(ErrorCode::kCorrupt, "FORMAT: its first line is not \"packstore N\"");
  }
  const std::string_view digits = version_line.substr(kVersionWord.size());
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  // encode() writes no leading zero, and no version 0.
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (!is_number || digits.starts_with('0')) {
    return fail(ErrorCode::kCorrupt, "FORMAT: its first line is not \"packstore N\"");
  }
  if (version != kStoreVersion) {
    return fail(ErrorCode::kUnsupported,
                "FORMAT: version {} of the store format, this library knows {}", version,
                kStoreVersion);
  }
  const std::string_view uuid_line = take_line(text);
  if (!uuid_line.starts_with(kUuidWord)) {
    return fail(ErrorCode::kCorrupt, "FORMAT: its second line is not \"uuid UUID\"");
  }
  ASSIGN_OR_RETURN(const Uuid store, parse_uuid(uuid_line.substr(kUuidWord.size())));
  FormatFile format{.store = store};
  while (!text.empty()) {
    const std::size_t before = text.size();
    format.counts_references |= take_line(text) == kCountsLine;
    if (text.size() == before) break;  // No '\n' any more.
  }
  return format;
}

}  // namespace packstore::format
