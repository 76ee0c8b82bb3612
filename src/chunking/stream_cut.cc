// From hits to cuts.
//
// 1. A kernel scans a block ahead, whatever the chunks will be: where the hash passes a mask is a
//    property of the bytes alone. The hits of its streams, one behind the other, are a sorted list.
// 2. A chunk takes the first hit behind its minimum that passes the mask of that place: the strict
//    one below the average, the loose one above. It ends at the maximum where there is none.
// 3. FastCDC starts its hash behind the minimum: until a whole history lies there, the hash is
//    another one, and is computed here.
// 4. A block is scanned when a chunk asks for hits behind the last one; bytes below a minimum
//    between two blocks are never scanned.
// 5. What is too short for a block, at the end of the data, is scanned byte by byte.
// 6. Where hits are so dense that finding them costs more than it saves, the next stretch is cut
//    by one lane.
#include "chunking/stream_cut.h"

#include <algorithm>
#include <optional>

#include "chunking/scalar_cut.h"

namespace packstore::chunking {
namespace {

// Fits the L2 cache with room to spare. Divided by 4, 8, 16 or 64 streams it is no multiple of
// 4096: streams that far apart would share the sets of the L1 cache.
constexpr std::size_t kBlockBytes = 132 * 1024;
// A hit costs as much as some hundred bytes of scanning: where there is one in so many bytes, one
// lane is as fast.
constexpr std::size_t kBytesPerHitMin = 128;
constexpr std::uint32_t kHitsMin = 8;
// How much one lane cuts after a dense block, to make up for looking at it.
constexpr std::size_t kDenseBytes = 16 * kBlockBytes;

struct Candidate {
  std::size_t at;
  bool loose;
  bool strict;
};

// The candidates of a view, found block by block in ascending order.
class Candidates {
 public:
  Candidates(const StreamScan& scan, const GearRule& rule, ByteView data)
      : scan_(scan), rule_(rule), data_(data) {}

  // The first one in [from, end) that passes the mask of its place; the loose one from `loose_from`
  // on. `from` never goes back. nullopt: there is none, or the block was too dense.
  std::optional<std::size_t> find(std::size_t from, std::size_t loose_from, std::size_t end) {
    while (from < end) {
      for (; next_ < found_.size() && found_[next_].at < end; ++next_) {
        const Candidate& candidate = found_[next_];
        if (candidate.at < from) continue;
        if (candidate.at < loose_from ? candidate.strict : candidate.loose) return candidate.at;
      }
      if (scanned_to_ >= end) return std::nullopt;
      from = std::max(from, scanned_to_);
      scan_from(from);
      if (dense_) return std::nullopt;
    }
    return std::nullopt;
  }

  bool dense() const { return dense_; }

 private:
  void scan_from(std::size_t from) {
    found_.clear();
    next_ = 0;
    const std::size_t unit = scan_.streams * kStreamBytesUnit;
    const std::size_t block_bytes = std::min(data_.size() - from, kBlockBytes) / unit * unit;
    if (from < kWarmBytes || block_bytes == 0) {
      scan_serially(from, from < kWarmBytes ? kWarmBytes : data_.size());
    } else {
      scan_block(from, block_bytes / scan_.streams);
    }
  }

  void scan_block(std::size_t from, std::size_t stream_bytes) {
    const auto hits_max =
        std::max(static_cast<std::uint32_t>(stream_bytes / kBytesPerHitMin), kHitsMin);
    hits_.resize(scan_.streams * hits_max);
    hit_counts_.assign(scan_.streams, 0);
    const StreamTask task{.table = rule_.table.data(),
                          .nibbles_low = rule_.nibbles ? rule_.nibbles->low.data() : nullptr,
                          .nibbles_high = rule_.nibbles ? rule_.nibbles->high.data() : nullptr,
                          .mask_loose = rule_.mask_loose,
                          .mask_strict = rule_.mask_strict,
                          .data = data_.data() + from,
                          .stream_bytes = stream_bytes,
                          .hits = hits_.data(),
                          .hits_max = hits_max,
                          .hit_counts = hit_counts_.data()};
    dense_ = !scan_.run(task);
    scanned_to_ = from + scan_.streams * stream_bytes;
    for (std::size_t stream = 0; stream < scan_.streams && !dense_; ++stream) {
      for (std::uint32_t i = 0; i < hit_counts_[stream]; ++i) {
        const Hit& hit = hits_[stream * hits_max + i];
        found_.push_back({from + stream * stream_bytes + hit.offset, hit.loose, hit.strict});
      }
    }
  }

