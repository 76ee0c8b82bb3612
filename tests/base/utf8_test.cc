// UTF-8: every code point is accepted in its one form, and nothing else is. Method: encode all, and
// the first and last of each row of table 3-7 of the Unicode Standard by hand.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace packstore {
namespace {

// The bytes of `code` in `size` bytes, shortest or not.
std::string encode(std::uint32_t code, int size) {
  if (size == 1) return {static_cast<char>(code)};
  std::string text;
  for (int i = size - 1; i >= 0; --i) {
    const std::uint32_t bits = code >> (6 * i) & 0x3f;
    const std::uint32_t lead = (0xf00U >> size & 0xff) | (code >> (6 * i));
    text.push_back(static_cast<char>(i == size - 1 ? lead : 0x80 | bits));
  }
  return text;
}

int size_of(std::uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

TEST(Utf8, IsEveryCodePointButSurrogates) {
  for (std::uint32_t code = 0; code <= 0x110000; ++code) {
    const bool is_character = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(is_utf8(encode(code, size_of(code))), is_character) << std::hex << code;
  }
}

TEST(Utf8, IsNoLongerThanNeedBe) {
  for (const std::uint32_t code : {0U, 0x7fU, 0x7ffU, 0xffffU}) {
    for (int size = size_of(code) + 1; size <= 4; ++size) {
      EXPECT_FALSE(is_utf8(encode(code, size))) << std::hex << code << " in " << size;
    }
  }
}

TEST(Utf8, IsWhole) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain \xc3\xa4 \xe6\xb0\xb4 \xf0\x90\x85\x91 text"));
  for (const char* cut : {"\xc3", "a\xe6\xb0", "\xf0\x90\x85", "\x80", "a\xbf", "\xfe", "\xff"}) {
    EXPECT_FALSE(is_utf8(cut)) << cut;
  }
}

}  // namespace
}  // namespace packstore
