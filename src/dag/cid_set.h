// Which CIDs were met, in little more memory than their digests take.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_set>
#include <utility>

#include "packstore/cid.h"
#include "packstore/object_id.h"

namespace packstore::dag {

// About 60 bytes for each CID with a SHA-256. Thread safety: as a standard container.
class CidSet {
 public:
  // True when it is new.
  bool insert(const Cid& cid) {
    if (const auto id = cid.object_id()) return ids_[form_of(cid)].insert(*id).second;
    return others_.insert(cid).second;
  }

  bool contains(const Cid& cid) const {
    const auto id = cid.object_id();
    if (!id) return others_.contains(cid);
    const auto ids = ids_.find(form_of(cid));
    return ids != ids_.end() && ids->second.contains(*id);
  }

 private:
  // Version and codec: all that differs between CIDs of one object.
  using Form = std::pair<std::uint64_t, std::uint64_t>;
  static Form form_of(const Cid& cid) { return {cid.version(), cid.codec()}; }

  std::map<Form, std::unordered_set<ObjectId>> ids_;
  std::unordered_set<Cid> others_;
};

}  // namespace packstore::dag
