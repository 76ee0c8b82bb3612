// Reading a stretch of a file front to back, ahead of whoever takes it.
#pragma once

#include "dag/file_tree.h"
#include "packstore/block_store.h"
#include "packstore/file.h"
#include "packstore/result.h"

namespace packstore::dag {

// What FileReader::for_each_piece() does; `stretch` lies inside of the file.
Status for_each_piece(const BlockStore& blocks, const FilePiece& root, const FileStretch& stretch,
                      unsigned threads, const FileReader::PieceVisitor& visit);

}  // namespace packstore::dag
