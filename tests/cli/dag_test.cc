// car and dag commands: the DAG of a published CAR file goes in and comes out again. The file is
// ipld/ipld, specs/transport/car/fixture/carv2-basic, as a file of version 1.
#include <gmock/gmock.h>

#include "base/hex.h"
#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kRoot[] = "QmfEoLyB5NndqeKieExd1rtJzTduQUPEV8TwAYcUiy3H5Z";
constexpr char kFishmonger[] = "Qmcpz2FHJD7VAhg1fxFXdYJKePtkx1BsHuCrAgWVnaHMTE";
constexpr char kFish[] = "bafkreifuosuzujyf4i6psbneqtwg2fhplc2wxptc5euspa2gn3bwhnihfu";
constexpr char kLobster[] = "bafkreifc4hca3inognou377hfhvu2xfchn2ltzi7yu27jkaeujqqqdbjju";

std::string basic_car() {
  const std::string hex =
      "38a265726f6f747381d82a5823001220fb16f5083412ef1371d031ed4aa239903d84efdadf1ba3cd678e6475"
      "b1a232f86776657273696f6e01511220fb16f5083412ef1371d031ed4aa239903d84efdadf1ba3cd678e6475"
      "b1a232f8122d0a221220d9c0d5376d26f1931f7ad52d7acc00fc1090d2edb0808bf61eeb0a152826f6261204"
      "f09f8da418a40185011220d9c0d5376d26f1931f7ad52d7acc00fc1090d2edb0808bf61eeb0a152826f62612"
      "310a221220d745b7757f5b4593eeab7820306c7bc64eb496a7410a0d07df7a34ffec4b97f112096261727265"
      "6c657965183a122e0a2401551220a2e1c40da1ae335d4dffe729eb4d5ca23b74b9e51fc535f4a804a261080c"
      "294d1204f09f90a11807581220d745b7757f5b4593eeab7820306c7bc64eb496a7410a0d07df7a34ffec4b97"
      "f112340a2401551220b474a99a2705e23cf905a484ec6d14ef58b56bbe62e9292783466ec363b5072d120a66"
      "6973686d6f6e67657218042801551220b474a99a2705e23cf905a484ec6d14ef58b56bbe62e9292783466ec3"
      "63b5072d666973682b01551220a2e1c40da1ae335d4dffe729eb4d5ca23b74b9e51fc535f4a804a261080c29"
      "4d6c6f6273746572";
  std::string bytes(hex.size() / 2, '\0');
  EXPECT_TRUE(from_hex(hex, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

class Car : public StoreProgramTest {};
class Dag : public StoreProgramTest {
 protected:
  void SetUp() override {
    StoreProgramTest::SetUp();
    must({"car", "import", "-"}, basic_car());
  }
};

TEST_F(Car, GoesInAndComesOutTheSame) {
  const std::string in = file("in.car", basic_car());
  const nlohmann::json taken = must({"car", "import", in, "--json"}).json();
  EXPECT_EQ(taken.at("whole"), true);
  EXPECT_EQ(taken.at("kept"), true);
  EXPECT_EQ(taken.at("roots").at(0), kRoot);
  EXPECT_EQ(taken.at("blocks"), 5);
  EXPECT_EQ(taken.at("objects"), 5);
  EXPECT_EQ(must({"get", "-o", "-", ObjectId::of(as_bytes("fish")).to_hex()}).out, "fish");

  EXPECT_EQ(must({"car", "export", kRoot}).out, basic_car());
  const std::string out = (directory() / "out.car").string();
  const nlohmann::json given = must({"car", "export", kRoot, "-o", out, "--json"}).json();
  EXPECT_EQ(given.at("blocks"), 5);
  EXPECT_EQ(given.at("file_bytes"), basic_car().size());
  EXPECT_EQ(read_file(out), basic_car());

  EXPECT_EQ(must({"car", "import", in, "--json"}).json().at("objects"), 0);
}

TEST_F(Car, ThatWasCutIsNotKept) {
  const std::string cut = basic_car().substr(0, 400);
  const Outcome outcome = packstore({"car", "import", "-", "--json"}, cut);
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("whole"), false);
  EXPECT_EQ(outcome.json().at("kept"), false);
  EXPECT_EQ(outcome.json().at("cut_off_at"), 363);
  EXPECT_EQ(outcome.json().at("faults"), 2);
  EXPECT_EQ(outcome.json().at("listed").at(0).at("code"), "not found");
  EXPECT_EQ(outcome.json().at("listed").at(0).at("cid"), kFish);
  EXPECT_THAT(must({"ls"}).out, IsEmpty());

  const Outcome kept = packstore({"car", "import", "-", "--incomplete"}, cut);
  EXPECT_EQ(kept.status, kFindings);
  EXPECT_THAT(kept.out, AllOf(HasSubstr("incomplete, kept"), HasSubstr(kLobster)));
  EXPECT_EQ(packstore({"dag", "stat", kRoot}).status, kFindings);
  EXPECT_EQ(packstore({"dag", "stat", "--json", kRoot}).json().at("faults"), 2);
  const std::string out = (directory() / "out.car").string();
  EXPECT_EQ(packstore({"car", "export", kRoot, "-o", out}).status, kFindings);
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Car, ThatIsNoneIsAnError) {
  EXPECT_EQ(packstore({"car", "import", "-"}, "hello").status, kError);
  std::string changed = basic_car();
  changed.back() ^= 1;
  const Outcome outcome = packstore({"car", "import", "-"}, changed);
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("corrupt"), HasSubstr(kLobster)));
  EXPECT_THAT(must({"ls"}).out, IsEmpty());
}

