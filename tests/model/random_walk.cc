// 1. Choose an operation by weight, with random arguments that are right more often than wrong.
// 2. Do it to the store, and say from the model what must come of it.
// 3. Do it to the model, exactly when the store has said that it is done.
#include "model/random_walk.h"

#include <algorithm>
#include <array>
#include <utility>

namespace packstore::testing {
namespace {

constexpr std::uint64_t kContentNumbers = 300;  // Few enough that content comes again.
constexpr std::size_t kBytesSmall = 300;
constexpr std::size_t kBytesLarge = 40'000;
constexpr std::uint64_t kPackBytes = 64 << 10;  // Small, so that packs become full and sealed.

void expect_listed(const Store& store, const Model& model, StoreStats& seen) {
  std::vector<ObjectId> listed;
  const Status walked = store.for_each_object([&](const ObjectInfo& info) -> Status {
    listed.push_back(info.id);
    const auto known = model.objects.find(info.id);
    EXPECT_TRUE(known != model.objects.end()) << info.id.to_hex() << " should not be there";
    if (known != model.objects.end()) {
      EXPECT_EQ(info.size, known->second.size());
    }
    if (info.pack) {
      ++seen.packed_objects;
      seen.packed_content_bytes += info.size;
      seen.packed_stored_bytes += info.stored_size;
    } else {
      ++seen.loose_objects;
    }
    return {};
  });
  EXPECT_THAT(walked, Succeeds());
  EXPECT_TRUE(std::ranges::is_sorted(listed));
  EXPECT_EQ(listed.size(), model.objects.size());
}

void expect_stats(const Store& store, const StoreStats& seen, std::size_t refs) {
  const Result<StoreStats> stats = store.stats();
  ASSERT_THAT(stats, Succeeds());
  EXPECT_EQ(stats->packed_objects, seen.packed_objects);
  EXPECT_EQ(stats->packed_content_bytes, seen.packed_content_bytes);
  EXPECT_EQ(stats->packed_stored_bytes, seen.packed_stored_bytes);
  // A packed object may have a loose copy until the next clean().
  EXPECT_GE(stats->loose_objects, seen.loose_objects);
  EXPECT_EQ(stats->refs, refs);
}

void expect_contents(const Store& store, const Model& model) {
  std::vector<ObjectId> ids;
  for (const auto& [id, content] : model.objects) ids.push_back(id);
  const ObjectId absent = ObjectId::of(as_bytes("nobody puts this"));
  ids.push_back(absent);

  std::size_t read = 0;
  const Status all = store.read_many(ids, [&](const ObjectId& id, const Result<ByteView>& content) {
    ++read;
    if (id == absent) {
      EXPECT_THAT(content, FailsWith(ErrorCode::kNotFound));
      return Status();
    }
    EXPECT_THAT(content, Succeeds());
    EXPECT_TRUE(content && std::ranges::equal(*content, model.objects.at(id))) << id.to_hex();
    return Status();
  });
  EXPECT_THAT(all, Succeeds());
  EXPECT_EQ(read, ids.size());

  const Result<std::vector<bool>> present = store.contains(ids);
  ASSERT_THAT(present, Succeeds());
  std::vector<bool> expected(ids.size(), true);
  expected.back() = false;
  EXPECT_EQ(*present, expected);
}

void expect_single_reads(const Store& store, const Model& model) {
  for (const auto& [id, content] : model.objects) {
    const Result<Bytes> whole = store.get(id);
    ASSERT_THAT(whole, Succeeds()) << id.to_hex();
    EXPECT_TRUE(*whole == content) << id.to_hex();
    Result<ObjectReader> reader = store.open_object(id);
    ASSERT_THAT(reader, Succeeds());
    EXPECT_EQ(reader->size(), content.size());
    Bytes half(content.size() / 2 + 1);
    const std::size_t from = content.size() / 2;
    const Result<std::size_t> count = reader->read_at(from, half);
    ASSERT_THAT(count, Succeeds());
    ASSERT_EQ(*count, std::min(half.size(), content.size() - from));
    EXPECT_TRUE(std::equal(half.begin(), half.begin() + static_cast<std::ptrdiff_t>(*count),
                           content.begin() + static_cast<std::ptrdiff_t>(from)));
  }
}

void expect_refs(const Store& store, const Model& model) {
  const Result<std::vector<Ref>> refs = store.refs().list();
  ASSERT_THAT(refs, Succeeds());
  std::map<std::string, ObjectId> listed;
  for (const Ref& ref : *refs) listed.emplace(ref.name, ref.id);
  EXPECT_EQ(listed, model.refs);
  for (const auto& [name, id] : model.refs) EXPECT_EQ(store.refs().find(name).value(), id);
}

}  // namespace

void expect_same(Store& store, const Model& model) {
  StoreStats seen;
  expect_listed(store, model, seen);
  expect_stats(store, seen, model.refs.size());
  expect_contents(store, model);
  expect_single_reads(store, model);
  expect_refs(store, model);
  EXPECT_THAT(store, IsUndamaged());
}

RandomWalk::RandomWalk(std::uint64_t seed) : random_(seed) {
  store_ = Store::create(scratch_ / "store", {.open = open_options()}).value();
}

void RandomWalk::step() {
  using Operation = void (RandomWalk::*)();
  struct Choice {
    Operation operation;
    std::uint64_t weight;
  };
  constexpr std::array<Choice, 9> kChoices = {{{&RandomWalk::put, 30},
                                               {&RandomWalk::put_stream, 6},
                                               {&RandomWalk::push, 6},
                                               {&RandomWalk::run_batch, 10},
                                               {&RandomWalk::move_ref, 12},
                                               {&RandomWalk::remove, 6},
                                               {&RandomWalk::maintain, 8},
                                               {&RandomWalk::reopen, 3},
                                               {&RandomWalk::back_up, 1}}};
  std::uint64_t total = 0;
  for (const Choice& choice : kChoices) total += choice.weight;
  std::uint64_t drawn = below(total);
  for (const Choice& choice : kChoices) {
    if (drawn < choice.weight) return (this->*choice.operation)();
    drawn -= choice.weight;
  }
}

void RandomWalk::compare() {
  ASSERT_THAT(store_->sync(), Succeeds());
  expect_same(*store_, model_);
}

Bytes RandomWalk::make_content() {
  const std::uint64_t number = below(kContentNumbers);
  // The size follows from the number, so that the same number is the same object.
  const std::size_t size =
      number % 20 == 0 ? number * kBytesLarge / kContentNumbers : number % kBytesSmall;
  return content_of(number, size);
}

Compression RandomWalk::make_compression() {
  const std::array<Compression, 5> wishes = {Compression::none(), Compression::zlib(1),
                                             Compression::zlib(9), Compression::zstd(),
                                             Compression::automatic()};
  return wishes.at(below(wishes.size()));
}

std::optional<ObjectId> RandomWalk::pick_object() {
  if (model_.objects.empty()) return std::nullopt;
  return std::next(model_.objects.begin(),
                   static_cast<std::ptrdiff_t>(below(model_.objects.size())))
      ->first;
}

std::vector<ObjectId> RandomWalk::pick_objects(std::uint64_t max) {
  std::vector<ObjectId> ids;
  for (std::uint64_t count = below(max + 1); count > 0; --count) {
    if (const auto id = pick_object()) ids.push_back(*id);
  }
  return ids;
}

std::string RandomWalk::pick_ref_name() { return "branches/" + std::to_string(below(6)); }

OpenOptions RandomWalk::open_options() const {
  return {.packs = {.bytes_target = kPackBytes}, .open_packs_max = 4};
}

void RandomWalk::acknowledge(const Result<ObjectId>& id, Bytes content) {
  ASSERT_THAT(id, Succeeds());
  EXPECT_EQ(*id, ObjectId::of(content));
  model_.objects.insert_or_assign(*id, std::move(content));
}

void RandomWalk::put() {
  Bytes content = make_content();
  const PutOptions options = {
      .placement = once_in(2) ? Placement::kLoose : Placement::kPacked,
      .durability = once_in(3) ? Durability::kBuffered : Durability::kSynced,
      .compression = make_compression()};
  const Result<ObjectId> id = store_->put(content, options);
  // Whatever its durability: it can be read at once.
  if (id) {
    EXPECT_THAT(store_->get(*id), Succeeds());
  }
  acknowledge(id, std::move(content));
  if (once_in(8)) {
    EXPECT_THAT(store_->sync(), Succeeds());
  }
}

void RandomWalk::put_stream() {
  Bytes content = make_content();
  ViewSource source(content);
  acknowledge(store_->put(source, {.placement = once_in(2) ? Placement::kLoose : Placement::kPacked,
                                   .compression = make_compression()}),
              std::move(content));
}

void RandomWalk::push() {
  Bytes content = make_content();
  Result<ObjectWriter> writer = store_->begin_put();
  ASSERT_THAT(writer, Succeeds());
  ByteView rest = content;
  while (!rest.empty()) {
    const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + below(5000));
    ASSERT_THAT(writer->write(rest.first(piece)), Succeeds());
    rest = rest.subspan(piece);
  }
  // Dropped now and then: then nothing has happened.
  if (!once_in(4)) acknowledge(writer->finish(), std::move(content));
}

