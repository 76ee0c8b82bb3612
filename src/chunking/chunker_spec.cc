// Text form and limits of a ChunkerSpec.
//
// 1. parse() splits at colons: the kind, then sizes (a part of digits and dashes), then name=value.
// 2. What a part leaves out has the kind's default; sizes follow from the average.
// 3. to_text() writes every part that the kind has, so that a recorded text does not change its
//    meaning when a default does.
// 4. check() looks at one field at a time: what the kind does not have must be at its default.
#include <algorithm>
#include <charconv>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "packstore/chunker.h"

namespace packstore {
namespace {

constexpr unsigned kNormalisationDefault = 2;
// xet: an eighth of the average to twice it, one mask.
constexpr std::uint32_t kXetAverage = 64U << 10;

ChunkerSpec around_average(ChunkerKind kind, std::uint32_t bytes_average) {
  // An average that check() will refuse must not turn into one that it accepts.
  const std::uint64_t bytes_max = std::uint64_t{bytes_average} * 4;
  return {.kind = kind,
          .bytes_min = bytes_average / 4,
          .bytes_average = bytes_average,
          .bytes_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes_max, UINT32_MAX)),
          .normalisation = kNormalisationDefault};
}

ChunkerSpec default_of(ChunkerKind kind) {
  constexpr std::uint32_t kAverage = ChunkerSpec{}.bytes_average;
  return kind == ChunkerKind::kFixed ? ChunkerSpec::fixed(kAverage)
                                     : around_average(kind, kAverage);
}

std::optional<ChunkerKind> kind_named(std::string_view name) {
  for (const ChunkerKind kind :
       {ChunkerKind::kFixed, ChunkerKind::kGear, ChunkerKind::kFastCdc, ChunkerKind::kNative}) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

// Cuts the part in front of the next `separator` off `text`; all of it where there is none.
std::string_view next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// AVERAGE or MIN-AVERAGE-MAX.
bool parse_sizes(std::string_view text, ChunkerSpec& spec) {
  std::uint32_t average = 0;
  if (parse_number(text, average)) {
    const ChunkerSpec sized = spec.kind == ChunkerKind::kFixed ? ChunkerSpec::fixed(average)
                                                               : around_average(spec.kind, average);
    spec.bytes_min = sized.bytes_min;
    spec.bytes_average = sized.bytes_average;
    spec.bytes_max = sized.bytes_max;
    return true;
  }
  const std::string_view bytes_min = next_part(text, '-');
  const std::string_view bytes_average = next_part(text, '-');
  return parse_number(bytes_min, spec.bytes_min) &&
         parse_number(bytes_average, spec.bytes_average) && parse_number(text, spec.bytes_max);
}

bool parse_part(std::string_view part, ChunkerSpec& spec) {
  constexpr std::string_view kLevel = "level=";
  constexpr std::string_view kSeed = "seed=";
  if (part.starts_with(kLevel)) {
    return parse_number(part.substr(kLevel.size()), spec.normalisation);
  }
  if (part.starts_with(kSeed)) return parse_number(part.substr(kSeed.size()), spec.seed);
  return parse_sizes(part, spec);
}

struct Range {
  std::uint64_t least;
  std::uint64_t most;
};

Status check_field(ChunkerKind kind, std::string_view field, std::uint64_t value,
                   const Range& range) {
  if (value >= range.least && value <= range.most) return {};
  return fail(ErrorCode::kInvalidArgument, "chunker {}: {} is {}, needs {} to {}", to_string(kind),
              field, value, range.least, range.most);
}

Status check_fixed(const ChunkerSpec& spec) {
  const std::uint32_t bytes = spec.bytes_average;
  RETURN_IF_ERROR(check_field(spec.kind, "bytes_average", bytes,
                              {ChunkerSpec::kBytesMinLimit, ChunkerSpec::kBytesMaxLimit}));
  RETURN_IF_ERROR(check_field(spec.kind, "bytes_min", spec.bytes_min, {bytes, bytes}));
  RETURN_IF_ERROR(check_field(spec.kind, "bytes_max", spec.bytes_max, {bytes, bytes}));
  RETURN_IF_ERROR(check_field(spec.kind, "normalisation", spec.normalisation, {0, 0}));
  if (spec.secret) {
    return fail(ErrorCode::kInvalidArgument, "chunker fixed: a secret has nothing to hide here");
  }
  return {};
}

}  // namespace

