#include "chunking/gear_rule.h"

#include <array>
#include <cmath>

namespace packstore::chunking {
namespace {

constexpr std::uint32_t kFastCdcHistoryBytes = 48;
constexpr std::uint32_t kGearHistoryBytes = 64;
constexpr std::uint32_t kNativeHistoryBytes = 32;

// FastCDC's masks by number of bits, from the paper and fastcdc-rs: bits spread over the middle of
// the word, so that the last 48 bytes all have a say.
constexpr std::array<std::uint64_t, 26> kFastCdcMasks = {
    0,
    0,
    0,
    0,
    0,
    0x0000000001804110,
    0x0000000001803110,
    0x0000000018035100,
    0x0000001800035300,
    0x0000019000353000,
    0x0000590003530000,
    0x0000d90003530000,
    0x0000d90103530000,
    0x0000d90303530000,
    0x0000d90313530000,
    0x0000d90f03530000,
    0x0000d90303537000,
    0x0000d90703537000,
    0x0000d90707537000,
    0x0000d91707537000,
    0x0000d91747537000,
    0x0000d91767537000,
    0x0000d93767537000,
    0x0000d93777537000,
    0x0000d93777577000,
    0x0000db3777577000,
};

// To the nearest: 24 KiB counts as 2^15, as in fastcdc-rs 4.0.1.
unsigned rounded_log2(std::uint32_t value) {
  return static_cast<unsigned>(std::lround(std::log2(static_cast<double>(value))));
}

std::uint64_t top_bits(unsigned count) { return ~std::uint64_t{0} << (64U - count); }

void add_top_bit_masks(GearRule& rule, const ChunkerSpec& spec) {
  const unsigned bits = rounded_log2(spec.bytes_average);
  rule.mask_strict = top_bits(bits + spec.normalisation);
  rule.mask_loose = top_bits(bits - spec.normalisation);
  // The byte that ends the search is the last of its chunk, and has its whole history behind it.
  rule.cut_after = 1;
  rule.test_from = spec.bytes_min - 1;
  rule.hash_from = spec.bytes_min - rule.history_bytes;
  rule.loose_from = spec.bytes_average - 1;
}

void add_fastcdc(GearRule& rule, const ChunkerSpec& spec) {
  rule.table = spec.secret ? keyed_gear_table(*spec.secret) : md5_gear_table();
  for (std::uint64_t& word : rule.table) word ^= spec.seed;
  const unsigned bits = rounded_log2(spec.bytes_average);
  rule.mask_strict = kFastCdcMasks[bits + spec.normalisation];
  rule.mask_loose = kFastCdcMasks[bits - spec.normalisation];
  rule.history_bytes = kFastCdcHistoryBytes;
  // Two bytes a step, counted from the start of the chunk: odd sizes round down.
  rule.test_step = 2;
  rule.test_from = spec.bytes_min & ~1U;
  rule.hash_from = rule.test_from;
  rule.loose_from = spec.bytes_average & ~1U;
}

void add_gear(GearRule& rule, const ChunkerSpec& spec) {
  rule.table = spec.secret ? keyed_gear_table(*spec.secret) : kXetGearTable;
  rule.history_bytes = kGearHistoryBytes;
  add_top_bit_masks(rule, spec);
}

void add_native(GearRule& rule, const ChunkerSpec& spec) {
  rule.nibbles = native_nibble_tables(spec.secret.value_or(ChunkerSecret{}));
  for (std::size_t i = 0; i < rule.table.size(); ++i) {
    rule.table[i] = std::uint64_t{rule.nibbles->word(i)} << 32U;
  }
  rule.history_bytes = kNativeHistoryBytes;
  add_top_bit_masks(rule, spec);
}

}  // namespace

GearRule gear_rule_of(const ChunkerSpec& spec) {
  GearRule rule;
  rule.bytes_min = spec.bytes_min;
  rule.bytes_average = spec.bytes_average;
  rule.bytes_max = spec.bytes_max;
  switch (spec.kind) {
    case ChunkerKind::kFixed:
      break;
    case ChunkerKind::kGear:
      add_gear(rule, spec);
      break;
    case ChunkerKind::kFastCdc:
      add_fastcdc(rule, spec);
      break;
    case ChunkerKind::kNative:
      add_native(rule, spec);
      break;
  }
  return rule;
}

}  // namespace packstore::chunking
