// put and get: files in, the same bytes out.
#include <gmock/gmock.h>

#include <random>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class Put : public StoreProgramTest {};
class Get : public StoreProgramTest {};

std::string random_text(std::size_t size) {
  const std::uint64_t seed = std::random_device{}();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random{seed};
  std::string text(size, '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

TEST_F(Put, PrintsIdAndNameOfEachFileInTheirOrder) {
  const std::string b = file("b with spaces.txt", "two");
  const std::string a = file("a.txt", "one");
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{}, {"--packed"}, {"--compress", "zlib:6"}}) {
    std::vector<std::string> words = {"put", b, a};
    words.insert(words.end(), how.begin(), how.end());
    EXPECT_EQ(must(words).out, id_of("two") + "  " + b + "\n" + id_of("one") + "  " + a + "\n");
  }
}

TEST_F(Put, TakesStandardInput) {
  EXPECT_EQ(must({"put", "-"}, "hello").out, id_of("hello") + "  -\n");
  EXPECT_EQ(must({"put", "--packed", "-"}, "world").out, id_of("world") + "  -\n");
  EXPECT_EQ(must({"get", id_of("hello")}).out, "hello");
  EXPECT_EQ(must({"get", id_of("world")}).out, "world");
}

TEST_F(Put, TakesAnEmptyFile) {
  EXPECT_EQ(put(""), id_of(""));
  EXPECT_EQ(must({"get", id_of("")}).out, "");
}

TEST_F(Put, WithJsonIsAnArrayOfIdsNamesAndSizes) {
  const std::string a = file("a", "one");
  const nlohmann::json list = must({"put", a, "--json"}).json();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("id"), id_of("one"));
  EXPECT_EQ(list[0].at("name"), a);
  EXPECT_EQ(list[0].at("size"), 3);
}

TEST_F(Put, ReadsTheListOfFilesFromAFileOrStandardInput) {
  const std::string a = file("a", "one");
  const std::string b = file("b", "two");
  const std::string list = a + "\n\n" + b;
  const std::string expected = id_of("one") + "  " + a + "\n" + id_of("two") + "  " + b + "\n";
  EXPECT_EQ(must({"put", "--packed", "--files-from", file("list", list)}).out, expected);
  EXPECT_EQ(must({"put", "--files-from", "-"}, list).out, expected);
}

TEST_F(Put, ADirectoryIsRefusedAndNamed) {
  const Outcome outcome = packstore({"put", directory().string()});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.err, HasSubstr(directory().string() + ": is a directory"));
}

// Links to directories could lead in a circle; they and broken ones are told, not followed.
TEST_F(Put, RecursivelyTakesTheFilesOfADirectorySorted) {
  const fs::path tree = directory() / "tree";
  fs::create_directories(tree / "sub");
  write_file(tree / "z", "last");
  write_file(tree / "sub" / "b", "two");
  write_file(tree / "a", "one");
  fs::create_symlink("a", tree / "link to a");
  fs::create_directory_symlink("..", tree / "sub" / "circle");
  const Outcome outcome = must({"put", "-r", "--packed", tree.string()});
  const auto line = [&](const std::string& content, const std::string& name) {
    return id_of(content) + "  " + (tree / name).string() + "\n";
  };
  EXPECT_EQ(outcome.out,
            line("one", "a") + line("one", "link to a") + line("two", "sub/b") + line("last", "z"));
  EXPECT_THAT(outcome.err, HasSubstr("skipped 1 "));
}

TEST_F(Put, RecursivelyDoesNotTakeTheStoreItself) {
  fs::create_directory(directory() / "above");
  fs::create_directory_symlink(directory(), directory() / "above" / "link");
  for (const fs::path& path : {directory(), store(), directory() / "above" / "link"}) {
    const Outcome outcome = packstore({"put", "-r", path.string()});
    EXPECT_EQ(outcome.status, kUsage);
    EXPECT_THAT(outcome.err, HasSubstr("is the store"));
  }
  EXPECT_THAT(must({"ls"}).out, IsEmpty());
}

