// Streams of any codec, in terms of steps.
//
// Encoding: each piece is run through the step until it is used up; what comes out goes to the
// sink. finish() runs the step without input until it has ended.
//
// Decoding, for each read:
// 1. Fill the caller's buffer, but not past the promised size; refill the input when it is empty.
// 2. Once the promised size is reached, go on to the end of the stream with one spare byte of
//    output: it must stay unused, and no input may be left over.
// 3. Only then hand out the last piece, so that whoever has all bytes knows that they were right.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/step.h"
#include "codec/zlib_codec.h"
#include "codec/zstd_codec.h"

namespace packstore::codec {
namespace {

// Large enough to make calls and system calls rare, small enough to stay in the second-level cache.
constexpr std::size_t kBufferBytes = 64 * 1024;

class SteppedEncoder final : public Encoder {
 public:
  explicit SteppedEncoder(std::unique_ptr<Step> step) : step_(std::move(step)) {}

  Status write(ByteView content, const Sink& sink) override {
    return remember(run(content, Input::kMore, sink));
  }

  Status finish(const Sink& sink) override { return remember(run({}, Input::kLast, sink)); }

 private:
  Status run(ByteView content, Input more, const Sink& sink) {
    if (failure_) return *failure_;
    PACKSTORE_CHECK(!ended_);
    for (;;) {
      ASSIGN_OR_RETURN(const Progress progress, step_->run(content, more, buffer_));
      content = content.subspan(progress.consumed);
      if (progress.produced != 0) {
        RETURN_IF_ERROR(sink(ByteView(buffer_).first(progress.produced)));
      }
      ended_ = progress.ended;
      const bool buffer_full = progress.produced == buffer_.size();
      if (more == Input::kLast ? ended_ : content.empty() && !buffer_full) return {};
    }
  }

  // What the sink did not take is lost, so nothing that follows could make the stream whole.
  Status remember(Status status) {
    if (!status) failure_ = status.error();
    return status;
  }

  std::unique_ptr<Step> step_;
  Bytes buffer_ = Bytes(kBufferBytes);
  std::optional<Error> failure_;
  bool ended_ = false;
};

// What both decoders share: the promised size, and errors that last.
class CountedSource : public ByteSource {
 public:
  explicit CountedSource(std::uint64_t content_size) : rest_(content_size) {}

  Result<std::size_t> read(std::span<std::byte> into) final {
    if (failure_) return *failure_;
    if (proven_) return std::size_t{0};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), rest_));
    const Status status = fill_and_prove(into.first(wanted));
    if (!status) return *(failure_ = status.error());
    return wanted;
  }

 protected:
  // Fills `into` completely.
  virtual Status fill(std::span<std::byte> into) = 0;
  // Succeeds when the stream ends here.
  virtual Status prove_end() = 0;

 private:
  Status fill_and_prove(std::span<std::byte> into) {
    RETURN_IF_ERROR(fill(into));
    rest_ -= into.size();
    if (rest_ != 0) return {};
    RETURN_IF_ERROR(prove_end());
    proven_ = true;
    return {};
  }

  std::uint64_t rest_;
  std::optional<Error> failure_;
  bool proven_ = false;
};

Error ends_early() {
  return fail(ErrorCode::kCorrupt, "stored bytes end before the content is complete");
}

Error goes_on() {
  return fail(ErrorCode::kCorrupt, "stored bytes go on after the content is complete");
}

class VerbatimSource final : public CountedSource {
 public:
  VerbatimSource(ByteSource& stored, std::uint64_t content_size)
      : CountedSource(content_size), stored_(stored) {}

 protected:
  Status fill(std::span<std::byte> into) override {
    while (!into.empty()) {
      ASSIGN_OR_RETURN(const std::size_t count, stored_.read(into));
      if (count == 0) return ends_early();
      into = into.subspan(count);
    }
    return {};
  }

