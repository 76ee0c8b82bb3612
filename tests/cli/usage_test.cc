// The program's manners: help, version, and what it says to a wrong command line.
#include <gmock/gmock.h>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string id_of_nothing() { return id_of(""); }

class Usage : public ProgramTest {};

TEST_F(Usage, VersionNeedsNothingElse) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_THAT(outcome.out, ::testing::MatchesRegex("packstore [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(Usage, HelpOfTheProgramNamesEveryCommandAndTheExitStatus) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.status, kOk);
  for (const char* command :
       {"init", "put", "get", "has", "ls", "stat", "pack", "repack", "rm", "gc", "validate", "ref",
        "dag", "car", "backup", "recover", "clean", "chunk", "simulate"}) {
    EXPECT_THAT(outcome.out, HasSubstr(std::string("\n  ") + command + " "));
  }
  EXPECT_THAT(outcome.out, HasSubstr("Exit status"));
}

TEST_F(Usage, HelpOfRefRmSaysWhatBecomesOfTheObject) {
  const Outcome outcome = run({"ref", "rm", "--help"});
  EXPECT_THAT(outcome.out, HasSubstr("goes at once in a store that counts references"));
}

class HelpOfCommand : public ProgramTest, public ::testing::WithParamInterface<std::string> {};

// A command of a group is written with its group: "ref set".
TEST_P(HelpOfCommand, HasAnExampleThatNamesIt) {
  std::vector<std::string> words;
  std::istringstream name(GetParam());
  for (std::string word; name >> word;) words.push_back(word);
  words.emplace_back("--help");

  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_THAT(outcome.out, HasSubstr("Example:\n  packstore " + GetParam()));
  EXPECT_THAT(outcome.out, HasSubstr("--store"));
}

INSTANTIATE_TEST_SUITE_P(All, HelpOfCommand,
                         ::testing::Values("init", "put", "get", "has", "ls", "stat", "pack",
                                           "repack", "rm", "gc", "validate", "ref set", "ref get",
                                           "ref list", "ref rm", "dag stat", "dag ls", "dag verify",
                                           "car export", "car import", "backup", "recover", "clean",
                                           "chunk", "simulate"));

struct WrongLine {
  std::vector<std::string> words;
  std::string complaint;
};

class WrongCommandLine : public ProgramTest, public ::testing::WithParamInterface<WrongLine> {};

// All of them name a store that does not exist: what is wrong with the words is said first.
TEST_P(WrongCommandLine, IsRefusedBeforeAnyStoreIsTouched) {
  const Outcome outcome = packstore(GetParam().words);
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, StartsWith("packstore: invalid argument: "));
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Words, WrongCommandLine,
    ::testing::Values(WrongLine{{}, "no command"}, WrongLine{{"frobnicate"}, "frobnicate"},
                      WrongLine{{"ref"}, "no command"},
                      WrongLine{{"stat", "--frobnicate"}, "--frobnicate"},
                      WrongLine{{"has"}, "no ids"}, WrongLine{{"has", "abc"}, "'abc'"},
                      WrongLine{{"has", std::string(64, 'G')}, "GGG"},
                      WrongLine{{"has", std::string(64, 'A')}, "AAA"},
                      WrongLine{{"get", "../../../../etc/passwd"}, "passwd"},
                      WrongLine{{"get"}, "no ids"}, WrongLine{{"get", "--ids-from", "-"}, "--into"},
                      WrongLine{{"get", id_of_nothing(), "--offset", "-1"}, "--offset"},
                      WrongLine{{"rm", id_of_nothing() + "0"}, "no id"},
                      WrongLine{{"put"}, "no files"}, WrongLine{{"put", "-", "-"}, "only once"},
                      WrongLine{{"put", "-", "--files-from", "-"}, "standard input"},
                      WrongLine{{"put", "/"}, "/: is a directory"},
                      WrongLine{{"put", "-", "--compress", "brotli"}, "brotli"},
                      WrongLine{{"put", "-", "--compress", "zlib:10"}, "10"},
                      WrongLine{{"ls", "--prefix", "0A"}, "'0A'"},
                      WrongLine{{"pack", "--max-bytes", "-1"}, "--max-bytes"},
                      WrongLine{{"pack", "--max-bytes", "many"}, "--max-bytes"},
                      WrongLine{{"pack", "--compress", "zstd:99"}, "99"},
                      WrongLine{{"repack", "--min-dead", "1.5"}, "--min-dead"},
                      WrongLine{{"repack", "--min-dead", "nan"}, "--min-dead"},
                      WrongLine{{"validate", "--threads", "0"}, "--threads"},
                      WrongLine{{"pack", "--wait", "0.5"}, "whole number"},
                      WrongLine{{"pack", "--wait", "31536001"}, "from 0 to 31536000"},
                      WrongLine{{"ref", "set", "name"}, "id"},
                      WrongLine{{"ref", "set", "name", id_of_nothing(), "--expect", "x"}, "'x'"},
                      WrongLine{{"backup"}, "destination"}));

TEST_F(Usage, WithoutAStoreSaysHowToNameOne) {
  const Outcome outcome = run({"stat"});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_THAT(outcome.err, HasSubstr("--store DIR or set PACKSTORE_STORE"));
}

TEST_F(Usage, AMissingStoreIsAnErrorAndNoAnswer) {
  const Outcome outcome = packstore({"has", id_of_nothing()});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, StartsWith("packstore: not found: "));
}

TEST_F(Usage, ADirectoryThatIsNoStoreIsAnError) {
  std::filesystem::create_directory(store());
  write_file(store() / "something else", "x");
  const Outcome outcome = packstore({"ls"});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.err, StartsWith("packstore: "));
}

TEST_F(Usage, StoreAndJsonAreAcceptedBeforeAndBehindTheCommand) {
  must({"init"});
  const Outcome before = run({"--store", store().string(), "--json", "stat"});
  const Outcome behind = run({"stat", "--json", "--store", store().string()});
  EXPECT_EQ(before.status, kOk) << before.err;
  EXPECT_EQ(before.json().at("uuid"), behind.json().at("uuid"));
  EXPECT_EQ(run({"ref", "list", "--json", "--store", store().string()}).out, "[]\n");
}

TEST_F(Usage, TheEnvironmentNamesTheStoreUnlessTheOptionDoes) {
  must({"init"});
  const Outcome by_variable = run({"ls"}, {.input = "", .store_variable = store().string()});
  EXPECT_EQ(by_variable.status, kOk) << by_variable.err;
  const Outcome by_option =
      run({"ls", "--store", store().string()}, {.input = "", .store_variable = "/nowhere"});
  EXPECT_EQ(by_option.status, kOk) << by_option.err;
}

TEST_F(Usage, NeverSendsControlCharactersOfBadInputToTheTerminal) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"has", "\033[31mred"}, {"put", "\033[31mred"}, {"\033[31mred"}}) {
    const Outcome outcome = packstore(words);
    EXPECT_NE(outcome.status, kOk);
    EXPECT_THAT(outcome.err, HasSubstr("?[31mred"));
    EXPECT_EQ(outcome.err.find('\033'), std::string::npos);
  }
}

TEST_F(Usage, ShowsOnlyTheFrontOfALongWordThatIsNoId) {
  const Outcome outcome = packstore({"has", std::string(100'000, 'x')});
  EXPECT_EQ(outcome.status, kUsage);
  EXPECT_LT(outcome.err.size(), 300U);
}

}  // namespace
}  // namespace packstore::cli
