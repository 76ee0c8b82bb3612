#include "command.h"
#include "commands.h"

namespace packstore::cli {

namespace {

constexpr CommandEntry kCommands[] = {
    {"init", "Make a new, empty store", "packstore init --store results", make_init},
    {"put", "Store files and print their ids", "packstore put --packed --compress auto *.csv",
     make_put},
    {"get", "Read an object, or many", "packstore get ID -o report.csv", make_get},
    {"add", "Store files and directories as chunks and print their CIDs",
     "packstore add --threads 2 --compress auto disk.img photos", make_add},
    {"cat", "Read a file that was added, or a range of it",
     "packstore cat CID --offset 1MiB --length 4KiB", make_cat},
    {"has", "Say for each id whether it is in the store", "packstore has ID1 ID2", make_has},
    {"ls", "List the objects by ascending id", "packstore ls --prefix 0a -l", make_ls},
    {"stat", "Count everything and draw how full the packs are", "packstore stat --svg packs.svg",
     make_stat},
    {"dag stat", "Count what is below a CID", "packstore dag stat CID --json", make_dag_stat},
    {"dag ls", "List a directory, or the links of a block", "packstore dag ls CID/photos",
     make_dag_ls},
    {"dag verify", "Read and check every block below a CID", "packstore dag verify CID",
     make_dag_verify},
    {"car export", "Write what is below a CID as a CAR file",
     "packstore car export CID -o photos.car", make_car_export},
    {"car import", "Take in the blocks of a CAR file", "packstore car import photos.car",
     make_car_import},
    {"pack", "Move loose objects into packs", "packstore pack --compress zstd:3 --max-bytes 10GiB",
     make_pack},
    {"repack", "Rewrite packs to give back dead space", "packstore repack --min-dead 0.3",
     make_repack},
    {"rm", "Remove objects", "packstore rm --ids-from old-ids.txt", make_rm},
    {"gc", "Remove what no ref reaches", "packstore gc --dry-run", make_gc},
    {"validate", "Look at everything and report all damage",
     "packstore validate --threads 4 --json", make_validate},
    {"ref set", "Create or move a ref", "packstore ref set photos/head CID --expect OLD_ID",
     make_ref_set},
    {"ref get", "Print what a ref points at, as ref set takes it", "packstore ref get photos/head",
     make_ref_get},
    {"ref list", "List refs by name", "packstore ref list photos/", make_ref_list},
    {"ref rm",
     "Delete a ref; the object stays until gc, or goes at once in a store that counts references",
     "packstore ref rm photos/old", make_ref_rm},
    {"backup", "Copy the store beside whoever uses it",
     "packstore backup /mnt/today --previous /mnt/yesterday", make_backup},
    {"recover", "Rebuild a lost or damaged index from packs and loose objects",
     "packstore recover --store copy", make_recover},
    {"clean", "Remove what crashes left behind", "packstore clean", make_clean},
    {"chunk", "Print where a file would be cut into chunks",
     "packstore chunk --chunker native:65536 disk.img", make_chunk},
    {"simulate", "Try compaction policies on paper; needs no store",
     "packstore simulate --workload hotcold --report hotcold.html", make_simulate},
};

}  // namespace

std::span<const CommandEntry> command_table() { return kCommands; }

std::string_view group_summary(std::string_view group) {
  if (group == "ref") return "Names that point at objects";
  if (group == "dag") return "Blocks that link to each other";
  if (group == "car") return "DAGs as files that IPFS programs read";
  return "";
}

}  // namespace packstore::cli
