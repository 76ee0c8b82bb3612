#include "base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace packstore {
namespace {

// What may follow a leading byte: how many bytes, and the limits of the first of them; the others
// are 0x80 to 0xbf. Unicode Standard, table 3-7.
struct Sequence {
  std::size_t size = 0;  // 0: no leading byte.
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xbf;
};

Sequence sequence_of(std::uint8_t lead) {
  if (lead < 0x80) return {.size = 1};
  if (lead < 0xc2) return {};
  if (lead < 0xe0) return {.size = 2};
  if (lead == 0xe0) return {.size = 3, .second_min = 0xa0};
  if (lead == 0xed) return {.size = 3, .second_max = 0x9f};
  if (lead < 0xf0) return {.size = 3};
  if (lead == 0xf0) return {.size = 4, .second_min = 0x90};
  if (lead < 0xf4) return {.size = 4};
  if (lead == 0xf4) return {.size = 4, .second_max = 0x8f};
  return {};
}

bool follows(std::string_view bytes, const Sequence& sequence) {
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  if (second < sequence.second_min || second > sequence.second_max) return false;
  for (const char c : bytes.substr(2)) {
    if ((static_cast<std::uint8_t>(c) & 0xc0) != 0x80) return false;
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Sequence sequence = sequence_of(static_cast<std::uint8_t>(text.front()));
    if (sequence.size == 0 || sequence.size > text.size()) return false;
    if (sequence.size > 1 && !follows(text.substr(0, sequence.size), sequence)) return false;
    text.remove_prefix(sequence.size);
  }
  return true;
}

}  // namespace packstore
