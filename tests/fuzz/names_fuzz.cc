// Everything that is read from a text of one line: ids, refs, pack files, compressions,
// chunkers.
#include <string>

#include "base/check.h"
#include "fuzz/fuzz_input.h"
#include "packstore/chunker.h"
#include "packstore/compression.h"
#include "packstore/object_id.h"
#include "store/pack_files.h"
#include "store/ref_moves.h"

namespace packstore::testing {
namespace {

// A segment of "..", a path from the root, or what the system takes for the end.
bool could_be_a_way_out(std::string_view name) {
  const std::string segments = "/" + std::string(name) + "/";
  return name.starts_with('/') || name.find('\0') != name.npos ||
         segments.find("/../") != segments.npos;
}

}  // namespace
}  // namespace packstore::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore;  // NOLINT(google-build-using-namespace)
  const std::string_view text = as_text(testing::FuzzInput(data, size).rest());
  if (const auto id = ObjectId::parse(text)) PACKSTORE_CHECK(id->to_hex() == text);
  if (const auto wish = Compression::parse(text)) PACKSTORE_CHECK(wish->check().has_value());
  if (const auto spec = ChunkerSpec::parse(text)) {
    PACKSTORE_CHECK(spec->check().has_value());
    PACKSTORE_CHECK(ChunkerSpec::parse(spec->to_text()).value().to_text() == spec->to_text());
  }
  if (const auto pack = store::parse_pack_file_name(text)) {
    PACKSTORE_CHECK(store::pack_file_name(*pack) == text);
  }
  if (store::check_ref_name(text)) {
    PACKSTORE_CHECK(!text.empty() && text.size() <= 255);
    PACKSTORE_CHECK(!testing::could_be_a_way_out(text));
  }
  return 0;
}
