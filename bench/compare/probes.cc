#include "compare/probes.h"

#include <fmt/format.h>

#include "compare/results.h"

namespace packstore::compare {

namespace {

Descriptor make_directory(const std::filesystem::path& path) {
  std::filesystem::create_directories(path);
  return Descriptor::open_directory(path);
}

}  // namespace

double sha256_speed() {
  constexpr std::size_t kBufferBytes = 1 << 20;
  constexpr int kBuffers = 512;
  Bytes buffer(kBufferBytes);
  fill_random(buffer, 1);
  const double seconds = seconds_of([&buffer] {
    for (int i = 0; i < kBuffers; ++i) {
      // Each hash depends on the one before, so none can be left out.
      buffer.front() = sha256(buffer).bytes.front();
    }
  });
  return static_cast<double>(kBufferBytes) * kBuffers / 1e6 / seconds;
}

double sequential_write_speed(const std::filesystem::path& directory,
                              std::span<const Object> objects) {
  const Descriptor parent = make_directory(directory);
  const Descriptor file = Descriptor::create_file(parent, "sequential");
  std::uint64_t bytes = 0;
  const double seconds = seconds_of([&] {
    for (const Object& object : objects) {
      file.write_all(object.content);
      bytes += object.content.size();
    }
    file.sync();
  });
  remove_file(parent, "sequential");
  return static_cast<double>(bytes) / 1e6 / seconds;
}

SyncProbe::SyncProbe(const std::filesystem::path& directory)
    : file_(Descriptor::create_file(make_directory(directory), "appended")), block_(4096) {
  fill_random(block_, 2);
}

void SyncProbe::append_and_sync() {
  file_.write_all(block_);
  file_.sync_data();
}

FileProbe::FileProbe(const std::filesystem::path& directory)
    : sandbox_(make_directory(directory / "sandbox")) {
  constexpr int kShards = 256;
  for (int shard = 0; shard < kShards; ++shard) {
    shards_.push_back(make_directory(directory / fmt::format("{:02x}", shard)));
  }
}

void FileProbe::put(const Object& object) {
  const std::string name = object.key.to_hex();
  const Descriptor& shard = shards_[std::to_integer<std::size_t>(object.key.bytes.front())];
  const Descriptor file = Descriptor::create_file(sandbox_, name);
  file.write_all(object.content);
  file.sync();
  rename_file(sandbox_, name, shard, name);
  shard.sync();
}

}  // namespace packstore::compare
