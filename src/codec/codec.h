// Encoding and decoding the stored bytes of records. The one place that sees compression libraries.
//
// Whichever library did the work, kZlib is one complete RFC 1950 stream and kZstd one complete
// frame (RFC 8878), so public tools can decode them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "packstore/byte_source.h"
#include "packstore/bytes.h"
#include "packstore/compression.h"
#include "packstore/result.h"

namespace packstore::codec {

// Compresses `content` as `wish` says into `out` (cleared first, capacity kept), and returns the
// codec of what should be stored: kNone, with `out` empty, when the content had better be kept
// verbatim. The result is never larger than the content. `wish` has passed check().
Result<Codec> encode(ByteView content, const Compression& wish, Bytes& out);

// Decodes `stored` into exactly `content`. kCorrupt: it is not one complete stream of exactly that
// many bytes; nothing is written past `content`.
Status decode(Codec codec, ByteView stored, std::span<std::byte> content);

// A stream of content, compressed piece by piece in bounded memory. Not for kNone.
class Encoder {
 public:
  virtual ~Encoder() = default;
  using Sink = std::function<Status(ByteView)>;
  virtual Status write(ByteView content, const Sink& sink) = 0;
  virtual Status finish(const Sink& sink) = 0;
};
Result<std::unique_ptr<Encoder>> make_encoder(const Compression& wish);

// Decodes what `stored` delivers; gives exactly `content_size` bytes and then 0. kCorrupt: the
// stream is damaged, ends early, yields more, or is followed by other bytes. Window memory is
// bounded (zstd: 128 MiB). `stored` must outlive the decoder. kNone passes bytes through.
Result<std::unique_ptr<ByteSource>> make_decoder(Codec codec, ByteSource& stored,
                                                 std::uint64_t content_size);

// True when a few samples of `content` compress to less than `ratio_max` of their size; costs a
// small share of a full attempt.
bool samples_promise(ByteView content, double ratio_max);

}  // namespace packstore::codec
