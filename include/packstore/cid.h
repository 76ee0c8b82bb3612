// Content identifiers: the names that links and other IPLD programs use.
//
// An object is named by the SHA-256 of its bytes; a CID adds what the bytes are to whoever follows
// links. So one object can have several CIDs, and an ObjectId and a NodeKind make one.
//
// Formats: https://github.com/multiformats/cid (CID), /multihash, /multibase, /unsigned-varint.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "packstore/bytes.h"
#include "packstore/export.h"
#include "packstore/node_kind.h"
#include "packstore/object_id.h"
#include "packstore/result.h"

namespace packstore {

// How the bytes of a CID of version 1 become text.
enum class Multibase : std::uint8_t {
  kBase32,  // "b" and RFC 4648 base32 in lower case without padding: what everybody writes.
  kBase58,  // "z" and base58btc.
  kBase16,  // "f" and lower-case hexadecimal digits.
};

// A value. Version 0 is the bare SHA-256 of a DAG-PB node; version 1 says codec and hash. CIDs of
// any codec and hash are read and written as they are, because nodes of others hold such links; a
// store holds the ones that have an object_id().
//
// Two CIDs are equal when their bytes are: version 0 and version 1 of one node differ. The order is
// that of the bytes, as unsigned numbers.
//
// Thread safety: as any value.
class PACKSTORE_EXPORT Cid {
 public:
  // What is accepted: digests up to 128 bytes, as IPFS does (boxo, package verifcid).
  static constexpr std::size_t kDigestSizeMax = 128;
  // Version, codec and hash take at most 1, 9 and 9 bytes, the length of the digest 2.
  static constexpr std::size_t kSizeMax = 1 + 9 + 9 + 2 + kDigestSizeMax;
  static constexpr std::size_t kTextSizeMax = 1 + 2 * kSizeMax;

  // Version 1, SHA-256.
  static Cid of(NodeKind kind, const ObjectId& id);
  // Version 0: `id` is that of a DAG-PB node.
  static Cid version_0_of(const ObjectId& id);
  // The raw CID of the object with these 64 hexadecimal digits; errors as ObjectId::parse().
  static Result<Cid> of_object_text(std::string_view hex);

  // Reads "Qm..." (version 0), "b...", "z..." and "f..." (version 1), and nothing that the text of
  // the same CID would not be: no upper case, no padding, no bits left over.
  //
  // kInvalidArgument: not such a text; the message says what is wrong where.
  static Result<Cid> parse(std::string_view text);

  // Reads exactly `bytes`. Numbers must have their shortest form.
  //
  // kCorrupt: not a CID, or bytes are left over. kUnsupported: a version after 1.
  static Result<Cid> decode(ByteView bytes);
  // Reads the CID that `rest` starts with, and moves the start of `rest` behind it. Errors as
  // decode(), and then `rest` is as it was.
  static Result<Cid> decode_front(ByteView& rest);

  std::uint64_t version() const { return version_; }
  // Numbers of the multicodec table.
  std::uint64_t codec() const { return codec_; }
  std::uint64_t hash_code() const;
  // A loan from this CID.
  ByteView digest() const;

  // How to find links in the object; nullopt for a codec that this library does not read.
  std::optional<NodeKind> kind() const;
  // What a store calls the object; nullopt where the hash is not SHA-256.
  std::optional<ObjectId> object_id() const;
  // The content itself, a loan from this CID, where the "hash" is the identity; nullopt otherwise.
  std::optional<ByteView> inline_content() const;

  std::size_t encoded_size() const;
  void append_to(Bytes& out) const;
  Bytes encode() const;

  // Version 0 has one text only, in base58 without a prefix; `base` is for version 1.
  std::string to_text(Multibase base = Multibase::kBase32) const;

  friend bool operator==(const Cid&, const Cid&) = default;
  PACKSTORE_EXPORT friend std::strong_ordering operator<=>(const Cid& a, const Cid& b);

 private:
  Cid(std::uint8_t version, std::uint64_t codec, const ObjectId& id)
      : codec_(codec), id_(id), version_(version) {}

  std::uint64_t codec_;
  // Where the hash is SHA-256 of 32 bytes: the digest. Zeros otherwise.
  ObjectId id_;
  // Of any other hash: its code, the length of the digest and the digest, encoded.
  Bytes other_multihash_;
  std::uint8_t version_;
};

}  // namespace packstore

template <>
struct std::hash<packstore::Cid> {
  std::size_t operator()(const packstore::Cid& cid) const noexcept {
    const packstore::ByteView digest = cid.digest();
    return std::hash<std::string_view>()(packstore::as_text(digest)) ^ cid.codec();
  }
};
