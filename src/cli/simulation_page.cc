// 1. The table, as HTML: columns are described once, in kColumns.
// 2. What the script draws, as JSON: series of amplification, and the lives of layers. Keys become
//    positions on a scale on which every cell in use is as wide as any other, because a key space
//    is mostly gaps.
// 3. Style and script (simulation_page_parts.cc) around them.
#include "simulation_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "report.h"

namespace packstore::cli {

namespace {

struct Column {
  std::string_view head;
  std::string_view explanation;
  std::string (*show)(const SimulationResult& row, const SimulationResult* reference);
};

using Row = SimulationResult;

std::string ratio(double value, double to) {
  return to > 0 ? fmt::format("{:.3f}", value / to) : std::string("-");
}

// The first row of the same workload is what the others are compared with.
constexpr Column kColumns[] = {
    {"policy", "who decided", [](const Row& row, const Row*) { return row.policy; }},
    {"write amp", "bytes written to layers over bytes of log",
     [](const Row& row, const Row*) { return fmt::format("{:.3f}", row.write_amp); }},
    {"/ first", "write amplification over that of the first row of the workload",
     [](const Row& row, const Row* first) { return ratio(row.write_amp, first->write_amp); }},
    {"/ bound", "write amplification over the lower bound at the same budgets",
     [](const Row& row, const Row*) { return ratio(row.write_amp, row.bound); }},
    {"storage amp", "live bytes over bytes of log",
     [](const Row& row, const Row*) { return fmt::format("{:.3f}", row.storage_amp); }},
    {"physical", "bytes of files over live bytes",
     [](const Row& row, const Row*) { return ratio(row.physical_amp, row.storage_amp); }},
    {"read even", "layers that a read of any page visits, by occupancy, mean over time",
     [](const Row& row, const Row*) { return fmt::format("{:.2f}", row.read_even.occupied); }},
    {"read hot", "the same for pages that were written recently",
     [](const Row& row, const Row*) { return fmt::format("{:.2f}", row.read_hot.occupied); }},
    {"peak", "most layers over any page at any time",
     [](const Row& row, const Row*) { return fmt::format("{}", row.read_peak); }},
    {"replay", "records that a read of a recently written page replays",
     [](const Row& row, const Row*) { return fmt::format("{:.1f}", row.replay_records); }},
    {"files", "data files written",
     [](const Row& row, const Row*) { return fmt::format("{}", row.files_written); }},
    {"seconds", "what the simulation took",
     [](const Row& row, const Row*) { return fmt::format("{:.2f}", row.seconds); }},
};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else if (c == '"')
      safe += "&quot;";
    else
      safe += c;
  }
  return safe;
}

std::string draw_table(std::span<const SimulationResult> rows) {
  std::string html = "<table><thead><tr><th>workload</th>";
  for (const Column& column : kColumns) {
    html += fmt::format("<th title=\"{}\">{}</th>", column.explanation, column.head);
  }
  html += "</tr></thead><tbody>\n";
  const SimulationResult* first = nullptr;
  for (const SimulationResult& row : rows) {
    const bool begins = first == nullptr || first->workload != row.workload;
    if (begins) first = &row;
    html += fmt::format("<tr{}><td>{}</td>", begins ? " class=\"first\"" : "",
                        begins ? escaped(row.workload) : "");
    for (const Column& column : kColumns) {
      html += fmt::format("<td>{}</td>", escaped(column.show(row, first)));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

double as_number(Key key) {
  return std::ldexp(static_cast<double>(key.high), 64) + static_cast<double>(key.low);
}

// Cells before `key`, and the share of the next one; from 0 to the number of cells.
double position_of(Key key, std::span<const Key> cells) {
  const auto next = std::ranges::upper_bound(cells, key);
  if (next == cells.begin()) return 0;
  const auto before = static_cast<double>(next - cells.begin() - 1);
  if (next == cells.end()) return key == *(next - 1) ? before : before + 1;
  const double begin = as_number(*(next - 1));
  return before + (as_number(key) - begin) / (as_number(*next) - begin);
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

Json life_as_json(const LayerLife& life, std::span<const Key> cells) {
  return Json::array({life.kind == LayerKind::kImage ? 1 : 0,
                      rounded(position_of(life.keys.begin, cells)),
                      rounded(position_of(life.keys.end, cells)), life.lsns.begin, life.lsns.end,
                      life.bytes, life.first, life.end, life.layers});
}

Json run_as_json(const SuiteRecorder::RunName& name, const RunRecording& recording) {
  Json points = Json::array();
  for (const AmplificationPoint& point : recording.points) {
    points.push_back(
        Json::array({point.tip, rounded(point.write_amp), rounded(point.read_amp_even),
                     rounded(point.read_amp_hot), rounded(point.space_amp), point.jobs}));
  }
  Json lives = Json::array();
  for (const LayerLife& life : recording.lives) {
    lives.push_back(life_as_json(life, recording.cells));
  }
  return {{"workload", name.first},
          {"policy", name.second},
          {"cells", recording.cells.size()},
          {"points", std::move(points)},
          {"lives", std::move(lives)}};
}

// As it may stand inside a script element: no end tag can begin in it.
std::string script_json(const Json& json) {
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (std::size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3)) {
    text.replace(at, 2, "<\\/");
  }
  return text;
}

}  // namespace

std::string draw_simulation_page(const SimulationPage& page) {
  Json runs = Json::array();
  // In the order of the table.
  for (const SimulationResult& row : page.rows) {
    const auto recorded = page.recordings.find({row.workload, row.policy});
    if (recorded == page.recordings.end()) continue;
    runs.push_back(run_as_json(recorded->first, recorded->second));
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>{1}</style></head><body>\n<h1>{0}</h1>\n{2}"
      "<h2>Over time</h2>\n<div id=\"controls\"></div>\n<div id=\"charts\"></div>\n"
      "<h2>Layers over keys and LSNs</h2>\n<div id=\"layers\"></div>\n"
      "<script type=\"application/json\" id=\"runs\">{3}</script>\n<script>{4}</script>\n"
      "</body></html>\n",
      escaped(page.title), kSimulationPageStyle, draw_table(page.rows), script_json(runs),
      kSimulationPageScript);
}

}  // namespace packstore::cli
