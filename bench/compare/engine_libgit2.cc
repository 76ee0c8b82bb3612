// Blobs in the object database of a bare git repository, through libgit2: one zlib-compressed file
// each. libgit2 hashes with SHA-1, as git does, and always checks it on reading when asked to.
#include <git2.h>

#include <cstring>
#include <string>
#include <unordered_map>

#include "compare/engine.h"
#include "compare/system.h"

namespace packstore::compare {

namespace {

void require(int code) {
  if (code >= 0) return;
  const git_error* error = git_error_last();
  stop(std::string("libgit2: ") + (error == nullptr ? "unknown error" : error->message));
}

class Libgit2Engine final : public Engine {
 public:
  explicit Libgit2Engine(const std::filesystem::path& directory) {
    require(git_libgit2_init());
    require(git_repository_init(&repository_, directory.c_str(), /*is_bare=*/1));
    require(git_repository_odb(&database_, repository_));
    objects_directory_ = directory / "objects";
  }
  Libgit2Engine(const Libgit2Engine&) = delete;
  Libgit2Engine& operator=(const Libgit2Engine&) = delete;

  ~Libgit2Engine() override {
    git_odb_free(database_);
    git_repository_free(repository_);
    git_libgit2_shutdown();
  }

  // Without a sync for each file: one of the whole file system at the end makes them durable.
  void put_batch(std::span<const Object> objects) override {
    require(git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0));
    for (const Object& object : objects) write(object);
    Descriptor::open_directory(objects_directory_).sync_system();
  }

  void put_single(const Object& object) override {
    require(git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1));
    write(object);
  }

  void get(const Key& key, Check check) override {
    require(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, check == Check::kSha256));
    git_odb_object* object = nullptr;
    require(git_odb_read(&object, database_, &names_.at(key)));
    const auto* content = static_cast<const std::byte*>(git_odb_object_data(object));
    consume(key, {content, git_odb_object_size(object)}, Check::kNone);
    git_odb_object_free(object);
  }

  void get_all(std::span<const Key> keys, Check check) override {
    for (const Key& key : keys) get(key, check);
  }

  bool contains(const Key& key) override {
    git_oid name;
    const auto known = names_.find(key);
    if (known != names_.end()) {
      name = known->second;
    } else {
      std::memcpy(name.id, key.bytes.data(), sizeof name.id);
    }
    // Without the refresh, which lists the packs again for every key that is absent.
    return git_odb_exists_ext(database_, &name, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
  }

  bool remove_and_reclaim(std::span<const Key> /*keys*/) override { return false; }

 private:
  void write(const Object& object) {
    git_oid name;
    require(git_odb_write(&name, database_, object.content.data(), object.content.size(),
                          GIT_OBJECT_BLOB));
    names_.emplace(object.key, name);
  }

  git_repository* repository_ = nullptr;
  git_odb* database_ = nullptr;
  std::filesystem::path objects_directory_;
  std::unordered_map<Key, git_oid> names_;
};

}  // namespace

std::unique_ptr<Engine> make_libgit2(const std::filesystem::path& directory) {
  return std::make_unique<Libgit2Engine>(directory);
}

}  // namespace packstore::compare
