// 1. The entries of the packs are read before and after the copy of their rows is made. Rows come
//    and go together with a change of their pack's entry, so equal entries belong to these rows;
//    the others are tried again.
// 2. Each pack's rows are walked in the order of their offsets. What lies between them is scanned.
// 3. A file that is absent may have gone after the rows were read, so its entry is read once more.
#include "store/validate_account.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/checked_math.h"
#include "base/error.h"
#include "store/pack_files.h"
#include "store/store_core.h"

namespace packstore::store {
namespace {

constexpr int kAttempts = 10;

using PackRows = std::map<std::uint64_t, std::optional<index::PackRow>>;

Result<PackRows> read_pack_rows(const index::Index& index, std::span<const std::uint64_t> packs) {
  PackRows rows;
  for (const std::uint64_t pack : packs) {
    ASSIGN_OR_RETURN(rows[pack], index.find_pack(pack));
  }
  return rows;
}

PackFileState judge_header(const io::File& file, const format::Uuid& store, std::uint64_t pack,
                           std::string& problem) {
  const Result<format::PackHeader> checked = check_pack_header(file, store, pack);
  if (checked) return PackFileState::kSound;
  problem = checked.error().message;
  std::array<std::byte, format::PackHeader::kSize> bytes{};
  const Result<std::size_t> count = file.read_at(0, bytes);
  if (!count || *count != bytes.size()) return PackFileState::kHeaderDamaged;
  const Result<format::PackHeader> header = format::decode_pack_header(bytes);
  const bool readable = header || header.error().code == ErrorCode::kUnsupported;
  return readable ? PackFileState::kForeign : PackFileState::kHeaderDamaged;
}

struct GapVisitors {
  const BytesVisitor& on_bytes;
  const DeadRecordVisitor& on_record;
};

// Adds up one pack while its rows pass by.
class Accountant {
 public:
  Accountant(const GapVisitors& visitors, PackAccount& account, OpenedPack opened)
      : visitors_(visitors), account_(account), file_(std::move(opened.file)) {
    account_.state = opened.state;
    account_.problem = std::move(opened.problem);
    account_.file_bytes = opened.file_bytes;
  }

  Status add(const index::ObjectRow& row) {
    ++account_.rows;
    if (!index::check(row) || !fits(row.at.offset, record_bytes(row.at), account_.file_bytes)) {
      return {};
    }
    return add_gap(cursor_.advance({row.at.offset, end_of(row)}));
  }

  Status finish() {
    account_.rows_end = cursor_.end();
    const std::uint64_t indexed = account_.row ? account_.row->indexed_bytes : 0;
    const std::uint64_t end = std::min(indexed, account_.file_bytes);
    return add_gap(cursor_.advance({std::max(end, cursor_.end()), end}));
  }

 private:
  Status add_gap(ByteRange gap) {
    if (gap.size() == 0 || !file_) return {};
    ASSIGN_OR_RETURN(GapScan scan, scan_gap(*file_, gap, visitors_.on_bytes, visitors_.on_record));
    account_.gaps.dead_bytes += scan.dead_bytes;
    account_.gaps.damaged.insert(account_.gaps.damaged.end(), scan.damaged.begin(),
                                 scan.damaged.end());
    return {};
  }

  const GapVisitors& visitors_;
  PackAccount& account_;
  std::shared_ptr<const PackFile> file_;
  GapCursor cursor_;
};

// The accounts of `settled`, in that order, from their rows.
class AccountBook {
 public:
  AccountBook(const StoreCore& core, const PackRows& rows, const GapVisitors& visitors)
      : core_(core), pack_rows_(rows), visitors_(visitors) {}

  Status read(std::span<const std::uint64_t> settled, index::RowSnapshot& rows) {
    ASSIGN_OR_RETURN(std::optional<index::ObjectRow> row, rows.next());
    for (const std::uint64_t pack : settled) {
      // Rows of packs that did not settle pass by.
      while (row && row->at.pack < pack) {
        ASSIGN_OR_RETURN(row, rows.next());
      }
      RETURN_IF_ERROR(read_pack(pack, row, rows));
    }
    return {};
  }

  std::vector<PackAccount> accounts;

