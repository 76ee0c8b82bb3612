// The synthetic workloads. Each is a key, and sometimes a length, as a function of the number of
// the record and of draws from SplitMix64, so that a seed fixes it for ever:
//
//   uniform     any page
//   hotcold     90 % to a tenth of the pages
//   zipf        theta 0.99 (Gray et al., SIGMOD 1994), ranks scattered over the pages
//   append      pages in order, each as often
//   window      within a twentieth of the pages that moves over them
//   twotable    95 % to the first 32nd
//   shift       an eighth of the pages after the other
//   singlekey   ten of eleven to page 0
//   timeseries  64 series, each appending
//   bulkload    all pages in order in a third of the records, then zipf updates
//   deletes     of two records one deletes a page
//   mixed       lengths from 20 bytes to a page
#include "compaction/workload.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace packstore {
namespace {

constexpr std::uint64_t kRecordBytes = 1000;

// A source whose `next(i)` makes record i.
template <typename Next>
class IndexedSource final : public RecordSource {
 public:
  IndexedSource(std::uint64_t count, Next next) : count_(count), next_(std::move(next)) {}

  std::size_t fill(std::span<WorkloadRecord> into) override {
    const std::size_t made =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), count_ - done_));
    for (std::size_t i = 0; i < made; ++i) into[i] = next_(done_ + i);
    done_ += made;
    return made;
  }

 private:
  std::uint64_t count_;
  Next next_;
  std::uint64_t done_ = 0;
};

struct Size {
  std::uint64_t records = 0;
  std::uint64_t pages = 0;
  std::uint64_t seed = 0;
};

WorkloadRecord to_page(std::uint64_t page) {
  return {static_cast<std::uint32_t>(page), kRecordBytes, 0};
}

// Draws ranks of a zipfian distribution and scatters them.
class Zipf {
 public:
  explicit Zipf(std::uint64_t pages) : pages_(pages) {
    double zeta = 0;
    for (std::uint64_t i = 1; i <= pages; ++i) zeta += std::pow(static_cast<double>(i), -kTheta);
    const double zeta_of_2 = 1 + std::pow(2.0, -kTheta);
    zeta_ = zeta;
    alpha_ = 1 / (1 - kTheta);
    eta_ = (1 - std::pow(2.0 / static_cast<double>(pages), 1 - kTheta)) / (1 - zeta_of_2 / zeta);
  }

  std::uint64_t draw(SplitMix& random) const {
    const std::uint64_t rank = std::min(draw_rank(random), pages_ - 1);
    return SplitMix::multiply_high(SplitMix::finalise(rank + SplitMix::kGolden), pages_);
  }

 private:
  static constexpr double kTheta = 0.99;

  std::uint64_t draw_rank(SplitMix& random) const {
    const double u = static_cast<double>(random.between(0, std::uint64_t{1} << 53)) * 0x1p-53;
    const double scaled = u * zeta_;
    if (scaled < 1) return 0;
    if (scaled < 1 + std::pow(0.5, kTheta)) return 1;
    return static_cast<std::uint64_t>(static_cast<double>(pages_) *
                                      std::pow(eta_ * u - eta_ + 1, alpha_));
  }

  std::uint64_t pages_;
  double zeta_ = 0;
  double alpha_ = 0;
  double eta_ = 0;
};

template <typename Next>
std::unique_ptr<RecordSource> source(const Size& size, Next next) {
  return std::make_unique<IndexedSource<Next>>(size.records, std::move(next));
}

std::unique_ptr<RecordSource> uniform(const Size& size) {
  return source(size, [random = SplitMix(size.seed), p = size.pages](std::uint64_t) mutable {
    return to_page(random.between(0, p));
  });
}

// `share` of the records to the first `part`th of the pages.
std::unique_ptr<RecordSource> two_parts(const Size& size, double share, std::uint64_t part) {
  return source(size, [random = SplitMix(size.seed), p = size.pages, share,
                       border = size.pages / part](std::uint64_t) mutable {
    const bool is_hot = random.coin(share);
    return to_page(is_hot ? random.between(0, border) : random.between(border, p));
  });
}

std::unique_ptr<RecordSource> hotcold(const Size& size) { return two_parts(size, 0.9, 10); }
std::unique_ptr<RecordSource> twotable(const Size& size) { return two_parts(size, 0.95, 32); }

std::unique_ptr<RecordSource> zipf(const Size& size) {
  return source(size, [random = SplitMix(size.seed), zipf = Zipf(size.pages)](
                          std::uint64_t) mutable { return to_page(zipf.draw(random)); });
}

std::unique_ptr<RecordSource> append(const Size& size) {
  return source(size, [size](std::uint64_t i) { return to_page(i * size.pages / size.records); });
}

std::unique_ptr<RecordSource> window(const Size& size) {
  const std::uint64_t width = std::max<std::uint64_t>(size.pages / 20, 1);
  return source(size, [random = SplitMix(size.seed), size, width](std::uint64_t i) mutable {
    const std::uint64_t base = i * (size.pages - width) / size.records;
    return to_page(base + random.between(0, width));
  });
}

std::unique_ptr<RecordSource> shift(const Size& size) {
  return source(size, [random = SplitMix(size.seed), size](std::uint64_t i) mutable {
    const std::uint64_t phase = 8 * i / size.records;
    return to_page(random.between(phase * size.pages / 8, (phase + 1) * size.pages / 8));
  });
}

