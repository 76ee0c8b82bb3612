// How numbers and names are written for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "packstore/link.h"
#include "packstore/node_kind.h"

namespace packstore::cli {

// "0 B", "999 B", "1.2 MiB".
std::string format_size(std::uint64_t bytes);

// "1,234,567".
std::string format_count(std::uint64_t count);

// "75.0%".
std::string format_share(double share);

// `name` as it stands in a line of output: unchanged unless it would break the line. Otherwise
// backslashes and line ends are escaped and `is_escaped` says so, as checksum programs do it.
struct LineName {
  std::string text;
  bool is_escaped = false;
};
LineName line_name(std::string_view name);

// `text` with '?' in place of control characters, which could drive a terminal.
std::string printable(std::string_view text);

// "raw", "dag-pb", "dag-cbor".
std::string_view to_text(NodeKind kind);

// What `ref set` takes for this: the CID of a node, the id of an object without links.
std::string to_text(const Link& link);

// Any bytes in quotes, cut short and without control characters: for messages.
std::string quote(std::string_view text);

}  // namespace packstore::cli
