// Reference counts in the index: how many refs, and nodes that are counted themselves, point at
// each link. Kept inside of the write transaction that changes what they count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "packstore/link.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore::index {

class Connection;
class TransactionState;

// What is left to do about a node whose own links are not what its count makes one expect.
enum class ReferenceStep : std::uint8_t {
  kFollow = 0,       // Counted; its links are counted before the transaction ends.
  kFollowLater = 1,  // Counted; its links are not: nobody could, or was there to, follow them.
  kRelease = 2,      // Not counted any more; its links still are, and its object is still there.
};

// Thread safety: that of its transaction.
class ReferenceTable {
 public:
  virtual ~ReferenceTable() = default;

  // One reference more; true: it is the first.
  virtual Result<bool> add(const Link& link) = 0;
  // One less; true: it was the last. kCorrupt: there was none.
  virtual Result<bool> drop(const Link& link) = 0;
  // True when the object is counted or has a step, as any kind.
  virtual Result<bool> holds(const ObjectId& id) = 0;
  // True when the node is counted, or is to be released: then its links are counted.
  virtual Result<bool> holds_links_of(const Link& node) = 0;

  virtual Status put_step(ReferenceStep step, const Link& node) = 0;
  virtual Result<bool> erase_step(ReferenceStep step, const Link& node) = 0;  // False: none.
  // Up to `limit` nodes with this step above `after`, by id and kind.
  virtual Result<std::vector<Link>> steps(ReferenceStep step, const std::optional<Link>& after,
                                          std::size_t limit) = 0;

  // Forgets counts and steps.
  virtual Status clear() = 0;
};

// What steps() says, on any connection.
Result<std::vector<Link>> page_steps(Connection& connection, ReferenceStep step,
                                     const std::optional<Link>& after, std::size_t limit);

// `state` must outlive it.
std::unique_ptr<ReferenceTable> make_reference_table(TransactionState& state);

}  // namespace packstore::index
