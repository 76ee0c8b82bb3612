// Two lanes, one result.
//
// A Gear hash waits for its own last value at every byte. Two hashes at two places of the stream do
// not wait for each other, but the second place has to be a chunk boundary, and nobody knows one
// ahead. So it is guessed:
//
// 1. A span of the stream is divided near its middle. The first lane cuts from the front, the
//    second from the middle, as if a chunk began there.
// 2. Content-defined cuts forget where they started: within a few chunks of the middle the first
//    lane makes a cut that the second has made, and from a common cut on all cuts are common.
// 3. There the first lane stops. The result is its cuts, followed by those of the second.
// 4. Where the lanes never meet (content that repeats can keep them apart), the first lane's cuts
//    are the result, the second's work was in vain, and the next spans are walked by one lane.
//
// The result is that of one lane in all cases; no property of the hash is assumed.
#include "chunking/scalar_cut.h"

#include <algorithm>

#include "chunking/gear_lane.h"

namespace packstore::chunking {
namespace {

// Longest chunks in a span: many against the one or two that are cut twice, few enough that content
// which keeps lanes apart is noticed soon.
constexpr std::size_t kSpanChunks = 16;
// Spans of fewer are not worth a second lane.
constexpr std::size_t kSpanChunksMin = 4;
// How many average chunks the first lane is given less than the second, to meet it in the time that
// both walk.
constexpr std::size_t kMeetingChunks = 3;
// Spans that one lane walks after two did not meet.
constexpr unsigned kSpansInOneLane = 8;

// Follows the second lane's cuts as the first passes them.
class CutsAhead {
 public:
  CutsAhead(const std::vector<std::uint32_t>& lengths, std::size_t begin)
      : lengths_(lengths), place_(begin) {}

  // Is there a boundary at `place`? Asked for ascending places.
  bool has(std::size_t place) {
    while (place_ < place && passed_ < lengths_.size()) place_ += lengths_[passed_++];
    return place_ == place;
  }

  // How many of the lengths lie in front of the place last asked for.
  std::size_t passed() const { return passed_; }

 private:
  const std::vector<std::uint32_t>& lengths_;
  std::size_t place_;
  std::size_t passed_ = 0;
};

// Where the second lane begins: a whole number of longest chunks from the front, so that constant
// content, all of whose chunks are of that length, lets the lanes meet at once.
std::size_t middle_of(std::size_t span_bytes, const GearRule& rule) {
  const std::size_t middle = (span_bytes - kMeetingChunks * rule.bytes_average) / 2;
  return std::max<std::size_t>(middle - middle % rule.bytes_max, rule.bytes_max);
}

struct SpanCut {
  std::size_t covered = 0;
  bool lanes_met = false;
};

SpanCut cut_span(const GearRule& rule, ByteView data, InputEnd end, std::size_t middle,
                 std::vector<std::uint32_t>& lengths) {
  std::vector<std::uint32_t> lengths_ahead;
  GearLane behind(rule, data, end, lengths);
  GearLane ahead(rule, data.subspan(middle), end, lengths_ahead);
  CutsAhead cuts_ahead(lengths_ahead, middle);
  while (!behind.done() && !cuts_ahead.has(behind.covered())) {
    if (ahead.done()) {
      behind.walk();
    } else {
      GearLane::walk_both(behind, ahead);
    }
  }
  if (!cuts_ahead.has(behind.covered())) return {.covered = behind.covered(), .lanes_met = false};

  while (!ahead.done()) ahead.walk();
  const auto first_common = static_cast<std::ptrdiff_t>(cuts_ahead.passed());
  lengths.insert(lengths.end(), lengths_ahead.begin() + first_common, lengths_ahead.end());
  return {.covered = middle + ahead.covered(), .lanes_met = true};
}

}  // namespace

std::size_t cut_in_one_lane(const GearRule& rule, ByteView data, InputEnd end,
                            std::vector<std::uint32_t>& lengths) {
  GearLane lane(rule, data, end, lengths);
  while (!lane.done()) lane.walk();
  return lane.covered();
}

std::size_t cut_in_two_lanes(const GearRule& rule, ByteView data, InputEnd end,
                             std::vector<std::uint32_t>& lengths) {
  const std::size_t bytes_max = rule.bytes_max;
  std::size_t covered = 0;
  unsigned spans_in_one_lane = 0;
  while (data.size() - covered >= kSpanChunksMin * bytes_max) {
    const ByteView rest = data.subspan(covered);
    const ByteView span = rest.first(std::min(rest.size(), kSpanChunks * bytes_max));
    const InputEnd span_end = span.size() == rest.size() ? end : InputEnd::kMore;
    if (spans_in_one_lane > 0) {
      --spans_in_one_lane;
      covered += cut_in_one_lane(rule, span, span_end, lengths);
      continue;
    }
    const SpanCut cut = cut_span(rule, span, span_end, middle_of(span.size(), rule), lengths);
    covered += cut.covered;
    if (!cut.lanes_met) spans_in_one_lane = kSpansInOneLane;
  }
  return covered + cut_in_one_lane(rule, data.subspan(covered), end, lengths);
}

}  // namespace packstore::chunking
