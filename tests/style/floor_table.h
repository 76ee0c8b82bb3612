// The tables of src/README.md.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace packstore::style {

struct Floor {
  int number = 0;
  std::set<std::string> may_use;
};

struct OutsideHeaders {
  std::string pattern;            // A name, perhaps with one '*'.
  std::set<std::string> only_in;  // Folders.
};

struct FloorTable {
  std::map<std::string, Floor> folders;
  std::vector<OutsideHeaders> outside;
  std::map<std::string, std::string> public_headers;  // Header to folder.

  // Whether code of `from` may include what belongs to folder `to`.
  bool may_use(const std::string& from, const std::string& to) const;
};

FloorTable parse_floor_table(std::string_view markdown);

// Whether `name` is what `pattern` says; one '*' stands for any characters.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace packstore::style
