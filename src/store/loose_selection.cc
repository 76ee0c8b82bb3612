#include "store/loose_selection.h"

#include <algorithm>
#include <optional>
#include <regex>
#include <string>

#include "base/error.h"
#include "base/hex.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

// The longest pattern that is compiled: std::regex recurses over it.
constexpr std::size_t kPatternBytesMax = 1024;

Result<std::optional<std::regex>> compile(const std::string& pattern) {
  if (pattern.empty()) return std::optional<std::regex>();
  if (pattern.size() > kPatternBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "id pattern of {} bytes: limit {}", pattern.size(),
                kPatternBytesMax);
  }
  try {
#ifdef __GLIBCXX__
    // In time that grows with the text instead of a power of two, for what has no back-references.
    try {
      return std::optional<std::regex>(
          std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial));
    } catch (const std::regex_error& error) {
      if (error.code() != std::regex_constants::error_complexity) throw;
    }
#endif
    return std::optional<std::regex>(std::regex(pattern, std::regex::optimize));
  } catch (const std::regex_error& error) {
    return fail(ErrorCode::kInvalidArgument, "id pattern \"{}\": {}", pattern, error.what());
  }
}

}  // namespace

Result<std::vector<LooseObject>> select_loose(const StoreCore& core, const PackOptions& options) {
  if (!is_hex(options.id_prefix) || options.id_prefix.size() > ObjectId::kHexSize) {
    return fail(ErrorCode::kInvalidArgument,
                "id prefix of {} characters: needs up to {} lower-case hexadecimal digits",
                options.id_prefix.size(), ObjectId::kHexSize);
  }
  ASSIGN_OR_RETURN(const auto pattern, compile(options.id_pattern));
  std::optional<std::vector<ObjectId>> wanted = options.ids;
  if (wanted) std::sort(wanted->begin(), wanted->end());

  std::vector<LooseObject> selected;
  std::uint64_t bytes = 0;
  bool full = false;
  const auto consider = [&](const ObjectId& id, std::uint64_t size) -> Status {
    if (options.control.stop.stop_requested()) {
      return fail(ErrorCode::kCancelled, "pack: stopped while objects were chosen");
    }
    if (full || size < options.size_min || size > options.size_max) return {};
    if (wanted && !std::binary_search(wanted->begin(), wanted->end(), id)) return {};
    if (!options.id_prefix.empty() || pattern) {
      const std::string hex = id.to_hex();
      if (!hex.starts_with(options.id_prefix)) return {};
      if (pattern && !std::regex_search(hex, *pattern)) return {};
    }
    full = selected.size() >= options.objects_max || size > options.bytes_max - bytes;
    if (full) return {};
    bytes += size;
    selected.push_back({id, size});
    return {};
  };
  RETURN_IF_ERROR(core.loose.for_each(consider));
  return selected;
}

}  // namespace packstore::store
