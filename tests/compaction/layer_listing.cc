#include "compaction/layer_listing.h"

#include <bit>
#include <utility>

#include "base/byte_cursor.h"
#include "base/error.h"
#include "hash/xxh3.h"

namespace packstore {
namespace {

// Every field is a number of 64 bits; the last is a checksum.
class Numbers {
 public:
  void add(std::uint64_t number) {
    bytes_.resize(bytes_.size() + 8);
    ByteWriter(std::span(bytes_).last(8)).write(number);
  }
  template <typename... More>
  void add(std::uint64_t number, More... more) {
    add(number);
    add(more...);
  }
  Bytes finish() && {
    add(hash::xxh3(bytes_));
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
};

class NumberReader {
 public:
  explicit NumberReader(ByteView bytes) : reader_(bytes) {}

  // Zeros behind the end, and then is_sound() is false.
  std::uint64_t next() {
    if (reader_.remaining() >= 8) return reader_.read<std::uint64_t>();
    is_sound_ = false;
    return 0;
  }
  Key next_key() {
    const std::uint64_t high = next();
    return {high, next()};
  }
  std::size_t next_count() {
    const std::uint64_t count = next();
    is_sound_ &= count <= reader_.remaining() / 8;
    return is_sound_ ? static_cast<std::size_t>(count) : 0;
  }
  bool is_sound() const { return is_sound_ && reader_.remaining() == 0; }

 private:
  ByteReader reader_;
  bool is_sound_ = true;
};

void add_layer(const LayerShape& layer, Numbers& numbers) {
  numbers.add(layer.id, layer.file, layer.section, layer.is_delta() ? 0U : 1U);
  numbers.add(layer.keys.begin.high, layer.keys.begin.low, layer.keys.end.high, layer.keys.end.low);
  numbers.add(layer.lsns.begin, layer.lsns.end, layer.bytes, layer.records, layer.page_bytes_max,
              layer.embedded_pages, layer.cells.size());
  for (const CellShare& share : layer.cells) {
    numbers.add(share.cell.high, share.cell.low, share.bytes, share.records, share.embedded_pages,
                std::bit_cast<std::uint64_t>(share.visits_even),
                std::bit_cast<std::uint64_t>(share.visits_hot));
  }
}

LayerShape read_layer(NumberReader& numbers) {
  LayerShape layer;
  layer.id = numbers.next();
  layer.file = numbers.next();
  layer.section = static_cast<std::uint32_t>(numbers.next());
  layer.kind = numbers.next() == 0 ? LayerKind::kDelta : LayerKind::kImage;
  layer.keys.begin = numbers.next_key();
  layer.keys.end = numbers.next_key();
  layer.lsns.begin = numbers.next();
  layer.lsns.end = numbers.next();
  layer.bytes = numbers.next();
  layer.records = numbers.next();
  layer.page_bytes_max = numbers.next();
  layer.embedded_pages = numbers.next();
  layer.cells.resize(numbers.next_count());
  for (CellShare& share : layer.cells) {
    share.cell = numbers.next_key();
    share.bytes = numbers.next();
    share.records = numbers.next();
    share.embedded_pages = numbers.next();
    share.visits_even = std::bit_cast<double>(numbers.next());
    share.visits_hot = std::bit_cast<double>(numbers.next());
  }
  return layer;
}

}  // namespace

Bytes encode_listing(const LayerListing& listing) {
  Numbers numbers;
  numbers.add(listing.files.size());
  for (const FileShape& file : listing.files) numbers.add(file.id, file.bytes);
  numbers.add(listing.layers.size());
  for (const LayerShape& layer : listing.layers) add_layer(layer, numbers);
  return std::move(numbers).finish();
}

Result<LayerSet> decode_listing(ByteView bytes, Grid grid, std::uint64_t hole_bytes) {
  if (bytes.size() < 8) return fail(ErrorCode::kCorrupt, "listing: {} bytes", bytes.size());
  const ByteView content = bytes.first(bytes.size() - 8);
  if (ByteReader(bytes.last(8)).read<std::uint64_t>() != hash::xxh3(content)) {
    return fail(ErrorCode::kCorrupt, "listing: the checksum is another");
  }
  NumberReader numbers(content);
  std::vector<FileShape> files(numbers.next_count());
  for (FileShape& file : files) {
    file.id = numbers.next();
    file.bytes = numbers.next();
  }
  std::vector<LayerShape> layers(numbers.next_count());
  for (LayerShape& layer : layers) layer = read_layer(numbers);
  if (!numbers.is_sound()) return fail(ErrorCode::kCorrupt, "listing: is cut off");
  return LayerSet(grid, std::move(layers), std::move(files), hole_bytes);
}

}  // namespace packstore
