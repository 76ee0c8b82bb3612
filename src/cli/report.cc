#include "report.h"

#include <algorithm>

#include "text.h"

namespace packstore::cli {

namespace {

constexpr int kLabelWidth = 24;

// "record-damaged pack 3 at 1234: record claims ..."
std::string describe(const Finding& finding) {
  std::string place;
  if (finding.pack) place += fmt::format(" pack {} at {}", *finding.pack, finding.offset);
  if (finding.object) place += fmt::format(" object {}", finding.object->to_hex());
  return fmt::format("{}{}: {}", to_string(finding.kind), place, finding.message);
}

// Bytes of names that are no UTF-8 become U+FFFD, since JSON has no way to say them.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void Report::text(const FactName& name, std::string_view value) { add(name, value, value); }

void Report::count(const FactName& name, std::uint64_t value) {
  add(name, value, format_count(value));
}

void Report::bytes(const FactName& name, std::uint64_t value) {
  add(name, value, format_size(value));
}

void Report::share(const FactName& name, double value) { add(name, value, format_share(value)); }

void Report::ids(const FactName& name, std::span<const ObjectId> values) {
  Json list = Json::array();
  for (const ObjectId& id : values) {
    list.push_back(id.to_hex());
    add_line(name.label, id.to_hex());
  }
  json(name.key, std::move(list));
}

void Report::cids(const FactName& name, std::span<const Cid> values) {
  Json list = Json::array();
  for (const Cid& cid : values) {
    list.push_back(cid.to_text());
    add_line(name.label, cid.to_text());
  }
  json(name.key, std::move(list));
}

void Report::faults(const FactName& name, std::span<const BlockFault> values) {
  Json list = Json::array();
  for (const BlockFault& fault : values) {
    list.push_back({{"cid", fault.cid.to_text()},
                    {"code", to_string(fault.error.code)},
                    {"message", fault.error.message}});
    add_line(name.label, fmt::format("{}: {}", to_string(fault.error.code), fault.error.message));
  }
  json(name.key, std::move(list));
}

void Report::refs(const FactName& name, std::span<const Ref> values) {
  Json list = Json::array();
  for (const Ref& ref : values) {
    list.push_back(to_json(ref));
    add_line(name.label, line_of(ref));
  }
  json(name.key, std::move(list));
}

void Report::findings(const FactName& name, std::span<const Finding> values) {
  Json list = Json::array();
  for (const Finding& finding : values) {
    list.push_back(to_json(finding));
    add_line(is_garbage(finding.kind) ? "garbage" : name.label, describe(finding));
  }
  json(name.key, std::move(list));
}

void Report::json(std::string_view key, Json value) {
  object_[std::string(key)] = std::move(value);
}

void Report::drawing(std::string_view lines) { text_ += lines; }

void Report::print(Session& session) const {
  session.out().write(session.as_json() ? dump(object_, 2) + "\n" : text_);
}

void Report::add(const FactName& name, Json value, std::string_view shown) {
  if (!name.key.empty()) json(name.key, std::move(value));
  if (!name.label.empty()) add_line(name.label, shown);
}

void Report::add_line(std::string_view label, std::string_view shown) {
  text_ += fmt::format("{:<{}}  {}\n", label, kLabelWidth, printable(shown));
}

void JsonList::add(const Json& element) {
  out_.write(is_empty_ ? "[\n  " : ",\n  ");
  out_.write(dump(element, -1));
  is_empty_ = false;
}

void JsonList::close() { out_.write(is_empty_ ? "[]\n" : "\n]\n"); }

Json to_json(const Finding& finding) {
  Json json = {{"kind", to_string(finding.kind)}, {"garbage", is_garbage(finding.kind)}};
  json["object"] = finding.object ? Json(finding.object->to_hex()) : Json();
  json["pack"] = finding.pack ? Json(*finding.pack) : Json();
  json["offset"] = finding.offset;
  json["message"] = finding.message;
  return json;
}

Json to_json(const Ref& ref) {
  return {{"name", ref.name},
          {"id", ref.id.to_hex()},
          {"cid", Cid::of(ref.kind, ref.id).to_text()},
          {"kind", to_text(ref.kind)}};
}

std::string line_of(const Ref& ref) {
  return fmt::format("{}  {}", to_text(Link{.id = ref.id, .kind = ref.kind}), ref.name);
}

bool has_damage(std::span<const Finding> findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return !is_garbage(finding.kind); });
}

}  // namespace packstore::cli
