#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace packstore {

void check_failed(const char* file, int line, const char* claim) {
  std::fprintf(stderr, "%s:%d: packstore: broken promise: %s\n", file, line, claim);
  std::abort();
}

}  // namespace packstore
