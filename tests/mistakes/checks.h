// What no power cut shows: locks, races, damage and lies, each tried in one exact order. Every
// check returns what went wrong, one line each.
#pragma once

#include <string>
#include <vector>

namespace packstore::crash {

using Complaints = std::vector<std::string>;

// A second holder of the maintenance lock is refused.
Complaints check_lock();
// A read finds an object that is packed between its two looks.
Complaints check_move_during_read();
// A ref does not move to what is not there.
Complaints check_ref_to_absent_object();
// Repack reports a damaged record and leaves it where it is.
Complaints check_repack_of_damage();
// A row that claims another length than its record is refused, also by a read that verifies
// nothing.
Complaints check_false_length();
// A write of which the system takes a part only is finished, or reported.
Complaints check_short_write();
// A sync fails, and so does cutting off what it should have kept: whoever finds that tail later
// does not trust the system to have it.
Complaints check_tail_of_failed_sync();

}  // namespace packstore::crash
