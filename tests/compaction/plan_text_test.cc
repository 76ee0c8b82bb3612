#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compaction/ascii_layers.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

using testing::HasSubstr;

CompactionPlan some_plan() {
  CompactionPlan plan{.tuning = {.even = 0.1, .hot = 5.25e6}};
  plan.jobs.push_back({.kind = JobKind::kMerge,
                       .parts = {{.keys = {{0, 16}, {1, 0}},
                                  .lsns = {100, 900},
                                  .inputs = {{7, {{0, 16}, {1, 0}}}, {5, KeyRange::all()}},
                                  .bytes = 12345}},
                       .cuts = {.points = {{0, 32}, {0, 64}}, .bytes = 99},
                       .effect = {.bytes_read = 1,
                                  .bytes_written = 2,
                                  .read_amp = -0.3,
                                  .write_amp = 1.0 / 3,
                                  .space_bytes = -4},
                       .reason = "bytes <= 1.50 rent; because"});
  plan.jobs.push_back({.kind = JobKind::kDrop, .after = {0}});
  return plan;
}

TEST(PlanText, ReadsBackAsThePlan) {
  EXPECT_EQ(parse_plan(print_plan(some_plan())).value(), some_plan());
  EXPECT_EQ(parse_plan(print_plan({})).value(), CompactionPlan{});
}

TEST(PlanText, LooksLikeThis) {
  EXPECT_EQ(print_plan(some_plan()), R"(plan even=0.1 hot=5250000
job merge
  reason bytes <= 1.50 rent; because
  effect read=1 written=2 read_amp=-0.3 write_amp=0.3333333333333333 space=-4
  cuts bytes=99 points=0:20,0:40
  part keys=0:10..1:0 lsns=100..900 bytes=12345
    input 7 keys=0:10..1:0
    input 5 keys=0:0..ffffffffffffffff:ffffffffffffffff
job drop
  effect read=0 written=0 read_amp=0 write_amp=0 space=0
  after 0
end
)");
}

TEST(PlanText, NamesTheLineThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 0: a plan ends"},
      {"job merge\n", "line 1: a plan begins"},
      {"plan even=1\nend\n", "line 1: hot= wants a number"},
      {"plan even=1 hot=x\nend\n", "line 1: hot= wants"},
      {"plan even=1 hot=1\n", "a plan ends with"},
      {"plan even=1 hot=1\nend\nend\n", "a plan ends with"},
      {"plan even=1 hot=1\njob burn\nend\n", "line 2: no such kind"},
      {"plan even=1 hot=1\npart\nend\n", "line 2: belongs to a job"},
      {"plan even=1 hot=1\njob cut\ninput 1\nend\n", "line 3: belongs to a part"},
      {"plan even=1 hot=1\njob cut\npart keys=0:0 lsns=1..2 bytes=3\nend\n", "two keys"},
      {"plan even=1 hot=1\njob cut\npart keys=0:0..0:1 lsns=1 bytes=3\nend\n", "two numbers"},
      {"plan even=1 hot=1\njob cut\nafter 99999999999\nend\n", "wants a number"},
      {"plan even=1 hot=1\njob cut more\nend\n", "goes on"},
      {"plan even=1 hot=1\njob cut\nfrobnicate\nend\n", "\"frobnicate\" is no word"},
  };
  for (const auto& [text, message] : cases) {
    const Result<CompactionPlan> plan = parse_plan(text);
    ASSERT_FALSE(plan.has_value()) << text;
    EXPECT_EQ(plan.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(plan.error().message, HasSubstr(message));
  }
}

TEST(PlanPicture, ShowsLayersAndJobs) {
  DrawnLayers drawn = draw_layers({"bb", "aa"});
  drawn.visit('a', 400);
  PlannerInput input = drawn.input();
  input.tuning = {.even = 1, .hot = 0};
  const CompactionPlan plan = make_cell_policy({})->plan(input).value();
  const std::string picture = draw_plan(plan, input);
  EXPECT_THAT(picture, testing::StartsWith("<svg"));
  EXPECT_THAT(picture, testing::EndsWith("</svg>\n"));
  EXPECT_THAT(picture, HasSubstr("layer 97: 200 bytes"));
  EXPECT_THAT(picture, HasSubstr("merge: bytes &lt;= 2.00 rent"));
}

}  // namespace
}  // namespace packstore