 private:
  Status read_pack(std::uint64_t pack, std::optional<index::ObjectRow>& row,
                   index::RowSnapshot& rows) {
    PackAccount account{.pack = pack, .row = pack_rows_.at(pack)};
    ASSIGN_OR_RETURN(OpenedPack opened, open_any_pack(core_, pack));
    Accountant accountant(visitors_, account, std::move(opened));
    while (row && row->at.pack == pack) {
      RETURN_IF_ERROR(accountant.add(*row));
      ASSIGN_OR_RETURN(row, rows.next());
    }
    RETURN_IF_ERROR(accountant.finish());
    if (account.state == PackFileState::kAbsent) {
      ASSIGN_OR_RETURN(const auto now, core_.index->find_pack(pack));
      if (!same_entry(now, account.row)) return {};
    }
    accounts.push_back(std::move(account));
    return {};
  }

  const StoreCore& core_;
  const PackRows& pack_rows_;
  const GapVisitors& visitors_;
};

}  // namespace

Result<OpenedPack> open_any_pack(const StoreCore& core, std::uint64_t pack) {
  OpenedPack opened;
  auto found = core.packs.directory().find_file(pack_file_name(pack), io::OpenMode::kRead);
  if (!found) {
    if (found.error().code != ErrorCode::kCorrupt) return std::move(found).error();
    opened.state = PackFileState::kForeign;
    opened.problem = found.error().message;
    return opened;
  }
  if (!*found) return opened;
  std::unique_ptr<io::File> file = std::move(**found);
  ASSIGN_OR_RETURN(const io::FileInfo info, file->info());
  opened.file_bytes = info.size;
  opened.state = judge_header(*file, core.uuid, pack, opened.problem);
  opened.file = std::make_shared<const PackFile>(std::move(file), core.uuid, pack);
  return opened;
}

ByteRange GapCursor::advance(ByteRange record) {
  const ByteRange gap{end_, std::max(end_, record.start)};
  end_ = std::max({end_, record.start, record.end});
  return gap;
}

std::uint64_t PackAccount::damaged_bytes() const {
  std::uint64_t bytes = 0;
  for (const ByteRange& range : gaps.damaged) bytes += range.size();
  return bytes;
}

bool PackAccount::is_balanced() const {
  return row && row->dead_bytes == gaps.dead_bytes + damaged_bytes();
}

Finding about_pack(FindingKind kind, const PackAccount& account, std::uint64_t offset,
                   std::string message) {
  return {.kind = kind, .pack = account.pack, .offset = offset, .message = std::move(message)};
}

std::vector<Finding> find_imbalance(const PackAccount& account) {
  std::vector<Finding> findings;
  if (account.is_balanced()) return findings;
  for (const ByteRange& range : account.gaps.damaged) {
    findings.push_back(about_pack(
        FindingKind::kGapDamaged, account, range.start,
        fmt::format("pack {} at {}: {} bytes between records are neither a record nor counted as "
                    "dead",
                    account.pack, range.start, range.size())));
  }
  if (!findings.empty()) return findings;
  findings.push_back(
      about_pack(FindingKind::kDeadBytesWrong, account, 0,
                 fmt::format("pack {}: the index counts {} dead bytes, there are {}", account.pack,
                             account.row->dead_bytes, account.gaps.dead_bytes)));
  return findings;
}

bool same_entry(const std::optional<index::PackRow>& a, const std::optional<index::PackRow>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->state == b->state && a->indexed_bytes == b->indexed_bytes &&
         a->dead_bytes == b->dead_bytes;
}

Result<std::vector<PackAccount>> account_packs(const StoreCore& core,
                                               std::span<const std::uint64_t> packs,
                                               const BytesVisitor& on_bytes,
                                               const DeadRecordVisitor& on_record) {
  const GapVisitors visitors{on_bytes, on_record};
  std::vector<PackAccount> accounts;
  std::vector<std::uint64_t> open(packs.begin(), packs.end());
  std::sort(open.begin(), open.end());
  for (int attempt = 0; attempt < kAttempts && !open.empty(); ++attempt) {
    ASSIGN_OR_RETURN(const PackRows before, read_pack_rows(*core.index, open));
    ASSIGN_OR_RETURN(const auto rows, core.index->rows_in_pack_order(open));
    ASSIGN_OR_RETURN(const PackRows after, read_pack_rows(*core.index, open));
    std::vector<std::uint64_t> settled;
    std::vector<std::uint64_t> unsettled;
    for (const std::uint64_t pack : open) {
      (same_entry(before.at(pack), after.at(pack)) ? settled : unsettled).push_back(pack);
    }
    AccountBook book(core, after, visitors);
    RETURN_IF_ERROR(book.read(settled, *rows));
    std::move(book.accounts.begin(), book.accounts.end(), std::back_inserter(accounts));
    open = std::move(unsettled);
  }
  return accounts;
}

}  // namespace packstore::store