  Status prove_end() override {
    std::array<std::byte, 1> spare{};
    ASSIGN_OR_RETURN(const std::size_t count, stored_.read(spare));
    if (count != 0) return goes_on();
    return {};
  }

 private:
  ByteSource& stored_;
};

class SteppedDecoder final : public CountedSource {
 public:
  SteppedDecoder(std::unique_ptr<Step> step, ByteSource& stored, std::uint64_t content_size)
      : CountedSource(content_size), step_(std::move(step)), stored_(stored) {}

 protected:
  Status fill(std::span<std::byte> into) override {
    while (!into.empty()) {
      if (ended_) return ends_early();
      ASSIGN_OR_RETURN(const std::size_t produced, run(into));
      into = into.subspan(produced);
    }
    return {};
  }

  Status prove_end() override {
    std::array<std::byte, 1> spare{};
    while (!ended_) {
      ASSIGN_OR_RETURN(const std::size_t produced, run(spare));
      if (produced != 0) return goes_on();
    }
    if (input_.empty()) RETURN_IF_ERROR(refill());
    if (!input_.empty()) return goes_on();
    return {};
  }

 private:
  // One step; returns what it produced.
  Result<std::size_t> run(std::span<std::byte> output) {
    if (input_.empty()) RETURN_IF_ERROR(refill());
    const bool starved = input_.empty();
    const Input more = source_ended_ ? Input::kLast : Input::kMore;
    ASSIGN_OR_RETURN(const Progress progress, step_->run(input_, more, output));
    input_ = input_.subspan(progress.consumed);
    ended_ = progress.ended;
    // A step without input may still have output to give, but not for ever.
    if (starved && progress.produced == 0 && !ended_) return ends_early();
    return progress.produced;
  }

  // As full as it gets: the first input has to hold a whole frame header.
  Status refill() {
    std::size_t filled = 0;
    while (!source_ended_ && filled < buffer_.size()) {
      ASSIGN_OR_RETURN(const std::size_t count, stored_.read(std::span(buffer_).subspan(filled)));
      source_ended_ = count == 0;
      filled += count;
    }
    input_ = ByteView(buffer_).first(filled);
    return {};
  }

  std::unique_ptr<Step> step_;
  ByteSource& stored_;
  Bytes buffer_ = Bytes(kBufferBytes);
  ByteView input_;
  bool source_ended_ = false;
  bool ended_ = false;
};
static_assert(kBufferBytes >= kFirstInputBytesMin);

}  // namespace

Result<std::unique_ptr<Encoder>> make_encoder(const Compression& wish) {
  RETURN_IF_ERROR(wish.check());
  std::unique_ptr<Step> step;
  switch (wish.codec) {
    case Codec::kNone:
      return fail(ErrorCode::kInvalidArgument, "verbatim content needs no encoder");
    case Codec::kZlib:
      step = make_zlib_encode_step(wish.level);
      break;
    case Codec::kZstd:
      step = make_zstd_encode_step(wish.level);
      break;
  }
  return std::unique_ptr<Encoder>(std::make_unique<SteppedEncoder>(std::move(step)));
}

Result<std::unique_ptr<ByteSource>> make_decoder(Codec codec, ByteSource& stored,
                                                 std::uint64_t content_size) {
  std::unique_ptr<Step> step;
  switch (codec) {
    case Codec::kNone:
      return std::unique_ptr<ByteSource>(std::make_unique<VerbatimSource>(stored, content_size));
    case Codec::kZlib:
      step = make_zlib_decode_step();
      break;
    case Codec::kZstd:
      step = make_zstd_decode_step();
      break;
  }
  if (step == nullptr) {
    return fail(ErrorCode::kUnsupported, "codec number {} is not known",
                static_cast<unsigned>(codec));
  }
  return std::unique_ptr<ByteSource>(
      std::make_unique<SteppedDecoder>(std::move(step), stored, content_size));
}

}  // namespace packstore::codec
