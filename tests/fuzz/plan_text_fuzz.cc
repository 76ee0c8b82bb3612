// Plan text: whatever is accepted is printed as a text that reads back as the same text.
#include "base/check.h"
#include "fuzz/fuzz_input.h"
#include "packstore/compaction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const auto plan = parse_plan(as_text(testing::FuzzInput(data, size).rest()));
  if (plan) {
    const std::string text = print_plan(*plan);
    PACKSTORE_CHECK(print_plan(parse_plan(text).value()) == text);
  }
  return 0;
}
