// add and cat: files in as chunks, the same bytes out, whole or in part.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <random>
#include <thread>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Add : public StoreProgramTest {
 protected:
  static std::string content(std::size_t size) {
    std::mt19937_64 random(size);
    std::string text(size, '\0');
    for (char& letter : text) letter = static_cast<char>(random());
    return text;
  }
  // The CID that the first line of `out` begins with.
  static std::string cid_of(const Outcome& outcome) {
    return outcome.out.substr(0, outcome.out.find(' '));
  }
};
class Cat : public Add {};

TEST_F(Add, PrintsCidAndNameOfEachFileInTheirOrder) {
  const std::string b = file("b with spaces", "hello world");
  const std::string a = file("a", "");
  EXPECT_EQ(must({"add", b, a}).out,
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e  " + b + "\n" +
                "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku  " + a + "\n");
}

TEST_F(Add, TakesStandardInputOnce) {
  EXPECT_EQ(must({"add", "-"}, "hello world").out,
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e  -\n");
  EXPECT_EQ(packstore({"add", "-", "-"}).status, kUsage);
}

// Opened twice, a pipe would lose its writer in between. Some rounds, because who is first differs.
TEST_F(Add, TakesANamedPipe) {
  const std::string pipe = (directory() / "pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (int round = 0; round < 5; ++round) {
    const std::jthread writer([&] { write_file(pipe, "hello world"); });
    EXPECT_EQ(must({"add", pipe}).out,
              "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e  " + pipe + "\n");
  }
}

TEST_F(Add, FollowsTheProfileThatIsNamed) {
  const std::string name = file("hello", "hello world");
  EXPECT_THAT(must({"add", "--profile", "unixfs-v0-2015", name}).out,
              StartsWith("Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD  "));
  const Outcome wrong = packstore({"add", "--profile", "nonsense", name});
  EXPECT_EQ(wrong.status, kUsage);
  EXPECT_THAT(wrong.err, HasSubstr("unixfs-v1-2025"));
}

TEST_F(Add, GivesTheSameCidForAnyNumberOfThreadsAndAnyCompression) {
  const std::string name = file("large", content(6'000'000));
  const std::string first = must({"add", name}).out;
  EXPECT_EQ(must({"add", "--threads", "3", name}).out, first);
  EXPECT_EQ(must({"add", "--compress", "zlib:1", name}).out, first);
  EXPECT_NE(must({"add", "--chunker", "fixed:65536", name}).out, first);
  EXPECT_EQ(packstore({"add", "--chunker", "fixed:0", name}).status, kUsage);
}

TEST_F(Add, WithJsonIsAnArrayOfRoots) {
  const std::string name = file("large", content(100'000));
  const nlohmann::json list = must({"add", "--chunker", "fixed:4096", name, "--json"}).json();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("name"), name);
  EXPECT_EQ(list[0].at("size"), 100'000);
  EXPECT_EQ(list[0].at("chunks"), 25);
  EXPECT_EQ(list[0].at("nodes"), 1);
}

// A tree with everything in it that a directory may hold.
class AddTree : public Add {
 protected:
  void SetUp() override {
    Add::SetUp();
    namespace fs = std::filesystem;
    fs::create_directories(tree() / "sub/deeper");
    fs::create_directories(tree() / "nothing");
    write_file(tree() / "hello", "hello world");
    write_file(tree() / "sub/empty", "");
    write_file(tree() / "sub/deeper/large", content(300'000));
    fs::create_symlink("sub/empty", tree() / "link");
    fs::create_symlink("/no/such/place", tree() / "sub/dangling");
  }
  std::filesystem::path tree() const { return directory() / "a tree"; }
};

TEST_F(AddTree, IsListedAndReadByPath) {
  const std::string root = cid_of(must({"add", tree().string()}));
  EXPECT_EQ(must({"cat", root + "/hello"}).out, "hello world");
  EXPECT_EQ(must({"cat", root + "/sub/deeper/large"}).out, content(300'000));
  EXPECT_EQ(must({"cat", root + "/sub/empty"}).out, "");
  const nlohmann::json list = must({"dag", "ls", root, "--json"}).json();
  std::vector<std::string> names;
  for (const auto& entry : list) names.push_back(entry.at("name"));
  EXPECT_THAT(names, ElementsAre("hello", "link", "nothing", "sub"));
  EXPECT_THAT(must({"dag", "ls", root + "/sub"}).out,
              AllOf(HasSubstr("  dangling\n"), HasSubstr("  deeper\n"), HasSubstr("  empty\n")));
  EXPECT_EQ(must({"dag", "ls", root + "/nothing"}).out, "");
  EXPECT_EQ(must({"dag", "verify", root + "/sub", "--json"}).json().at("whole"), true);
  EXPECT_EQ(packstore({"cat", root + "/sub/absent"}).status, kFindings);
  EXPECT_EQ(packstore({"cat", root + "/sub"}).status, kError);
  EXPECT_EQ(packstore({"cat", root + "/../hello"}).status, kUsage);
}

TEST_F(AddTree, FollowsTheProfileInItsFilesAndInItself) {
  const auto root_of = [&](const std::string& profile, const std::string& name) {
    return cid_of(must({"add", "--profile", profile, (tree() / name).string()}));
  };
  EXPECT_EQ(root_of("unixfs-v1-2025", "nothing"),
            "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354");
  EXPECT_EQ(root_of("unixfs-v0-2015", "nothing"), "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn");
  EXPECT_THAT(must({"dag", "ls", root_of("unixfs-v0-2015", "")}).out,
              StartsWith("Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"));
}

TEST_F(AddTree, IsCountedAsAWholeWithJson) {
  const nlohmann::json list = must({"add", tree().string(), "--json"}).json();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("files"), 3);
  EXPECT_EQ(list[0].at("size"), 300'000 + 11);
}

TEST_F(AddTree, AgainWritesNothing) {
  const std::string root = cid_of(must({"add", tree().string()}));
  const std::string objects = must({"ls"}).out;
  EXPECT_EQ(cid_of(must({"add", "--threads", "3", tree().string() + "/"})), root);
  EXPECT_EQ(must({"ls"}).out, objects);
}

TEST_F(AddTree, StoresNothingWhereSomethingInItIsNoFile) {
  ASSERT_EQ(mkfifo((tree() / "sub/pipe").c_str(), 0600), 0);
  const Outcome outcome = packstore({"add", tree().string()});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.err, HasSubstr("sub/pipe: neither a file"));
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(AddTree, IsNotTheStoreItself) {
  for (const std::filesystem::path& path : {directory(), store()}) {
    const Outcome outcome = packstore({"add", path.string()});
    EXPECT_EQ(outcome.status, kUsage);
    EXPECT_THAT(outcome.err, HasSubstr("is the store"));
  }
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(AddTree, WithManyNamesIsInShardsThatLsDoesNotShow) {
  std::filesystem::create_directories(tree() / "many");
  for (int i = 0; i < 1'000; ++i) {
    write_file(tree() / "many" / (std::string(230, 'n') + std::to_string(i)), "x");
  }
  const std::string root = cid_of(must({"add", (tree() / "many").string()}));
  EXPECT_EQ(must({"dag", "ls", root, "--json"}).json().size(), 1'000U);
  EXPECT_LE(must({"dag", "ls", root, "--links", "--json"}).json().size(), 256U);
  EXPECT_EQ(must({"cat", root + "/" + std::string(230, 'n') + "777"}).out, "x");
}

TEST_F(Add, StoresNothingWhenAFileIsMissing) {
  const std::string name = file("a", "content");
  EXPECT_EQ(packstore({"add", name, (directory() / "absent").string()}).status, kError);
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(Cat, GivesBackWhatWasAdded) {
  const std::string text = content(6'000'000);
  for (const char* profile : {"native", "unixfs-v1-2025", "unixfs-v0-2015"}) {
    const std::string cid = cid_of(must({"add", "--profile", profile, file("large", text)}));
    EXPECT_EQ(must({"cat", cid}).out, text);
    EXPECT_EQ(must({"cat", "--threads", "2", "--unverified", cid}).out, text);
  }
}

TEST_F(Cat, GivesARange) {
  const std::string text = content(1'000'000);
  const std::string cid = cid_of(must({"add", file("large", text)}));
  EXPECT_EQ(must({"cat", cid, "--offset", "400KiB", "--length", "100000"}).out,
            text.substr(400 * 1024, 100'000));
  EXPECT_EQ(must({"cat", cid, "--offset", "999999"}).out, text.substr(999'999));
  EXPECT_EQ(must({"cat", cid, "--offset", "1000000"}).out, "");
  EXPECT_EQ(packstore({"cat", cid, "--offset", "1000001"}).status, kUsage);
}

TEST_F(Cat, WritesAFileAndReportsIt) {
  const std::string text = content(100'000);
  const std::string cid = cid_of(must({"add", file("large", text)}));
  const std::string copy = (directory() / "copy").string();
  const nlohmann::json report = must({"cat", cid, "-o", copy, "--json"}).json();
  EXPECT_EQ(report.at("cid"), cid);
  EXPECT_EQ(report.at("bytes"), 100'000);
  EXPECT_EQ(read_file(copy), text);
  EXPECT_EQ(packstore({"cat", cid, "--json"}).status, kUsage);
}

// What is longer than a chunk can be is no file of chunks, and comes as get gives it.
TEST_F(Cat, GivesAnObjectOfAnySizeWholeOrInPart) {
  const std::string text = content(17'000'001);
  const std::string id = put(text);
  EXPECT_TRUE(must({"cat", id}).out == text);
  EXPECT_TRUE(must({"cat", id, "--unverified", "--threads", "2"}).out == text);
  const std::string copy = (directory() / "copy").string();
  EXPECT_EQ(must({"cat", id, "-o", copy, "--json"}).json().at("bytes"), text.size());
  EXPECT_TRUE(read_file(copy) == text);
  EXPECT_EQ(must({"cat", id, "--offset", "16MiB", "--length", "1000"}).out,
            text.substr(16 << 20, 1'000));
  EXPECT_EQ(must({"cat", id, "--offset", "17000000"}).out, text.substr(17'000'000));
  EXPECT_EQ(packstore({"cat", id, "--offset", "17000002"}).status, kUsage);

  damage(loose_file(id));
  EXPECT_EQ(packstore({"cat", id}).status, kError);
  const Outcome range = packstore({"cat", id, "--length", "1000"});
  EXPECT_EQ(range.status, kError);
  EXPECT_EQ(range.out, "");
}

TEST_F(Cat, SaysWhichBlockIsMissing) {
  const std::string absent = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
  const Outcome outcome = packstore({"cat", absent});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_THAT(outcome.err, HasSubstr(absent));
  EXPECT_EQ(packstore({"cat", "no-cid"}).status, kUsage);
}

}  // namespace
}  // namespace packstore::cli
