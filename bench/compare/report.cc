#include "compare/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "compare/engine.h"

namespace packstore::compare {

namespace {

using Lines = std::vector<std::vector<std::string>>;

// Three significant digits: 0.123, 1.23, 12.3, 123, 12,300 as 12.3 k.
std::string readable(double value) {
  const double size = std::abs(value);
  if (size >= 999'500) return fmt::format("{:.2f} M", value / 1e6);
  if (size >= 9'995) return fmt::format("{:.1f} k", value / 1e3);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::vector<std::string_view> columns_of(const Results& results) {
  std::vector<std::string_view> columns(engine_names().begin(), engine_names().end());
  columns.push_back(kLimit);
  std::erase_if(columns, [&results](std::string_view column) {
    return std::none_of(all_rows().begin(), all_rows().end(), [&](const RowInfo& info) {
      return !results.values(info.row, column).empty();
    });
  });
  return columns;
}

// The median, and behind it how many times as good packstore is.
std::string cell(const Results& results, Row row, std::string_view column) {
  const std::optional<double> median = results.median(row, column);
  if (!median) return "-";
  const std::optional<double> ratio = results.ratio(row, kPackstore, column);
  if (column == kPackstore || !ratio || info_of(row).unit == "bytes/object") {
    return readable(*median);
  }
  return fmt::format("{} ({:.2f}x)", readable(*median), *ratio);
}

// Markdown that is aligned for those who read it as it is.
std::string to_markdown(const Lines& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 3);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += i == 0 ? fmt::format("| {:<{}} ", line[i], widths[i])
                     : fmt::format("| {:>{}} ", line[i], widths[i]);
    }
    text += "|\n";
    if (&line != &lines.front()) continue;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += fmt::format("| {:-<{}}{} ", "", widths[i] - 1, i == 0 ? "-" : ":");
    }
    text += "|\n";
  }
  return text;
}

std::string json_list(std::span<const double> values) {
  std::string text;
  for (const double value : values)
    text += fmt::format("{}{:.6g}", text.empty() ? "" : ", ", value);
  return "[" + text + "]";
}

// Texts of this program hold no quotes; a command line or a processor's name may.
std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') quoted += '\\';
    if (static_cast<unsigned char>(character) >= 0x20) quoted += character;
  }
  return quoted + "\"";
}

std::string json_row(const RowInfo& info, const Results& results) {
  std::string columns;
  for (const std::string_view column : columns_of(results)) {
    const std::span<const double> values = results.values(info.row, column);
    if (values.empty()) continue;
    columns +=
        fmt::format("{}{}: {}", columns.empty() ? "" : ", ", json_text(column), json_list(values));
  }
  if (columns.empty()) return "";
  return fmt::format("    {{\"id\": {}, \"title\": {}, \"unit\": {}, \"rounds\": {{{}}}}}",
                     json_text(info.id), json_text(info.title), json_text(info.unit), columns);
}

}  // namespace

std::string table_of_rows(const Results& results) {
  const std::vector<std::string_view> columns = columns_of(results);
  Lines lines{{"work", "unit"}};
  lines.front().insert(lines.front().end(), columns.begin(), columns.end());
  for (const RowInfo& info : all_rows()) {
    std::vector<std::string> line{std::string(info.title), std::string(info.unit)};
    for (const std::string_view column : columns) line.push_back(cell(results, info.row, column));
    const bool measured =
        std::any_of(line.begin() + 2, line.end(), [](const auto& text) { return text != "-"; });
    if (measured) lines.push_back(std::move(line));
  }
  return to_markdown(lines);
}

std::string table_of_goals(const std::vector<Verdict>& verdicts) {
  Lines lines{{"goal", "measured", "wanted", "verdict"}};
  for (const Verdict& verdict : verdicts) {
    lines.push_back({verdict.title, readable(verdict.measured),
                     fmt::format("{} {}", verdict.at_least ? ">=" : "<=", readable(verdict.goal)),
                     verdict.is_reached() ? "pass" : "MISS"});
  }
  return to_markdown(lines);
}

std::string to_json(const Facts& facts, const Results& results,
                    const std::vector<Verdict>& verdicts) {
  std::string rows;
  for (const RowInfo& info : all_rows()) {
    const std::string row = json_row(info, results);
    if (!row.empty()) rows += (rows.empty() ? "" : ",\n") + row;
  }
  std::string goals;
  for (const Verdict& verdict : verdicts) {
    goals += fmt::format(
        "{}    {{\"title\": {}, \"measured\": {:.6g}, \"goal\": {:.6g}, \"at_least\": {}, "
        "\"reached\": {}}}",
        goals.empty() ? "" : ",\n", json_text(verdict.title), verdict.measured, verdict.goal,
        verdict.at_least, verdict.is_reached());
  }
  return fmt::format(
      "{{\n  \"machine\": {},\n  \"versions\": {},\n  \"command\": {},\n  \"rows\": [\n{}\n  ],\n"
      "  \"goals\": [\n{}\n  ]\n}}\n",
      json_text(facts.machine), json_text(facts.versions), json_text(facts.command), rows, goals);
}

}  // namespace packstore::compare
