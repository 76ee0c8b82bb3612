// How a caller watches and stops long work.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace packstore {

enum class ProgressUnit : std::uint8_t { kObjects, kBytes, kPacks };

// How far a long call has come. `total` is 0 while nobody knows it.
struct Progress {
  std::string_view phase;  // "pack", "validate", ...; valid during the callback only.
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  ProgressUnit unit = ProgressUnit::kObjects;
};

// Given to every call that may run long.
struct RunControl {
  // Called now and then, by one thread at a time, in the middle of the work: be brief, and do not
  // call back into the store's maintenance. What it throws ends the call, which throws it when all
  // threads of the call have ended.
  std::function<void(const Progress&)> on_progress = {};
  // Once triggered, the call ends within a bounded time with kCancelled and leaves a valid store.
  std::stop_token stop = {};
};

}  // namespace packstore
