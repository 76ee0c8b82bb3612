#include "hash/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "packstore/object_id.h"

namespace packstore::hash {
namespace {

struct Vector {
  std::string message;
  std::string_view digest;
};

// FIPS 180-2, appendix B, and the empty message.
const Vector kNistVectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
     "lmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {std::string(1'000'000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

TEST(Sha256, AgreesWithThePublishedVectors) {
  for (const Vector& vector : kNistVectors) {
    EXPECT_EQ(sha256(as_bytes(vector.message)).to_hex(), vector.digest);
    EXPECT_EQ(ObjectId::of(as_bytes(vector.message)).to_hex(), vector.digest);
  }
}

TEST(Sha256, DependsOnTheBytesAndNotOnThePieces) {
  for (const Vector& vector : kNistVectors) {
    for (const std::size_t piece : {1U, 7U, 63U, 64U, 65U, 4096U}) {
      Sha256 hasher;
      ByteView rest = as_bytes(vector.message);
      while (!rest.empty()) {
        const ByteView front = rest.first(std::min<std::size_t>(piece, rest.size()));
        hasher.update(front);
        rest = rest.subspan(front.size());
      }
      EXPECT_EQ(hasher.finish().to_hex(), vector.digest) << "in pieces of " << piece;
    }
  }
}

TEST(Sha256, BeginsAnewAfterFinish) {
  Sha256 hasher;
  hasher.update(as_bytes("something else"));
  hasher.finish();
  hasher.update(as_bytes("abc"));
  EXPECT_EQ(hasher.finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(hasher.finish(), sha256({}));
}

TEST(Sha256, KeepsItsStateWhenMoved) {
  Sha256 first;
  first.update(as_bytes("ab"));
  Sha256 second = std::move(first);
  second.update(as_bytes("c"));
  EXPECT_EQ(second.finish(), sha256(as_bytes("abc")));
}

}  // namespace
}  // namespace packstore::hash
