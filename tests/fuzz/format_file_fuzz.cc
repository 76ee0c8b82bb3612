// FORMAT, and the UUID in it.
#include "base/check.h"
#include "format/format_file.h"
#include "format/pack_header.h"
#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const std::string_view text = as_text(testing::FuzzInput(data, size).rest());
  if (const auto format = format::decode_format_file(text)) {
    const auto again = format::decode_format_file(format::encode(*format));
    PACKSTORE_CHECK(again && *again == *format);
  }
  if (const auto uuid = format::parse_uuid(text)) PACKSTORE_CHECK(format::to_text(*uuid) == text);
  return 0;
}
