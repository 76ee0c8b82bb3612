// Merging the records of several layers in bounded memory.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "packstore/bytes.h"
#include "packstore/layer_shape.h"
#include "packstore/result.h"

namespace packstore {

struct LayerRecord {
  Key key = {};
  Lsn lsn = 0;
  ByteView value = {};  // A loan until the stream moves on.
};

// Records by ascending key, then LSN. Holds a block at a time.
class RecordStream {
 public:
  virtual ~RecordStream();
  // The next record, valid until the next call; nullptr at the end.
  virtual Result<const LayerRecord*> next() = 0;
};

// Calls `visit` for every record of `streams`, by ascending key, then LSN. Memory: what the streams
// hold, and a heap of them. kCorrupt: a stream is out of order, or two hold the same record; the
// message names it.
Status merge_records(std::span<const std::unique_ptr<RecordStream>> streams,
                     const std::function<Status(const LayerRecord&)>& visit);

}  // namespace packstore
