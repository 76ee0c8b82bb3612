// 1. Every id is entered in a table of 8-byte prefixes and in a bit filter.
// 2. Each content is searched twice. Raw: the eight bytes at every offset go through the filter. In
//    hexadecimal: every 64th byte is looked at, since no run of 64 digits fits between two of them,
//    and each offset of a run that is long enough goes through the filter.
// 3. What passes filter and table is looked up in full, unless its answer changes no mark.
#include "store/candidate_heads.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"

namespace packstore::store {
namespace {

// One place in 64 or less passes the filter by accident.
constexpr std::size_t kFilterBitsPerObject = 64;
// 8 KiB to 16 MiB: from what a first-level cache holds to what a third-level cache holds.
constexpr std::size_t kFilterBitsMin = std::size_t{1} << 16;
constexpr std::size_t kFilterBitsMax = std::size_t{1} << 27;
constexpr std::size_t kWordBits = 64;
// The filter uses the low bits of a prefix, the table starts above them.
constexpr int kSlotShift = 27;

constexpr std::size_t kPrefixSize = sizeof(std::uint64_t);
constexpr std::size_t kPrefixDigits = 2 * kPrefixSize;
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digit_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t digit = 0; digit < 16; ++digit) {
    values[static_cast<std::uint8_t>("0123456789abcdef"[digit])] = digit;
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kDigitValues = make_digit_values();

std::uint8_t digit_value(std::byte digit) {
  return kDigitValues[std::to_integer<std::uint8_t>(digit)];
}
bool is_digit(std::byte digit) { return digit_value(digit) != kNoDigit; }

std::uint64_t prefix_at(const std::byte* bytes) {
  return load_le<std::uint64_t>(std::span<const std::byte, kPrefixSize>(bytes, kPrefixSize));
}

// The filter as its innermost loop wants it: called for every byte of the store, where checked
// access, or reloading what cannot have changed, would double the price.
class FilterView {
 public:
  explicit FilterView(const std::vector<std::uint64_t>& words)
      : words_(words.data()), mask_(words.size() * kWordBits - 1) {}

  bool may_have(std::uint64_t prefix) const {
    const std::uint64_t bit = prefix & mask_;
    return (words_[bit / kWordBits] >> (bit % kWordBits) & 1) != 0;
  }

 private:
  const std::uint64_t* words_;
  std::uint64_t mask_;
};

}  // namespace

CandidateHeads::CandidateHeads(std::size_t objects, Contains contains)
    : contains_(std::move(contains)) {
  const std::size_t filter_bits =
      std::clamp(std::bit_ceil(objects * kFilterBitsPerObject), kFilterBitsMin, kFilterBitsMax);
  filter_.resize(filter_bits / kWordBits);
  // At most half full, so that probes stay short and always end.
  const std::size_t slots = std::bit_ceil(2 * objects + 2);
  prefixes_.resize(slots);
  marks_.resize(slots);
  slot_mask_ = slots - 1;
}

// Where the prefix stands, or the free slot where it belongs.
std::size_t CandidateHeads::slot_of(std::uint64_t prefix) const {
  std::size_t slot = (prefix >> kSlotShift) & slot_mask_;
  while (marks_[slot] != 0 && prefixes_[slot] != prefix) slot = (slot + 1) & slot_mask_;
  return slot;
}

void CandidateHeads::add(const ObjectId& id) {
  const std::uint64_t prefix = prefix_at(id.bytes.data());
  const std::size_t slot = slot_of(prefix);
  prefixes_[slot] = prefix;
  marks_[slot] |= kTaken;
  const std::uint64_t bit = prefix & (filter_.size() * kWordBits - 1);
  filter_[bit / kWordBits] |= std::uint64_t{1} << (bit % kWordBits);
}

Status CandidateHeads::read(const ObjectId& id, ByteView content) {
  const std::size_t reader = slot_of(prefix_at(id.bytes.data()));
  PACKSTORE_CHECK(marks_[reader] != 0);
  RETURN_IF_ERROR(read_raw(reader, content));
  return read_hex(reader, content);
}

bool CandidateHeads::is_head(const ObjectId& id) const {
  const std::uint8_t mark = marks_[slot_of(prefix_at(id.bytes.data()))];
  return (mark & kNamesOthers) != 0 && (mark & kIsNamed) == 0;
}

Status CandidateHeads::read_raw(std::size_t reader, ByteView content) {
  if (content.size() < ObjectId::kSize) return {};
  const FilterView filter(filter_);
  const std::byte* const last = content.data() + (content.size() - ObjectId::kSize);
  for (const std::byte* place = content.data(); place <= last; ++place) {
    if (!filter.may_have(prefix_at(place))) continue;
    ObjectId named;
    std::copy_n(place, ObjectId::kSize, named.bytes.begin());
    RETURN_IF_ERROR(note(reader, named));
  }
  return {};
}

Status CandidateHeads::read_hex(std::size_t reader, ByteView content) {
  std::size_t searched = 0;
  for (std::size_t place = ObjectId::kHexSize - 1; place < content.size();) {
    if (!is_digit(content[place])) {
      place += ObjectId::kHexSize;
      continue;
    }
    std::size_t start = place;
    while (start > searched && is_digit(content[start - 1])) --start;
    std::size_t end = place + 1;
    while (end < content.size() && is_digit(content[end])) ++end;
    RETURN_IF_ERROR(read_hex_run(reader, content.subspan(start, end - start)));
    searched = end;
    place = end + ObjectId::kHexSize;
  }
  return {};
}

Status CandidateHeads::read_hex_run(std::size_t reader, ByteView digits) {
  if (digits.size() < ObjectId::kHexSize) return {};
  const FilterView filter(filter_);
  // The number that the last 16 digits spell; an id's prefix is the same number byte-swapped.
  std::uint64_t spelled = 0;
  const std::size_t last_start = digits.size() - ObjectId::kHexSize;
  for (std::size_t end = 1; end <= last_start + kPrefixDigits; ++end) {
    spelled = spelled << 4 | digit_value(digits[end - 1]);
    if (end < kPrefixDigits || !filter.may_have(__builtin_bswap64(spelled))) continue;
    const std::string_view text = as_text(digits.subspan(end - kPrefixDigits, ObjectId::kHexSize));
    ASSIGN_OR_RETURN(const ObjectId named, ObjectId::parse(text));
    RETURN_IF_ERROR(note(reader, named));
  }
  return {};
}

Status CandidateHeads::note(std::size_t reader, const ObjectId& named) {
  const std::size_t slot = slot_of(prefix_at(named.bytes.data()));
  if (marks_[slot] == 0 || slot == reader) return {};
  const bool is_news = (marks_[reader] & kNamesOthers) == 0 || (marks_[slot] & kIsNamed) == 0;
  if (!is_news) return {};
  ASSIGN_OR_RETURN(const bool is_there, contains_(named));
  if (!is_there) return {};
  marks_[reader] |= kNamesOthers;
  marks_[slot] |= kIsNamed;
  return {};
}

}  // namespace packstore::store
