// DAG-CBOR, strict: every value has exactly one encoding, and nothing else is accepted.
//
// Rules (https://ipld.io/specs/codecs/dag-cbor/spec/): shortest form of every number and length; no
// indefinite lengths; map keys are text, sorted by length, then by bytes, without duplicates; the
// only tag is 42, a link: a byte string of 0 and a CID; floats have 64 bits and are finite; of the
// simple values only false, true, null; text is UTF-8; one item, nothing behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "packstore/bytes.h"
#include "packstore/cid.h"
#include "packstore/result.h"

namespace packstore::dag {

// How deep lists and maps may stand in each other. Nodes of this library need 3.
inline constexpr std::size_t kCborDepthMax = 128;

// -2^64 to 2^64 - 1.
struct CborInteger {
  // The number, or -1 - the number where that is negative.
  std::uint64_t argument = 0;
  bool is_negative = false;

  friend bool operator==(const CborInteger&, const CborInteger&) = default;
};

struct CborNull {
  friend bool operator==(const CborNull&, const CborNull&) = default;
};

// The order of the keys of a map.
struct CborKeyLess {
  bool operator()(std::string_view a, std::string_view b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

// The head of a list or map. `count` items follow, or as many keys with a value behind each.
struct CborListHead {
  std::uint64_t count = 0;
};
struct CborMapHead {
  std::uint64_t count = 0;
};

// What a reader meets. Views are loans from the bytes that are read.
using CborItem = std::variant<CborNull, bool, CborInteger, double, ByteView, std::string_view, Cid,
                              CborListHead, CborMapHead>;

// Reads a node item by item, front to back, without building anything. It checks all rules, those
// of maps too: what it has given out so far is a strict prefix.
//
// Errors of every method: kCorrupt, with offset, claim and limit. After an error it is of no use.
class CborReader {
 public:
  // The bytes outlive the reader.
  explicit CborReader(ByteView bytes) : bytes_(bytes) {}

  Result<CborItem> next();

  // The next item, which must be of that type. `what` names it in messages.
  Result<std::uint64_t> next_unsigned(std::string_view what);
  Result<ByteView> next_bytes(std::string_view what);
  Result<std::string_view> next_text(std::string_view what);
  Result<Cid> next_link(std::string_view what);
  // How many items follow.
  Result<std::uint64_t> next_list(std::string_view what);
  // How many keys follow, each with its value.
  Result<std::uint64_t> next_map(std::string_view what);
  // The next item, which must be the text `key`.
  Status expect_key(std::string_view key);

  // True once the one item of the node, with everything in it, was given out.
  bool is_done() const { return has_begun_ && open_.empty(); }
  // That is so, and no byte is left.
  Status finish() const;

 private:
  // A list or map whose items are not all read.
  struct Open {
    std::uint64_t left = 0;  // Items; keys and values both count.
    bool is_map = false;
    bool has_key = false;
    std::string_view last_key = {};
  };
  struct Head;

  Result<Head> read_head();
  Result<ByteView> read_string(std::uint64_t size);
  Result<CborItem> read_item(const Head& head);
  Result<CborItem> read_simple(const Head& head);
  Result<CborItem> read_link(const Head& head);
  Result<CborItem> read_text(const Head& head);
  Result<CborItem> open(const Head& head);
  Status take_place(const Head& head);
  Status check_key(std::string_view key);
  void close_full();
  Error broken(std::string_view claim) const;
  template <typename T>
  Result<T> next_as(std::string_view what, std::string_view type);

  ByteView bytes_;
  std::size_t offset_ = 0;
  std::size_t item_offset_ = 0;
  bool has_begun_ = false;
  bool at_key_ = false;
  std::vector<Open> open_;
};

// Appends items to `out`. The caller writes as many items as it said, keys in their order, text
// that is UTF-8 and floats that are finite; a CborReader finds out who does not.
class CborWriter {
 public:
  explicit CborWriter(Bytes& out) : out_(out) {}

  void null();
  void boolean(bool value);
  void integer(const CborInteger& value);
  void number(std::uint64_t value) { integer({.argument = value}); }
  void real(double value);
  void bytes(ByteView value);
  void text(std::string_view value);
  void link(const Cid& value);
  void list(std::uint64_t count);
  void map(std::uint64_t count);

 private:
  void head(unsigned major, std::uint64_t argument);

  Bytes& out_;
};

struct CborValue;
struct CborEntry;
using CborList = std::vector<CborValue>;
// In the order of CborKeyLess when decoded; in any order to be encoded.
using CborMap = std::vector<CborEntry>;

// A whole node as a tree, for nodes of unknown shape.
struct CborValue {
  std::variant<CborNull, bool, CborInteger, double, Bytes, std::string, Cid, CborList, CborMap> is;
};
struct CborEntry {
  std::string key;
  CborValue value;
};

// kCorrupt: not strict DAG-CBOR, or deeper than kCborDepthMax. Takes up to about 100 times the
// memory of `bytes`.
Result<CborValue> decode_cbor(ByteView bytes);

// kInvalidArgument: two entries of one key, a float that is not finite, text that is not UTF-8, or
// deeper than kCborDepthMax.
Result<Bytes> encode_cbor(const CborValue& value);

}  // namespace packstore::dag
