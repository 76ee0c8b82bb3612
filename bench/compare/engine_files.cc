// One file per object in 256 directories, as applications do it by hand.
#include <fmt/format.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "compare/engine.h"
#include "compare/system.h"

namespace packstore::compare {

namespace {

class FilesEngine final : public Engine {
 public:
  explicit FilesEngine(const std::filesystem::path& directory) {
    constexpr int kShards = 256;
    std::filesystem::create_directories(directory);
    for (int shard = 0; shard < kShards; ++shard) {
      const std::filesystem::path path = directory / fmt::format("{:02x}", shard);
      std::filesystem::create_directory(path);
      shards_.push_back(Descriptor::open_directory(path));
    }
  }

  // Without a sync for each file: one of the whole file system at the end makes them durable.
  void put_batch(std::span<const Object> objects) override {
    for (const Object& object : objects) {
      const Key key = sha256(object.content);
      Descriptor::create_file(shard_of(key), name_of(key)).write_all(object.content);
    }
    shards_.front().sync_system();
  }

  void put_single(const Object& object) override {
    const Key key = sha256(object.content);
    const Descriptor& shard = shard_of(key);
    const std::string temporary = fmt::format("new-{}", next_temporary_++);
    const Descriptor file = Descriptor::create_file(shard, temporary);
    file.write_all(object.content);
    file.sync();
    rename_file(shard, temporary, shard, name_of(key));
    shard.sync();
  }

  void get(const Key& key, Check check) override {
    const Descriptor file = Descriptor::open_file(shard_of(key), name_of(key));
    consume(key, file.read_all(buffer_), check);
  }

  void get_all(std::span<const Key> keys, Check check) override {
    for (const Key& key : keys) get(key, check);
  }

  bool contains(const Key& key) override { return has_file(shard_of(key), name_of(key)); }

  bool remove_and_reclaim(std::span<const Key> keys) override {
    for (const Key& key : keys) remove_file(shard_of(key), name_of(key));
    shards_.front().sync_system();
    return true;
  }

 private:
  const Descriptor& shard_of(const Key& key) const {
    return shards_[std::to_integer<std::size_t>(key.bytes.front())];
  }
  static std::string name_of(const Key& key) { return key.to_hex().substr(2); }

  std::vector<Descriptor> shards_;
  std::atomic<std::uint64_t> next_temporary_{0};
  Bytes buffer_;
};

}  // namespace

std::unique_ptr<Engine> make_files(const std::filesystem::path& directory) {
  return std::make_unique<FilesEngine>(directory);
}

}  // namespace packstore::compare