  void scan_serially(std::size_t from, std::size_t to) {
    scanned_to_ = std::min(to, data_.size());
    std::uint64_t hash = 0;
    for (std::size_t i = from - std::min(from, kWarmBytes); i < scanned_to_; ++i) {
      hash = 2 * hash + rule_.table[std::to_integer<std::size_t>(data_[i])];
      const bool loose = (hash & rule_.mask_loose) == 0;
      const bool strict = (hash & rule_.mask_strict) == 0;
      if (i >= from && (loose || strict)) found_.push_back({i, loose, strict});
    }
  }

  const StreamScan& scan_;
  const GearRule& rule_;
  const ByteView data_;
  std::vector<Candidate> found_;
  std::size_t next_ = 0;
  std::size_t scanned_to_ = 0;
  bool dense_ = false;
  std::vector<Hit> hits_;
  std::vector<std::uint32_t> hit_counts_;
};

// One stretch of chunks whose candidates come from the kernel.
class StreamCutter {
 public:
  StreamCutter(const StreamScan& scan, const GearRule& rule, ByteView data, InputEnd end,
               std::vector<std::uint32_t>& lengths)
      : rule_(rule), data_(data), end_(end), lengths_(lengths), candidates_(scan, rule, data) {}

  // Until the rest of the data decides no further cut, or its hits are dense.
  void run() {
    while (cut_chunk()) {
    }
  }

  std::size_t covered() const { return chunk_begin_; }
  bool dense() const { return candidates_.dense(); }

 private:
  bool cut_chunk() {
    const std::size_t rest_bytes = data_.size() - chunk_begin_;
    const std::size_t window_bytes = std::min<std::size_t>(rest_bytes, rule_.bytes_max);
    const bool is_decided = window_bytes == rule_.bytes_max || end_ == InputEnd::kLast;
    if (rest_bytes <= rule_.bytes_min) return rest_bytes > 0 && is_decided && end_chunk(rest_bytes);

    const std::optional<std::size_t> match = find_match(rule_.test_end(window_bytes));
    if (match) return end_chunk(*match - chunk_begin_ + rule_.cut_after);
    if (dense()) return false;
    return is_decided && end_chunk(window_bytes);
  }

  bool end_chunk(std::size_t length) {
    lengths_.push_back(static_cast<std::uint32_t>(length));
    chunk_begin_ += length;
    return true;
  }

  std::optional<std::size_t> find_match(std::size_t test_end) {
    std::size_t from = rule_.test_from;
    if (rule_.is_fastcdc()) {
      const std::size_t whole_from = from + rule_.history_bytes;
      if (const auto match = match_before(std::min(whole_from, test_end))) return match;
      from = whole_from;
    }
    return candidates_.find(chunk_begin_ + from, chunk_begin_ + rule_.loose_from,
                            chunk_begin_ + test_end);
  }

  // Among the first bytes behind the minimum, whose hash begins there.
  std::optional<std::size_t> match_before(std::size_t test_end) const {
    std::uint64_t hash = 0;
    for (std::size_t i = rule_.test_from; i < test_end; ++i) {
      hash = 2 * hash + rule_.table[std::to_integer<std::size_t>(data_[chunk_begin_ + i])];
      const std::uint64_t mask = i < rule_.loose_from ? rule_.mask_strict : rule_.mask_loose;
      if ((hash & mask) == 0) return chunk_begin_ + i;
    }
    return std::nullopt;
  }

  const GearRule& rule_;
  const ByteView data_;
  const InputEnd end_;
  std::vector<std::uint32_t>& lengths_;
  std::size_t chunk_begin_ = 0;
  Candidates candidates_;
};

}  // namespace

std::size_t cut_by_streams(const StreamScan& scan, const GearRule& rule, ByteView data,
                           InputEnd end, std::vector<std::uint32_t>& lengths) {
  std::size_t covered = 0;
  for (;;) {
    StreamCutter cutter(scan, rule, data.subspan(covered), end, lengths);
    cutter.run();
    covered += cutter.covered();
    if (!cutter.dense()) return covered;

    const ByteView rest = data.subspan(covered);
    const std::size_t dense_bytes = std::max<std::size_t>(kDenseBytes, 2 * rule.bytes_max);
    if (rest.size() <= dense_bytes) return covered + cut_in_one_lane(rule, rest, end, lengths);
    covered += cut_in_one_lane(rule, rest.first(dense_bytes), InputEnd::kMore, lengths);
  }
}

}  // namespace packstore::chunking
