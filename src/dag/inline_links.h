// Links through content that stands in a CID: nothing can be missing there, but behind it.
#pragma once

#include <vector>

#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

// The links of a node (children_of()), with the links within it in place of each that carries its
// content itself. Pure; any thread.
//
// kCorrupt: such content is no strict node of its codec. kUnsupported: its codec is not read, so
// that nobody knows what is behind it.
Result<std::vector<Cid>> follow_inline(std::vector<Cid> links);

}  // namespace packstore::dag
