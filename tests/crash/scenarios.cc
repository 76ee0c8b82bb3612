#include <algorithm>

#include "base/error.h"
#include "crash/crash_points.h"

namespace packstore::crash {
namespace {

constexpr PutOptions kPacked{.placement = Placement::kPacked};

// Different for each pair of arguments, and compressible.
std::string text(std::string_view kind, int number, std::size_t size = 300) {
  std::string made;
  for (int line = 0; made.size() < size; ++line) {
    made +=
        std::string(kind) + " " + std::to_string(number) + " line " + std::to_string(line) + "\n";
  }
  made.resize(size);
  return made;
}

std::vector<std::string> texts(std::string_view kind, int count, std::size_t size = 300) {
  std::vector<std::string> made;
  for (int i = 0; i < count; ++i) made.push_back(text(kind, i, size));
  return made;
}

// Loose and packed objects, in several packs, with dead space, compressed ones and refs.
Status fill(World& world) {
  for (const std::string& loose : texts("loose", 4)) RETURN_IF_ERROR(world.put(loose));
  RETURN_IF_ERROR(world.put(text("large loose", 0, 9'000)));
  RETURN_IF_ERROR(world.commit_batch(texts("batch", 12)));
  RETURN_IF_ERROR(
      world.commit_batch(texts("zlib", 4, 1'000), {.compression = Compression::zlib()}));
  RETURN_IF_ERROR(world.put(text("packed", 0), kPacked));
  RETURN_IF_ERROR(world.remove({text("batch", 0), text("batch", 5), text("batch", 6)}));
  RETURN_IF_ERROR(world.move_ref("head", text("loose", 1)));
  return world.move_ref("other", text("batch", 3));
}

Status put_each(World& world) {
  RETURN_IF_ERROR(world.put(text("new", 1)));
  RETURN_IF_ERROR(world.put_stream(text("stream", 1, 4'500)));
  RETURN_IF_ERROR(world.put(text("loose", 0)));
  RETURN_IF_ERROR(world.put(text("batch", 1)));
  RETURN_IF_ERROR(world.put(text("new packed", 1), kPacked));
  RETURN_IF_ERROR(world.put(text("new packed", 2), kPacked));
  return world.put(text("new packed", 1), kPacked);
}

Status put_buffered(World& world) {
  for (const std::string& buffered : texts("buffered", 5)) {
    RETURN_IF_ERROR(world.put_buffered(buffered));
  }
  RETURN_IF_ERROR(world.put_buffered(text("batch", 2)));
  RETURN_IF_ERROR(world.sync());
  return world.put_buffered(text("never synced", 0));
}

Status commit_batches(World& world) {
  RETURN_IF_ERROR(world.commit_batch(texts("first", 5)));
  return world.commit_batch(texts("second", 20, 500), {}, "head");
}

// One that is dropped between two that are not, all open at once.
Status drop_a_batch(World& world) {
  ASSIGN_OR_RETURN(Batch first, world.store().begin_batch());
  std::vector<ObjectId> ids;
  {
    ASSIGN_OR_RETURN(Batch dropped, world.store().begin_batch());
    for (const std::string& content : texts("dropped", 3)) {
      world.offer(content);
      RETURN_IF_ERROR(dropped.put(as_bytes(content)));
    }
    for (const std::string& content : texts("kept", 3)) {
      ids.push_back(world.offer(content));
      RETURN_IF_ERROR(first.put(as_bytes(content)));
    }
  }
  RETURN_IF_ERROR(first.commit());
  world.acknowledge(ids);
  return {};
}

Status move_refs(World& world) {
  RETURN_IF_ERROR(world.move_ref("head", text("batch", 4)));
  RETURN_IF_ERROR(world.move_ref("new", text("loose", 2)));
  RETURN_IF_ERROR(world.move_ref("head", text("loose", 3)));
  return world.move_ref("other", std::nullopt);
}

Status remove_objects(World& world) {
  RETURN_IF_ERROR(world.remove({text("loose", 0), text("batch", 1), text("zlib", 1)}));
  // What is put again is there again.
  RETURN_IF_ERROR(world.put(text("loose", 0)));
  return world.remove({text("loose", 2), text("loose", 0)});
}

Status pack_prefix(World& world) {
  PackOptions some;
  some.objects_max = 2;
  RETURN_IF_ERROR(world.pack_loose(some));
  some.objects_max = UINT64_MAX;
  some.compression = Compression::zlib();
  return world.pack_loose(some);
}

Status back_up_again(World& world) {
  RETURN_IF_ERROR(world.backup());
  RETURN_IF_ERROR(world.commit_batch(texts("later", 3)));
  RETURN_IF_ERROR(world.put(text("later loose", 0)));
  return world.repack();
}

Status lose_index(World& world) {
  RETURN_IF_ERROR(fill(world));
  return world.lose_index();
}

}  // namespace

std::vector<Scenario> scenarios() {
  return {
      {.name = "create", .act = [](World& world) { return world.create(); }},
      {.name = "put", .prepare = fill, .act = put_each},
      {.name = "first_put",
       .prepare = [](World&) { return Status(); },
       .act = [](World& world) { return world.put(text("first", 0)); }},
      {.name = "put_buffered", .prepare = fill, .act = put_buffered},
      {.name = "batch", .prepare = fill, .act = commit_batches},
      {.name = "batch_dropped", .prepare = fill, .act = drop_a_batch},
      {.name = "refs", .prepare = fill, .act = move_refs},
      {.name = "remove", .prepare = fill, .act = remove_objects},
      {.name = "pack_loose",
       .prepare = fill,
       .act = [](World& world) { return world.pack_loose(); }},
      {.name = "pack_some", .prepare = fill, .act = pack_prefix},
      {.name = "repack", .prepare = fill, .act = [](World& world) { return world.repack(); }},
      {.name = "repack_partial",
       .prepare = fill,
       .act = [](World& world) { return world.repack({.dead_ratio_min = 0.1}); }},
      {.name = "repack_compressing",
       .prepare = fill,
       .act = [](World& world) { return world.repack({.compression = Compression::zlib()}); }},
      {.name = "clean", .prepare = fill, .act = [](World& world) { return world.clean(); }},
      {.name = "backup", .prepare = fill, .act = [](World& world) { return world.backup(); }},
      {.name = "backup_again",
       .prepare = [](World& world) -> Status {
         RETURN_IF_ERROR(fill(world));
         return back_up_again(world);
       },
       .act = [](World& world) { return world.backup(); }},
      {.name = "recover",
       .prepare = lose_index,
       .act = [](World& world) { return world.recover(); },
       .opens_after_recovery = true},
  };
}

}  // namespace packstore::crash
