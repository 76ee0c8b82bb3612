// 1. An item is a head, one byte of which 3 bits say the major type and 5 the argument or how many
//    bytes of argument follow, and for strings as many bytes as the argument says.
// 2. The reader keeps a stack of the lists and maps whose items are not all read. It counts down
//    what is left, tells keys from values, and compares each key with the one before.
// 3. A count is at most the number of bytes that are left, so it costs nothing to believe it.
// 4. Trees are built and encoded by recursion, whose depth both sides limit.
#include "dag/dag_cbor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"

namespace packstore::dag {
namespace {

enum Major : unsigned {
  kUnsigned = 0,
  kNegative = 1,
  kBytes = 2,
  kText = 3,
  kList = 4,
  kMap = 5,
  kTag = 6,
  kSimple = 7,
};

constexpr unsigned kFalse = 20;
constexpr unsigned kTrue = 21;
constexpr unsigned kNull = 22;
constexpr unsigned kFloat64 = 27;
constexpr std::uint64_t kLinkTag = 42;

// In network byte order.
std::uint64_t load_number(ByteView bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

void append_number(Bytes& out, std::uint64_t number, std::size_t size) {
  while (size-- > 0) out.push_back(static_cast<std::byte>(number >> (8 * size)));
}

// The bytes that the shortest head has for its argument: 0, 1, 2, 4 or 8.
std::size_t argument_size(std::uint64_t argument) {
  if (argument < 24) return 0;
  return std::bit_ceil((static_cast<std::size_t>(std::bit_width(argument)) + 7) / 8);
}

}  // namespace

struct CborReader::Head {
  unsigned major = 0;
  unsigned info = 0;
  std::uint64_t argument = 0;
};

Error CborReader::broken(std::string_view claim) const {
  return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: {}", item_offset_, claim);
}

Result<CborReader::Head> CborReader::read_head() {
  if (offset_ == bytes_.size()) return broken("an item is missing");
  const auto first = std::to_integer<unsigned>(bytes_[offset_++]);
  Head head{.major = first >> 5, .info = first & 31, .argument = first & 31};
  if (head.info < 24) return head;
  if (head.info == 31) return broken("indefinite length, or the end of one");
  if (head.info > 27) return broken("a head that CBOR keeps in reserve");
  const std::size_t size = std::size_t{1} << (head.info - 24);
  if (size > bytes_.size() - offset_) return broken("the head is cut off");
  head.argument = load_number(bytes_.subspan(offset_, size));
  offset_ += size;
  // Behind this type a float may follow; its bits are no number that has a shortest form.
  if (head.major != kSimple && argument_size(head.argument) != size) {
    return broken("a number or length not in its shortest form");
  }
  return head;
}

Result<ByteView> CborReader::read_string(std::uint64_t size) {
  const std::size_t left = bytes_.size() - offset_;
  if (size > left) {
    return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: a string claims {} bytes, {} are left",
                item_offset_, size, left);
  }
  const ByteView string = bytes_.subspan(offset_, static_cast<std::size_t>(size));
  offset_ += string.size();
  return string;
}

Result<CborItem> CborReader::next() {
  item_offset_ = offset_;
  if (is_done()) return broken("the node has no further item");
  ASSIGN_OR_RETURN(const Head head, read_head());
  RETURN_IF_ERROR(take_place(head));
  ASSIGN_OR_RETURN(CborItem item, read_item(head));
  close_full();
  return item;
}

// Counts the item that begins, and finds out whether it is a key.
Status CborReader::take_place(const Head& head) {
  has_begun_ = true;
  at_key_ = false;
  if (open_.empty()) return {};
  Open& parent = open_.back();
  PACKSTORE_CHECK(parent.left > 0);
  --parent.left;
  if (!parent.is_map) return {};
  at_key_ = !parent.has_key;
  parent.has_key = at_key_;
  if (at_key_ && head.major != kText) return broken("a map key that is no text");
  return {};
}

void CborReader::close_full() {
  while (!open_.empty() && open_.back().left == 0) open_.pop_back();
}

Result<CborItem> CborReader::read_item(const Head& head) {
  switch (head.major) {
    case kUnsigned:
    case kNegative:
      return CborItem(CborInteger{head.argument, head.major == kNegative});
    case kBytes: {
      ASSIGN_OR_RETURN(const ByteView bytes, read_string(head.argument));
      return CborItem(bytes);
    }
    case kText:
      return read_text(head);
    case kList:
    case kMap:
      return open(head);
    case kTag:
      return read_link(head);
    default:
      return read_simple(head);
  }
}

Result<CborItem> CborReader::read_text(const Head& head) {
  ASSIGN_OR_RETURN(const ByteView bytes, read_string(head.argument));
  const std::string_view text = as_text(bytes);
  if (!is_utf8(text)) return broken("text that is no UTF-8");
  if (at_key_) RETURN_IF_ERROR(check_key(text));
  return CborItem(text);
}

Status CborReader::check_key(std::string_view key) {
  Open& map = open_.back();
  // No view of the input has a null pointer: so the first key is told from an empty one.
  const bool is_first = map.last_key.data() == nullptr;
  if (!is_first && key == map.last_key) return broken("the same map key again");
  if (!is_first && !CborKeyLess()(map.last_key, key)) return broken("map keys out of order");
  map.last_key = key;
  return {};
}

Result<CborItem> CborReader::open(const Head& head) {
  const bool is_map = head.major == kMap;
  const std::size_t left = bytes_.size() - offset_;
  const std::uint64_t count_max = is_map ? left / 2 : left;
  if (head.argument > count_max) {
    return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: claims {} items, {} bytes are left",
                item_offset_, head.argument, left);
  }
  if (open_.size() == kCborDepthMax) {
    return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: deeper than {} lists and maps",
                item_offset_, kCborDepthMax);
  }
  open_.push_back({.left = is_map ? 2 * head.argument : head.argument, .is_map = is_map});
  if (is_map) return CborItem(CborMapHead{head.argument});
  return CborItem(CborListHead{head.argument});
}

