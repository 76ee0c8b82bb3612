// Any file in the place of index.sqlite and its companions: refused, or every question is answered
// by rows within their limits or by an error.
#include <filesystem>
#include <string>

#include "base/check.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/mutations.h"
#include "index/index.h"
#include "index/recount_table.h"
#include "index/reference_table.h"
#include "support/scratch_directory.h"

namespace packstore::testing {
namespace {

using index::CommitSync;
using index::Index;
using index::ReferenceStep;

constexpr std::string_view kUuid = "11111111-2222-4333-8444-555555555555";
constexpr std::uint64_t kRows = 40;
constexpr int kMutationsMax = 8;

ObjectId id_of(std::uint64_t number) {
  ObjectId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    id.bytes[i] = static_cast<std::byte>((number * 37 + i * number) & 0xff);
  }
  return id;
}

Link node_of(std::uint64_t number) { return {id_of(number), NodeKind::kDagCbor}; }

// A directory with the place for an index, and the bytes of a sound one.
class IndexPlace {
 public:
  IndexPlace() : root_(io::posix_file_system().open_directory(scratch_.path().string()).value()) {
    root_->create_directory("locks").value();
    locks_ = root_->open_directory("locks").value();
    Index::create(io::posix_file_system(), *root_, kUuid, ReferenceCounts::kExact).value();
    const auto index = open().value();
    auto transaction = index->begin_write(CommitSync::kLazy).value();
    for (std::uint64_t i = 0; i < kRows; ++i) {
      transaction->insert({id_of(i), {1, 64 + 164 * i, 100, 100, Codec::kNone}}).value();
    }
    transaction->put_pack({.pack = 1, .indexed_bytes = 64 + 164 * kRows}).value();
    transaction->put_ref("main", {.id = id_of(1)}).value();
    transaction->add_pending_unlink(id_of(2)).value();
    for (std::uint64_t i = 0; i < kRows; i += 3) {
      transaction->reference_table()->add({.id = id_of(i)}).value();
    }
    for (const auto step : {ReferenceStep::kFollowLater, ReferenceStep::kRelease}) {
      transaction->reference_table()
          ->put_step(step, node_of(static_cast<std::uint64_t>(step)))
          .value();
    }
    transaction->commit().value();
    index->checkpoint().value();
    sound_ = read_file(path());
  }

  std::filesystem::path path() const { return scratch_ / index::kIndexFile; }
  const std::string& sound() const { return sound_; }
  io::Directory& root() const { return *root_; }

  void lay_out(std::string_view bytes) const {
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
      std::filesystem::remove(path().string() + suffix);
    }
    write_file(path(), bytes);
  }

  Result<std::unique_ptr<Index>> open() const {
    return Index::open(io::posix_file_system(), *root_, *locks_, kUuid);
  }

 private:
  ScratchDirectory scratch_;
  std::unique_ptr<io::Directory> root_;
  std::unique_ptr<io::Directory> locks_;
  std::string sound_;
};

void ask_counts(const Index& index) {
  static_cast<void>(index.count_references({.id = id_of(3)}));
  for (const auto step : {ReferenceStep::kFollowLater, ReferenceStep::kRelease}) {
    static_cast<void>(index.reference_steps(step, std::nullopt, 100));
  }
  const auto counts = index.begin_recount();
  if (!counts) return;
  static_cast<void>((*counts)->add(node_of(5)));
  while (true) {
    const auto nodes = (*counts)->take_nodes(10);
    if (!nodes || nodes->empty()) break;
  }
  static_cast<void>((*counts)->differences(100));
}

void ask(const Index& index) {
  for (std::uint64_t i = 0; i < kRows; ++i) {
    if (const auto found = index.find(id_of(i)); found && *found) {
      PACKSTORE_CHECK(check(index::ObjectRow{id_of(i), **found}).has_value());
    }
  }
  if (const auto packs = index.packs()) {
    for (const index::PackRow& row : *packs) PACKSTORE_CHECK(check(row).has_value());
  }
  static_cast<void>(index.page({}, 100));
  static_cast<void>(index.totals());
  static_cast<void>(index.list_refs(""));
  static_cast<void>(index.find_ref("main"));
  static_cast<void>(index.pending_unlinks());
  static_cast<void>(index.integrity_complaints());
  if (index.reference_counts() == ReferenceCounts::kExact) ask_counts(index);
  if (const auto rows = index.rows_in_pack_order(std::nullopt)) {
    while (true) {
      const auto row = (*rows)->next();
      if (!row || !*row) break;
    }
  }
}

void commit_something(Index& index) {
  const auto transaction = index.begin_write(CommitSync::kDurable);
  if (!transaction) return;
  static_cast<void>((*transaction)->insert({id_of(500), {1, 64, 1, 1, Codec::kNone}}));
  static_cast<void>((*transaction)->erase(id_of(3)));
  if (const auto pack = (*transaction)->allocate_pack()) {
    PACKSTORE_CHECK(*pack >= 1 && *pack <= index::kPackMax);
  }
  static_cast<void>((*transaction)->put_ref("main", {.id = id_of(4)}));
  if (index::ReferenceTable* const counts = (*transaction)->reference_table()) {
    static_cast<void>(counts->add({.id = id_of(3)}));
    static_cast<void>(counts->drop({.id = id_of(6)}));
    static_cast<void>(counts->holds(id_of(6)));
    static_cast<void>(counts->holds_links_of(node_of(2)));
    static_cast<void>(counts->erase_step(ReferenceStep::kRelease, node_of(2)));
  }
  static_cast<void>((*transaction)->commit());
}

}  // namespace
}  // namespace packstore::testing

// The first byte says whether the rest is a file of its own, or how a sound one is changed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace packstore::testing;  // NOLINT(google-build-using-namespace)
  static const IndexPlace place;
  FuzzInput input(data, size);
  const auto way = input.take<std::uint8_t>();
  std::string bytes = place.sound();
  if (way == 0) bytes = packstore::as_text(input.rest());
  for (int i = 0; way % 2 == 1 && i < kMutationsMax && !input.empty(); ++i) {
    mutate_bytes(bytes, input);
  }
  place.lay_out(bytes);
  for (int i = 0; way != 0 && way % 2 == 0 && i < kMutationsMax && !input.empty(); ++i) {
    mutate_rows(place.path(), input);
  }
  if (const auto index = place.open()) {
    ask(**index);
    commit_something(**index);
    static_cast<void>((*index)->checkpoint());
    ask(**index);
  }
  static_cast<void>(
      packstore::index::salvage_refs(packstore::io::posix_file_system(), place.root()));
  static_cast<void>(
      packstore::index::salvage_uuid(packstore::io::posix_file_system(), place.root()));
  return 0;
}
