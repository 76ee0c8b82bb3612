#include "store/reserve.h"

#include <string_view>
#include <utility>

#include "io/keep_room.h"

namespace packstore::store {
namespace {

constexpr std::string_view kReserveFile = "reserve";

}  // namespace

void take_reserve(const io::Directory& locks) {
  auto found = locks.find_file(kReserveFile, io::OpenMode::kReadWrite);
  if (!found) return;
  if (*found) {
    static_cast<void>(io::keep_room(***found, 0, kReserveBytes));
  } else if (const auto created = locks.create_file(kReserveFile)) {
    static_cast<void>(io::keep_room(**created, 0, kReserveBytes));
  }
}

bool give_up_reserve(const io::Directory& locks) {
  return locks.remove_file(kReserveFile).has_value();
}

}  // namespace packstore::store
