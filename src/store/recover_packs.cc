// 1. The header tells whether the file is what its name says. One of another store or number is
//    left alone. A damaged header does not matter for the records: each knows its place.
// 2. The scanner gives the records whose header and checksum are right, and finds the next one
//    behind damage. Each object is decoded and hashed; what is good becomes a row.
// 3. Rows are entered in the order of their ids, a bounded number in each transaction.
// 4. A pack is left open for more records only when nothing at all is wrong with it.
// 5. A damaged header is replaced in a copy: readers check headers, and packs are never
// overwritten.
#include "store/recover_packs.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "io/atomic_publish.h"
#include "store/pack_scanner.h"
#include "store/repair_quarantine.h"
#include "store/sandbox.h"
#include "store/validate_extent.h"

namespace packstore::store {
namespace {

using format::PackHeader;
using format::PackRecord;

// 8 MiB of rows, and transactions long enough that their commits do not count.
constexpr std::size_t kRowsMax = 1 << 16;

enum class HeaderState : std::uint8_t { kGood, kDamaged, kForeign };

struct HeaderVerdict {
  HeaderState state = HeaderState::kGood;
  std::string message;
};

Result<HeaderVerdict> judge_header(const io::File& file, const format::Uuid& store,
                                   std::uint64_t pack) {
  const auto checked = check_pack_header(file, store, pack);
  if (checked) return HeaderVerdict{};
  const ErrorCode code = checked.error().code;
  if (code != ErrorCode::kCorrupt && code != ErrorCode::kUnsupported) return checked.error();
  std::array<std::byte, PackHeader::kSize> bytes{};
  RETURN_IF_ERROR(file.read_at(0, std::span<std::byte>(bytes)));
  const auto header = format::decode_pack_header(bytes);
  // A header that is whole, or of a newer version, belongs to somebody.
  const bool is_damaged = !header && header.error().code == ErrorCode::kCorrupt;
  return HeaderVerdict{is_damaged ? HeaderState::kDamaged : HeaderState::kForeign,
                       checked.error().message};
}

std::uint64_t now_in_microseconds() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

Result<std::vector<std::uint64_t>> list_packs(const io::Directory& directory) {
  std::vector<std::uint64_t> packs;
  ASSIGN_OR_RETURN(const auto names, io::list_names(directory, io::EntryKind::kFile));
  for (const std::string& name : names) {
    if (const auto pack = parse_pack_file_name(name)) packs.push_back(*pack);
  }
  std::sort(packs.begin(), packs.end());
  return packs;
}

Result<std::unique_ptr<io::File>> open_locked(const io::Directory& directory, std::uint64_t pack) {
  ASSIGN_OR_RETURN(auto file, directory.open_file(pack_file_name(pack), io::OpenMode::kRead));
  ASSIGN_OR_RETURN(const bool locked, file->try_lock(io::LockKind::kExclusive));
  if (!locked) return fail(ErrorCode::kBusy, "pack {}: somebody writes to it", pack);
  return file;
}

}  // namespace

Status check_no_writer(const io::Directory& packs) {
  ASSIGN_OR_RETURN(const auto numbers, list_packs(packs));
  for (const std::uint64_t pack : numbers) RETURN_IF_ERROR(open_locked(packs, pack));
  return {};
}

Status PackRecovery::enter_objects() {
  ASSIGN_OR_RETURN(const auto packs, list_packs(*layout_.packs));
  for (const std::uint64_t pack : packs) {
    ASSIGN_OR_RETURN(const auto info, layout_.packs->stat_file(pack_file_name(pack)));
    if (info) meter_.expect(info->size);
  }
  meter_.show();
  for (const std::uint64_t pack : packs) RETURN_IF_ERROR(enter_pack(pack));
  RETURN_IF_ERROR(flush());
  report_.packs = packs_.size();
  return {};
}

Status PackRecovery::put_pack_rows(index::WriteTransaction& transaction) const {
  RETURN_IF_ERROR(transaction.reserve_packs_through(pack_max_));
  for (const auto& [pack, row] : packs_) RETURN_IF_ERROR(transaction.put_pack(row));
  return {};
}

Status PackRecovery::enter_pack(std::uint64_t pack) {
  const std::string name = pack_file_name(pack);
  ASSIGN_OR_RETURN(auto file, open_locked(*layout_.packs, pack));
  ASSIGN_OR_RETURN(const io::FileInfo info, file->info());
  pack_max_ = std::max(pack_max_, pack);
  // Only its name had become durable when somebody died.
  if (info.size == 0) return {};
  ASSIGN_OR_RETURN(HeaderVerdict header, judge_header(*file, layout_.uuid, pack));
  if (header.state != HeaderState::kGood) {
    report(header.state == HeaderState::kForeign ? FindingKind::kPackForeign
                                                 : FindingKind::kPackHeaderDamaged,
           pack, 0, std::move(header.message));
  }
  if (header.state == HeaderState::kForeign) return {};

  packs_[pack] = {.pack = pack};
  const PackFile opened(std::move(file), layout_.uuid, pack);
  ASSIGN_OR_RETURN(const Scan scan, this->scan(opened, info.size));
  if (header.state == HeaderState::kDamaged) {
    if (scan.records == 0) {
      packs_.erase(pack);
      return {};
    }
    RETURN_IF_ERROR(renew_header(opened, name, info.size));
  }
  // A file with several names is shared with a backup, which must not grow.
  const bool may_grow = scan.is_clean && scan.end == info.size && info.links == 1 &&
                        header.state == HeaderState::kGood && scan.end < PackSizing().bytes_target;
  index::PackRow& row = packs_[pack];
  row.state = may_grow ? index::PackState::kOpen : index::PackState::kSealed;
  row.indexed_bytes = scan.end;
  return {};
}

Result<PackRecovery::Scan> PackRecovery::scan(const PackFile& pack, std::uint64_t size) {
  Scan result{.end = PackHeader::kSize};
  PackScanner scanner(pack.file(), pack.place(0), PackHeader::kSize, size);
  bool in_group = false;
  while (true) {
    const auto scanned = scanner.next();
    if (!scanned && scanned.error().code == ErrorCode::kIo) {
      // What the disk does not give back ends this pack, not the recovery of the others.
      report(FindingKind::kRecordDamaged, pack.pack(), scanner.offset(), scanned.error().message);
      result.is_clean = false;
      break;
    }
    if (!scanned) return scanned.error();
    if (*scanned) {
      ++result.records;
      result.end = scanner.offset();
      in_group = (*scanned)->record.kind == PackRecord::Kind::kObject;
      RETURN_IF_ERROR(enter_record(pack, **scanned));
      continue;
    }
    if (scanner.damage().empty()) break;
    result.is_clean = false;
    ASSIGN_OR_RETURN(const bool more, pass_damage(scanner, pack.pack()));
    if (!more) break;
  }
  // Nobody knows whether more was to come. Its objects are whole, so they stay.
  result.is_clean = result.is_clean && !in_group;
  return result;
}

// True when there is a whole record behind the damage.
Result<bool> PackRecovery::pass_damage(PackScanner& scanner, std::uint64_t pack) {
  const std::uint64_t start = scanner.offset();
  std::string message = scanner.damage();
  const auto more = scanner.skip_damage();
  const bool is_unreadable = !more && more.error().code == ErrorCode::kIo;
  if (!more && !is_unreadable) return more.error();
  const bool is_tail = more && !*more;
  report(is_tail ? FindingKind::kTornTail : FindingKind::kRecordDamaged, pack, start,
         std::move(message));
  return more && *more;
}

Status PackRecovery::enter_record(const PackFile& pack, const ScannedRecord& scanned) {
  if (!scanned.record.is_object()) return {};
  const index::ObjectRow row = scanned.row(pack.pack());
  ASSIGN_OR_RETURN(auto finding, inspect_record(pack, row, [this](std::uint64_t bytes) {
                     return meter_.advance(bytes);
                   }));
  if (finding) {
    report_.findings.push_back(std::move(*finding));
    packs_[pack.pack()].dead_bytes += scanned.record.total_size();
    return {};
  }
  rows_.push_back(row);
  return rows_.size() < kRowsMax ? Status() : flush();
}

Status PackRecovery::flush() {
  // By id, so that the index is written from one end to the other; of equal ids the first in the
  // packs first, so that the others find its row.
  std::sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.id, a.at.pack, a.at.offset) < std::tie(b.id, b.at.pack, b.at.offset);
  });
  ASSIGN_OR_RETURN(auto transaction, into_.begin_write(index::CommitSync::kLazy));
  for (const index::ObjectRow& row : rows_) {
    ASSIGN_OR_RETURN(const bool inserted, transaction->insert(row));
    if (inserted) {
      ++report_.packed_objects;
    } else {
      packs_[row.at.pack].dead_bytes += record_bytes(row.at);
    }
  }
  rows_.clear();
  return transaction->commit();
}

