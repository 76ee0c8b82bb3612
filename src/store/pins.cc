#include "store/pins.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "format/pin_entry.h"
#include "io/lock.h"
#include "packstore/pin.h"
#include "store/ref_moves.h"
#include "store/sessions.h"
#include "store/store_core.h"
#include "store/unlinks.h"

namespace packstore {

class Pin::Impl {
 public:
  Impl(store::StoreCore& core, store::PinFile file) : core_(core), file_(std::move(file)) {}

  Status add(std::span<const Link> links) {
    RETURN_IF_ERROR(core_.check_home());
    for (const Link& link : links) RETURN_IF_ERROR(store::check_kind(link));
    ASSIGN_OR_RETURN(const io::HeldLock session, store::begin_session(*core_.locks, "pin"));
    // Nobody removes anything within a session. What a removal before it was to take goes now, or
    // will never: contains() would find what turns out to be removed, or still to be unlinked.
    RETURN_IF_ERROR(core_.index->check_writable());
    RETURN_IF_ERROR(store::finish_unlinks(core_));
    return file_.add(links);
  }

 private:
  store::StoreCore& core_;
  store::PinFile file_;
};

Pin::Pin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pin::Pin(Pin&&) noexcept = default;
Pin& Pin::operator=(Pin&&) noexcept = default;
Pin::~Pin() = default;

Result<Pin> Pin::begin(store::StoreCore& core) {
  RETURN_IF_ERROR(core.check_home());
  ASSIGN_OR_RETURN(store::PinFile file, store::PinFile::create(core.sandbox));
  return Pin(std::make_unique<Impl>(core, std::move(file)));
}

Status Pin::add(std::span<const Link> links) { return impl_->add(links); }

namespace store {
namespace {

// How the names of pin files begin.
constexpr std::string_view kPinKind = "pin";
constexpr std::size_t kEntriesAtOnce = 1024;

Status read_pin(const io::File& file, const PinVisitor& visit) {
  Bytes buffer(kEntriesAtOnce * format::kPinEntrySize);
  for (std::uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::size_t count, file.read_at(offset, std::span<std::byte>(buffer)));
    // Half an entry is one that is just being added.
    const std::size_t entries = count / format::kPinEntrySize;
    for (std::size_t i = 0; i < entries; ++i) {
      const auto entry = std::span<const std::byte>(buffer).subspan(i * format::kPinEntrySize);
      ASSIGN_OR_RETURN(const Link link,
                       format::decode_pin_entry(entry.first<format::kPinEntrySize>()));
      RETURN_IF_ERROR(visit(link));
    }
    if (entries < kEntriesAtOnce) return {};
    offset += count;
  }
}

}  // namespace

Result<PinFile> PinFile::create(Sandbox& sandbox) {
  ASSIGN_OR_RETURN(SandboxFile file, sandbox.create(kPinKind));
  return PinFile(std::move(file));
}

Status PinFile::add(std::span<const Link> links) {
  Bytes entries;
  entries.reserve(links.size() * format::kPinEntrySize);
  for (const Link& link : links) {
    const auto entry = format::encode(link);
    entries.insert(entries.end(), entry.begin(), entry.end());
  }
  RETURN_IF_ERROR(file_.file().write_at(size_, entries));
  size_ += entries.size();
  return {};
}

Status for_each_pinned(const StoreCore& core, const PinVisitor& visit) {
  const io::Directory& sandbox = core.sandbox.directory();
  ASSIGN_OR_RETURN(const auto names, io::list_names(sandbox, io::EntryKind::kFile));
  for (const std::string& name : names) {
    if (!name.starts_with(kPinKind)) continue;
    ASSIGN_OR_RETURN(const auto file, sandbox.find_file(name, io::OpenMode::kRead));
    if (!file) continue;  // Dropped meanwhile.
    ASSIGN_OR_RETURN(const bool owner_is_gone, (*file)->try_lock(io::LockKind::kShared));
    if (!owner_is_gone) RETURN_IF_ERROR(read_pin(**file, visit));
  }
  return {};
}

}  // namespace store
}  // namespace packstore
