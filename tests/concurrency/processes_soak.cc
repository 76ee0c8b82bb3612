// Processes of every trade on one store: writers, batch writers, readers, a packer and repacker, a
// remover, a backup, a validator. Each is killed or frozen at any moment and started again, for as
// many seconds as PACKSTORE_SOAK_SECONDS says. Every ten seconds all are killed at once, everything
// that was acknowledged is asked for, and the next store begins.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

#include "concurrency/oracle.h"
#include "concurrency/shared_oracle.h"
#include "support/child_process.h"

namespace packstore::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kEpoch{10};
constexpr std::uint64_t kBatchSize = 10;
constexpr int kPauseMillisecondsMax = 40;
constexpr std::chrono::seconds kLockWait{60};
constexpr int kFailed = 1;

enum class Trade : std::uint64_t {
  kPutLoose,
  kPutPacked,
  kPutBuffered,
  kPush,
  kBatches,
  kRemove,
  kRead,
  kMaintain,
  kBackUp,
  kValidate,
};
constexpr std::uint64_t kTrades = 10;

bool is_putter(Trade trade) { return trade <= Trade::kPush; }

std::chrono::seconds soak_time() {
  const char* wish = ::getenv("PACKSTORE_SOAK_SECONDS");
  return std::chrono::seconds(wish != nullptr ? std::stoi(wish) : 60);
}

ObjectId id_of_key(Key key) { return ObjectId::of(content_of_key(key)); }

class ProcessSoak : public ::testing::Test {
 protected:
  struct Worker {
    ChildProcess process;
    bool frozen = false;
  };
  struct Events {
    std::uint64_t kills = 0;
    std::uint64_t freezes = 0;
    std::uint64_t acknowledged = 0;
  };

  OpenOptions options() const { return {.packs = {.bytes_target = 256 << 10}}; }
  std::string ref_of(std::uint64_t number) const { return "batch/" + std::to_string(number); }

  // What a process does until it is killed. Coming back from any of them is a failure.
  int work(Trade trade, std::uint64_t number);
  void put(Store& store, PutKind kind, std::uint64_t number);
  void put_batches(Store& store, std::uint64_t number);
  void remove(Store& store, std::uint64_t number);
  void read(const Store& store, std::uint64_t number);
  void maintain_for_ever(Store& store);
  void back_up(Store& store, std::uint64_t number);
  void validate(const Store& store);

  Worker start(Trade trade);
  void disturb(std::vector<Worker>& workers, std::mt19937_64& random);
  void run_epoch(std::mt19937_64& random, Clock::time_point end);

  void expect_kept(const Store& store) const;
  void expect_batches_kept(const Store& store, std::uint64_t number) const;
  void expect_removed(const Store& store, std::uint64_t number) const;

  std::unique_ptr<ScratchDirectory> scratch_;
  std::filesystem::path path_;
  std::unique_ptr<SharedOracle> oracle_;
  Events events_;
};

void ProcessSoak::put(Store& store, PutKind kind, std::uint64_t number) {
  Account& account = oracle_->account(number);
  for (std::uint64_t i = 0;; ++i) {
    account.begun = i + 1;
    ASSERT_THAT(put_durably(store, kind, key_of(number, i)), Succeeds());
    account.acknowledged = i + 1;
  }
}

// Each batch moves a ref to its last object.
void ProcessSoak::put_batches(Store& store, std::uint64_t number) {
  Account& account = oracle_->account(number);
  std::optional<ObjectId> at;
  for (std::uint64_t i = 0;; ++i) {
    Result<Batch> batch = store.begin_batch({.compression = Compression::automatic()});
    ASSERT_THAT(batch, Succeeds());
    std::optional<ObjectId> last;
    for (std::uint64_t j = 0; j < kBatchSize; ++j) {
      const auto id = batch->put(content_of_key(key_of(number, i * kBatchSize + j)));
      ASSERT_THAT(id, Succeeds());
      last = *id;
    }
    ASSERT_THAT(batch->move_ref(ref_of(number), {.from = at, .to = last}), Succeeds());
    account.begun = i + 1;
    ASSERT_THAT(batch->commit(), Succeeds());
    account.acknowledged = i + 1;
    at = last;
  }
}