Result<CborItem> CborReader::read_link(const Head& head) {
  if (head.argument != kLinkTag) {
    return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: tag {}, only {} is allowed",
                item_offset_, head.argument, kLinkTag);
  }
  ASSIGN_OR_RETURN(const Head string, read_head());
  if (string.major != kBytes) return broken("a link that is no byte string");
  ASSIGN_OR_RETURN(const ByteView bytes, read_string(string.argument));
  if (bytes.empty() || bytes.front() != std::byte{0}) return broken("a link without its 0 byte");
  Result<Cid> cid = Cid::decode(bytes.subspan(1));
  if (!cid) return broken("a link: " + cid.error().message);
  return CborItem(*std::move(cid));
}

Result<CborItem> CborReader::read_simple(const Head& head) {
  switch (head.info) {
    case kFalse:
    case kTrue:
      return CborItem(head.info == kTrue);
    case kNull:
      return CborItem(CborNull{});
    case kFloat64: {
      const auto real = std::bit_cast<double>(head.argument);
      if (!std::isfinite(real)) return broken("a float that is not finite");
      return CborItem(real);
    }
    default:
      return broken("a float of fewer than 64 bits, or a value that is not false, true or null");
  }
}

Status CborReader::finish() const {
  if (!is_done()) {
    return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: items are missing", offset_);
  }
  if (offset_ == bytes_.size()) return {};
  return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: {} bytes behind the node", offset_,
              bytes_.size() - offset_);
}

template <typename T>
Result<T> CborReader::next_as(std::string_view what, std::string_view type) {
  // Moved out of the result once: gcc 12 takes a second move for a use of what is not there.
  Result<CborItem> item = next();
  if (!item) return std::move(item).error();
  if (T* value = std::get_if<T>(&*item)) return std::move(*value);
  return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: {} is not {}", item_offset_, what, type);
}

Result<std::uint64_t> CborReader::next_unsigned(std::string_view what) {
  ASSIGN_OR_RETURN(const CborInteger integer, next_as<CborInteger>(what, "an unsigned integer"));
  if (!integer.is_negative) return integer.argument;
  return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: {} is negative", item_offset_, what);
}

Result<ByteView> CborReader::next_bytes(std::string_view what) {
  return next_as<ByteView>(what, "a byte string");
}

Result<std::string_view> CborReader::next_text(std::string_view what) {
  return next_as<std::string_view>(what, "text");
}

Result<Cid> CborReader::next_link(std::string_view what) { return next_as<Cid>(what, "a link"); }

Result<std::uint64_t> CborReader::next_list(std::string_view what) {
  ASSIGN_OR_RETURN(const CborListHead head, next_as<CborListHead>(what, "a list"));
  return head.count;
}

Result<std::uint64_t> CborReader::next_map(std::string_view what) {
  ASSIGN_OR_RETURN(const CborMapHead head, next_as<CborMapHead>(what, "a map"));
  return head.count;
}

Status CborReader::expect_key(std::string_view key) {
  ASSIGN_OR_RETURN(const std::string_view found, next_text(key));
  if (found == key) return {};
  return fail(ErrorCode::kCorrupt, "DAG-CBOR at byte {}: not the key \"{}\"", item_offset_, key);
}

void CborWriter::head(unsigned major, std::uint64_t argument) {
  const std::size_t size = argument_size(argument);
  const unsigned info = size == 0 ? static_cast<unsigned>(argument)
                                  : 24 + static_cast<unsigned>(std::countr_zero(size));
  out_.push_back(static_cast<std::byte>(major << 5 | info));
  append_number(out_, argument, size);
}

void CborWriter::null() { head(kSimple, kNull); }

void CborWriter::boolean(bool value) { head(kSimple, value ? kTrue : kFalse); }

void CborWriter::integer(const CborInteger& value) {
  head(value.is_negative ? kNegative : kUnsigned, value.argument);
}

void CborWriter::real(double value) {
  out_.push_back(static_cast<std::byte>(kSimple << 5 | kFloat64));
  append_number(out_, std::bit_cast<std::uint64_t>(value), sizeof value);
}

void CborWriter::bytes(ByteView value) {
  head(kBytes, value.size());
  out_.insert(out_.end(), value.begin(), value.end());
}

