// Opening a pack for reading:
// 1. A pack that is in the list of open ones moves to its front.
// 2. Otherwise the file is opened and its header checked, outside of the lock.
// 3. It enters the list at the front, unless another thread was faster; the last one drops out.
// 4. One that ends before the wanted record does is forgotten, and opened once more.
//
// Reading a record:
// 1. The range that the row claims must lie inside the file.
// 2. Header and stored bytes are read by one call.
// 3. The header must be sound for this place, and agree with the row in every field.
#include "store/pack_files.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/mistake.h"

namespace packstore::store {
namespace {

constexpr std::string_view kSuffix = ".pack";
constexpr std::size_t kDigitsMin = 10;
constexpr std::size_t kDigitsMax = 18;

using RecordHeader = std::array<std::byte, format::PackRecord::kHeaderSize>;

}  // namespace

std::string pack_file_name(std::uint64_t pack) { return fmt::format("{:010}{}", pack, kSuffix); }

std::optional<std::uint64_t> parse_pack_file_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, name.size() - kSuffix.size());
  if (digits.size() < kDigitsMin || digits.size() > kDigitsMax) return std::nullopt;
  std::uint64_t pack = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pack);
  if (error != std::errc() || end != digits.data() + digits.size() || pack == 0) {
    return std::nullopt;
  }
  // One number, one name: "00000000001.pack" is nobody's.
  if (pack_file_name(pack) != name) return std::nullopt;
  return pack;
}

Result<format::PackHeader> check_pack_header(const io::File& file, const format::Uuid& store,
                                             std::uint64_t pack) {
  std::array<std::byte, format::PackHeader::kSize> bytes;
  ASSIGN_OR_RETURN(const std::size_t count, file.read_at(0, bytes));
  if (count != bytes.size()) {
    return fail(ErrorCode::kCorrupt, "{}: {} bytes long, a pack header takes {}", file.path(),
                count, bytes.size());
  }
  Result<format::PackHeader> header = format::decode_pack_header(bytes);
  if (!header) return fail(header.error().code, "{}: {}", file.path(), header.error().message);
  if (header->store != store) {
    return fail(ErrorCode::kCorrupt, "{}: belongs to store {}, not to {}", file.path(),
                to_text(header->store), to_text(store));
  }
  if (header->pack != pack) {
    return fail(ErrorCode::kCorrupt, "{}: is pack {} by its header, not {}", file.path(),
                header->pack, pack);
  }
  return header;
}

bool has_no_header(const io::File& file) {
  std::array<std::byte, format::PackHeader::kSize> bytes{};
  const Result<std::size_t> count = file.read_at(0, bytes);
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  return count && (*count < bytes.size() || std::ranges::all_of(bytes, is_zero));
}

Status PackFile::check_inside(std::uint64_t offset, std::uint64_t length) const {
  if (fits(offset, length, known_size_.load(std::memory_order_relaxed))) return {};
  ASSIGN_OR_RETURN(const io::FileInfo info, file_->info());
  known_size_.store(info.size, std::memory_order_relaxed);
  if (fits(offset, length, info.size)) return {};
  return fail(ErrorCode::kCorrupt, "pack {} at {}: {} bytes claimed, the file ends at {}", pack_,
              offset, length, info.size);
}

Result<format::PackRecord> PackFile::check_record(
    std::span<const std::byte, format::PackRecord::kHeaderSize> header,
    const index::ObjectRow& row) const {
  ASSIGN_OR_RETURN(const format::PackRecord record,
                   format::decode_pack_record(header, place(row.at.offset)));
  if (!record.is_object() || record.id != row.id) {
    return fail(ErrorCode::kCorrupt, "pack {} at {}: the index says object {}, the record says {}",
                pack_, row.at.offset, row.id.to_hex(),
                record.is_object() ? record.id.to_hex() : "no object");
  }
  if (makes(Mistake::kTrustLength)) return record;
  if (record.stored_size != row.at.stored_size || record.size != row.at.size ||
      record.codec != row.at.codec) {
    return fail(ErrorCode::kCorrupt,
                "pack {} at {}: the index says {} bytes in {} ({}), the record says {} in {} ({})",
                pack_, row.at.offset, row.at.size, row.at.stored_size, to_string(row.at.codec),
                record.size, record.stored_size, to_string(record.codec));
  }
  return record;
}

Result<format::PackRecord> PackFile::read_header(const index::ObjectRow& row) const {
  return read_record(row, 0, {});
}

Result<format::PackRecord> PackFile::read_record(const index::ObjectRow& row, std::uint64_t from,
                                                 std::span<std::byte> stored) const {
  RETURN_IF_ERROR(check_inside(row.at.offset, record_bytes(row.at)));
  RecordHeader header;
  const std::array<std::span<std::byte>, 2> parts = {std::span<std::byte>(header), stored};
  const bool at_once = from == 0;
  ASSIGN_OR_RETURN(std::size_t count,
                   file_->read_at(row.at.offset, std::span(parts).first(at_once ? 2 : 1)));
  if (!at_once) {
    ASSIGN_OR_RETURN(const std::size_t more,
                     file_->read_at(row.at.offset + header.size() + from, stored));
    count += more;
  }
  if (count != header.size() + stored.size()) {
    return fail(ErrorCode::kCorrupt, "pack {} at {}: {} bytes claimed, {} there", pack_,
                row.at.offset, header.size() + stored.size(), count);
  }
  return check_record(header, row);
}

PackFiles::PackFiles(std::unique_ptr<io::Directory> directory, const format::Uuid& store,
                     std::size_t open_max)
    : directory_(std::move(directory)),
      store_(store),
      open_max_(std::max<std::size_t>(open_max, 1)) {}

Result<std::shared_ptr<const PackFile>> PackFiles::open(std::uint64_t pack) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_pack_.find(pack); found != by_pack_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return *found->second;
    }
  }
  ASSIGN_OR_RETURN(auto file, directory_->open_file(pack_file_name(pack), io::OpenMode::kRead));
  RETURN_IF_ERROR(check_pack_header(*file, store_, pack));
  auto opened = std::make_shared<const PackFile>(std::move(file), store_, pack);

  const std::lock_guard lock(mutex_);
  // Another thread may have opened it meanwhile: one entry stays.
  if (const auto found = by_pack_.find(pack); found != by_pack_.end()) return *found->second;
  recent_.push_front(opened);
  by_pack_[pack] = recent_.begin();
  if (recent_.size() > open_max_) {
    by_pack_.erase(recent_.back()->pack());
    recent_.pop_back();
  }
  return opened;
}

Result<std::shared_ptr<const PackFile>> PackFiles::open(const index::Location& at) const {
  ASSIGN_OR_RETURN(auto opened, open(at.pack));
  if (opened->check_inside(at.offset, record_bytes(at))) return opened;
  forget(at.pack);
  return open(at.pack);
}

void PackFiles::forget(std::uint64_t pack) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_pack_.find(pack);
  if (found == by_pack_.end()) return;
  recent_.erase(found->second);
  by_pack_.erase(found);
}

Result<std::vector<std::uint64_t>> PackFiles::list() const {
  std::vector<std::uint64_t> packs;
  ASSIGN_OR_RETURN(const auto names, io::list_names(*directory_, io::EntryKind::kFile));
  for (const std::string& name : names) {
    if (const auto pack = parse_pack_file_name(name)) packs.push_back(*pack);
  }
  std::sort(packs.begin(), packs.end());
  return packs;
}

}  // namespace packstore::store
