// Many SHA-256 at once.
//
// 1. Buffers longer than the multi-buffer library takes go to OpenSSL one by one.
// 2. The others are sorted, longest first: lanes that run side by side then end side by side.
// 3. The wide engine (16 lanes of AVX-512) gets what keeps its lanes busy: not the few buffers that
//    are much longer than the rest, because the longest decides how long all lanes run, and not a
//    remainder that would leave most lanes empty.
// 4. What that leaves goes to the narrow engine (pairs of SHA-NI streams, or the vector lanes that
//    an older processor has), which loses little when there are few.
// 5. A buffer that is alone goes to OpenSSL: nothing could run beside it.
#include "hash/sha256.h"

#if defined(PACKSTORE_HAVE_IPSEC_MB) && defined(__x86_64__)
#include <intel-ipsec-mb.h>
#define PACKSTORE_MULTI_BUFFER 1
#endif

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace packstore::hash {
namespace {

[[maybe_unused]] void hash_one_by_one(std::span<const ByteView> buffers, std::span<ObjectId> ids) {
  for (std::size_t i = 0; i < buffers.size(); ++i) ids[i] = sha256(buffers[i]);
}

#if defined(PACKSTORE_MULTI_BUFFER)

// What the library promises to take, and what version 1.3 really does: its SHA-256 scheduler counts
// in 64 bits, only the check of job parameters, which is not used here, stops earlier. The tests
// hash on both sides of either limit. A megabyte is where the long chunks of files end.
constexpr std::size_t kLaneBytesPromised = 65'534;
constexpr std::size_t kLaneBytesOfVersion13 = 1024 * 1024;

std::size_t lane_bytes_max() {
  static const bool known = imb_get_version() == IMB_VERSION(1, 3, 0);
  return known ? kLaneBytesOfVersion13 : kLaneBytesPromised;
}

constexpr std::size_t kWideLanes = 16;

// The wide engine takes the same time for 1 buffer as for 16 of that length. Where AVX-512 runs at
// full width it beats pairs of SHA-NI streams from 8 busy lanes on, where the processor splits it
// in two halves from 16 on; 12 loses least on either.
constexpr std::size_t kBusyLanesMin = 12;

// One multi-buffer manager: a scheduler with its lanes.
class Engine {
 public:
  using Init = void (*)(IMB_MGR*);

  // No `init`, no engine.
  explicit Engine(Init init) : manager_(init == nullptr ? nullptr : alloc_mb_mgr(0)) {
    if (manager_ == nullptr) return;
    init(manager_.get());
    if (imb_get_errno(manager_.get()) != 0) manager_.reset();
  }

  bool works() const { return manager_ != nullptr; }

  void hash(std::span<const ByteView> buffers, std::span<ObjectId> ids,
            std::span<const std::uint32_t> order) {
    if (order.empty()) return;
    std::size_t done = 0;
    for (const std::uint32_t i : order) done += submit(buffers[i], ids[i]);
    while (IMB_JOB* job = IMB_FLUSH_JOB(manager_.get())) done += completed(job);
    PACKSTORE_CHECK(done == order.size());
  }

 private:
  struct Free {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
  };

  static std::size_t completed(const IMB_JOB* job) {
    PACKSTORE_CHECK(job->status == IMB_STATUS_COMPLETED);
    return 1;
  }

  // Returns how many jobs ended meanwhile; not necessarily this one.
  std::size_t submit(ByteView buffer, ObjectId& id) {
    IMB_JOB* const job = IMB_GET_NEXT_JOB(manager_.get());
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_NULL;
    job->hash_alg = IMB_AUTH_SHA_256;
    job->src = reinterpret_cast<const std::uint8_t*>(buffer.data());
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = buffer.size();
    job->auth_tag_output = reinterpret_cast<std::uint8_t*>(id.bytes.data());
    job->auth_tag_output_len_in_bytes = ObjectId::kSize;

    std::size_t done = 0;
    IMB_JOB* ended = IMB_SUBMIT_JOB_NOCHECK(manager_.get());
    for (; ended != nullptr; ended = IMB_GET_COMPLETED_JOB(manager_.get())) {
      done += completed(ended);
    }
    return done;
  }

  std::unique_ptr<IMB_MGR, Free> manager_;
};

// What the processor can, asked once.
std::uint64_t processor_features() {
  static const std::uint64_t features = [] {
    const std::unique_ptr<IMB_MGR, void (*)(IMB_MGR*)> manager(alloc_mb_mgr(0), free_mb_mgr);
    return manager == nullptr ? 0 : manager->features;
  }();
  return features;
}

bool has(std::uint64_t wanted) { return (processor_features() & wanted) == wanted; }

Engine::Init narrow_init() {
  if (has(IMB_CPUFLAGS_SSE_T2)) return init_mb_mgr_sse;
  if (has(IMB_CPUFLAGS_AVX2)) return init_mb_mgr_avx2;
  return init_mb_mgr_sse;
}

// The engines of one thread, with the memory for the order.
class Engines {
 public:
  void hash(std::span<const ByteView> buffers, std::span<ObjectId> ids) {
    sort_longest_first(buffers);
    std::span<const std::uint32_t> rest(order_);
    rest = rest.subspan(hash_too_long(buffers, ids));
    const Group wide = wide_.works() ? choose_wide(buffers, rest) : Group{};
    wide_.hash(buffers, ids, rest.subspan(wide.first, wide.count));
    hash_narrow(buffers, ids, rest.first(wide.first));
    hash_narrow(buffers, ids, rest.subspan(wide.first + wide.count));
  }

 private:
  // A part of the order.
  struct Group {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  // What of `rest` the wide engine had better take.
  static Group choose_wide(std::span<const ByteView> buffers, std::span<const std::uint32_t> rest) {
    std::uint64_t total_bytes = 0;
    for (const std::uint32_t i : rest) total_bytes += buffers[i].size();
    std::size_t first = 0;
    for (; first < rest.size(); ++first) {
      // The lane with the longest buffer runs to its end, whether or not others run beside it.
      const std::uint64_t longest_bytes = buffers[rest[first]].size();
      if (total_bytes >= kBusyLanesMin * longest_bytes) break;
      total_bytes -= longest_bytes;
    }
    const std::size_t count = rest.size() - first;
    const std::size_t odd = count % kWideLanes;
    return {.first = first, .count = odd >= kBusyLanesMin ? count : count - odd};
  }

  void hash_narrow(std::span<const ByteView> buffers, std::span<ObjectId> ids,
                   std::span<const std::uint32_t> part) {
    if (part.size() > 1 && narrow_.works()) {
      narrow_.hash(buffers, ids, part);
    } else {
      for (const std::uint32_t i : part) ids[i] = sha256(buffers[i]);
    }
  }

  void sort_longest_first(std::span<const ByteView> buffers) {
    order_.resize(buffers.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return buffers[a].size() > buffers[b].size();
    });
  }

  // Returns how many there were; they are the first in the order.
  std::size_t hash_too_long(std::span<const ByteView> buffers, std::span<ObjectId> ids) const {
    std::size_t count = 0;
    for (; count < order_.size(); ++count) {
      const std::uint32_t i = order_[count];
      if (buffers[i].size() <= lane_bytes_max()) break;
      ids[i] = sha256(buffers[i]);
    }
    return count;
  }

  Engine wide_{has(IMB_CPUFLAGS_AVX512) ? init_mb_mgr_avx512 : nullptr};
  Engine narrow_{narrow_init()};
  std::vector<std::uint32_t> order_;
};

#endif

}  // namespace

void sha256_many(std::span<const ByteView> buffers, std::span<ObjectId> ids) {
  PACKSTORE_CHECK(buffers.size() == ids.size());
#if defined(PACKSTORE_MULTI_BUFFER)
  if (buffers.size() > 1 && has_multi_buffer()) {
    thread_local Engines engines;
    engines.hash(buffers, ids);
    return;
  }
#endif
  hash_one_by_one(buffers, ids);
}

bool has_multi_buffer() {
#if defined(PACKSTORE_MULTI_BUFFER)
  return has(IMB_CPUFLAGS_SSE);
#else
  return false;
#endif
}

}  // namespace packstore::hash
