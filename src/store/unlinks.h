// The second half of a removal: unlinking loose files that the index has given up.
#pragma once

#include "packstore/result.h"

namespace packstore::store {

struct StoreCore;

// Unlinks every loose file that a removal has left pending. Inside write transactions, so that a
// put or a ref that wants the object again either comes before and calls the unlink off, or comes
// after and finds nothing. After an error or a crash the rest stays noted. Several may do it at
// once: what one has done the others leave out.
Status finish_unlinks(StoreCore& core);

}  // namespace packstore::store