void CborWriter::text(std::string_view value) {
  head(kText, value.size());
  const ByteView bytes = as_bytes(value);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void CborWriter::link(const Cid& value) {
  head(kTag, kLinkTag);
  head(kBytes, 1 + value.encoded_size());
  out_.push_back(std::byte{0});
  value.append_to(out_);
}

void CborWriter::list(std::uint64_t count) { head(kList, count); }

void CborWriter::map(std::uint64_t count) { head(kMap, count); }

namespace {

Result<CborValue> build(CborReader& reader);

Result<CborValue> build_list(CborReader& reader, std::uint64_t count) {
  CborList list;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(CborValue value, build(reader));
    list.push_back(std::move(value));
  }
  return CborValue{std::move(list)};
}

Result<CborValue> build_map(CborReader& reader, std::uint64_t count) {
  CborMap map;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view key, reader.next_text("a map key"));
    ASSIGN_OR_RETURN(CborValue value, build(reader));
    map.push_back({std::string(key), std::move(value)});
  }
  return CborValue{std::move(map)};
}

// Owns what an item lends.
struct ScalarOf {
  CborValue operator()(ByteView bytes) const { return {Bytes(bytes.begin(), bytes.end())}; }
  CborValue operator()(std::string_view text) const { return {std::string(text)}; }
  CborValue operator()(const CborListHead&) const { return {CborList()}; }
  CborValue operator()(const CborMapHead&) const { return {CborMap()}; }
  template <typename T>
  CborValue operator()(const T& value) const {
    return {value};
  }
};

// The reader limits how deep this goes.
Result<CborValue> build(CborReader& reader) {
  ASSIGN_OR_RETURN(const CborItem item, reader.next());
  if (const auto* list = std::get_if<CborListHead>(&item)) return build_list(reader, list->count);
  if (const auto* map = std::get_if<CborMapHead>(&item)) return build_map(reader, map->count);
  return std::visit(ScalarOf(), item);
}

Error not_encodable(std::string_view claim) {
  return fail(ErrorCode::kInvalidArgument, "DAG-CBOR: {}", claim);
}

// Writes one value of a tree; the tree may hold anything that its types allow.
class TreeEncoder {
 public:
  explicit TreeEncoder(Bytes& out) : writer_(out) {}

  Status encode(const CborValue& value) { return std::visit(*this, value.is); }

  Status operator()(const CborNull&) {
    writer_.null();
    return {};
  }
  Status operator()(bool value) {
    writer_.boolean(value);
    return {};
  }
  Status operator()(const CborInteger& value) {
    writer_.integer(value);
    return {};
  }
  Status operator()(double value) {
    if (!std::isfinite(value)) return not_encodable("a float that is not finite");
    writer_.real(value);
    return {};
  }
  Status operator()(const Bytes& value) {
    writer_.bytes(value);
    return {};
  }
  Status operator()(const std::string& value) {
    if (!is_utf8(value)) return not_encodable("text that is no UTF-8");
    writer_.text(value);
    return {};
  }
  Status operator()(const Cid& value) {
    writer_.link(value);
    return {};
  }
  Status operator()(const CborList& list);
  Status operator()(const CborMap& map);

 private:
  Status enter();

  CborWriter writer_;
  std::size_t depth_ = 0;
};

Status TreeEncoder::enter() {
  if (depth_ == kCborDepthMax) {
    return fail(ErrorCode::kInvalidArgument, "DAG-CBOR: deeper than {} lists and maps",
                kCborDepthMax);
  }
  ++depth_;
  return {};
}

Status TreeEncoder::operator()(const CborList& list) {
  RETURN_IF_ERROR(enter());
  writer_.list(list.size());
  for (const CborValue& value : list) RETURN_IF_ERROR(encode(value));
  --depth_;
  return {};
}

Status TreeEncoder::operator()(const CborMap& map) {
  RETURN_IF_ERROR(enter());
  std::vector<const CborEntry*> entries;
  entries.reserve(map.size());
  for (const CborEntry& entry : map) entries.push_back(&entry);
  std::ranges::sort(entries, CborKeyLess(), &CborEntry::key);
  const auto same = std::ranges::adjacent_find(
      entries, [](const CborEntry* a, const CborEntry* b) { return a->key == b->key; });
  if (same != entries.end()) return not_encodable("the map key \"" + (*same)->key + "\" twice");
  writer_.map(entries.size());
  for (const CborEntry* entry : entries) {
    RETURN_IF_ERROR((*this)(entry->key));
    RETURN_IF_ERROR(encode(entry->value));
  }
  --depth_;
  return {};
}

}  // namespace

Result<CborValue> decode_cbor(ByteView bytes) {
  CborReader reader(bytes);
  ASSIGN_OR_RETURN(CborValue value, build(reader));
  RETURN_IF_ERROR(reader.finish());
  return value;
}

Result<Bytes> encode_cbor(const CborValue& value) {
  Bytes bytes;
  RETURN_IF_ERROR(TreeEncoder(bytes).encode(value));
  return bytes;
}

}  // namespace packstore::dag
