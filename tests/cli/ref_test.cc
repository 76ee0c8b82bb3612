// ref set, get, list and rm.
#include <gmock/gmock.h>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

class Ref : public StoreProgramTest {};

TEST_F(Ref, IsSetReadListedMovedAndDeleted) {
  const std::string one = put("one");
  const std::string two = put("two");
  EXPECT_EQ(must({"ref", "set", "photos/head", one}).out, one + "  photos/head\n");
  EXPECT_EQ(must({"ref", "get", "photos/head"}).out, one + "\n");
  must({"ref", "set", "photos/head", two});
  must({"ref", "set", "logs", one});
  EXPECT_EQ(must({"ref", "list"}).out, one + "  logs\n" + two + "  photos/head\n");
  EXPECT_EQ(must({"ref", "list", "photos/"}).out, two + "  photos/head\n");
  must({"ref", "rm", "logs"});
  EXPECT_EQ(must({"ref", "list"}).out, two + "  photos/head\n");
  EXPECT_EQ(packstore({"has", one}).status, kOk);
}

TEST_F(Ref, WithJsonTellsWhereItWas) {
  const std::string one = put("one");
  const std::string two = put("two");
  EXPECT_TRUE(must({"ref", "set", "head", one, "--json"}).json().at("previous").is_null());
  const nlohmann::json moved = must({"ref", "set", "head", two, "--json"}).json();
  EXPECT_EQ(moved.at("previous"), one);
  EXPECT_EQ(moved.at("id"), two);
  EXPECT_EQ(must({"ref", "get", "head", "--json"}).json().at("id"), two);
  EXPECT_EQ(must({"ref", "list", "--json"}).json(),
            (nlohmann::json{{{"name", "head"}, {"id", two}, {"kind", "raw"}}}));
  EXPECT_EQ(must({"ref", "rm", "head", "--json"}).json().at("previous"), two);
}

TEST_F(Ref, MovesOnlyFromWhereItIsExpected) {
  const std::string one = put("one");
  const std::string two = put("two");
  must({"ref", "set", "head", one, "--expect", "absent"});
  for (const std::string& wrong : {two, std::string("absent")}) {
    const Outcome outcome = packstore({"ref", "set", "head", two, "--expect", wrong});
    EXPECT_EQ(outcome.status, kError);
    EXPECT_THAT(outcome.err, StartsWith("packstore: conflict: "));
  }
  EXPECT_EQ(must({"ref", "get", "head"}).out, one + "\n");
  must({"ref", "set", "head", two, "--expect", one});
}

TEST_F(Ref, ThatNobodyCreatedIsNotFound) {
  for (const char* command : {"get", "rm"}) {
    const Outcome outcome = packstore({"ref", command, "nothing"});
    EXPECT_EQ(outcome.status, kFindings);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, StartsWith("packstore: not found: "));
  }
}

TEST_F(Ref, NeverPointsAtAnAbsentObject) {
  const Outcome outcome = packstore({"ref", "set", "head", id_of("absent")});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_THAT(outcome.err, StartsWith("packstore: not found: "));
  EXPECT_EQ(must({"ref", "list"}).out, "");
}

TEST_F(Ref, NamesThatAreNoneAreRefused) {
  const std::string id = put("one");
  for (const std::string& name :
       {std::string("heads/"), std::string("/head"), std::string("a//b"), std::string("../index"),
        std::string("a\nb"), std::string("a b"), std::string(256, 'a')}) {
    SCOPED_TRACE(name);
    const Outcome outcome = packstore({"ref", "set", name, id});
    EXPECT_EQ(outcome.status, kUsage);
    EXPECT_THAT(outcome.err, StartsWith("packstore: invalid argument: "));
  }
  EXPECT_EQ(must({"ref", "list"}).out, "");
}

}  // namespace
}  // namespace packstore::cli
