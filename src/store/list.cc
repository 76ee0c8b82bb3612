#include "store/list.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr std::size_t kPageRows = 4096;

// The index in pages of ascending ids: no read transaction stays open between them.
class PagedRows {
 public:
  explicit PagedRows(const index::Index& index) : index_(index) {}

  // The row at hand; nullopt at the end.
  Result<std::optional<index::ObjectRow>> peek() {
    if (next_ == page_.size() && !ended_) {
      const auto after = page_.empty() ? std::nullopt : std::optional(page_.back().id);
      ASSIGN_OR_RETURN(page_, index_.page(after, kPageRows));
      next_ = 0;
      ended_ = page_.empty();
    }
    if (ended_) return std::optional<index::ObjectRow>();
    return std::optional<index::ObjectRow>(page_[next_]);
  }
  void advance() { ++next_; }

 private:
  const index::Index& index_;
  std::vector<index::ObjectRow> page_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace

Status for_each_object(const StoreCore& core, const Store::ObjectVisitor& visit) {
  PagedRows packed(*core.index);
  const auto visit_packed = [&](const index::ObjectRow& row) {
    packed.advance();
    return visit({row.id, row.at.size, row.at.stored_size, row.at.codec, row.at.pack});
  };
  const auto visit_loose = [&](const ObjectId& id, std::uint64_t size) -> Status {
    while (true) {
      ASSIGN_OR_RETURN(const auto row, packed.peek());
      if (row && row->id == id) return visit_packed(*row);
      if (!row || row->id > id) return visit({id, size, size, Codec::kNone, std::nullopt});
      RETURN_IF_ERROR(visit_packed(*row));
    }
  };
  RETURN_IF_ERROR(core.loose.for_each(visit_loose));
  while (true) {
    ASSIGN_OR_RETURN(const auto row, packed.peek());
    if (!row) return {};
    RETURN_IF_ERROR(visit_packed(*row));
  }
}

}  // namespace packstore::store
