#include "packstore/compression.h"

#include <charconv>
#include <optional>

#include "base/error.h"

namespace packstore {
namespace {

constexpr int kZlibLevelMax = 9;
// Levels above 19 need windows that readers would have to be asked to accept.
constexpr int kZstdLevelMax = 19;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Error not_a_compression(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument,
              "compression '{}': needs none, zlib[:LEVEL], zstd[:LEVEL] or auto[:RATIO]", text);
}

Status check_level(const Compression& wish, int level_max) {
  if (wish.level >= 1 && wish.level <= level_max) return {};
  return fail(ErrorCode::kInvalidArgument, "{} level {}: needs 1 to {}", to_string(wish.codec),
              wish.level, level_max);
}

}  // namespace

std::string_view to_string(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return "none";
    case Codec::kZlib:
      return "zlib";
    case Codec::kZstd:
      return "zstd";
  }
  return "unknown";
}

Result<Compression> Compression::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Compression wish;
  if (name == "zlib") {
    wish = zlib();
  } else if (name == "zstd") {
    wish = zstd();
  } else if (name == "auto") {
    wish = automatic();
  } else if (text != "none") {
    return not_a_compression(text);
  }

  if (colon != std::string_view::npos) {
    const std::string_view number = text.substr(colon + 1);
    if (name == "auto") {
      const auto ratio = parse_number<double>(number);
      if (!ratio) return not_a_compression(text);
      wish.ratio_max = *ratio;
    } else {
      const auto level = parse_number<int>(number);
      if (!level) return not_a_compression(text);
      wish.level = *level;
    }
  }
  RETURN_IF_ERROR(wish.check());
  return wish;
}

Status Compression::check() const {
  // Written so that a ratio that is not a number fails too.
  if (!(ratio_max > 0.0 && ratio_max <= 1.0)) {
    return fail(ErrorCode::kInvalidArgument,
                "compression ratio {}: needs to be above 0 and at most 1", ratio_max);
  }
  switch (codec) {
    case Codec::kNone:
      return {};
    case Codec::kZlib:
      return check_level(*this, kZlibLevelMax);
    case Codec::kZstd:
      return check_level(*this, kZstdLevelMax);
  }
  return fail(ErrorCode::kInvalidArgument, "codec number {} is not known",
              static_cast<unsigned>(codec));
}

}  // namespace packstore