void RandomWalk::put_into(Batch& batch, Model& after) {
  Bytes content = make_content();
  Result<ObjectId> id = ObjectId{};
  switch (below(3)) {
    case 0:
      id = batch.put(content, make_compression());
      break;
    case 1: {
      ViewSource source(content);
      id = batch.put(source);
      break;
    }
    default: {
      const std::array<ByteView, 2> twice = {content, content};
      const Result<std::vector<ObjectId>> ids = batch.put_many(twice);
      ASSERT_THAT(ids, Succeeds());
      ASSERT_EQ(ids->size(), 2U);
      id = ids->back();
    }
  }
  ASSERT_THAT(id, Succeeds());
  EXPECT_EQ(*id, ObjectId::of(content));
  after.objects.insert_or_assign(*id, std::move(content));
}

void RandomWalk::run_batch() {
  Result<Batch> batch = store_->begin_batch({.compression = make_compression()});
  ASSERT_THAT(batch, Succeeds());
  Model after = model_;
  for (std::uint64_t count = below(20); count > 0; --count) put_into(*batch, after);

  bool ref_fits = true;
  if (once_in(2) && !after.objects.empty()) {
    const std::string name = pick_ref_name();
    const auto now = model_.refs.find(name);
    RefMove step = {.from = {}, .to = after.objects.begin()->first};
    if (now != model_.refs.end() && !once_in(4)) step.from = now->second;
    ref_fits = step.from.has_value() == (now != model_.refs.end());
    ASSERT_THAT(batch->move_ref(name, step), Succeeds());
    after.refs.insert_or_assign(name, *step.to);
  }
  if (once_in(4)) return;  // Dropped: nothing has happened.

  const Result<BatchReport> report = batch->commit();
  if (!ref_fits) {
    EXPECT_THAT(report, FailsWith(ErrorCode::kConflict));
    return;
  }
  ASSERT_THAT(report, Succeeds());
  model_ = std::move(after);
}

