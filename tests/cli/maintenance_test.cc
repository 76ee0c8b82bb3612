// pack, repack, rm, clean and validate, each once around.
#include <gmock/gmock.h>
#include <sys/file.h>

#include "cli/program_runner.h"
#include "packstore/cid.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class Maintenance : public StoreProgramTest {
 protected:
  nlohmann::json stat() { return must({"stat", "--json"}).json(); }
};

class Pack : public Maintenance {};
class Repack : public Maintenance {};
class Rm : public Maintenance {};
class Gc : public Maintenance {};
class Clean : public Maintenance {};
class Validate : public Maintenance {};
class CountingStore : public ProgramTest {};

TEST_F(Pack, MovesLooseObjectsIntoAPack) {
  const std::string id = put(std::string(5000, 'x'));
  const nlohmann::json report = must({"pack", "--json", "--compress", "zstd:3"}).json();
  EXPECT_EQ(report.at("objects"), 1);
  EXPECT_EQ(report.at("content_bytes"), 5000);
  EXPECT_LT(report.at("stored_bytes"), 1000);
  EXPECT_EQ(stat().at("loose_objects"), 0);
  EXPECT_EQ(must({"get", id}).out, std::string(5000, 'x'));
}

TEST_F(Pack, TakesOnlyWhatEveryRuleAllows) {
  const std::string small = put("small");
  const std::string large = put(std::string(3000, 'l'));
  const auto packs = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"pack", "--json"});
    return must(words).json().at("objects").get<int>();
  };
  EXPECT_EQ(packs({"--min-size", "4KiB"}), 0);
  EXPECT_EQ(packs({"--max-size", "4"}), 0);
  EXPECT_EQ(packs({"--max-objects", "0"}), 0);
  EXPECT_EQ(packs({"--max-bytes", "4"}), 0);
  EXPECT_EQ(packs({"--match", "^$"}), 0);
  EXPECT_EQ(packs({"--ids-from", file("ids", small), "--prefix", large}), 0);
  EXPECT_EQ(packs({"--prefix", small.substr(0, 60)}), 1);
  EXPECT_EQ(packs({"--match", large.substr(60) + "$", "--min-size", "2k"}), 1);
}

TEST_F(Pack, AnExpressionThatIsNoneIsRefused) {
  EXPECT_EQ(packstore({"pack", "--match", "["}).status, kUsage);
}

TEST_F(Pack, ADamagedLooseObjectIsAFindingAndNoObstacle) {
  const std::string good = put("good");
  const std::string bad = put("bad");
  damage(loose_file(bad));
  const Outcome outcome = packstore({"pack", "--json"});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("objects"), 1);
  ASSERT_EQ(outcome.json().at("damaged").size(), 1U);
  EXPECT_EQ(outcome.json().at("damaged")[0].at("object"), bad);
  EXPECT_TRUE(fs::exists(loose_file(bad)));
}

TEST_F(Repack, GivesBackTheSpaceOfRemovedObjects) {
  must({"put", "--packed", file("a", std::string(9000, 'a')), file("b", std::string(9000, 'b'))});
  must({"rm", id_of(std::string(9000, 'a'))});
  EXPECT_GT(stat().at("dead_bytes"), 9000);
  EXPECT_EQ(must({"repack", "--json", "--min-dead", "0.9"}).json().at("objects"), 0);
  const nlohmann::json report = must({"repack", "--json", "--min-dead", "0.3"}).json();
  EXPECT_EQ(report.at("objects"), 1);
  EXPECT_EQ(report.at("packs_rewritten").size(), 1U);
  EXPECT_LT(report.at("bytes_after"), report.at("bytes_before"));
  EXPECT_EQ(stat().at("dead_bytes"), 0);
  EXPECT_EQ(must({"get", id_of(std::string(9000, 'b'))}).out, std::string(9000, 'b'));
}

