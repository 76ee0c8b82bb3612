// Changes between BEGIN and COMMIT; see WriteTransaction.
#pragma once

#include <memory>

#include "index/index.h"
#include "index/writer.h"
#include "packstore/result.h"

namespace packstore::index {

// `writer` must outlive the transaction.
Result<std::unique_ptr<WriteTransaction>> begin_transaction(Writer& writer, CommitSync sync);

}  // namespace packstore::index
