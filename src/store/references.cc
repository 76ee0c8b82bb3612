// The first reference to a node makes it counted: its links become references as well. Nodes to
// follow wait in the table of steps, in the transaction, so that no depth and no width of a tree
// takes memory. A raw object only has to be there.
#include "store/references.h"

#include <algorithm>
#include <bitset>
#include <string>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "store/read.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

using index::ReferenceStep;

constexpr std::size_t kNodesAtOnce = 512;

// A collection knows what is committed; a transaction knows its own rows as well.
Result<Bytes> read_inside(const StoreCore& core, index::WriteTransaction& transaction,
                          const ObjectId& id) {
  const auto row = transaction.find(id);
  if (!row && row.error().code != ErrorCode::kCorrupt) return row.error();
  Error why =
      row ? fail(ErrorCode::kNotFound, "object {}: not in the store", id.to_hex()) : row.error();
  if (row && *row) {
    const auto read_packed = [&]() -> Result<Bytes> {
      FoundObject found{.row = {.id = id, .at = **row}};
      ASSIGN_OR_RETURN(found.pack, core.packs.open(found.row.at));
      return read_content(found, Verify::kContent);
    };
    Result<Bytes> content = read_packed();
    if (content || content.error().code != ErrorCode::kCorrupt) return content;
    why = content.error();
  }
  ASSIGN_OR_RETURN(const auto loose, open_loose_copy(core, id));
  if (!loose) return why;
  return read_content(*loose, Verify::kContent);
}

class Counter {
 public:
  // What to do about nodes that cannot be followed.
  enum class Broken : std::uint8_t { kRefuse, kPutOff };

  Counter(StoreCore& core, index::WriteTransaction& transaction, index::ReferenceTable& table,
          Broken broken)
      : core_(core), transaction_(transaction), table_(table), broken_(broken) {}

  Status add(const Link& link, const std::optional<ObjectId>& parent) {
    ASSIGN_OR_RETURN(const bool first, table_.add(link));
    if (!first) return {};
    // Its object is still there, and its links still count.
    ASSIGN_OR_RETURN(const bool called_off, table_.erase_step(ReferenceStep::kRelease, link));
    if (called_off) return {};
    Status held = hold(link.id);
    if (!held && !puts_off(held.error().code)) return refuse(held.error(), parent);
    return link.kind == NodeKind::kRaw ? Status() : table_.put_step(ReferenceStep::kFollow, link);
  }

  // Counts the links of all that was counted for the first time.
  Status follow_all() {
    while (true) {
      ASSIGN_OR_RETURN(const std::vector<Link> nodes,
                       table_.steps(ReferenceStep::kFollow, std::nullopt, kNodesAtOnce));
      if (nodes.empty()) return {};
      for (const Link& node : nodes) RETURN_IF_ERROR(follow(node));
    }
  }

  std::uint64_t followed() const { return followed_; }

 private:
  Status follow(const Link& node) {
    RETURN_IF_ERROR(table_.erase_step(ReferenceStep::kFollow, node));
    const Result<std::vector<Link>> links = read_links(core_, transaction_, node);
    if (!links && puts_off(links.error().code)) {
      return table_.put_step(ReferenceStep::kFollowLater, node);
    }
    if (!links) return refuse(links.error(), node.id);
    for (const Link& link : *links) RETURN_IF_ERROR(add(link, node.id));
    ++followed_;
    return {};
  }

  // As a ref holds its target: present, durable, and not about to be unlinked.
  Status hold(const ObjectId& id) {
    ASSIGN_OR_RETURN(const auto packed, transaction_.find(id));
    if (packed) return {};
    ASSIGN_OR_RETURN(const auto loose_size, core_.loose.find_size(id));
    if (!loose_size) {
      return fail(ErrorCode::kNotFound, "object {}: not in the store", id.to_hex());
    }
    RETURN_IF_ERROR(transaction_.erase_pending_unlink(id));
    // One id a shard makes the names of all in it durable.
    const auto shard = std::to_integer<std::size_t>(id.bytes[0]);
    if (!durable_shards_[shard]) RETURN_IF_ERROR(core_.loose.make_durable(id));
    durable_shards_[shard] = true;
    return {};
  }

  bool puts_off(ErrorCode code) const {
    // kInvalidArgument: whoever knows how to follow nodes opens the store later.
    return broken_ == Broken::kPutOff && (is_damage(code) || code == ErrorCode::kInvalidArgument);
  }

  static Error refuse(const Error& why, const std::optional<ObjectId>& parent) {
    const std::string place = parent ? "below node " + parent->to_hex() : std::string("a root");
    return fail(why.code, "counting references: {}: {}", place, why.message);
  }

