// Pages as they were at an LSN, put together from layers.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "compaction/layer_storage.h"

namespace packstore {

// Makes a page out of what was written to it. What records mean is the business of whoever wrote
// them. One thread at a time.
class PageBuilder {
 public:
  virtual ~PageBuilder();
  // `page` is what the records that follow were written on, a loan during the call; empty: there
  // was none.
  virtual void begin(Key key, ByteView page) = 0;
  virtual Status apply(const LayerRecord& record) = 0;
  // Empty: no such page is in use. A loan until the next call.
  virtual Result<ByteView> finish() = 0;
};

// The records of the layer whose keys are in `keys`.
using OpenLayer = std::function<Result<std::unique_ptr<RecordStream>>(
    const LayerShape& layer, const KeyRange& keys, const JobControl& control)>;

// Calls `visit` for every page of `keys` that is in use at `lsn`, that is, after all records below
// it; by ascending key. The `lsn` of what is visited is that LSN. Memory: a block for each layer
// over one key, and a page.
Status visit_pages(std::span<const LayerShape> layers, const OpenLayer& open, const KeyRange& keys,
                   Lsn lsn, PageBuilder& builder, const JobControl& control,
                   const std::function<Status(const LayerRecord&)>& visit);

}  // namespace packstore
