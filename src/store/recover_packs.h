// Entering what packs hold into an empty index.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "index/index.h"
#include "index/rows.h"
#include "io/file.h"
#include "packstore/backup.h"
#include "packstore/result.h"
#include "store/pack_files.h"
#include "store/pack_scanner.h"
#include "store/progress_meter.h"
#include "store/store_core.h"

namespace packstore::store {

// kBusy: somebody writes to one of the packs.
Status check_no_writer(const io::Directory& packs);

// Scans packs and enters a row for each object in them. Thread safety: one thread at a time.
class PackRecovery {
 public:
  // `into` is empty. Findings and counts go to `report`.
  PackRecovery(const StoreLayout& layout, index::Index& into, ProgressMeter& meter,
               RecoveryReport& report)
      : layout_(layout), into_(into), meter_(meter), report_(report) {}

  // Enters the rows of every pack. What the packs table is to say comes with put_pack_rows().
  Status enter_objects();
  Status put_pack_rows(index::WriteTransaction& transaction) const;

 private:
  // What a scan saw, beyond the rows.
  struct Scan {
    std::uint64_t records = 0;
    std::uint64_t end = 0;  // Behind the last whole record.
    bool is_clean = true;   // Nothing but whole records, in committed groups.
  };

  Status enter_pack(std::uint64_t pack);
  Result<Scan> scan(const PackFile& pack, std::uint64_t size);
  Result<bool> pass_damage(PackScanner& scanner, std::uint64_t pack);
  Status enter_record(const PackFile& pack, const ScannedRecord& scanned);
  Status flush();
  Status renew_header(const PackFile& pack, const std::string& name, std::uint64_t size);
  void report(FindingKind kind, std::uint64_t pack, std::uint64_t offset, std::string message);

  const StoreLayout& layout_;
  index::Index& into_;
  ProgressMeter& meter_;
  RecoveryReport& report_;
  std::map<std::uint64_t, index::PackRow> packs_;
  std::uint64_t pack_max_ = 0;  // Of all files, whatever is in them.
  std::vector<index::ObjectRow> rows_;
};

}  // namespace packstore::store