void RandomWalk::move_ref() {
  const std::string name = pick_ref_name();
  const auto now = model_.refs.find(name);
  RefMove step;
  if (now != model_.refs.end()) step.from = now->second;
  step.to = pick_object();
  const bool from_fits = !once_in(5);
  if (!from_fits) step.from = ObjectId::of(as_bytes("not where the ref is"));
  if (once_in(6)) step.to = std::nullopt;
  const bool to_fits = !once_in(6);
  if (!to_fits) step.to = ObjectId::of(as_bytes("not in the store"));

  const Status moved = store_->refs().move(name, step);
  if (from_fits && to_fits) {
    ASSERT_THAT(moved, Succeeds());
    model_.refs.erase(name);
    if (step.to) model_.refs.emplace(name, *step.to);
  } else if (from_fits) {
    EXPECT_THAT(moved, FailsWith(ErrorCode::kNotFound));
  } else if (to_fits) {
    EXPECT_THAT(moved, FailsWith(ErrorCode::kConflict));
  } else {
    EXPECT_FALSE(moved);
  }
}

void RandomWalk::remove() {
  ASSERT_THAT(store_->sync(), Succeeds());
  std::vector<ObjectId> ids = pick_objects(6);
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const bool held_by_ref = std::ranges::any_of(
      model_.refs, [&](const auto& ref) { return std::ranges::count(ids, ref.second) > 0; });
  const std::size_t present = ids.size();
  const ObjectId absent = ObjectId::of(as_bytes("never put"));
  ids.push_back(absent);

  Result<MaintenanceLock> lock = store_->lock_maintenance();
  ASSERT_THAT(lock, Succeeds());
  const Result<RemoveReport> report = lock->remove(ids);
  if (held_by_ref) {
    EXPECT_THAT(report, FailsWith(ErrorCode::kConflict));
    return;
  }
  ASSERT_THAT(report, Succeeds());
  EXPECT_EQ(report->removed, present);
  EXPECT_THAT(report->absent, ::testing::ElementsAre(absent));
  for (const ObjectId& id : ids) {
    model_.objects.erase(id);
    EXPECT_THAT(store_->get(id), FailsWith(ErrorCode::kNotFound));
  }
}