std::unique_ptr<RecordSource> singlekey(const Size& size) {
  return source(size, [random = SplitMix(size.seed), size](std::uint64_t i) mutable {
    WorkloadRecord record = to_page(i % 11 == 0 ? random.between(0, size.pages) : 0);
    record.bytes = 10;
    return record;
  });
}

std::unique_ptr<RecordSource> timeseries(const Size& size) {
  constexpr std::uint64_t kSeries = 64;
  return source(size, [random = SplitMix(size.seed), size](std::uint64_t i) mutable {
    const std::uint64_t span = size.pages / kSeries;
    return to_page(random.between(0, kSeries) * span + i * span / size.records);
  });
}

std::unique_ptr<RecordSource> bulkload(const Size& size) {
  return source(size, [random = SplitMix(size.seed), zipf = Zipf(size.pages), size,
                       load = size.records / 3](std::uint64_t i) mutable {
    return to_page(i < load ? i * size.pages / load : zipf.draw(random));
  });
}

std::unique_ptr<RecordSource> deletes(const Size& size) {
  return source(size, [random = SplitMix(size.seed), size](std::uint64_t) mutable {
    WorkloadRecord record = to_page(random.between(0, size.pages));
    record.is_delete = random.coin(0.5) ? 1 : 0;
    if (record.is_delete != 0) record.bytes = 40;
    return record;
  });
}

std::unique_ptr<RecordSource> mixed(const Size& size) {
  return source(size, [random = SplitMix(size.seed), size](std::uint64_t) mutable {
    const bool is_hot = random.coin(0.8);
    WorkloadRecord record =
        to_page(is_hot ? random.between(0, size.pages / 5) : random.between(0, size.pages));
    const std::uint64_t kind = random.between(0, 100);
    record.bytes = static_cast<std::uint32_t>(kind < 80   ? random.between(20, 200)
                                              : kind < 98 ? random.between(200, 4000)
                                                          : kPageBytes);
    return record;
  });
}

struct Definition {
  const char* name;
  std::unique_ptr<RecordSource> (*open)(const Size&);
  bool starts_full;
  std::uint64_t records = 20'000'000;
  std::uint64_t pages = 640'000;
  std::uint64_t file_bytes = 256ULL << 20;
  unsigned cell_keys_log2 = 11;
};

constexpr Definition kDefinitions[] = {
    {"uniform", uniform, true},
    {"hotcold", hotcold, true},
    {"zipf", zipf, true},
    {"append", append, false},
    {"window", window, false},
    {"twotable", twotable, true},
    {"shift", shift, true},
    {"singlekey", singlekey, true, 1'098'900, 100'000, 1'000'000, 13},
    {"timeseries", timeseries, true},
    {"bulkload", bulkload, false},
    {"deletes", deletes, true},
    {"mixed", mixed, true},
};

}  // namespace

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (const Definition& definition : kDefinitions) made.emplace_back(definition.name);
    return made;
  }();
  return names;
}

Status take_grids(unsigned cell_keys_log2, unsigned bitmap_keys_log2, Workload& workload) {
  workload.grid = {cell_keys_log2};
  workload.bitmap = {std::max(bitmap_keys_log2, cell_keys_log2)};
  if (workload.bitmap.cell_keys_log2 <= 24) return {};
  return fail(ErrorCode::kInvalidArgument, "workload {}: cells of 2^{} keys, limit 2^24",
              workload.name, workload.bitmap.cell_keys_log2);
}

Result<Workload> make_workload(const WorkloadOptions& options) {
  const auto* found = std::ranges::find_if(
      kDefinitions, [&](const Definition& it) { return it.name == options.name; });
  if (found == std::end(kDefinitions)) {
    return fail(ErrorCode::kInvalidArgument, "no workload is called \"{}\"", options.name);
  }
  const Size size{.records = options.records != 0 ? options.records : found->records,
                  .pages = options.pages != 0 ? options.pages : found->pages,
                  .seed = options.seed};
  constexpr std::uint64_t kPagesMax = 1U << 30;
  if (size.pages < 64 || size.pages > kPagesMax || size.records > (std::uint64_t{1} << 33)) {
    return fail(ErrorCode::kInvalidArgument,
                "workload {}: {} pages and {} records, limits 64 to {} pages and 2^33 records",
                options.name, size.pages, size.records, kPagesMax);
  }
  Workload workload;
  workload.name = options.name;
  RETURN_IF_ERROR(
      take_grids(options.cell_keys_log2 != 0 ? options.cell_keys_log2 : found->cell_keys_log2,
                 options.bitmap_keys_log2 != 0 ? options.bitmap_keys_log2 : 13, workload));
  workload.file_bytes = options.file_bytes != 0 ? options.file_bytes : found->file_bytes;
  workload.records = size.records;
  workload.first_lsn = 1000;
  const std::uint64_t cell = std::uint64_t{1} << workload.grid.cell_keys_log2;
  const std::uint64_t rounded = (size.pages + cell - 1) / cell * cell;
  workload.segments = {{.key_begin = Key::min(),
                        .page_begin = 0,
                        .page_end = static_cast<std::uint32_t>(rounded),
                        .page_count = static_cast<std::uint32_t>(size.pages)}};
  workload.starts_full = found->starts_full;
  workload.open = [open = found->open, size] { return open(size); };
  return workload;
}

}  // namespace packstore