std::string_view to_string(ChunkerKind kind) {
  switch (kind) {
    case ChunkerKind::kFixed:
      return "fixed";
    case ChunkerKind::kGear:
      return "gear";
    case ChunkerKind::kFastCdc:
      return "fastcdc";
    case ChunkerKind::kNative:
      return "native";
  }
  return "unknown";
}

ChunkerSpec ChunkerSpec::fixed(std::uint32_t bytes) {
  return {.kind = ChunkerKind::kFixed,
          .bytes_min = bytes,
          .bytes_average = bytes,
          .bytes_max = bytes,
          .normalisation = 0};
}

ChunkerSpec ChunkerSpec::gear(std::uint32_t bytes_average) {
  return around_average(ChunkerKind::kGear, bytes_average);
}

ChunkerSpec ChunkerSpec::fastcdc(std::uint32_t bytes_average) {
  return around_average(ChunkerKind::kFastCdc, bytes_average);
}

ChunkerSpec ChunkerSpec::native(std::uint32_t bytes_average) {
  return around_average(ChunkerKind::kNative, bytes_average);
}

ChunkerSpec ChunkerSpec::xet() {
  return {.kind = ChunkerKind::kGear,
          .bytes_min = kXetAverage / 8,
          .bytes_average = kXetAverage,
          .bytes_max = kXetAverage * 2,
          .normalisation = 0};
}

Result<ChunkerSpec> ChunkerSpec::parse(std::string_view text) {
  if (text == "xet") return xet();
  std::string_view rest = text;
  const std::optional<ChunkerKind> kind = kind_named(next_part(rest, ':'));
  bool understood = kind.has_value() && !text.ends_with(':');
  ChunkerSpec spec = default_of(kind.value_or(ChunkerKind::kFastCdc));
  while (understood && !rest.empty()) understood = parse_part(next_part(rest, ':'), spec);
  if (!understood) {
    return fail(ErrorCode::kInvalidArgument,
                "chunker '{}': needs fixed, gear, fastcdc or native, then [:AVERAGE] or "
                "[:MIN-AVERAGE-MAX], [:level=N], [:seed=N]; or xet",
                text);
  }
  RETURN_IF_ERROR(spec.check());
  return spec;
}

std::string ChunkerSpec::to_text() const {
  if (kind == ChunkerKind::kFixed) return fmt::format("fixed:{}", bytes_average);
  std::string text = fmt::format("{}:{}-{}-{}:level={}", to_string(kind), bytes_min, bytes_average,
                                 bytes_max, normalisation);
  if (seed != 0) text += fmt::format(":seed={}", seed);
  if (secret) text += ":keyed";
  return text;
}

Status ChunkerSpec::check() const {
  if (seed != 0 && (kind != ChunkerKind::kFastCdc || secret)) {
    return fail(ErrorCode::kInvalidArgument,
                "chunker {}: seed is {}, only fastcdc without a secret has one", to_string(kind),
                seed);
  }
  switch (kind) {
    case ChunkerKind::kFixed:
      return check_fixed(*this);
    case ChunkerKind::kGear:
    case ChunkerKind::kFastCdc:
    case ChunkerKind::kNative:
      break;
    default:
      return fail(ErrorCode::kInvalidArgument, "chunker kind {} is not known",
                  static_cast<unsigned>(kind));
  }
  RETURN_IF_ERROR(
      check_field(kind, "bytes_average", bytes_average, {kBytesAverageMin, kBytesAverageMax}));
  RETURN_IF_ERROR(check_field(kind, "bytes_min", bytes_min, {kBytesMinLimit, bytes_average}));
  RETURN_IF_ERROR(check_field(kind, "bytes_max", bytes_max, {bytes_average, kBytesMaxLimit}));
  return check_field(kind, "normalisation", normalisation, {0, kNormalisationMax});
}

}  // namespace packstore
