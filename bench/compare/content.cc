#include "compare/content.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace packstore::compare {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Written so that the compiler cannot drop the reads of consume().
thread_local volatile std::uint64_t consumed_sum = 0;

}  // namespace

void stop(std::string_view what) {
  std::fprintf(stderr, "packstore_compare: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(EXIT_FAILURE);
}

std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

void fill_random(std::span<std::byte> into, std::uint64_t seed) {
  while (!into.empty()) {
    const std::uint64_t word = next_random(seed);
    const std::size_t length = std::min(into.size(), sizeof word);
    std::memcpy(into.data(), &word, length);
    into = into.subspan(length);
  }
}

ObjectSet::ObjectSet(const ContentSpec& spec) {
  std::uint64_t state = spec.seed;
  std::vector<std::size_t> sizes(spec.count);
  std::size_t total = 0;
  for (std::size_t& size : sizes) {
    size = spec.bytes_min + next_random(state) % (spec.bytes_max - spec.bytes_min + 1);
    total += size;
  }
  storage_.resize(total);
  fill_random(storage_, next_random(state));
  objects_.reserve(spec.count);
  ByteView rest = storage_;
  for (const std::size_t size : sizes) {
    const ByteView content = rest.first(size);
    objects_.push_back({sha256(content), content});
    rest = rest.subspan(size);
  }
}

std::vector<Key> ObjectSet::sorted_keys() const {
  std::vector<Key> keys;
  keys.reserve(objects_.size());
  for (const Object& object : objects_) keys.push_back(object.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<Key> ObjectSet::shuffled_keys(std::uint64_t seed) const {
  std::vector<Key> keys = sorted_keys();
  for (std::size_t left = keys.size(); left > 1; --left) {
    std::swap(keys[left - 1], keys[next_random(seed) % left]);
  }
  return keys;
}

std::vector<Key> absent_keys(std::size_t count, std::uint64_t seed) {
  std::vector<Key> keys(count);
  for (Key& key : keys) fill_random(key.bytes, next_random(seed));
  return keys;
}

Key sha256(ByteView content) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  thread_local const EVP_MD* const algorithm = EVP_sha256();
  Key key;
  unsigned length = 0;
  if (EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), content.data(), content.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(key.bytes.data()),
                         &length) != 1) {
    stop("OpenSSL cannot compute SHA-256");
  }
  return key;
}

void consume(const Key& key, ByteView content, Check check) {
  constexpr std::size_t kCacheLine = 64;
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + sizeof sum <= content.size(); at += kCacheLine) {
    std::uint64_t word = 0;
    std::memcpy(&word, content.data() + at, sizeof word);
    sum += word;
  }
  consumed_sum = consumed_sum + sum;
  if (check == Check::kSha256 && sha256(content) != key) stop("content does not hash to its key");
}

}  // namespace packstore::compare
