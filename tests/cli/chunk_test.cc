// chunk: where a file would be cut, without any store.
#include <gmock/gmock.h>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Chunk : public ProgramTest {
 protected:
  // Every byte follows from its place; no two stretches are equal.
  static std::string content_of(std::size_t size) {
    std::string content;
    std::uint32_t state = 1;
    while (content.size() < size) {
      state = state * 1'664'525 + 1'013'904'223;
      content += static_cast<char>(state >> 24U);
    }
    return content;
  }
};

TEST_F(Chunk, PrintsOffsetLengthAndHash) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  const std::string name = file("data", a + b + "cc");
  const Outcome outcome = run({"chunk", "--chunker", "fixed:64", name});
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_EQ(outcome.out,
            "0 64 " + id_of(a) + "\n64 64 " + id_of(b) + "\n128 2 " + id_of("cc") + "\n");
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(Chunk, CoversTheFileInOrder) {
  const std::string content = content_of(9'000'000);
  const nlohmann::json list = run({"chunk", "--json", file("data", content)}).json();
  ASSERT_GT(list.size(), 100U);
  std::size_t offset = 0;
  for (const nlohmann::json& chunk : list) {
    EXPECT_EQ(chunk.at("offset"), offset);
    const std::size_t length = chunk.at("length");
    EXPECT_EQ(chunk.at("hash"), id_of(content.substr(offset, length)));
    offset += length;
  }
  EXPECT_EQ(offset, content.size());
}

TEST_F(Chunk, ReadsStandardInputAndNothingOfNothing) {
  EXPECT_EQ(run({"chunk", "-"}, {.input = "abc", .store_variable = ""}).out,
            "0 3 " + id_of("abc") + "\n");
  EXPECT_EQ(run({"chunk", "-"}).out, "");
  EXPECT_EQ(run({"chunk", "-", "--json"}).out, "[]\n");
}

TEST_F(Chunk, RefusesAChunkerThatThereIsNot) {
  const Outcome unknown = run({"chunk", "--chunker", "rabin", "-"});
  EXPECT_NE(unknown.status, kOk);
  EXPECT_THAT(unknown.err, HasSubstr("chunker 'rabin': needs fixed, gear, fastcdc or native"));
  const Outcome wrong = run({"chunk", "--chunker", "fastcdc:100", "-"});
  EXPECT_THAT(wrong.err, HasSubstr("bytes_average is 100, needs 256 to 4194304"));
  EXPECT_EQ(run({"chunk", "/nowhere"}).status, kError);
}

}  // namespace
}  // namespace packstore::cli
