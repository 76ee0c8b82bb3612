// The published roots of IPIP-499 (https://specs.ipfs.tech/ipips/ipip-0499/): whoever follows its
// profiles gives a content the same CID. Contents are key streams of ChaCha20, as in the tests of
// Kubo; leaves are forgotten as they come, so that 1 GiB needs no room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "file_sources.h"
#include "packstore/directory.h"
#include "packstore/file.h"
#include "watched_blocks.h"

namespace packstore {
namespace {

using testing::WatchedBlocks;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

// `size` bytes of the key stream whose key is the SHA-256 of `seed`; nonce and counter are zero.
class KeyStream final : public ByteSource {
 public:
  KeyStream(std::string_view seed, std::uint64_t size) : rest_(size) {
    const ObjectId key = ObjectId::of(as_bytes(seed));
    const std::array<unsigned char, 16> zeros{};
    EVP_EncryptInit_ex(context_.get(), EVP_chacha20(), nullptr,
                       reinterpret_cast<const unsigned char*>(key.bytes.data()), zeros.data());
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>({into.size(), rest_, std::uint64_t{1} << 20}));
    std::fill_n(into.begin(), count, std::byte{0});
    auto* bytes = reinterpret_cast<unsigned char*>(into.data());
    int written = 0;
    EVP_EncryptUpdate(context_.get(), bytes, &written, bytes, static_cast<int>(count));
    rest_ -= count;
    return count;
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_{EVP_CIPHER_CTX_new()};
  std::uint64_t rest_;
};

std::string root_of(std::string_view profile, ByteSource& source) {
  WatchedBlocks blocks;
  blocks.keeps_bytes_max = 0;
  const FileProfile named = FileProfile::named(profile).value();
  return write_file(blocks, source, {.profile = named, .threads = 2}).value().cid.to_text();
}

std::string root_of(std::string_view profile, std::string_view seed, std::uint64_t size) {
  KeyStream source(seed, size);
  return root_of(profile, source);
}

// Names of `length` letters, the last one of `last_length`, out of a key stream.
std::vector<std::string> names_of(std::string_view seed, std::size_t count, std::size_t length,
                                  std::size_t last_length) {
  // As published, the repeated 0 included.
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz01234567890-_";
  KeyStream stream(seed, kMiB);
  Bytes bytes(kMiB);
  EXPECT_EQ(stream.read(bytes).value(), bytes.size());
  ByteView rest = bytes;
  std::vector<std::string> names(count);
  for (std::string& name : names) {
    const std::size_t size = &name == &names.back() ? last_length : length;
    for (const std::byte letter : rest.first(size)) {
      name += kLetters[std::to_integer<std::size_t>(letter) % kLetters.size()];
    }
    rest = rest.subspan(size);
  }
  return names;
}

// Of a directory with one file under all those names.
DirectoryRoot directory_of(std::string_view profile, const std::vector<std::string>& names) {
  MemoryBlocks blocks;
  ViewSource source(as_bytes("x"));
  const FileProfile file_profile = FileProfile::named(profile).value();
  const FileRoot file = write_file(blocks, source, {.profile = file_profile}).value();
  std::vector<DirectoryEntry> entries;
  for (const std::string& name : names) {
    entries.push_back({.name = name, .cid = file.cid, .encoded_size = file.encoded_size});
  }
  return write_directory(blocks, entries, DirectoryProfile::named(profile).value()).value();
}

TEST(Ipip499, GivesAnEmptyDirectoryItsPublishedRoot) {
  EXPECT_EQ(directory_of("unixfs-v1-2025", {}).cid.to_text(),
            "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354");
  EXPECT_EQ(directory_of("unixfs-v0-2015", {}).cid.to_text(),
            "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn");
}

TEST(Ipip499, GivesTheLargestDirectoryOfOneNodeItsPublishedRoot) {
  const DirectoryRoot v1 =
      directory_of("unixfs-v1-2025", names_of("hamt-unixfs-v1-2025", 4766, 11, 21));
  EXPECT_EQ(v1.cid.to_text(), "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4");
  EXPECT_EQ(v1.nodes, 1U);
  EXPECT_EQ(v1.encoded_size, 262144U + 4766);
  const DirectoryRoot v0 =
      directory_of("unixfs-v0-2015", names_of("hamt-unixfs-v0-2015", 4096, 30, 30));
  EXPECT_EQ(v0.cid.to_text(), "QmX5GtRk3TSSEHtdrykgqm4eqMEn3n2XhfkFAis5fjyZmN");
  EXPECT_EQ(v0.nodes, 1U);
}

TEST(Ipip499, GivesTheSmallestDirectoryOfShardsItsPublishedRoot) {
  const DirectoryRoot v1 =
      directory_of("unixfs-v1-2025", names_of("hamt-unixfs-v1-2025", 4766, 11, 22));
  EXPECT_EQ(v1.cid.to_text(), "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu");
  EXPECT_GT(v1.nodes, 256U);
  const DirectoryRoot v0 =
      directory_of("unixfs-v0-2015", names_of("hamt-unixfs-v0-2015", 4033, 31, 31));
  EXPECT_EQ(v0.cid.to_text(), "QmeMiJzmhpJAUgynAcxTQYek5PPKgdv3qEvFsdV3XpVnvP");
  EXPECT_GT(v0.nodes, 256U);
}

TEST(Ipip499, GivesAShortFileItsPublishedRoot) {
  ViewSource v1(as_bytes("hello world"));
  EXPECT_EQ(root_of("unixfs-v1-2025", v1),
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
  ViewSource v0(as_bytes("hello world"));
  EXPECT_EQ(root_of("unixfs-v0-2015", v0), "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD");
}

TEST(Ipip499, GivesAnEmptyFileItsPublishedRoot) {
  ViewSource v1({});
  EXPECT_EQ(root_of("unixfs-v1-2025", v1),
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
  ViewSource v0({});
  EXPECT_EQ(root_of("unixfs-v0-2015", v0), "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
}

TEST(Ipip499, GivesAFileOfOneChunkAndOneByteMoreTheirPublishedRoots) {
  EXPECT_EQ(root_of("unixfs-v1-2025", "chunk-v1-seed", kMiB),
            "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta");
  EXPECT_EQ(root_of("unixfs-v1-2025", "chunk-v1-seed", kMiB + 1),
            "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64");
  EXPECT_EQ(root_of("unixfs-v0-2015", "chunk-v0-seed", 256 * kKiB),
            "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE");
  EXPECT_EQ(root_of("unixfs-v0-2015", "chunk-v0-seed", 256 * kKiB + 1),
            "QmYyLxtzZyW22zpoVAtKANLRHpDjZtNeDjQdJrcQNWoRkJ");
}

TEST(Ipip499, GivesAFileOfOneFullNodeAndOneByteMoreTheirPublishedRoots) {
  EXPECT_EQ(root_of("unixfs-v0-2015", "v0-seed", 174 * 256 * kKiB),
            "QmUbBALi174SnogsUzLpYbD4xPiBSFANF4iztWCsHbMKh2");
  EXPECT_EQ(root_of("unixfs-v0-2015", "v0-seed", 174 * 256 * kKiB + 1),
            "QmV81WL765sC8DXsRhE5fJv2rwhS4icHRaf3J9Zk5FdRnW");
  EXPECT_EQ(root_of("unixfs-v1-2025", "v1-2025-seed", 1024 * kMiB),
            "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm");
  EXPECT_EQ(root_of("unixfs-v1-2025", "v1-2025-seed", 1024 * kMiB + 1),
            "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe");
}

}  // namespace
}  // namespace packstore
