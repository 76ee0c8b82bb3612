// A batch of blocks that is filled until it commits itself.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/endian.h"
#include "packstore/block_store.h"
#include "packstore/store.h"
#include "support/store_scratch.h"

namespace packstore::testing {

class FullBatch : public ::testing::Test {
 protected:
  // As many objects as a batch takes.
  Status fill_batch() {
    constexpr std::uint64_t kAtOnce = 4096;
    Bytes contents(kAtOnce * sizeof(std::uint64_t));
    std::vector<ByteView> views;
    for (std::uint64_t i = 0; i < kAtOnce; ++i) {
      views.push_back(ByteView(contents).subspan(i * sizeof i, sizeof i));
    }
    for (std::uint64_t put = 0; put < StoreBlocks::kBatchObjectsMax; put += kAtOnce) {
      for (std::uint64_t i = 0; i < kAtOnce; ++i) {
        store_le(std::span(contents).subspan(i * sizeof i).first<sizeof i>(), put + i);
      }
      const auto cids = blocks_.put_many(NodeKind::kRaw, views);
      if (!cids) return cids.error();
    }
    return {};
  }
  RefMove to(const Cid& cid) const { return {.to = *cid.object_id(), .kind = *cid.kind()}; }

  ScratchDirectory scratch_;
  Store store_ = Store::create(scratch_ / "store").value();
  StoreBlocks blocks_{store_};
};

}  // namespace packstore::testing
