#include "hash/sha256.h"

#include <openssl/evp.h>

#include <utility>

#include "base/check.h"

namespace packstore::hash {
namespace {

// Fetched once: looking an algorithm up takes locks and costs more than hashing a small object.
// Never freed, because objects with static storage may hash until the process ends.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  PACKSTORE_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

struct Sha256::Context {
  Context() : evp(EVP_MD_CTX_new()) {
    PACKSTORE_CHECK(evp != nullptr);
    begin();
  }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void begin() { PACKSTORE_CHECK(EVP_DigestInit_ex2(evp, sha256_algorithm(), nullptr) == 1); }

  EVP_MD_CTX* evp;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteView bytes) {
  PACKSTORE_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

ObjectId Sha256::finish() {
  ObjectId id;
  unsigned size = 0;
  auto* const digest = reinterpret_cast<unsigned char*>(id.bytes.data());
  PACKSTORE_CHECK(EVP_DigestFinal_ex(context_->evp, digest, &size) == 1);
  PACKSTORE_CHECK(size == ObjectId::kSize);
  context_->begin();
  return id;
}

ObjectId sha256(ByteView bytes) {
  thread_local Sha256 hasher;
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace packstore::hash
