// 1. Bytes: version 0 starts with 0x12 0x20, the multihash of SHA-256, and is nothing but that.
//    Version 1 is the numbers version and codec, then a multihash: the numbers hash and length,
//    then the digest.
// 2. Text: the first character says the base, except that version 0 is 46 characters "Qm..." of
//    base58 without one. No base lets two texts mean the same, so a CID has one text in each.
#include "packstore/cid.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"
#include "dag/multibase.h"
#include "dag/varint.h"

namespace packstore {
namespace {

constexpr std::uint64_t kIdentity = 0x00;
constexpr std::uint64_t kSha256 = 0x12;
constexpr std::size_t kVersion0Size = 2 + ObjectId::kSize;
constexpr std::size_t kVersion0TextSize = 46;

std::uint64_t codec_of(NodeKind kind) { return static_cast<std::uint64_t>(kind); }

bool starts_as_version_0(ByteView bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x12} && bytes[1] == std::byte{0x20};
}

Result<std::uint64_t> take_number(ByteView& rest, std::string_view what) {
  const std::optional<std::uint64_t> number =
      dag::take_varint(rest, dag::kMultiformatVarintSizeMax);
  if (!number) {
    return fail(ErrorCode::kCorrupt, "CID: {} is no number in shortest form of at most {} bytes",
                what, dag::kMultiformatVarintSizeMax);
  }
  return *number;
}

Result<Bytes> from_multibase(std::string_view text) {
  const std::string_view digits = text.substr(1);
  std::optional<Bytes> bytes;
  switch (text.front()) {
    case 'b':
      bytes = dag::from_base32(digits);
      break;
    case 'z':
      bytes = dag::from_base58(digits);
      break;
    case 'f':
      bytes.emplace(digits.size() / 2);
      if (!from_hex(digits, *bytes)) bytes.reset();
      break;
    default:
      return fail(ErrorCode::kInvalidArgument,
                  "CID \"{}\": starts neither with \"Qm\" nor with one of b, z, f", text);
  }
  if (!bytes) {
    return fail(ErrorCode::kInvalidArgument,
                "CID \"{}\": what follows the \"{}\" is not of that base", text, text.front());
  }
  return *std::move(bytes);
}

Error not_a_cid_text(std::string_view text, const Error& reason) {
  return fail(ErrorCode::kInvalidArgument, "CID \"{}\": {}", text, reason.message);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Cid Cid::of(NodeKind kind, const ObjectId& id) { return {1, codec_of(kind), id}; }

Cid Cid::version_0_of(const ObjectId& id) { return {0, codec_of(NodeKind::kDagPb), id}; }

Result<Cid> Cid::of_object_text(std::string_view hex) {
  ASSIGN_OR_RETURN(const ObjectId id, ObjectId::parse(hex));
  return of(NodeKind::kRaw, id);
}

Result<Cid> Cid::parse(std::string_view text) {
  if (text.empty() || text.size() > kTextSizeMax) {
    return fail(ErrorCode::kInvalidArgument, "CID of {} characters: limits 1 and {}", text.size(),
                kTextSizeMax);
  }
  if (!is_printable(text)) {
    return fail(ErrorCode::kInvalidArgument,
                "CID of {} characters: one of them is none of any base", text.size());
  }
  if (text.starts_with("Qm")) {
    const std::optional<Bytes> bytes = dag::from_base58(text);
    if (text.size() != kVersion0TextSize || !bytes || bytes->size() != kVersion0Size ||
        !starts_as_version_0(*bytes)) {
      return fail(ErrorCode::kInvalidArgument,
                  "CID \"{}\": version 0 is {} characters of base58 for a SHA-256", text,
                  kVersion0TextSize);
    }
    return decode(*bytes);
  }
  ASSIGN_OR_RETURN(const Bytes bytes, from_multibase(text));
  if (starts_as_version_0(bytes)) {
    return fail(ErrorCode::kInvalidArgument, "CID \"{}\": version 0 has no prefix", text);
  }
  Result<Cid> cid = decode(bytes);
  if (!cid) return not_a_cid_text(text, cid.error());
  return cid;
}

Result<Cid> Cid::decode(ByteView bytes) {
  ASSIGN_OR_RETURN(Cid cid, decode_front(bytes));
  if (!bytes.empty()) {
    return fail(ErrorCode::kCorrupt, "CID: {} bytes left over", bytes.size());
  }
  return cid;
}

Result<Cid> Cid::decode_front(ByteView& rest) {
  ByteView from = rest;
  std::uint64_t version = 0;
  std::uint64_t codec = codec_of(NodeKind::kDagPb);
  if (!starts_as_version_0(from)) {
    ASSIGN_OR_RETURN(version, take_number(from, "the version"));
    if (version > 1) return fail(ErrorCode::kUnsupported, "CID of version {}: limit 1", version);
    if (version == 0) return fail(ErrorCode::kCorrupt, "CID: version 0 is a bare SHA-256");
    ASSIGN_OR_RETURN(codec, take_number(from, "the codec"));
  }
  const ByteView multihash = from;
  ASSIGN_OR_RETURN(const std::uint64_t hash, take_number(from, "the hash"));
  ASSIGN_OR_RETURN(const std::uint64_t size, take_number(from, "the length of the digest"));
  if (size > kDigestSizeMax || size > from.size()) {
    return fail(ErrorCode::kCorrupt, "CID: the digest claims {} bytes, limit {}, {} follow", size,
                kDigestSizeMax, from.size());
  }
  const auto digest_size = static_cast<std::size_t>(size);
  Cid cid(static_cast<std::uint8_t>(version), codec, ObjectId());
  if (hash == kSha256 && size == ObjectId::kSize) {
    std::ranges::copy(from.first(digest_size), cid.id_.bytes.begin());
  } else {
    cid.other_multihash_.assign(multihash.data(), from.data() + digest_size);
  }
  rest = from.subspan(digest_size);
  return cid;
}

std::uint64_t Cid::hash_code() const {
  ByteView multihash = other_multihash_;
  if (multihash.empty()) return kSha256;
  return dag::take_varint(multihash, dag::kMultiformatVarintSizeMax).value_or(kIdentity);
}

ByteView Cid::digest() const {
  if (other_multihash_.empty()) return id_.bytes;
  ByteView multihash = other_multihash_;
  const auto code = dag::take_varint(multihash, dag::kMultiformatVarintSizeMax);
  const auto size = dag::take_varint(multihash, dag::kMultiformatVarintSizeMax);
  PACKSTORE_CHECK(code && size && *size == multihash.size());
  return multihash;
}

std::optional<NodeKind> Cid::kind() const {
  for (const NodeKind kind : {NodeKind::kRaw, NodeKind::kDagPb, NodeKind::kDagCbor}) {
    if (codec_ == codec_of(kind)) return kind;
  }
  return std::nullopt;
}

std::optional<ObjectId> Cid::object_id() const {
  if (!other_multihash_.empty()) return std::nullopt;
  return id_;
}

std::optional<ByteView> Cid::inline_content() const {
  if (hash_code() != kIdentity) return std::nullopt;
  return digest();
}

std::size_t Cid::encoded_size() const {
  const std::size_t prefix =
      version_ == 0 ? 0 : dag::varint_size(version_) + dag::varint_size(codec_);
  const std::size_t multihash = other_multihash_.empty() ? kVersion0Size : other_multihash_.size();
  return prefix + multihash;
}

void Cid::append_to(Bytes& out) const {
  if (version_ != 0) {
    dag::append_varint(out, version_);
    dag::append_varint(out, codec_);
  }
  if (other_multihash_.empty()) {
    dag::append_varint(out, kSha256);
    dag::append_varint(out, ObjectId::kSize);
    out.insert(out.end(), id_.bytes.begin(), id_.bytes.end());
  } else {
    out.insert(out.end(), other_multihash_.begin(), other_multihash_.end());
  }
}

Bytes Cid::encode() const {
  Bytes bytes;
  bytes.reserve(encoded_size());
  append_to(bytes);
  return bytes;
}

std::string Cid::to_text(Multibase base) const {
  const Bytes bytes = encode();
  if (version_ == 0) return dag::to_base58(bytes);
  switch (base) {
    case Multibase::kBase58:
      return "z" + dag::to_base58(bytes);
    case Multibase::kBase16:
      return "f" + to_hex(bytes);
    case Multibase::kBase32:
      break;
  }
  return "b" + dag::to_base32(bytes);
}

std::strong_ordering operator<=>(const Cid& a, const Cid& b) {
  const bool differ_in_digest_only =
      a.version_ == b.version_ && a.codec_ == b.codec_ && a.object_id() && b.object_id();
  if (differ_in_digest_only) return a.id_ <=> b.id_;
  const Bytes left = a.encode();
  const Bytes right = b.encode();
  return as_text(left).compare(as_text(right)) <=> 0;
}

}  // namespace packstore