TEST_F(Put, AMissingFileIsAnErrorBeforeAnythingIsPut) {
  const std::string a = file("a", "one");
  const Outcome outcome = packstore({"put", a, (directory() / "nothing").string()});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("nothing: cannot open"));
  EXPECT_EQ(must({"ls"}).out, "");
}

// A file that opens but does not read: the whole batch is dropped.
TEST_F(Put, PackedIsAllOrNothing) {
  const std::string a = file("a", "one");
  const Outcome outcome = packstore({"put", "--packed", a, "/proc/self/mem"});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, StartsWith("packstore: i/o error: /proc/self/mem: cannot read"));
  EXPECT_EQ(must({"ls"}).out, "");
}

TEST_F(Put, LooseKeepsAndListsWhatWasPutBeforeAFailure) {
  const std::string a = file("a", "one");
  const Outcome outcome = packstore({"put", "--json", a, "/proc/self/mem"});
  EXPECT_EQ(outcome.status, kError);
  ASSERT_EQ(outcome.json().size(), 1U);
  EXPECT_EQ(must({"ls"}).out, id_of("one") + "\n");
}

TEST_F(Put, ANameThatWouldBreakTheLineIsEscapedAsChecksumProgramsDo) {
  const std::string name = file("two\nlines", "one");
  const Outcome outcome = must({"put", name});
  EXPECT_EQ(outcome.out,
            "\\" + id_of("one") + "  " + (directory() / "two\\nlines").string() + "\n");
  EXPECT_EQ(must({"has", "--ids-from", "-"}, outcome.out).status, kOk);
}

TEST_F(Put, ANameThatIsNoUtf8StaysValidJson) {
  const std::string name = file("caf\xe9", "one");
  const nlohmann::json list = must({"put", name, "--json"}).json();
  ASSERT_TRUE(list.is_array());
  EXPECT_EQ(list[0].at("id"), id_of("one"));
}

TEST_F(Put, AFileCalledLikeACommandIsAFile) {
  const fs::path before = fs::current_path();
  file("ls", "one");
  fs::current_path(directory());
  const Outcome outcome = packstore({"put", "ls"});
  fs::current_path(before);
  EXPECT_EQ(outcome.out, id_of("one") + "  ls\n") << outcome.err;
}

// Sizes around the limits between gathered and streamed files, and more than one group.
TEST_F(Put, PackedStoresFilesOfEverySize) {
  std::string list;
  std::vector<std::string> contents;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{(1 << 20) - 1}, std::size_t{1 << 20},
        std::size_t{(1 << 20) + 1}, std::size_t{(5 << 20) + 3}}) {
    contents.push_back(random_text(size));
    list += file("f" + std::to_string(size), contents.back()) + "\n";
  }
  for (int i = 0; i < 1100; ++i) {
    contents.push_back("small " + std::to_string(i));
    list += file("s" + std::to_string(i), contents.back()) + "\n";
  }
  std::istringstream lines(must({"put", "--packed", "--files-from", "-"}, list).out);
  const fs::path into = directory() / "into";
  std::string ids;
  for (const std::string& content : contents) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    ASSERT_EQ(line.substr(0, 64), id_of(content));
    ids += line + "\n";
  }
  must({"get", "--ids-from", "-", "--into", into.string()}, ids);
  for (const std::string& content : contents) {
    ASSERT_TRUE(read_file(into / id_of(content)) == content) << content.size();
  }
}

TEST_F(Get, GivesBackEveryByteOnStandardOutputAndIntoAFile) {
  const std::string content = random_text(3 << 20);
  const std::string id = put(content);
  EXPECT_TRUE(must({"get", id}).out == content);
  EXPECT_TRUE(must({"get", id, "--unverified"}).out == content);
  const fs::path output = directory() / "an output";
  must({"get", id, "-o", output.string()});
  EXPECT_TRUE(read_file(output) == content);
}

TEST_F(Get, CutsOutARange) {
  const std::string id = put("0123456789");
  EXPECT_EQ(must({"get", id, "--offset", "3", "--length", "4"}).out, "3456");
  EXPECT_EQ(must({"get", id, "--offset", "8"}).out, "89");
  EXPECT_EQ(must({"get", id, "--length", "2"}).out, "01");
  EXPECT_EQ(must({"get", id, "--length", "0"}).out, "");
  EXPECT_EQ(must({"get", id, "--offset", "10"}).out, "");
  EXPECT_EQ(must({"get", id, "--offset", "8", "--length", "18446744073709551615"}).out, "89");
  EXPECT_EQ(packstore({"get", id, "--offset", "11"}).status, kUsage);
}