TEST_F(Repack, CompressesAgain) {
  must({"put", "--packed", file("a", std::string(9000, 'a'))});
  must({"repack", "--codec", "zlib:9"});
  EXPECT_EQ(must({"ls", "--json"}).json()[0].at("codec"), "zlib");
}

TEST_F(Rm, RemovesLooseAndPackedObjectsAndReportsAbsentOnes) {
  const std::string loose = put("loose");
  must({"put", "--packed", file("a", "packed")});
  const std::string absent = id_of("absent");
  const Outcome outcome = packstore({"rm", "--json", loose, id_of("packed"), absent});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("removed"), 2);
  EXPECT_EQ(outcome.json().at("absent"), nlohmann::json{absent});
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(Rm, TakesIdsFromAList) {
  const std::string lines = must({"put", "-"}, "one").out;
  EXPECT_EQ(must({"rm", "--ids-from", "-"}, lines).status, kOk);
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(Rm, RefusesAllIdsWhereOneIsMalformed) {
  const std::string id = put("one");
  EXPECT_EQ(packstore({"rm", id, "0123"}).status, kUsage);
  EXPECT_EQ(must({"ls"}).out, id + "\n");
}

TEST_F(Clean, RemovesWhatAWriterLeftBehind) {
  write_file(store() / "sandbox" / "left by a writer that is gone", "half");
  const nlohmann::json report = must({"clean", "--json"}).json();
  EXPECT_EQ(report.at("sandbox_files"), 1);
  EXPECT_GE(report.at("bytes_freed"), 4);
  EXPECT_TRUE(fs::is_empty(store() / "sandbox"));
}

TEST_F(Validate, OfASoundStoreFindsNothing) {
  put("loose");
  must({"put", "--packed", file("a", "packed")});
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--threads", "3"}, {"--no-rehash"}}) {
    std::vector<std::string> words = {"validate", "--json"};
    words.insert(words.end(), options.begin(), options.end());
    const nlohmann::json report = must(words).json();
    EXPECT_EQ(report.at("valid"), true);
    EXPECT_EQ(report.at("objects"), 2);
    EXPECT_THAT(report.at("findings"), ::testing::IsEmpty());
  }
  EXPECT_THAT(must({"validate"}).out, HasSubstr("valid"));
}

TEST_F(Validate, DamageIsAFindingThatNamesTheObject) {
  const std::string id = put("loose");
  damage(loose_file(id));
  const Outcome outcome = packstore({"validate", "--json"});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("valid"), false);
  ASSERT_EQ(outcome.json().at("findings").size(), 1U);
  EXPECT_EQ(outcome.json().at("findings")[0].at("kind"), "content-mismatch");
  EXPECT_EQ(outcome.json().at("findings")[0].at("object"), id);
  EXPECT_THAT(packstore({"validate"}).out, HasSubstr("content-mismatch object " + id + ": "));
}

TEST_F(Validate, RepairMovesDamageAsideAndSaysWhatIsLost) {
  const std::string id = put("loose");
  damage(loose_file(id));
  const Outcome outcome = packstore({"validate", "--repair", "--json"});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("moved_aside"), 1);
  EXPECT_EQ(outcome.json().at("lost"), nlohmann::json{id});
  EXPECT_EQ(packstore({"validate"}).status, kOk);
  EXPECT_EQ(packstore({"has", id}).status, kFindings);
}

TEST_F(Gc, RemovesWhatNoRefReachesAfterSayingSo) {
  const std::string kept = put("kept");
  const std::string garbage = put("garbage");
  must({"ref", "set", "head", kept});
  const nlohmann::json said = must({"gc", "--dry-run", "--json"}).json();
  EXPECT_EQ(said.at("dry_run"), true);
  EXPECT_EQ(said.at("removed"), 1);
  EXPECT_EQ(packstore({"has", garbage}).status, kOk);
  const nlohmann::json done = must({"gc", "--json"}).json();
  EXPECT_EQ(done.at("dry_run"), false);
  EXPECT_EQ(done.at("reached"), 1);
  EXPECT_EQ(done.at("removed"), 1);
  EXPECT_EQ(done.at("loose_bytes"), 7);
  EXPECT_EQ(must({"get", kept}).out, "kept");
  EXPECT_EQ(packstore({"has", garbage}).status, kFindings);
}

