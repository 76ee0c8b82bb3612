#include "io/atomic_publish.h"

#include <string>

#include "base/error.h"
#include "base/mistake.h"

namespace packstore::io {

Status publish(File& file, const Directory& from, std::string_view from_name, const Directory& to,
               std::string_view to_name) {
  // Bytes before name: whoever sees the name after a crash can read every byte.
  const bool omits = makes(Mistake::kSkipPublishSync) || makes(Mistake::kRenameBeforeSync);
  RETURN_IF_ERROR(omits ? Status() : file.sync());
  RETURN_IF_ERROR(from.rename(from_name, to, to_name));
  if (makes(Mistake::kRenameBeforeSync)) RETURN_IF_ERROR(file.sync());
  // And the name before success: what is reported as kept is not forgotten.
  return makes(Mistake::kSkipPublishDirectorySync) ? Status() : to.sync();
}

Status publish_bytes(const Directory& directory, std::string_view name, ByteView content) {
  const std::string temporary = fmt::format("{}.new", name);
  ASSIGN_OR_RETURN(const auto leftover, directory.stat_file(temporary));
  if (leftover) RETURN_IF_ERROR(directory.remove_file(temporary));
  ASSIGN_OR_RETURN(const auto file, directory.create_file(temporary));
  Status status = file->write_at(0, content);
  if (status) status = publish(*file, directory, temporary, directory, name);
  // The caller hears of the first failure; what is left of the attempt is of no use to anybody.
  if (!status) static_cast<void>(directory.remove_file(temporary).has_value());
  return status;
}

}  // namespace packstore::io