Status PackRecovery::renew_header(const PackFile& pack, const std::string& name,
                                  std::uint64_t size) {
  ASSIGN_OR_RETURN(auto directory, layout_.root->open_directory(kSandboxDirectory));
  Sandbox sandbox(std::move(directory));
  Quarantine quarantine(*layout_.root, sandbox);
  Status kept = quarantine.take_link(*layout_.packs, name, name);
  if (!kept && kept.error().code == ErrorCode::kUnsupported) {
    kept = quarantine.take_copy(pack.file(), {0, size}, name);
  }
  RETURN_IF_ERROR(kept);
  ASSIGN_OR_RETURN(SandboxFile fresh, sandbox.create());
  const auto header = format::encode(
      PackHeader{.store = layout_.uuid, .pack = pack.pack(), .created_at = now_in_microseconds()});
  RETURN_IF_ERROR(fresh.file().write_at(0, ByteView(header)));
  RETURN_IF_ERROR(io::copy_range(pack.file(), header.size(), fresh.file(), header.size(),
                                 size - header.size()));
  return fresh.publish(*layout_.packs, name);
}

void PackRecovery::report(FindingKind kind, std::uint64_t pack, std::uint64_t offset,
                          std::string message) {
  Finding finding;
  finding.kind = kind;
  finding.pack = pack;
  finding.offset = offset;
  finding.message = std::move(message);
  report_.findings.push_back(std::move(finding));
}

}  // namespace packstore::store
