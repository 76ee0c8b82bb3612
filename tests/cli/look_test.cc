// has, ls and stat: what is there, told without reading it.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class Has : public StoreProgramTest {};
class Ls : public StoreProgramTest {};
class Stat : public StoreProgramTest {};

TEST_F(Has, SaysForEachIdWhetherItIsPresent) {
  const std::string present = put("present");
  const std::string absent = id_of("absent");
  const Outcome outcome = packstore({"has", absent, present});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.out, absent + "  absent\n" + present + "  present\n");
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_EQ(packstore({"has", present}).status, kOk);
}

TEST_F(Has, WithJsonIsAnArrayInTheOrderOfTheIds) {
  const std::string present = put("present");
  const nlohmann::json list = packstore({"has", "--json", present, id_of("absent")}).json();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0], (nlohmann::json{{"id", present}, {"present", true}}));
  EXPECT_EQ(list[1].at("present"), false);
}

TEST_F(Has, TakesIdsFromAList) {
  const std::string put_lines = must({"put", "-"}, "present").out;
  EXPECT_EQ(must({"has", "--ids-from", "-"}, put_lines).out, id_of("present") + "  present\n");
  EXPECT_EQ(must({"has", "--ids-from", "-"}, "").out, "");
  EXPECT_EQ(packstore({"has", "--ids-from", "/nowhere"}).status, kError);
}

TEST_F(Ls, ListsIdsAscending) {
  std::vector<std::string> ids;
  for (const char* content : {"one", "two", "three", "four"}) ids.push_back(put(content));
  std::sort(ids.begin(), ids.end());
  std::string expected;
  for (const std::string& id : ids) expected += id + "\n";
  EXPECT_EQ(must({"ls"}).out, expected);
}

TEST_F(Ls, WithAPrefixListsExactlyTheIdsThatBeginSo) {
  std::vector<std::string> words = {"put", "--packed"};
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::string content = std::to_string(i);
    words.push_back(file("number " + content, content));
    if (id_of(content).starts_with("4")) expected.push_back(id_of(content) + "\n");
  }
  must(words);
  std::sort(expected.begin(), expected.end());
  ASSERT_GT(expected.size(), 1U);
  EXPECT_EQ(must({"ls", "--prefix", "4"}).out,
            std::accumulate(expected.begin(), expected.end(), std::string()));
  EXPECT_EQ(must({"ls", "--prefix", std::string(64, '0')}).out, "");
  EXPECT_EQ(must({"ls", "--prefix", std::string(64, '0'), "--json"}).out, "[]\n");
}

TEST_F(Ls, LongFormTellsSizeAndPlace) {
  const std::string loose = put(std::string(2000, 'x'));
  EXPECT_THAT(must({"ls", "-l"}).out, MatchesRegex(loose + " +2.0 KiB +2.0 KiB  none  loose\n"));
  must({"pack", "--compress", "zlib"});
  EXPECT_THAT(must({"ls", "-l"}).out, MatchesRegex(loose + " +2.0 KiB +[0-9]+ B  zlib  pack 1\n"));
}

TEST_F(Ls, WithJsonTellsEverything) {
  const std::string id = put("hello");
  const nlohmann::json list = must({"ls", "--json"}).json();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("id"), id);
  EXPECT_EQ(list[0].at("size"), 5);
  EXPECT_EQ(list[0].at("codec"), "none");
  EXPECT_TRUE(list[0].at("pack").is_null());
}

TEST_F(Stat, CountsLooseAndPackedObjects) {
  put("loose object");
  must({"put", "--packed", file("a", "packed object")});
  const nlohmann::json json = must({"stat", "--json"}).json();
  EXPECT_EQ(json.at("loose_objects"), 1);
  EXPECT_EQ(json.at("packed_objects"), 1);
  EXPECT_EQ(json.at("packed_content_bytes"), 13);
  ASSERT_EQ(json.at("packs").size(), 1U);
  EXPECT_EQ(json.at("packs")[0].at("objects"), 1);
  EXPECT_EQ(json.at("packs")[0].at("dead_bytes"), 0);
}

TEST_F(Stat, DrawsLiveAndDeadBytesOfEachPack) {
  must({"put", "--packed", file("a", std::string(20'000, 'a')),
        file("b", std::string(20'000, 'b'))});
  EXPECT_THAT(must({"stat"}).out, HasSubstr("|" + std::string(40, '#') + "|"));
  must({"rm", id_of(std::string(20'000, 'b'))});
  const std::string half_dead = must({"stat"}).out;
  EXPECT_THAT(half_dead, HasSubstr("##--"));
  EXPECT_THAT(half_dead, HasSubstr(" 50."));
}

TEST_F(Stat, WritesAPictureOfThePacks) {
  must({"put", "--packed", file("a", "packed object")});
  const std::filesystem::path picture = directory() / "packs.svg";
  must({"stat", "--svg", picture.string()});
  const std::string svg = read_file(picture);
  EXPECT_THAT(svg, ::testing::StartsWith("<svg xmlns="));
  EXPECT_THAT(svg, HasSubstr("pack 1: "));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
}

TEST_F(Stat, OfAnEmptyStoreHasNoPicture) {
  const Outcome outcome = must({"stat"});
  EXPECT_THAT(outcome.out, HasSubstr("loose objects             0\n"));
  EXPECT_EQ(outcome.out.find('|'), std::string::npos);
}

}  // namespace
}  // namespace packstore::cli
