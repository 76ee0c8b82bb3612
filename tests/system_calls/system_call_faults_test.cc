// Every system call of an operation fails in every way that a system call can fail. On a real
// directory, because what is tested is how the library and SQLite deal with the system.
#include "system_calls/system_call_faults.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "crash/checks.h"
#include "crash/scenario.h"
#include "support/store_scratch.h"

namespace packstore::crash {
namespace {

using testing::SystemCallFault;
using testing::SystemCallFaults;
using Kind = SystemCallFault::Kind;

constexpr SystemCallFault kFaults[] = {
    {.kind = Kind::kShort},
    {.kind = Kind::kShort, .for_good = true},
    {.error = EINTR},
    {.error = EIO},
    {.error = ENOSPC},
    {.error = EMFILE},
    {.kind = Kind::kErrorDone, .error = EIO},
    {.error = EIO, .for_good = true},
    {.error = ENOSPC, .for_good = true},
    {.error = EMFILE, .for_good = true},
};
// Spread over all calls and faults; each takes some 20 ms.
constexpr std::uint64_t kRuns = 50;

std::string describe(const SystemCallFault& fault, const std::string& name) {
  return fmt::format("call {} ({}): {}{}{}", fault.call, name,
                     fault.kind == Kind::kShort ? "short" : std::strerror(fault.error),
                     fault.kind == Kind::kErrorDone ? ", done anyway" : "",
                     fault.for_good ? ", for good" : "");
}

// An interrupted transfer or open is nobody's business, and a short transfer neither.
// Everything else the library may report, or do without.
bool may_be_reported(const SystemCallFault& fault, const std::string& name) {
  if (fault.kind == Kind::kShort) return false;
  const bool can_be_interrupted =
      name.starts_with("pread") || name.starts_with("pwrite") || name.starts_with("open");
  return fault.error != EINTR || !can_be_interrupted;
}

class SystemCallFaultDuring : public ::testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    World world(io::posix_file_system(), {}, (scratch_ / "base").string());
    std::filesystem::create_directory(scratch_ / "base");
    const Status prepared = prepare(GetParam(), world);
    ASSERT_TRUE(prepared) << prepared.error().message;
    opens_ = world.is_open();
    claims_ = world.claims();
  }

  // A world of its own on a copy of the prepared store.
  World make_world() {
    const std::filesystem::path copy = scratch_ / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(scratch_ / "base", copy, std::filesystem::copy_options::recursive);
    return World(io::posix_file_system(), claims_, copy.string());
  }

  std::uint64_t count_calls() {
    World world = make_world();
    if (opens_) {
      EXPECT_TRUE(world.open());
    }
    const SystemCallFaults counting;
    EXPECT_TRUE(GetParam().act(world));
    return counting.calls();
  }

  void run(const SystemCallFault& fault) {
    World world = make_world();
    if (opens_) {
      ASSERT_TRUE(world.open());
    }
    std::string name;
    Status said;
    {
      const SystemCallFaults faults(fault);
      said = GetParam().act(world);
      name = faults.first_faulty();
    }
    SCOPED_TRACE(describe(fault, name));
    if (!may_be_reported(fault, name)) {
      EXPECT_TRUE(said) << said.error().message;
    }
    // A recovery reports what it could not read and leaves it out; the next one finds it.
    if (!GetParam().opens_after_recovery) expect_all_promises(world);
    static_cast<void>(GetParam().act(world).has_value());
    world.close();

    const Status opened = world.claims().created ? reopen(GetParam(), world) : Status();
    ASSERT_TRUE(opened) << opened.error().message;
    expect_all_promises(world);
    const Status again = GetParam().act(world);
    ASSERT_TRUE(again) << again.error().message;
    expect_all_promises(world);
  }

 private:
  static void expect_all_promises(World& world) {
    if (!world.is_open()) return;
    for (const std::string& line : broken_promises(world)) ADD_FAILURE() << line;
    for (const std::string& line : damage(world.store())) ADD_FAILURE() << line;
  }

  testing::ScratchDirectory scratch_;
  Claims claims_;
  bool opens_ = false;
};

TEST_P(SystemCallFaultDuring, BreaksNoPromise) {
  const std::uint64_t calls = count_calls();
  const std::uint64_t total = calls * std::size(kFaults);
  std::mt19937_64 random(testing::test_seed());
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    const std::uint64_t place = (total * i + random() % total) / kRuns;
    SystemCallFault fault = kFaults[random() % std::size(kFaults)];
    fault.call = place / std::size(kFaults) + 1;
    run(fault);
  }
}

INSTANTIATE_TEST_SUITE_P(Store, SystemCallFaultDuring, ::testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace packstore::crash
