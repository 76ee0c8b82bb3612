// The one place that knows the order of steps that gives bytes a name: name last.
#pragma once

#include <memory>
#include <string_view>

#include "io/file.h"
#include "packstore/result.h"

namespace packstore::io {

// Makes `file`, which is `from_name` in `from`, durable under `to_name` in `to`: syncs the file,
// renames it, syncs the directory that received the name. An existing entry is replaced.
//
// A crash before the return leaves the file under either name, whole under `to_name` if there.
Status publish(File& file, const Directory& from, std::string_view from_name, const Directory& to,
               std::string_view to_name);

// Writes a small file as `name`.new in `directory` and publishes it; one caller at a time. What a
// crashed caller left under that name is replaced.
Status publish_bytes(const Directory& directory, std::string_view name, ByteView content);

}  // namespace packstore::io