// Operation 2 n puts object n, operation 2 n + 1 removes it.
void ProcessSoak::remove(Store& store, std::uint64_t number) {
  Account& account = oracle_->account(number);
  for (std::uint64_t i = 0;; ++i) {
    const Key key = key_of(number, i);
    account.begun = 2 * i + 1;
    ASSERT_THAT(put_durably(store, static_cast<PutKind>(i % kPutKinds), key), Succeeds());
    account.acknowledged = 2 * i + 1;
    ASSERT_TRUE(holds(store, key));
    auto lock = store.lock_maintenance({.wait = kLockWait, .operation = "removing"});
    ASSERT_THAT(lock, Succeeds());
    account.begun = 2 * i + 2;
    ASSERT_THAT(lock->remove({{id_of_key(key)}}, kLockWait), Succeeds());
    account.acknowledged = 2 * i + 2;
    ASSERT_THAT(store.get(id_of_key(key)), FailsWith(ErrorCode::kNotFound));
  }
}

// Objects that any writer, dead or alive, was told to be stored.
void ProcessSoak::read(const Store& store, std::uint64_t number) {
  std::mt19937_64 random(number);
  while (!HasFailure()) {
    const std::uint64_t writer = random() % oracle_->opened();
    const Account& account = oracle_->account(writer);
    const auto trade = static_cast<Trade>(account.trade.load());
    std::uint64_t objects = account.acknowledged;
    if (trade == Trade::kBatches) objects *= kBatchSize;
    if (objects == 0 || !(is_putter(trade) || trade == Trade::kBatches)) continue;
    std::vector<ObjectId> ids;
    for (int i = 0; i < 20; ++i) {
      const Key key = key_of(writer, random() % objects);
      EXPECT_TRUE(holds(store, key));
      ids.push_back(id_of_key(key));
    }
    const auto check = [](const ObjectId& id, const Result<ByteView>& content) {
      EXPECT_THAT(content, Succeeds()) << id.to_hex();
      EXPECT_TRUE(content && ObjectId::of(*content) == id);
      return Status();
    };
    EXPECT_THAT(store.read_many(ids, check), Succeeds());
  }
}

void ProcessSoak::maintain_for_ever(Store& store) {
  for (std::uint64_t round = 0; !HasFailure(); ++round) {
    auto lock = store.lock_maintenance({.wait = kLockWait, .operation = "maintaining"});
    ASSERT_THAT(lock, Succeeds());
    maintain(store, *lock, round);
  }
}

// Always into the same directory, in whatever state a killed backup left it.
void ProcessSoak::back_up(Store& store, std::uint64_t number) {
  Account& account = oracle_->account(number);
  for (std::uint64_t i = 0;; ++i) {
    account.begun = i + 1;
    ASSERT_THAT(put_durably(store, PutKind::kLoose, key_of(number, i)), Succeeds());
    account.acknowledged = i + 1;
    ASSERT_THAT(store.backup(*scratch_ / "backup"), Succeeds());
    const Result<Store> copy = Store::open(*scratch_ / "backup");
    ASSERT_THAT(copy, Succeeds());
    for (std::uint64_t j = 0; j <= i; ++j) ASSERT_TRUE(holds(*copy, key_of(number, j)));
    if (i % 4 == 0) {
      ASSERT_THAT(*copy, IsUndamaged());
    }
  }
}

void ProcessSoak::validate(const Store& store) {
  while (!HasFailure()) EXPECT_THAT(store, IsUndamaged());
}

int ProcessSoak::work(Trade trade, std::uint64_t number) {
  Result<Store> store = Store::open(path_, options());
  EXPECT_THAT(store, Succeeds());
  if (!store) return kFailed;
  switch (trade) {
    case Trade::kPutLoose:
    case Trade::kPutPacked:
    case Trade::kPutBuffered:
    case Trade::kPush:
      put(*store, static_cast<PutKind>(trade), number);
      break;
    case Trade::kBatches:
      put_batches(*store, number);
      break;
    case Trade::kRemove:
      remove(*store, number);
      break;
    case Trade::kRead:
      read(*store, number);
      break;
    case Trade::kMaintain:
      maintain_for_ever(*store);
      break;
    case Trade::kBackUp:
      back_up(*store, number);
      break;
    case Trade::kValidate:
      validate(*store);
      break;
  }
  return kFailed;
}

ProcessSoak::Worker ProcessSoak::start(Trade trade) {
  const std::uint64_t number = oracle_->open_account(static_cast<std::uint64_t>(trade));
  return {.process = ChildProcess([=, this] { return work(trade, number); })};
}

// Mostly kills somebody; now and then somebody freezes until the next disturbance of the same.
void ProcessSoak::disturb(std::vector<Worker>& workers, std::mt19937_64& random) {
  const std::uint64_t victim = random() % workers.size();
  Worker& worker = workers[victim];
  if (worker.frozen) {
    worker.process.thaw();
    worker.frozen = false;
  } else if (random() % 6 == 0) {
    worker.process.freeze();
    worker.frozen = true;
    ++events_.freezes;
  } else {
    ASSERT_TRUE(worker.process.kill()) << "the process of trade " << victim << " had failed";
    worker = start(static_cast<Trade>(victim));
    ++events_.kills;
  }
}

