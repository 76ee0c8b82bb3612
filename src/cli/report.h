// One description of a result, for people and for programs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "output.h"
#include "packstore/cid.h"
#include "packstore/dag.h"
#include "packstore/object_id.h"
#include "packstore/refs.h"
#include "packstore/validate.h"
#include "session.h"

namespace packstore::cli {

// Keys in the order in which they were added.
using Json = nlohmann::ordered_json;

// How a fact is called: by programs, and by people. A fact without a label is not shown to people,
// one without a key not given to programs.
struct FactName {
  std::string_view key;
  std::string_view label;
};

// Collects facts and prints them in the form that the caller of the program asked for: one JSON
// object, or aligned lines of text.
class Report {
 public:
  void text(const FactName& name, std::string_view value);
  void count(const FactName& name, std::uint64_t value);
  void bytes(const FactName& name, std::uint64_t value);
  void share(const FactName& name, double value);
  // One line each.
  void ids(const FactName& name, std::span<const ObjectId> values);
  void cids(const FactName& name, std::span<const Cid> values);
  void faults(const FactName& name, std::span<const BlockFault> values);
  void refs(const FactName& name, std::span<const Ref> values);
  void findings(const FactName& name, std::span<const Finding> values);
  // For programs only.
  void json(std::string_view key, Json value);
  // For people only: any lines.
  void drawing(std::string_view lines);

  void print(Session& session) const;

 private:
  void add(const FactName& name, Json value, std::string_view shown);
  void add_line(std::string_view label, std::string_view shown);

  Json object_ = Json::object();
  std::string text_;
};

// A JSON array of any length, written as it comes.
class JsonList {
 public:
  explicit JsonList(Output& out) : out_(out) {}

  void add(const Json& element);
  // To be called once, at the end.
  void close();

 private:
  Output& out_;
  bool is_empty_ = true;
};

Json to_json(const Finding& finding);
Json to_json(const Ref& ref);
// For people, and for lists of ids: what it points at, as `ref set` takes it, and its name.
std::string line_of(const Ref& ref);

// True where one of them is damage, and not only what clean() would remove.
bool has_damage(std::span<const Finding> findings);

}  // namespace packstore::cli