TEST_F(Dag, StatCountsAndVerifyReads) {
  for (const char* command : {"stat", "verify"}) {
    const nlohmann::json found = must({"dag", command, kRoot, "--json"}).json();
    EXPECT_EQ(found.at("whole"), true);
    EXPECT_EQ(found.at("nodes"), 3);
    EXPECT_EQ(found.at("leaves"), 2);
    EXPECT_EQ(found.at("depth"), 3);
    EXPECT_EQ(found.at("block_bytes"), 47 + 99 + 54 + 4 + 7);
  }
  EXPECT_EQ(must({"dag", "stat", kFish, "--json"}).json().at("file_bytes"), 4);
}

TEST_F(Dag, VerifyNamesTheDamagedLeaf) {
  const std::string id = put("some leaf");
  EXPECT_EQ(must({"dag", "verify", id}).status, kOk);
  damage(loose_file(id));
  EXPECT_EQ(packstore({"dag", "stat", id}).status, kOk);
  const Outcome outcome = packstore({"dag", "verify", id, "--json"});
  EXPECT_EQ(outcome.status, kFindings);
  EXPECT_EQ(outcome.json().at("listed").at(0).at("code"), "corrupt");
}

TEST_F(Dag, LsPrintsTheLinks) {
  EXPECT_THAT(must({"dag", "ls", kFishmonger}).out,
              AllOf(StartsWith(kFish), HasSubstr("  fishmonger\n")));
  const nlohmann::json links = must({"dag", "ls", kFishmonger, "--json"}).json();
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].at("cid"), kFish);
  EXPECT_EQ(links[0].at("name"), "fishmonger");
  EXPECT_TRUE(links[0].at("size").is_null());
  EXPECT_EQ(must({"dag", "ls", kFish}).out, "");
}

TEST_F(Dag, OfAnAbsentBlockIsAFinding) {
  const std::string absent = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
  for (const char* command : {"stat", "verify", "ls"}) {
    EXPECT_EQ(packstore({"dag", command, absent}).status, kFindings) << command;
  }
  EXPECT_EQ(packstore({"car", "export", absent}).status, kFindings);
}

TEST_F(Dag, WantsACid) {
  for (const char* word : {"", "Qm", "zzz", "QmfEoLyB5NndqeKieExd1rtJzTduQUPEV8TwAYcUiy3H50"}) {
    const Outcome outcome = packstore({"dag", "stat", word});
    EXPECT_EQ(outcome.status, kUsage) << word;
    EXPECT_THAT(outcome.err, HasSubstr("CID")) << word;
  }
}

}  // namespace
}  // namespace packstore::cli
