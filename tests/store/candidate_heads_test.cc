#include "store/candidate_heads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <random>
#include <set>
#include <string>

#include "support/store_scratch.h"

namespace packstore::store {
namespace {

Bytes to_bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

ObjectId id_of(std::uint64_t number) { return ObjectId::of(as_bytes(std::to_string(number))); }

// Objects that are only ids, and heads over them.
class Heads {
 public:
  explicit Heads(std::uint64_t objects)
      : heads_(static_cast<std::size_t>(objects),
               [this](const ObjectId& id) { return Result<bool>(known_.contains(id)); }) {
    for (std::uint64_t i = 0; i < objects; ++i) {
      known_.insert(id_of(i));
      heads_.add(id_of(i));
    }
  }

  void read(std::uint64_t number, ByteView content) { heads_.read(id_of(number), content).value(); }

  std::vector<std::uint64_t> found() const {
    std::vector<std::uint64_t> heads;
    for (std::uint64_t i = 0; i < known_.size(); ++i) {
      if (heads_.is_head(id_of(i))) heads.push_back(i);
    }
    return heads;
  }

 private:
  std::set<ObjectId> known_;
  CandidateHeads heads_;
};

using Numbers = std::vector<std::uint64_t>;

TEST(CandidateHeads, AreNotThereWhereNothingIsNamed) {
  Heads heads(3);
  heads.read(0, to_bytes("no id at all"));
  heads.read(1, {});
  EXPECT_EQ(heads.found(), Numbers());
}

TEST(CandidateHeads, NameAnotherObjectInRawBytesAtAnyOffset) {
  for (std::size_t before = 0; before < 70; ++before) {
    SCOPED_TRACE(before);
    for (const std::size_t after : {std::size_t{0}, std::size_t{9}}) {
      Heads heads(2);
      Bytes content(before, std::byte{7});
      append(content, id_of(1).bytes);
      content.resize(content.size() + after);
      heads.read(0, content);
      EXPECT_EQ(heads.found(), Numbers({0}));
    }
  }
}

TEST(CandidateHeads, NameAnotherObjectInHexadecimalAtAnyOffset) {
  for (std::size_t before = 0; before < 140; ++before) {
    SCOPED_TRACE(before);
    for (const char around : {' ', '7'}) {
      Heads heads(2);
      const std::string text =
          std::string(before, around) + id_of(1).to_hex() + std::string(before % 3, around);
      heads.read(0, to_bytes(text));
      EXPECT_EQ(heads.found(), Numbers({0}));
    }
  }
}

TEST(CandidateHeads, DoNotTakeThePartOfAnIdForIt) {
  Heads heads(2);
  heads.read(0, ByteView(id_of(1).bytes).first(31));
  heads.read(0, to_bytes(id_of(1).to_hex().substr(0, 63)));
  EXPECT_EQ(heads.found(), Numbers());
}

TEST(CandidateHeads, DoNotCountObjectsThatAreNotInTheStore) {
  Heads heads(2);
  heads.read(0, id_of(99).bytes);
  // The right first eight bytes, and another end.
  ObjectId other = id_of(1);
  other.bytes.back() ^= std::byte{1};
  heads.read(0, other.bytes);
  EXPECT_EQ(heads.found(), Numbers());
}

TEST(CandidateHeads, AreNamedByNobody) {
  Heads heads(5);
  heads.read(3, id_of(1).bytes);
  heads.read(1, id_of(0).bytes);
  heads.read(4, id_of(1).bytes);
  EXPECT_EQ(heads.found(), Numbers({3, 4}));
}

// Random graphs against a plain computation of the same.
TEST(CandidateHeads, AreThoseOfTheGraph) {
  const std::uint64_t seed = testing::test_seed();
  std::mt19937_64 random(seed);
  constexpr std::uint64_t kObjects = 200;
  Heads heads(kObjects);
  std::set<std::uint64_t> naming;
  std::set<std::uint64_t> named;
  for (std::uint64_t i = 0; i < kObjects; ++i) {
    Bytes content(random() % 50);
    for (std::uint64_t edges = random() % 3; edges > 0 && i > 0; --edges) {
      const std::uint64_t target = random() % i;
      naming.insert(i);
      named.insert(target);
      if (random() % 2 == 0) {
        append(content, id_of(target).bytes);
      } else {
        append(content, as_bytes(id_of(target).to_hex()));
      }
      append(content, as_bytes("/"));
    }
    heads.read(i, content);
  }
  Numbers expected;
  for (const std::uint64_t i : naming) {
    if (!named.contains(i)) expected.push_back(i);
  }
  EXPECT_EQ(heads.found(), expected);
}

// Prints how fast content is searched; what is too slow is for a person to say.
TEST(CandidateHeads, TellTheirSpeed) {
  constexpr std::uint64_t kObjects = 100'000;
  Heads heads(kObjects);
  std::mt19937_64 random(1);
  Bytes content(32 << 20);
  for (std::byte& byte : content) byte = static_cast<std::byte>(random());
  const auto start = std::chrono::steady_clock::now();
  heads.read(0, content);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << "random content among " << kObjects
            << " objects: " << static_cast<double>(content.size()) / took.count() / 1e6
            << " MB/s\n";
  EXPECT_EQ(heads.found(), Numbers());
}

}  // namespace
}  // namespace packstore::store
