// Marks what the shared library exports; everything else is hidden.
#pragma once

#if defined(_WIN32)
#error "packstore needs a POSIX system"
#endif

#define PACKSTORE_EXPORT __attribute__((visibility("default")))
