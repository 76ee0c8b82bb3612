// A walk is a state machine around one hot loop.
//
// 1. At the beginning of a chunk the minimum is skipped; bytes that only fill the hash are hashed.
// 2. The loop hashes and tests a stretch: the bytes that one mask tests. It ends with a match or at
//    the end of the stretch.
// 3. A match ends the chunk. A stretch that ends without one is followed by that of the loose mask,
//    or by the cut at the end of the window, or by nothing where more data would decide.
// 4. Two lanes share the loop for as long as the shorter of their stretches; whichever has an event
//    handles it, and the loop is entered again.
#include "chunking/gear_lane.h"

#include <algorithm>
#include <utility>

namespace packstore::chunking {
namespace {

// Steps between two looks at how many bytes are left.
constexpr std::size_t kUnrolled = 8;

// One instruction that takes one cycle. clang 14 makes two of it, and every byte waits for both.
[[gnu::always_inline]] inline std::uint64_t twice_plus(std::uint64_t hash, std::uint64_t word) {
#if defined(__clang__) && defined(__x86_64__)
  std::uint64_t sum;
  asm("leaq (%2,%1,2), %0" : "=r"(sum) : "r"(hash), "r"(word));
  return sum;
#else
  return 2 * hash + word;
#endif
}

template <typename Step, std::size_t... kIndex>
[[gnu::always_inline]] inline bool any_of_steps(const Step& step, std::index_sequence<kIndex...>) {
  return (step(kIndex) || ...);
}

// Calls step(0), step(1), ... up to step(count - 1) until one returns true.
template <typename Step>
[[gnu::always_inline]] inline void step_until(std::size_t count, const Step& step) {
  std::size_t i = 0;
  for (; i + kUnrolled <= count; i += kUnrolled) {
    const auto from_here = [&](std::size_t k) __attribute__((always_inline)) {
      return step(i + k);
    };
    if (any_of_steps(from_here, std::make_index_sequence<kUnrolled>{})) return;
  }
  for (; i < count; ++i) {
    if (step(i)) return;
  }
}

}  // namespace

GearLane::GearLane(const GearRule& rule, ByteView data, InputEnd end,
                   std::vector<std::uint32_t>& lengths)
    : rule_(rule), data_(data), end_(end), lengths_(lengths) {
  begin_chunk();
}

void GearLane::begin_chunk() {
  const std::size_t rest_bytes = data_.size() - chunk_begin_;
  window_bytes_ = std::min<std::size_t>(rest_bytes, rule_.bytes_max);
  if (rest_bytes <= rule_.bytes_min) {
    done_ = true;
    const bool is_decided = end_ == InputEnd::kLast || rest_bytes == rule_.bytes_max;
    if (!is_decided || rest_bytes == 0) return;
    lengths_.push_back(static_cast<std::uint32_t>(rest_bytes));
    chunk_begin_ = data_.size();
    return;
  }
  hash_ = 0;
  for (std::size_t i = rule_.hash_from; i < rule_.test_from; ++i) {
    hash_ = 2 * hash_ + rule_.table[std::to_integer<std::size_t>(data_[chunk_begin_ + i])];
  }
  mask_ = rule_.mask_strict;
  next_ = chunk_begin_ + rule_.test_from;
  stretch_end_ =
      chunk_begin_ + std::min<std::size_t>(rule_.loose_from, rule_.test_end(window_bytes_));
}

void GearLane::end_chunk(std::size_t length) {
  lengths_.push_back(static_cast<std::uint32_t>(length));
  chunk_begin_ += length;
  begin_chunk();
}

void GearLane::match_at_next() { end_chunk(next_ - chunk_begin_ + rule_.cut_after); }

void GearLane::end_stretch() {
  const std::size_t window_end = chunk_begin_ + rule_.test_end(window_bytes_);
  if (stretch_end_ < window_end) {
    mask_ = rule_.mask_loose;
    stretch_end_ = window_end;
  } else if (window_bytes_ == rule_.bytes_max || end_ == InputEnd::kLast) {
    end_chunk(window_bytes_);
  } else {
    done_ = true;
  }
}

void GearLane::end_empty_stretch() {
  if (!done_ && next_ == stretch_end_) end_stretch();
}

void GearLane::walk() {
  const std::uint64_t* const table = rule_.table.data();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(data_.data()) + next_;
  const std::size_t count = stretch_bytes();
  const std::uint64_t mask = mask_;
  std::uint64_t hash = hash_;
  std::size_t walked = count;
  step_until(
      count, [&](std::size_t i) __attribute__((always_inline)) {
        hash = twice_plus(hash, table[bytes[i]]);
        if ((hash & mask) != 0) [[likely]]
          return false;
        walked = i;
        return true;
      });
  next_ += walked;
  hash_ = hash;
  if (walked == count) {
    end_stretch();
  } else {
    match_at_next();
  }
}

void GearLane::walk_both(GearLane& first, GearLane& second) {
  const std::uint64_t* const table = first.rule_.table.data();
  const auto* const bytes_a =
      reinterpret_cast<const unsigned char*>(first.data_.data()) + first.next_;
  const auto* const bytes_b =
      reinterpret_cast<const unsigned char*>(second.data_.data()) + second.next_;
  const std::size_t count = std::min(first.stretch_bytes(), second.stretch_bytes());
  const std::uint64_t mask_a = first.mask_;
  const std::uint64_t mask_b = second.mask_;
  std::uint64_t hash_a = first.hash_;
  std::uint64_t hash_b = second.hash_;
  std::size_t walked = count;
  GearLane* matched = nullptr;
  step_until(
      count, [&](std::size_t i) __attribute__((always_inline)) {
        hash_a = twice_plus(hash_a, table[bytes_a[i]]);
        if ((hash_a & mask_a) == 0) [[unlikely]] {
          // The second lane has this step still before it.
          matched = &first;
          walked = i;
          return true;
        }
        hash_b = twice_plus(hash_b, table[bytes_b[i]]);
        if ((hash_b & mask_b) == 0) [[unlikely]] {
          matched = &second;
          walked = i;
          return true;
        }
        return false;
      });
  first.hash_ = hash_a;
  second.hash_ = hash_b;
  first.next_ += walked;
  second.next_ += walked;
  if (matched == &second) ++first.next_;
  if (matched != nullptr) matched->match_at_next();
  first.end_empty_stretch();
  second.end_empty_stretch();
}

}  // namespace packstore::chunking
