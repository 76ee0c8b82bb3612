// The pins of all processes: files in the sandbox, each locked by its owner for as long as it
// pins. What a dead process leaves is an unlocked file, which pins nothing and which clean()
// removes like every other leftover.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "io/file.h"
#include "packstore/link.h"
#include "packstore/result.h"
#include "store/sandbox.h"

namespace packstore::store {

struct StoreCore;

// One pin. Dropping it ends it.
class PinFile {
 public:
  static Result<PinFile> create(Sandbox& sandbox);

  // Only within a session (sessions.h): a sweep reads the pins once.
  Status add(std::span<const Link> links);

 private:
  explicit PinFile(SandboxFile file) : file_(std::move(file)) {}
  SandboxFile file_;
  std::uint64_t size_ = 0;
};

// Gives everything that a live process has pinned, repetitions included. Complete under an
// exclusive hold of the sessions lock, which keeps Pin::add() out; without it, what is just being
// added may be missing. An error of `visit` ends the call.
using PinVisitor = std::function<Status(const Link& link)>;
Status for_each_pinned(const StoreCore& core, const PinVisitor& visit);

}  // namespace packstore::store
