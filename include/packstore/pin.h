// Keeping what no ref reaches yet.
#pragma once

#include <memory>
#include <span>

#include "packstore/export.h"
#include "packstore/link.h"
#include "packstore/result.h"

namespace packstore {

namespace store {
struct StoreCore;
}

// Protects objects, and everything that they reach, from collection by any process, and the objects
// themselves from MaintenanceLock::remove(). Ends with the object or with its process: a pin leaves
// nothing that somebody would have to repair.
//
// An id may be pinned before the object is put, and that is the order to use: once add() has
// returned, what a put or contains() finds of that name stays. To build a tree, pin the id of each
// node before it is put, move the ref, drop the pin.
//
// Thread safety: one thread at a time. The Store must outlive it.
class PACKSTORE_EXPORT Pin {
 public:
  Pin(Pin&&) noexcept;
  Pin& operator=(Pin&&) noexcept;
  ~Pin();

  // kBusy: a sweep has been under way for longer than 30 seconds. kIo: also where a removal has
  // failed here before, and may turn up when the store is opened again: nothing can be kept from
  // it. An error may have pinned some of `links`.
  Status add(std::span<const Link> links);
  Status add(const Link& link) { return add({&link, 1}); }

  // How Store::pin() makes one.
  static Result<Pin> begin(store::StoreCore& core);

 private:
  class Impl;
  explicit Pin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace packstore
