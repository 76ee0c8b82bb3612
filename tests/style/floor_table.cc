#include "style/floor_table.h"

#include <sstream>

namespace packstore::style {
namespace {

std::string trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trim(part));
  return parts;
}

// The names of a cell; a dash is an empty set.
std::set<std::string> names(std::string_view cell) {
  std::set<std::string> result;
  for (const std::string& name : split(cell, ',')) {
    if (name != "-") result.insert(name);
  }
  return result;
}

}  // namespace

bool FloorTable::may_use(const std::string& from, const std::string& to) const {
  if (from == to) return true;
  const auto floor = folders.find(from);
  return floor != folders.end() && floor->second.may_use.contains(to);
}

FloorTable parse_floor_table(std::string_view markdown) {
  FloorTable table;
  std::string kind;  // The first cell of the current table's heading.
  for (const std::string& line : split(markdown, '\n')) {
    if (!line.starts_with("|")) {
      kind.clear();
      continue;
    }
    const std::vector<std::string> cells = split(std::string_view(line).substr(1), '|');
    if (kind.empty()) {
      kind = cells.at(0);
    } else if (cells.at(0).starts_with("---")) {
      continue;
    } else if (kind == "floor") {
      table.folders[cells.at(1)] = {.number = std::stoi(cells.at(0)),
                                    .may_use = names(cells.at(3))};
    } else if (kind == "header") {
      for (const std::string& pattern : names(cells.at(0))) {
        table.outside.push_back({.pattern = pattern, .only_in = names(cells.at(1))});
      }
    } else if (kind == "public header") {
      for (const std::string& header : names(cells.at(0))) {
        table.public_headers[header] = cells.at(1);
      }
    }
  }
  return table;
}

bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view front = pattern.substr(0, star);
  const std::string_view back = pattern.substr(star + 1);
  return name.size() >= front.size() + back.size() && name.starts_with(front) &&
         name.ends_with(back);
}

}  // namespace packstore::style