void ProcessSoak::run_epoch(std::mt19937_64& random, Clock::time_point end) {
  scratch_ = std::make_unique<ScratchDirectory>();
  oracle_ = std::make_unique<SharedOracle>();
  path_ = *scratch_ / "store";
  ASSERT_THAT(Store::create(path_, {.open = options()}), Succeeds());  // And closed.
  std::vector<Worker> workers;
  for (std::uint64_t trade = 0; trade < kTrades; ++trade) {
    workers.push_back(start(static_cast<Trade>(trade)));
  }
  while (Clock::now() < end && !oracle_->is_full() && !HasFailure()) {
    static_cast<void>(::poll(nullptr, 0, static_cast<int>(random() % kPauseMillisecondsMax)));
    disturb(workers, random);
  }
  for (Worker& worker : workers) {
    ASSERT_TRUE(worker.process.kill()) << "a process had failed";
    ++events_.kills;
  }
  Result<Store> store = Store::open(path_);
  ASSERT_THAT(store, Succeeds());
  expect_kept(*store);
  EXPECT_THAT(*store, IsUndamaged());
  ASSERT_THAT(store->lock_maintenance().value().clean(), Succeeds());
  EXPECT_THAT(*store, IsSpotless());
  expect_kept(*store);
  events_.acknowledged += oracle_->total_acknowledged();
}

void ProcessSoak::expect_kept(const Store& store) const {
  for (std::uint64_t number = 0; number < oracle_->opened(); ++number) {
    const Account& account = oracle_->account(number);
    const auto trade = static_cast<Trade>(account.trade.load());
    if (trade == Trade::kBatches) {
      expect_batches_kept(store, number);
    } else if (trade == Trade::kRemove) {
      expect_removed(store, number);
    } else {
      for (std::uint64_t i = 0; i < account.acknowledged; ++i) {
        EXPECT_TRUE(holds(store, key_of(number, i)));
      }
    }
  }
}

// Acknowledged batches are whole, the one that was under way is whole or absent, and the ref says
// which.
void ProcessSoak::expect_batches_kept(const Store& store, std::uint64_t number) const {
  const Account& account = oracle_->account(number);
  for (std::uint64_t i = 0; i < account.acknowledged * kBatchSize; ++i) {
    EXPECT_TRUE(holds(store, key_of(number, i)));
  }
  std::uint64_t committed = account.acknowledged;
  if (account.begun > committed) {
    std::uint64_t present = 0;
    for (std::uint64_t j = 0; j < kBatchSize; ++j) {
      const auto is_there = store.contains(id_of_key(key_of(number, committed * kBatchSize + j)));
      present += is_there.value() ? 1 : 0;
    }
    EXPECT_TRUE(present == 0 || present == kBatchSize) << present;
    if (present != 0) ++committed;
  }
  const auto at = store.refs().find(ref_of(number));
  ASSERT_THAT(at, Succeeds());
  const auto expected = committed == 0
                            ? std::nullopt
                            : std::optional(id_of_key(key_of(number, committed * kBatchSize - 1)));
  EXPECT_EQ(*at, expected) << ref_of(number);
}

void ProcessSoak::expect_removed(const Store& store, std::uint64_t number) const {
  const Account& account = oracle_->account(number);
  const std::uint64_t done = account.acknowledged;
  for (std::uint64_t i = 0; i < done / 2; ++i) {
    EXPECT_FALSE(store.contains(id_of_key(key_of(number, i))).value()) << "removed, and is back";
  }
  const bool was_put = done % 2 == 1;
  if (was_put && account.begun == done) {
    EXPECT_TRUE(holds(store, key_of(number, done / 2)));
  }
}

TEST_F(ProcessSoak, LosesNothingAcknowledgedHoweverItsProcessesDie) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const Clock::time_point end = Clock::now() + soak_time();
  while (Clock::now() < end && !HasFailure()) {
    run_epoch(random, std::min(end, Clock::now() + kEpoch));
  }
  std::printf("%llu kills, %llu freezes, %llu operations acknowledged, %s\n",
              static_cast<unsigned long long>(events_.kills),
              static_cast<unsigned long long>(events_.freezes),
              static_cast<unsigned long long>(events_.acknowledged),
              HasFailure() ? "VIOLATED" : "0 violations");
}

}  // namespace
}  // namespace packstore::testing