TEST_F(Get, AnAbsentObjectIsNotFoundAndLeavesTheOutputFileAsItWas) {
  const std::string output = file("output", "before");
  const Outcome outcome = packstore({"get", id_of("nobody put this"), "-o", output});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, StartsWith("packstore: not found: "));
  EXPECT_EQ(read_file(output), "before");
}

// The damage is behind the front that a stream would have printed by then.
TEST_F(Get, ADamagedObjectPrintsNothingAndLeavesTheOutputFileAsItWas) {
  const std::string id = put(random_text(3 << 20));
  damage(loose_file(id));
  const std::string output = file("output", "before");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"get", id}, {"get", id, "-o", output}}) {
    const Outcome outcome = packstore(words);
    EXPECT_EQ(outcome.status, kError);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, StartsWith("packstore: corrupt: "));
  }
  EXPECT_EQ(read_file(output), "before");
  for (const auto& entry : fs::directory_iterator(directory())) {
    EXPECT_NE(entry.path().extension(), ".part") << entry.path();
  }
}

TEST_F(Get, WithJsonNeedsAFileForTheObject) {
  const std::string id = put("hello");
  EXPECT_EQ(packstore({"get", id, "--json"}).status, kUsage);
  const std::string output = (directory() / "output").string();
  const nlohmann::json json = must({"get", id, "--json", "-o", output}).json();
  EXPECT_EQ(json.at("id"), id);
  EXPECT_EQ(json.at("file"), output);
  EXPECT_EQ(json.at("bytes"), 5);
}

TEST_F(Get, ManyGoesOnAfterAbsentAndDamagedObjects) {
  const std::string good = put("good");
  const std::string bad = put("bad");
  const std::string absent = id_of("absent");
  damage(loose_file(bad));
  const fs::path into = directory() / "a new" / "directory";
  const Outcome outcome = packstore({"get", "--json", "--ids-from", "-", "--into", into.string()},
                                    absent + "\n" + bad + "\n" + good + "\n");
  EXPECT_EQ(outcome.status, kError);
  EXPECT_EQ(outcome.json().at("objects"), 1);
  EXPECT_EQ(outcome.json().at("absent"), nlohmann::json{absent});
  EXPECT_EQ(outcome.json().at("damaged"), nlohmann::json{bad});
  EXPECT_EQ(read_file(into / good), "good");
  EXPECT_FALSE(fs::exists(into / bad));
}

TEST_F(Get, ManyIsAFindingWhereOnlySomeAreAbsent) {
  const Outcome outcome =
      packstore({"get", "--ids-from", "-", "--into", directory().string()}, id_of("absent"));
  EXPECT_EQ(outcome.status, kFindings);
}

TEST_F(Get, AListWithALineThatIsNoIdIsRefusedAndNamed) {
  const std::string list = file("ids", id_of("x") + "\n../../etc/passwd\n");
  const Outcome outcome =
      packstore({"get", "--ids-from", list, "--into", (directory() / "into").string()});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.err, HasSubstr(list + ": '../../etc/passwd' is no id"));
  EXPECT_FALSE(fs::exists(directory() / "into"));
}

TEST_F(Get, KeepsThePermissionsOfTheFileThatItReplaces) {
  const std::string output = file("output", "before");
  fs::permissions(output, fs::perms::owner_read | fs::perms::owner_write);
  must({"get", put("hello"), "-o", output});
  EXPECT_EQ(read_file(output), "hello");
  EXPECT_EQ(fs::status(output).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Get, WritesThroughALink) {
  const std::string target = file("target", "before");
  fs::create_symlink(target, directory() / "link");
  must({"get", put("hello"), "-o", (directory() / "link").string()});
  EXPECT_TRUE(fs::is_symlink(directory() / "link"));
  EXPECT_EQ(read_file(target), "hello");
}

}  // namespace
}  // namespace packstore::cli