void RandomWalk::maintain() {
  Result<MaintenanceLock> lock = store_->lock_maintenance({.operation = "a random walk"});
  ASSERT_THAT(lock, Succeeds());
  switch (below(3)) {
    case 0:
      return pack_loose(*lock);
    case 1:
      return repack(*lock);
    default: {
      ASSERT_THAT(lock->clean(), Succeeds());
      EXPECT_EQ(store_->stats().value().sandbox_files, 0U);
    }
  }
}

void RandomWalk::pack_loose(MaintenanceLock& lock) {
  PackOptions options = {.compression = make_compression()};
  switch (below(6)) {
    case 0:
      options.ids = pick_objects(10);
      break;
    case 1:
      options.id_prefix = std::to_string(below(10));
      break;
    case 2:
      options.id_pattern = "[0-7]$";
      break;
    case 3:
      options.size_max = below(kBytesSmall);
      break;
    case 4:
      options.objects_max = below(10);
      break;
    default:
      break;
  }
  const Result<PackReport> report = lock.pack_loose(options);
  ASSERT_THAT(report, Succeeds());
  EXPECT_TRUE(report->damaged.empty());
  EXPECT_LE(report->objects, options.objects_max);
}

void RandomWalk::repack(MaintenanceLock& lock) {
  RepackOptions options;
  switch (below(4)) {
    case 0:
      options.dead_ratio_min = 0.1;
      break;
    case 1:
      options.pack_bytes_min = kPackBytes;
      break;
    case 2:
      options.compression = make_compression();
      break;
    default:
      options.bytes_max = below(2 * kPackBytes);
      break;
  }
  const Result<RepackReport> report = lock.repack(options);
  ASSERT_THAT(report, Succeeds());
  EXPECT_TRUE(report->damaged.empty());
  EXPECT_TRUE(report->packs_damaged.empty());
}

void RandomWalk::reopen() {
  ASSERT_THAT(store_->sync(), Succeeds());
  store_.reset();
  Result<Store> opened = Store::open(scratch_ / "store", open_options());
  ASSERT_THAT(opened, Succeeds());
  store_ = std::move(*opened);
}

void RandomWalk::back_up() {
  // Brings the last one up to date, shares with it, or starts anew.
  const std::uint64_t way = last_backup_ ? below(3) : 2;
  const std::filesystem::path to =
      way == 0 ? *last_backup_ : scratch_ / ("backup-" + std::to_string(++backups_));
  BackupOptions options;
  if (way == 1) options.previous = *last_backup_;
  ASSERT_THAT(store_->backup(to, options), Succeeds());

  Result<Store> copy = Store::open(to, open_options());
  ASSERT_THAT(copy, Succeeds());
  EXPECT_EQ(copy->uuid(), store_->uuid());
  expect_same(*copy, model_);
  if (last_backup_ && way != 0) std::filesystem::remove_all(*last_backup_);
  last_backup_ = to;
}

}  // namespace packstore::testing
