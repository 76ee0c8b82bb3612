// ref set, get, list and rm.
#include <gmock/gmock.h>

#include "cli/program_runner.h"
#include "packstore/cid.h"

namespace packstore::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string without_line_end(std::string line) {
  line.pop_back();
  return line;
}

class Ref : public StoreProgramTest {};

// A ref to the root of a directory, and one to an object without links.
class RefToATree : public StoreProgramTest {
 protected:
  void SetUp() override {
    StoreProgramTest::SetUp();
    std::filesystem::create_directories(directory() / "photos/2024");
    write_file(directory() / "photos/2024/one", "hello world");
    const Outcome added = must({"add", (directory() / "photos").string()});
    cid_ = added.out.substr(0, added.out.find(' '));
    must({"ref", "set", "photos/head", cid_});
    object_ = put("no links");
    must({"ref", "set", "object", object_});
  }
  const std::string& cid() const { return cid_; }
  const std::string& object() const { return object_; }
  // The id of the directory's node, which does not say that it is one.
  std::string bare_id() { return must({"ref", "get", "photos/head", "--json"}).json().at("id"); }

 private:
  std::string cid_;
  std::string object_;
};

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
  EXPECT_EQ(
      must({"ref", "list", "--json"}).json(),
      (nlohmann::json{{{"name", "head"},
                       {"id", two},
                       {"cid", Cid::of(NodeKind::kRaw, ObjectId::of(as_bytes("two"))).to_text()},
                       {"kind", "raw"}}}));
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

TEST_F(Ref, SetNamesTheWordThatPointsAtNothing) {
  const Outcome outcome = packstore({"ref", "set", "head", "x"});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("packstore: invalid argument: "), HasSubstr("'x'")));
}

TEST_F(RefToATree, IsGivenBackAsItWasSet) {
  EXPECT_EQ(must({"ref", "get", "photos/head"}).out, cid() + "\n");
  EXPECT_EQ(must({"ref", "get", "object"}).out, object() + "\n");
  EXPECT_EQ(must({"ref", "list"}).out, object() + "  object\n" + cid() + "  photos/head\n");
  const nlohmann::json got = must({"ref", "get", "photos/head", "--json"}).json();
  EXPECT_EQ(got.at("cid"), cid());
  EXPECT_EQ(got.at("kind"), "dag-pb");
  EXPECT_EQ(got.at("id").get<std::string>().size(), ObjectId::kHexSize);
}

// Method: what scripts do to rename a ref; the collection then shows what the copy keeps.
TEST_F(RefToATree, IsRenamedAndKeepsTheTree) {
  const std::string word = without_line_end(must({"ref", "get", "photos/head"}).out);
  must({"ref", "set", "archive/photos", word, "--expect", "absent"});
  must({"ref", "set", "archive/photos", word, "--expect", word});
  must({"ref", "rm", "photos/head"});
  must({"gc"});
  EXPECT_EQ(must({"cat", cid() + "/2024/one"}).out, "hello world");
  EXPECT_EQ(must({"ref", "get", "archive/photos"}).out, cid() + "\n");
}

TEST_F(RefToATree, IsAWordForItsCid) {
  EXPECT_EQ(must({"cat", "photos/head/2024/one"}).out, "hello world");
  EXPECT_EQ(must({"cat", "object"}).out, "no links");
  EXPECT_EQ(must({"dag", "ls", "photos/head"}).out, must({"dag", "ls", cid()}).out);
  EXPECT_EQ(must({"dag", "ls", "photos/head/"}).out, must({"dag", "ls", cid()}).out);
  EXPECT_EQ(must({"dag", "verify", "photos/head", "--json"}).json().at("root"), cid());
  EXPECT_EQ(must({"car", "export", "photos/head"}).out, must({"car", "export", cid()}).out);
  must({"ref", "set", "copy", "photos/head"});
  EXPECT_EQ(must({"ref", "get", "copy"}).out, cid() + "\n");
}

TEST_F(RefToATree, IsPreferredToAPathBelowAShorterName) {
  must({"ref", "set", "photos/head/2024", object()});
  EXPECT_EQ(must({"cat", "photos/head/2024"}).out, "no links");
}

TEST_F(RefToATree, IsNoWordForItsCidWhereItIsCalledLikeACidOrAnId) {
  must({"ref", "set", cid(), object()});
  must({"ref", "set", object(), cid()});
  EXPECT_EQ(must({"dag", "stat", cid(), "--json"}).json().at("root"), cid());
  EXPECT_EQ(must({"cat", object()}).out, "no links");
}

TEST_F(RefToATree, ThatNobodyCreatedIsNoWordForACid) {
  for (const std::string& word : {std::string("photos"), std::string("photos/tail/2024"),
                                  std::string("/photos/head"), std::string()}) {
    const Outcome outcome = packstore({"dag", "ls", word});
    EXPECT_EQ(outcome.status, kUsage);
    EXPECT_THAT(outcome.err, HasSubstr("'" + word + "'"));
  }
}

TEST_F(RefToATree, SetToTheBareIdSaysThatItsLinksAreNotFollowed) {
  const Outcome outcome = must({"ref", "set", "copy", bare_id()});
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("photos/head"), HasSubstr("dag-pb"), HasSubstr(cid())));
  EXPECT_THAT(must({"ref", "set", "other", object()}).err, IsEmpty());
  EXPECT_THAT(must({"ref", "set", "copy", cid()}).err, IsEmpty());
}

TEST_F(RefToATree, IsAnIdForTheCommandsThatTakeObjects) {
  EXPECT_EQ(must({"get", cid()}).out, must({"get", bare_id()}).out);
  EXPECT_EQ(packstore({"has", cid(), object()}).status, kOk);
  const std::filesystem::path into = directory() / "into";
  must({"get", "--ids-from", "-", "--into", into.string()}, must({"ref", "list"}).out);
  EXPECT_TRUE(std::filesystem::exists(into / bare_id()));
  EXPECT_TRUE(std::filesystem::exists(into / object()));
}

}  // namespace
}  // namespace packstore::cli
