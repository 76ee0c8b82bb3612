// A plan as lines of words, so that people and tests can read it and a simulator can replay it:
//
//   plan even=0 hot=5.2e+06
//   job merge
//     reason bytes <= 1.50 rent; ...
//     effect read=100 written=100 read_amp=-0.25 write_amp=0.1 space=0
//     cuts bytes=0 points=0:2000,0:4000
//     after 0 2
//     part keys=0:0..0:2000 lsns=1000..9000 bytes=100
//       input 7 keys=0:0..0:2000
//   end
//
// `cuts` and `after` are left out where they say nothing. Every number is printed so that it reads
// back as the same number.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "packstore/compaction.h"

namespace packstore {
namespace {

constexpr std::array<std::pair<JobKind, std::string_view>, 6> kKinds{{
    {JobKind::kMerge, "merge"},
    {JobKind::kImage, "image"},
    {JobKind::kDrop, "drop"},
    {JobKind::kCut, "cut"},
    {JobKind::kMove, "move"},
    {JobKind::kReclaim, "reclaim"},
}};

std::string print_keys(const KeyRange& keys) {
  return fmt::format("{}..{}", to_string(keys.begin), to_string(keys.end));
}

void print_job(const CompactionJob& job, std::back_insert_iterator<std::string> out) {
  fmt::format_to(out, "job {}\n", to_string(job.kind));
  if (!job.reason.empty()) fmt::format_to(out, "  reason {}\n", job.reason);
  const JobEffect& effect = job.effect;
  fmt::format_to(out, "  effect read={} written={} read_amp={} write_amp={} space={}\n",
                 effect.bytes_read, effect.bytes_written, effect.read_amp, effect.write_amp,
                 effect.space_bytes);
  if (job.cuts.bytes != 0 || !job.cuts.points.empty()) {
    fmt::format_to(out, "  cuts bytes={} points=", job.cuts.bytes);
    for (std::size_t i = 0; i < job.cuts.points.size(); ++i) {
      fmt::format_to(out, "{}{}", i == 0 ? "" : ",", to_string(job.cuts.points[i]));
    }
    fmt::format_to(out, "\n");
  }
  if (!job.after.empty()) {
    fmt::format_to(out, "  after");
    for (const std::uint32_t before : job.after) fmt::format_to(out, " {}", before);
    fmt::format_to(out, "\n");
  }
  for (const JobPart& part : job.parts) {
    fmt::format_to(out, "  part keys={} lsns={}..{} bytes={}\n", print_keys(part.keys),
                   part.lsns.begin, part.lsns.end, part.bytes);
    for (const JobInput& input : part.inputs) {
      fmt::format_to(out, "    input {} keys={}\n", input.layer, print_keys(input.keys));
    }
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

class PlanParser {
 public:
  explicit PlanParser(std::string_view text) : rest_(text) {}

  Result<CompactionPlan> run() {
    while (!rest_.empty() && !ended_) {
      const std::size_t end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++line_;
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      if (!line.empty()) RETURN_IF_ERROR(take(line));
    }
    if (!ended_ || !rest_.empty()) return wrong("a plan ends with one line \"end\"");
    return std::move(plan_);
  }

 private:
  Error wrong(std::string_view what) const {
    return fail(ErrorCode::kCorrupt, "plan text, line {}: {}", line_, what);
  }

  Status take(std::string_view line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    const std::string_view rest = line.substr(std::min(end + 1, line.size()));
    words_ = split(rest, ' ');
    next_ = 0;
    if (!begun_) {
      begun_ = true;
      return word == "plan" ? take_plan() : Status(wrong("a plan begins with \"plan\""));
    }
    if (word == "end") {
      ended_ = true;
      return done();
    }
    if (word == "job") return take_job();
    if (plan_.jobs.empty()) return wrong("belongs to a job, and there is none");
    if (word == "reason") {
      plan_.jobs.back().reason = rest;
      return {};
    }
    if (word == "effect") return take_effect(plan_.jobs.back().effect);
    if (word == "cuts") return take_cuts(plan_.jobs.back().cuts);
    if (word == "after") return take_after(plan_.jobs.back().after);
    if (word == "part") return take_part(plan_.jobs.back());
    if (word == "input") return take_input(plan_.jobs.back());
    return wrong(fmt::format("\"{}\" is no word of a plan", word.substr(0, 40)));
  }

  Status take_plan() {
    RETURN_IF_ERROR(number("even=", plan_.tuning.even));
    RETURN_IF_ERROR(number("hot=", plan_.tuning.hot));
    return done();
  }

  Status take_job() {
    CompactionJob job;
    const std::string_view word = next_word();
    const auto* kind = std::ranges::find(kKinds, word, [](const auto& it) { return it.second; });
    if (kind == kKinds.end()) return wrong("no such kind of job");
    job.kind = kind->first;
    plan_.jobs.push_back(std::move(job));
    return done();
  }

  Status take_effect(JobEffect& effect) {
    RETURN_IF_ERROR(number("read=", effect.bytes_read));
    RETURN_IF_ERROR(number("written=", effect.bytes_written));
    RETURN_IF_ERROR(number("read_amp=", effect.read_amp));
    RETURN_IF_ERROR(number("write_amp=", effect.write_amp));
    RETURN_IF_ERROR(number("space=", effect.space_bytes));
    return done();
  }

  Status take_cuts(OutputCuts& cuts) {
    RETURN_IF_ERROR(number("bytes=", cuts.bytes));
    std::string_view word = next_word();
    if (!word.starts_with("points=")) return wrong("points= is missing");
    for (const std::string_view point : split(word.substr(7), ',')) {
      Key key;
      if (!parse_key(point, key)) return wrong("a cut point is no key");
      cuts.points.push_back(key);
    }
    return done();
  }

  Status take_after(std::vector<std::uint32_t>& after) {
    while (next_ < words_.size()) RETURN_IF_ERROR(number("", after.emplace_back()));
    return {};
  }

  Status take_part(CompactionJob& job) {
    JobPart part;
    RETURN_IF_ERROR(take_keys(part.keys));
    const std::string_view word = next_word();
    const std::size_t dots = word.find("..");
    if (!word.starts_with("lsns=") || dots == std::string_view::npos ||
        !parse(word.substr(5, dots - 5), part.lsns.begin) ||
        !parse(word.substr(dots + 2), part.lsns.end)) {
      return wrong("lsns= wants two numbers");
    }
    RETURN_IF_ERROR(number("bytes=", part.bytes));
    job.parts.push_back(std::move(part));
    return done();
  }

  Status take_input(CompactionJob& job) {
    if (job.parts.empty()) return wrong("belongs to a part, and there is none");
    JobInput input;
    RETURN_IF_ERROR(number("", input.layer));
    RETURN_IF_ERROR(take_keys(input.keys));
    job.parts.back().inputs.push_back(input);
    return done();
  }

  Status take_keys(KeyRange& keys) {
    const std::string_view word = next_word();
    const std::size_t dots = word.find("..");
    if (!word.starts_with("keys=") || dots == std::string_view::npos ||
        !parse_key(word.substr(5, dots - 5), keys.begin) ||
        !parse_key(word.substr(dots + 2), keys.end)) {
      return wrong("keys= wants two keys");
    }
    return {};
  }

  template <typename T>
  static bool parse(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }

  static bool parse_hex(std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size();
  }

  static bool parse_key(std::string_view text, Key& key) {
    const std::size_t colon = text.find(':');
    return colon != std::string_view::npos && parse_hex(text.substr(0, colon), key.high) &&
           parse_hex(text.substr(colon + 1), key.low);
  }

  template <typename T>
  Status number(std::string_view name, T& value) {
    const std::string_view word = next_word();
    if (word.starts_with(name) && parse(word.substr(name.size()), value)) return {};
    return wrong(fmt::format("{} wants a number", name));
  }

  std::string_view next_word() {
    return next_ < words_.size() ? words_[next_++] : std::string_view{};
  }

  Status done() const {
    if (next_ == words_.size()) return {};
    return wrong("goes on where it should end");
  }

  std::string_view rest_;
  std::size_t line_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  std::vector<std::string_view> words_;
  std::size_t next_ = 0;
  CompactionPlan plan_;
};

}  // namespace

std::string_view to_string(JobKind kind) {
  const auto* found = std::ranges::find(kKinds, kind, [](const auto& it) { return it.first; });
  return found == kKinds.end() ? "unknown" : found->second;
}

std::string print_plan(const CompactionPlan& plan) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "plan even={} hot={}\n", plan.tuning.even, plan.tuning.hot);
  for (const CompactionJob& job : plan.jobs) print_job(job, out);
  fmt::format_to(out, "end\n");
  return text;
}

Result<CompactionPlan> parse_plan(std::string_view text) { return PlanParser(text).run(); }

}  // namespace packstore