  StoreCore& core_;
  index::WriteTransaction& transaction_;
  index::ReferenceTable& table_;
  const Broken broken_;
  std::bitset<256> durable_shards_;
  std::uint64_t followed_ = 0;
};

}  // namespace

bool is_damage(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kNotFound ||
         code == ErrorCode::kUnsupported;
}

Result<std::vector<Link>> links_of(const StoreCore& core, const Link& node, ByteView content) {
  if (!core.options.children_of) {
    return fail(ErrorCode::kInvalidArgument,
                "node {}: a store that counts references has to be opened with a function that "
                "finds links (OpenOptions::children_of)",
                node.id.to_hex());
  }
  Result<std::vector<Link>> links = core.options.children_of(node.kind, content);
  if (!links) {
    return fail(links.error().code, "node {}: {}", node.id.to_hex(), links.error().message);
  }
  const auto place = [](const Link& link) { return std::tie(link.id, link.kind); };
  std::ranges::sort(*links, {}, place);
  links->erase(std::unique(links->begin(), links->end()), links->end());
  return links;
}

Result<std::vector<Link>> read_links(const StoreCore& core, index::WriteTransaction& transaction,
                                     const Link& node) {
  if (node.kind == NodeKind::kRaw) return std::vector<Link>();
  ASSIGN_OR_RETURN(const Bytes content, read_inside(core, transaction, node.id));
  return links_of(core, node, content);
}

Status count_ref_move(StoreCore& core, index::WriteTransaction& transaction,
                      const std::optional<Link>& from, const std::optional<Link>& to) {
  index::ReferenceTable* const table = transaction.reference_table();
  if (!table || from == to) return {};
  // The new target first: what both reach is never without a reference.
  if (to) {
    Counter counter(core, transaction, *table, Counter::Broken::kRefuse);
    RETURN_IF_ERROR(counter.add(*to, std::nullopt));
    RETURN_IF_ERROR(counter.follow_all());
  }
  return from ? drop_reference(*table, *from) : Status();
}

Status drop_reference(index::ReferenceTable& table, const Link& link) {
  ASSIGN_OR_RETURN(const bool last, table.drop(link));
  if (!last) return {};
  // Links that were never counted cannot be given up: the object becomes one that no ref has ever
  // reached, for the next collection.
  ASSIGN_OR_RETURN(const bool put_off, table.erase_step(ReferenceStep::kFollowLater, link));
  return put_off ? Status() : table.put_step(ReferenceStep::kRelease, link);
}

Status recount(StoreCore& core) {
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kDurable));
  index::ReferenceTable* const table = transaction->reference_table();
  if (!table) return {};
  RETURN_IF_ERROR(table->clear());
  Counter counter(core, *transaction, *table, Counter::Broken::kPutOff);
  ASSIGN_OR_RETURN(const std::vector<Ref> refs, core.index->list_refs(""));
  for (const Ref& ref : refs) RETURN_IF_ERROR(counter.add({ref.id, ref.kind}, std::nullopt));
  RETURN_IF_ERROR(counter.follow_all());
  return transaction->commit();
}

Status recount_later(index::WriteTransaction& transaction, std::span<const Ref> refs) {
  index::ReferenceTable* const table = transaction.reference_table();
  if (!table) return {};
  RETURN_IF_ERROR(table->clear());
  for (const Ref& ref : refs) {
    const Link target{ref.id, ref.kind};
    RETURN_IF_ERROR(table->add(target));
    if (ref.kind == NodeKind::kRaw) continue;
    RETURN_IF_ERROR(table->put_step(ReferenceStep::kFollowLater, target));
  }
  return {};
}

Status follow_put_off(StoreCore& core) {
  ASSIGN_OR_RETURN(const auto any,
                   core.index->reference_steps(ReferenceStep::kFollowLater, std::nullopt, 1));
  if (any.empty()) return {};
  // Lazily: what a power cut takes is followed again.
  ASSIGN_OR_RETURN(auto transaction, core.index->begin_write(index::CommitSync::kLazy));
  index::ReferenceTable& table = *transaction->reference_table();
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Link> nodes,
                     table.steps(ReferenceStep::kFollowLater, std::nullopt, kNodesAtOnce));
    if (nodes.empty()) break;
    for (const Link& node : nodes) {
      RETURN_IF_ERROR(table.erase_step(ReferenceStep::kFollowLater, node));
      RETURN_IF_ERROR(table.put_step(ReferenceStep::kFollow, node));
    }
  }
  Counter counter(core, *transaction, table, Counter::Broken::kPutOff);
  RETURN_IF_ERROR(counter.follow_all());
  return counter.followed() != 0 ? transaction->commit() : Status();
}

}  // namespace packstore::store
