#include "compaction/record_merge.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"

namespace packstore {

RecordStream::~RecordStream() = default;

namespace {

using Place = std::pair<Key, Lsn>;

struct Head {
  Place place;
  RecordStream* stream = nullptr;
  const LayerRecord* record = nullptr;
};

// For a heap with the lowest place on top.
bool is_later(const Head& a, const Head& b) { return a.place > b.place; }

}  // namespace

Status merge_records(std::span<const std::unique_ptr<RecordStream>> streams,
                     const std::function<Status(const LayerRecord&)>& visit) {
  std::vector<Head> heap;
  for (const auto& stream : streams) {
    ASSIGN_OR_RETURN(const LayerRecord* record, stream->next());
    if (record != nullptr) heap.push_back({{record->key, record->lsn}, stream.get(), record});
  }
  std::ranges::make_heap(heap, is_later);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, is_later);
    Head head = heap.back();
    heap.pop_back();
    RETURN_IF_ERROR(visit(*head.record));
    if (!heap.empty() && heap.front().place == head.place) {
      return fail(ErrorCode::kCorrupt, "merge: record of key {} at LSN {} comes twice",
                  to_string(head.place.first), head.place.second);
    }
    ASSIGN_OR_RETURN(head.record, head.stream->next());
    if (head.record == nullptr) continue;
    const Place next{head.record->key, head.record->lsn};
    if (next <= head.place) {
      return fail(ErrorCode::kCorrupt, "merge: record of key {} at LSN {} is out of order",
                  to_string(next.first), next.second);
    }
    head.place = next;
    heap.push_back(head);
    std::ranges::push_heap(heap, is_later);
  }
  return {};
}

}  // namespace packstore
