#include "dag/piece_reader.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/parallel.h"
#include "dag/file_tree.h"
#include "dag/range_reader.h"
#include "dag/turns.h"
#include "store/page_buffer.h"

namespace packstore::dag {
namespace {

// Long enough for a store to read neighbours together and for a write to be worth its call, and
// short enough to be found in a cache by whoever gets it.
constexpr std::uint64_t kPieceBytes = 1 << 20;

// What the threads of one call share. What is given must outlive it.
class PieceReader {
 public:
  PieceReader(const BlockStore& blocks, const FilePiece& root, const FileStretch& stretch,
              const FileReader::PieceVisitor& visit)
      : blocks_(blocks), root_(root), stretch_(stretch), visit_(visit) {}

  Status read(unsigned threads) {
    const auto work = [this](unsigned) {
      carry_pieces();
      return Status();
    };
    RETURN_IF_ERROR(run_on_threads(threads, work, [this] { turns_.abandon(); }));
    return turns_.status();
  }

 private:
  // Each thread has its nodes for itself, so none waits for another to read.
  void carry_pieces() {
    RangeReader range(blocks_, 1);
    store::PageBuffer buffer;
    while (true) {
      const std::uint64_t number = begun_++;
      const std::uint64_t done = number * kPieceBytes;
      if (done >= stretch_.length) return;
      const std::uint64_t size = std::min(kPieceBytes, stretch_.length - done);
      const Status filled = fill(range, buffer, stretch_.offset + done, size);
      if (!turns_.wait(number)) return;
      const Status given =
          filled ? visit_(buffer.view().first(static_cast<std::size_t>(size))) : filled;
      if (!given) return turns_.fail(given.error());
      turns_.end();
    }
  }

  Status fill(RangeReader& range, store::PageBuffer& buffer, std::uint64_t offset,
              std::uint64_t size) const {
    // The first piece of a thread is its longest.
    if (buffer.size() == 0) RETURN_IF_ERROR(buffer.allocate(size));
    return range.read(root_, offset, buffer.bytes().first(static_cast<std::size_t>(size)));
  }

  const BlockStore& blocks_;
  const FilePiece& root_;
  const FileStretch stretch_;
  const FileReader::PieceVisitor& visit_;
  std::atomic<std::uint64_t> begun_ = 0;
  Turns turns_;
};

}  // namespace

Status for_each_piece(const BlockStore& blocks, const FilePiece& root, const FileStretch& stretch,
                      unsigned threads, const FileReader::PieceVisitor& visit) {
  const std::uint64_t pieces = stretch.length / kPieceBytes + 1;
  return PieceReader(blocks, root, stretch, visit)
      .read(static_cast<unsigned>(std::min<std::uint64_t>(threads, pieces)));
}

}  // namespace packstore::dag
