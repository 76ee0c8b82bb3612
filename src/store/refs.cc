#include "packstore/refs.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/mistake.h"
#include "base/node_kind.h"
#include "store/ref_moves.h"
#include "store/references.h"
#include "store/release.h"
#include "store/store_core.h"

namespace packstore {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::string_view kPunctuation = "._-+@=";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kPunctuation.find(c) != std::string_view::npos;
}

bool is_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), is_name_character);
}

std::string describe(const std::optional<ObjectId>& id) { return id ? id->to_hex() : "nothing"; }

}  // namespace

namespace store {

Status check_ref_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= kNameBytesMax;
  for (std::string_view rest = name; good;) {
    const std::size_t slash = rest.find('/');
    good = is_segment(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              "ref name of {} bytes: needs 1 to {} letters, digits or \"{}\" in segments separated "
              "by '/', none of them \".\" or \"..\"",
              name.size(), kNameBytesMax, kPunctuation);
}

Status check_kind(const Link& link) {
  if (to_node_kind(static_cast<std::uint64_t>(link.kind))) return {};
  return fail(ErrorCode::kInvalidArgument, "link to {}: unknown kind of node {:#x}",
              link.id.to_hex(), static_cast<std::uint64_t>(link.kind));
}

Status check_ref_move(std::string_view name, const RefMove& step) {
  RETURN_IF_ERROR(check_ref_name(name));
  return step.to ? check_kind({*step.to, step.kind}) : Status();
}

Status apply_ref_move(StoreCore& core, index::WriteTransaction& transaction, std::string_view name,
                      const RefMove& step) {
  RETURN_IF_ERROR(check_ref_name(name));
  ASSIGN_OR_RETURN(const auto target, transaction.find_ref(name));
  const std::optional<ObjectId> current = target ? std::optional(target->id) : std::nullopt;
  if (current != step.from) {
    return fail(ErrorCode::kConflict, "ref {}: is at {}, not at {}", name, describe(current),
                describe(step.from));
  }
  if (!step.to) {
    RETURN_IF_ERROR(count_ref_move(core, transaction, target, std::nullopt));
    return target ? transaction.erase_ref(name) : Status();
  }
  ASSIGN_OR_RETURN(const auto packed, transaction.find(*step.to));
  if (!packed && !makes(Mistake::kMoveRefToAbsentObject)) {
    // Loose objects go only inside a write transaction, so what is there now stays: an unlink that
    // a crashed removal left pending is called off.
    ASSIGN_OR_RETURN(const auto size, core.loose.find_size(*step.to));
    if (!size) {
      return fail(ErrorCode::kNotFound, "ref {}: object {} is not in the store", name,
                  step.to->to_hex());
    }
    RETURN_IF_ERROR(core.loose.make_durable(*step.to));
    RETURN_IF_ERROR(transaction.erase_pending_unlink(*step.to));
  }
  const Link to{.id = *step.to, .kind = step.kind};
  RETURN_IF_ERROR(count_ref_move(core, transaction, target, to));
  return transaction.put_ref(name, to);
}

}  // namespace store

Result<std::optional<ObjectId>> Refs::find(std::string_view name) const {
  RETURN_IF_ERROR(store::check_ref_name(name));
  return core_->index->find_ref(name);
}

Status Refs::move(std::string_view name, const RefMove& step) {
  RETURN_IF_ERROR(store::check_ref_move(name, step));
  RETURN_IF_ERROR(core_->begin_writing());
  // The target may be an object that was put kBuffered: it has to be durable before its name.
  RETURN_IF_ERROR(core_->packed_puts.publish());
  ASSIGN_OR_RETURN(auto transaction, core_->index->begin_write(makes(Mistake::kMoveRefLazily)
                                                                   ? index::CommitSync::kLazy
                                                                   : index::CommitSync::kDurable));
  RETURN_IF_ERROR(store::apply_ref_move(*core_, *transaction, name, step));
  RETURN_IF_ERROR(transaction->commit());
  transaction.reset();
  store::try_releases(*core_);
  return {};
}

Result<std::optional<ObjectId>> Refs::dereference(std::string_view name) {
  RETURN_IF_ERROR(store::check_ref_name(name));
  RETURN_IF_ERROR(core_->begin_writing());
  ASSIGN_OR_RETURN(auto transaction, core_->index->begin_write(index::CommitSync::kDurable));
  ASSIGN_OR_RETURN(const auto target, transaction->find_ref(name));
  if (!target) return std::optional<ObjectId>();
  RETURN_IF_ERROR(store::count_ref_move(*core_, *transaction, target, std::nullopt));
  RETURN_IF_ERROR(transaction->erase_ref(name));
  RETURN_IF_ERROR(transaction->commit());
  transaction.reset();
  store::try_releases(*core_);
  return std::optional(target->id);
}

Result<std::uint64_t> Refs::count(const Link& link) const {
  if (core_->index->reference_counts() == ReferenceCounts::kNone) {
    return fail(ErrorCode::kUnsupported, "{}: created without reference counts",
                core_->path.native());
  }
  return core_->index->count_references(link);
}

Result<std::vector<Ref>> Refs::list(std::string_view prefix) const {
  return core_->index->list_refs(prefix);
}

}  // namespace packstore
