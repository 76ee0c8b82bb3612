#include "codec/igzip.h"

#if defined(PACKSTORE_HAVE_ISAL)

#include <isa-l.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/check.h"

namespace packstore::codec {
namespace {

// The compressor's state and its tables; about 400 KiB, so threads keep theirs.
class Stream {
 public:
  Stream() { isal_deflate_init(&stream); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void configure() {
    stream.level = 1;
    stream.level_buf = tables_.data();
    stream.level_buf_size = static_cast<std::uint32_t>(tables_.size());
    stream.gzip_flag = IGZIP_ZLIB;
    stream.flush = NO_FLUSH;
  }

  void offer(ByteView input, std::span<std::byte> output) {
    // The interface is not const-correct; it does not write to its input.
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(input.data()));
    stream.avail_in = bounded(input.size());
    stream.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    stream.avail_out = bounded(output.size());
  }

  // The library counts what it is given in 32 bits; a step may do less than it could.
  static std::uint32_t bounded(std::size_t size) {
    constexpr std::size_t kMax = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(size, kMax));
  }

  isal_zstream stream;

 private:
  std::vector<std::uint8_t> tables_ = std::vector<std::uint8_t>(ISAL_DEF_LVL1_DEFAULT);
};

class IgzipEncodeStep final : public Step {
 public:
  IgzipEncodeStep() { state_.configure(); }

  Result<Progress> run(ByteView input, Input more, std::span<std::byte> output) override {
    state_.offer(input, output);
    isal_zstream& stream = state_.stream;
    const std::uint32_t offered = stream.avail_in;
    const std::uint32_t room = stream.avail_out;
    stream.end_of_stream = more == Input::kLast && offered == input.size() ? 1 : 0;
    PACKSTORE_CHECK(isal_deflate(&stream) == COMP_OK);
    return Progress{.consumed = offered - stream.avail_in,
                    .produced = room - stream.avail_out,
                    .ended = stream.internal_state.state == ZSTATE_END};
  }

 private:
  Stream state_;
};

}  // namespace

std::size_t igzip_encode(ByteView content, std::span<std::byte> into) {
  PACKSTORE_CHECK(Stream::bounded(content.size()) == content.size());
  PACKSTORE_CHECK(Stream::bounded(into.size()) == into.size());
  thread_local Stream state;
  isal_deflate_stateless_init(&state.stream);
  state.configure();
  state.stream.end_of_stream = 1;
  state.offer(content, into);
  // The one answer but success is that the room was too small.
  if (isal_deflate_stateless(&state.stream) != COMP_OK) return 0;
  return state.stream.total_out;
}

std::unique_ptr<Step> make_igzip_encode_step() { return std::make_unique<IgzipEncodeStep>(); }

}  // namespace packstore::codec

#endif
