// One scalar walk over a stream that cuts as it goes; two can take turns in one loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chunking/gear_rule.h"
#include "packstore/bytes.h"

namespace packstore::chunking {

// Starts at the front of `data`, a chunk boundary, and stops where the rest of `data` decides no
// further cut. The loans must outlive it.
class GearLane {
 public:
  GearLane(const GearRule& rule, ByteView data, InputEnd end, std::vector<std::uint32_t>& lengths);

  bool done() const { return done_; }
  // Bytes that the chunks so far cover; the next one begins here.
  std::size_t covered() const { return chunk_begin_; }

  // Walks to the next cut, or to the end of a stretch under one mask.
  void walk();
  // Walks both side by side until one of them comes to such a point: their hashes do not wait for
  // each other, which one hash does for its own last value.
  static void walk_both(GearLane& first, GearLane& second);

 private:
  // A stretch is what one mask tests without a pause.
  std::size_t stretch_bytes() const { return stretch_end_ - next_; }
  void begin_chunk();
  void end_chunk(std::size_t length);
  void match_at_next();
  void end_stretch();
  void end_empty_stretch();

  const GearRule& rule_;
  const ByteView data_;
  const InputEnd end_;
  std::vector<std::uint32_t>& lengths_;

  std::size_t chunk_begin_ = 0;
  std::size_t window_bytes_ = 0;  // Of the chunk that begins there: it cannot be longer.
  std::size_t next_ = 0;          // The next byte to hash.
  std::size_t stretch_end_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t mask_ = 0;
  bool done_ = false;
};

}  // namespace packstore::chunking