TEST_F(Gc, FollowsTheLinksOfARefThatWasSetByCid) {
  const std::string leaf = put("leaf");
  const std::string garbage = put("garbage");
  // DAG-CBOR: a link is tag 42 over a byte string of 37 bytes, a zero and the CID.
  const Cid target = Cid::of(NodeKind::kRaw, ObjectId::parse(leaf).value());
  Bytes block = {std::byte{0xd8}, std::byte{42}, std::byte{0x58}, std::byte{37}, std::byte{0}};
  const Bytes cid_bytes = target.encode();
  block.insert(block.end(), cid_bytes.begin(), cid_bytes.end());
  const std::string node = put(std::string(as_text(block)));
  const Cid root = Cid::of(NodeKind::kDagCbor, ObjectId::parse(node).value());
  must({"ref", "set", "tree", root.to_text()});
  EXPECT_EQ(must({"ref", "list", "--json"}).json()[0].at("kind"), "dag-cbor");
  EXPECT_EQ(must({"gc", "--json"}).json().at("removed"), 1);
  EXPECT_EQ(must({"get", leaf}).out, "leaf");

  must({"ref", "set", "tree", node});
  EXPECT_EQ(must({"gc", "--json"}).json().at("removed"), 1);
  EXPECT_EQ(packstore({"has", leaf}).status, kFindings);
}

TEST_F(CountingStore, HasFreedWhatALastReferenceLeftBeforeAnyCollection) {
  must({"init", "--reference-counts"});
  const std::string referenced = put("referenced");
  const std::string lonely = put("lonely");
  must({"ref", "set", "head", referenced});
  must({"ref", "rm", "head"});
  EXPECT_EQ(packstore({"has", referenced}).status, kFindings);
  EXPECT_EQ(packstore({"has", lonely}).status, kOk);
  const nlohmann::json done = must({"gc", "--json"}).json();
  EXPECT_EQ(done.at("released"), 0);
  EXPECT_EQ(done.at("removed"), 1);
}

TEST_F(Gc, ABrokenTreeIsRefusedOrAFinding) {
  const std::string text = put("no node");
  const std::string garbage = put("garbage");
  const Cid root = Cid::of(NodeKind::kDagCbor, ObjectId::parse(text).value());
  must({"ref", "set", "tree", root.to_text()});
  const Outcome refused = packstore({"gc"});
  EXPECT_NE(refused.status, kOk);
  EXPECT_THAT(refused.err, HasSubstr(text));
  EXPECT_EQ(packstore({"has", garbage}).status, kOk);
  const Outcome skipped = packstore({"gc", "--skip-broken", "--json"});
  EXPECT_EQ(skipped.status, kFindings);
  EXPECT_EQ(skipped.json().at("skipped").size(), 1U);
  EXPECT_EQ(packstore({"has", garbage}).status, kFindings);
}

TEST_F(Maintenance, OfASecondProcessIsBusyAndNamesTheHolder) {
  // The test takes the lock as the store itself does: no command of the program holds it for long.
  const std::string path = (store() / "locks" / "maintenance").string();
  const int lock = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  for (const char* command : {"pack", "repack", "gc", "clean"}) {
    const Outcome outcome = packstore({command});
    EXPECT_EQ(outcome.status, kError);
    EXPECT_THAT(outcome.err, StartsWith("packstore: busy: "));
  }
  close(lock);
  EXPECT_EQ(packstore({"pack", "--wait", "1"}).status, kOk);
}

}  // namespace
}  // namespace packstore::cli
