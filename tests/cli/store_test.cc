// init, backup and recover: whole stores.
#include <gmock/gmock.h>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class Init : public ProgramTest {};
class Backup : public StoreProgramTest {};
class Recover : public StoreProgramTest {};

TEST_F(Init, MakesAPrivateStoreAndTellsItsId) {
  const nlohmann::json report = must({"init", "--json"}).json();
  EXPECT_THAT(report.at("uuid").get<std::string>(), MatchesRegex("[0-9a-f-]{36}"));
  EXPECT_EQ(must({"stat", "--json"}).json().at("uuid"), report.at("uuid"));
  EXPECT_EQ(fs::status(store()).permissions() & (fs::perms::group_all | fs::perms::others_all),
            fs::perms::none);
}

TEST_F(Init, NeverTouchesAStoreThatIsThere) {
  must({"init"});
  const std::string id = put("one");
  const Outcome outcome = packstore({"init"});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.err, StartsWith("packstore: conflict: "));
  EXPECT_EQ(must({"ls"}).out, id + "\n");
}

TEST_F(Init, RefusesADirectoryThatHoldsSomethingElse) {
  fs::create_directory(store());
  write_file(store() / "thesis.tex", "x");
  EXPECT_EQ(packstore({"init"}).status, kError);
  EXPECT_EQ(std::distance(fs::directory_iterator(store()), fs::directory_iterator()), 1);
}

TEST_F(Backup, IsAStoreWithEverythingInIt) {
  put("loose");
  must({"put", "--packed", file("a", "packed")});
  must({"ref", "set", "head", id_of("loose")});
  const std::string copy = (directory() / "a copy").string();
  const nlohmann::json report = must({"backup", copy, "--json"}).json();
  EXPECT_EQ(report.at("loose_copied"), 1);
  EXPECT_EQ(report.at("packs_copied"), 1);

  const Outcome valid = run({"validate", "--store", copy});
  EXPECT_EQ(valid.status, kOk) << valid.out;
  EXPECT_EQ(run({"ls", "--store", copy}).out, must({"ls"}).out);
  EXPECT_EQ(run({"ref", "list", "--store", copy}).out, must({"ref", "list"}).out);
}

TEST_F(Backup, SharesWhatAPreviousOneHas) {
  must({"put", "--packed", file("a", "packed")});
  const std::string first = (directory() / "first").string();
  const std::string second = (directory() / "second").string();
  must({"backup", first});
  put("new");
  const nlohmann::json report = must({"backup", second, "--previous", first, "--json"}).json();
  EXPECT_EQ(report.at("packs_reused"), 1);
  EXPECT_EQ(report.at("packs_copied"), 0);
  EXPECT_EQ(run({"validate", "--store", second}).status, kOk);
}

TEST_F(Backup, ReportsLooseObjectsThatAreDamaged) {
  const std::string id = put("loose");
  const std::string copy = (directory() / "copy").string();
  must({"backup", copy});
  fs::resize_file(store() / "loose" / id.substr(0, 2) / id.substr(2), 0);
  const Outcome outcome = packstore({"backup", copy, "--json"});
  EXPECT_EQ(outcome.status, kFindings) << outcome.err;
  EXPECT_EQ(outcome.json().at("damaged").at(0).at("object"), id);
  EXPECT_EQ(run({"get", id, "--store", copy}).out, "loose");
}

TEST_F(Backup, RefusesADestinationThatHoldsSomethingElse) {
  const fs::path destination = directory() / "documents";
  fs::create_directory(destination);
  write_file(destination / "thesis.tex", "x");
  const Outcome outcome = packstore({"backup", destination.string()});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_EQ(read_file(destination / "thesis.tex"), "x");
}

void remove_index(const fs::path& store) {
  for (const char* name : {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm"}) {
    fs::remove(store / name);
  }
}

TEST_F(Recover, BringsBackObjectsWithoutAnIndexAndReportsLostRefs) {
  const std::string loose = put("loose");
  must({"put", "--packed", file("a", "packed")});
  must({"ref", "set", "head", loose});
  remove_index(store());
  EXPECT_EQ(packstore({"ls"}).status, kError);

  const Outcome outcome = packstore({"recover", "--json"});
  EXPECT_EQ(outcome.status, kFindings) << outcome.err;
  EXPECT_EQ(outcome.json().at("packed_objects"), 1);
  EXPECT_EQ(outcome.json().at("loose_objects"), 1);
  EXPECT_EQ(outcome.json().at("refs_lost"), true);
  EXPECT_EQ(must({"get", id_of("packed")}).out, "packed");
}

TEST_F(Recover, KeepsRefsWhereTheOldIndexCanBeRead) {
  const std::string id = put("loose");
  must({"ref", "set", "head", id});
  const Outcome outcome = must({"recover"});
  EXPECT_THAT(outcome.out, HasSubstr("ref kept"));
  EXPECT_THAT(outcome.out, HasSubstr("old index moved to"));
  EXPECT_EQ(must({"ref", "get", "head"}).out, id + "\n");
}

TEST_F(Recover, OfAMissingStoreIsAnError) {
  const Outcome outcome = run({"recover", "--store", (directory() / "nothing").string()});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.err, StartsWith("packstore: "));
}

}  // namespace
}  // namespace packstore::cli
