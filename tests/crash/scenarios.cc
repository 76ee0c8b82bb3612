#include <algorithm>

#include "base/error.h"
#include "crash/scenario.h"
#include "packstore/cid.h"

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

// Loose and packed objects, in several packs, with dead space, compressed ones and refs; the last
// commits are in the write-ahead log, and not all of them synced.
Status fill(World& world) {
  for (const std::string& loose : texts("loose", 4)) RETURN_IF_ERROR(world.put(loose));
  RETURN_IF_ERROR(world.put(text("large loose", 0, 9'000)));
  RETURN_IF_ERROR(world.commit_batch(texts("batch", 12)));
  RETURN_IF_ERROR(world.remove({text("batch", 0), text("batch", 5), text("batch", 6)}));
  RETURN_IF_ERROR(world.move_ref("head", text("loose", 1)));
  RETURN_IF_ERROR(world.move_ref("other", text("batch", 3)));
  RETURN_IF_ERROR(world.checkpoint());
  RETURN_IF_ERROR(
      world.commit_batch(texts("zlib", 4, 1'000), {.compression = Compression::zlib()}));
  return world.put(text("packed", 0), kPacked);
}

// The same, and nothing in the log.
Status fill_and_rest(World& world) {
  RETURN_IF_ERROR(fill(world));
  return world.checkpoint();
}

Status put_small(World& world) {
  RETURN_IF_ERROR(world.put(text("new", 1)));
  return world.put(text("new", 2));
}

Status put_streamed(World& world) { return world.put_stream(text("stream", 1, 4'500)); }

// Of loose and packed objects, buffered ones among them.
Status put_duplicates(World& world) {
  RETURN_IF_ERROR(world.put(text("loose", 0)));
  RETURN_IF_ERROR(world.put(text("batch", 1)));
  RETURN_IF_ERROR(world.put_buffered(text("twice", 1)));
  RETURN_IF_ERROR(world.put(text("twice", 1)));
  RETURN_IF_ERROR(world.put_stream(text("loose", 2)));
  return world.put_buffered(text("zlib", 1, 1'000));
}

Status put_packed(World& world) {
  for (const std::string& packed : texts("new packed", 3)) {
    RETURN_IF_ERROR(world.put(packed, kPacked));
  }
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
    // Not offered: nobody may ever see them.
    ASSIGN_OR_RETURN(Batch dropped, world.store().begin_batch());
    for (const std::string& content : texts("dropped", 3)) {
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
  RETURN_IF_ERROR(world.remove({text("loose", 2), text("loose", 0)}));
  // Without a loose copy there is no second transaction.
  return world.remove({text("batch", 2)});
}

// Files of several chunks, some of them the same in all; the tree with a higher number has more.
Files tree(int number) {
  Files files;
  for (int i = 0; i <= number; ++i) {
    const std::string name = "file " + std::to_string(i);
    files[name] = text("shared", 0, 256) + text(name, number > 1 ? i : number, 900);
  }
  files["empty"] = "";
  return files;
}

Status add_trees(World& world) {
  RETURN_IF_ERROR(world.add_tree("tree", tree(1)));
  return world.add_tree("tree", tree(2));
}

// The second has blocks that are there already, and goes to a ref that is.
Status import_trees(World& world) {
  RETURN_IF_ERROR(world.import_tree("import", tree(1)));
  return world.import_tree("head", tree(2));
}

// One tree is reached, one is not, and they share chunks.
Status fill_with_trees(World& world) {
  RETURN_IF_ERROR(fill(world));
  RETURN_IF_ERROR(world.add_tree("kept", tree(1)));
  RETURN_IF_ERROR(world.add_tree("given-up", tree(2)));
  return world.move_ref("given-up", std::nullopt);
}

// What was taken comes again, is given up again, and is taken again.
Status collect_garbage(World& world) {
  RETURN_IF_ERROR(world.collect());
  RETURN_IF_ERROR(world.put(text("loose", 0)));
  RETURN_IF_ERROR(world.put(text("batch", 5), kPacked));
  RETURN_IF_ERROR(world.add_tree("again", tree(2)));
  RETURN_IF_ERROR(world.move_ref("kept", std::nullopt));
  return world.collect();
}

Status pack_prefix(World& world) {
  PackOptions some;
  some.objects_max = 2;
  RETURN_IF_ERROR(world.pack_loose(some));
  some.objects_max = UINT64_MAX;
  some.compression = Compression::zlib();
  return world.pack_loose(some);
}

// The newest pack is filled, emptied and dropped, and the next one begun.
Status churn(World& world) {
  RETURN_IF_ERROR(world.commit_batch(texts("filling", 12)));
  RETURN_IF_ERROR(world.commit_batch(texts("short-lived", 12)));
  RETURN_IF_ERROR(world.remove(texts("short-lived", 12)));
  RETURN_IF_ERROR(world.repack({.dead_ratio_min = 0.9}));
  RETURN_IF_ERROR(world.commit_batch(texts("next", 4)));
  return world.put(text("next packed", 0), kPacked);
}

Status fill_and_leave_garbage(World& world) {
  RETURN_IF_ERROR(fill(world));
  RETURN_IF_ERROR(world.put(text("batch", 5)));
  world.close();
  return world.leave_garbage();
}

Status checkpoint(World& world) {
  RETURN_IF_ERROR(world.checkpoint());
  RETURN_IF_ERROR(world.put(text("new packed", 1), kPacked));
  RETURN_IF_ERROR(world.move_ref("head", text("loose", 2)));
  return world.checkpoint();
}

Status fill_and_back_up(World& world) {
  RETURN_IF_ERROR(fill_and_rest(world));
  RETURN_IF_ERROR(world.backup());
  RETURN_IF_ERROR(world.commit_batch(texts("later", 3)));
  RETURN_IF_ERROR(world.put(text("later loose", 0)));
  return world.repack();
}

Status lose_index(World& world) {
  RETURN_IF_ERROR(fill(world));
  return world.lose_index();
}

Link raw(const ObjectId& id) { return {.id = id}; }
Link node(const ObjectId& id) { return {.id = id, .kind = NodeKind::kDagCbor}; }

// DAG-CBOR: an array of a name and of links, tag 42 over a byte string of a zero and the CID.
std::string node_block(const std::string& name, const std::vector<Link>& links) {
  std::string block(1, static_cast<char>(0x80 + 1 + links.size()));
  block += static_cast<char>(0x60 + name.size());
  block += name;
  for (const Link& link : links) {
    const Bytes cid = Cid::of(link.kind, link.id).encode();
    block += "\xd8\x2a\x58";
    block += static_cast<char>(1 + cid.size());
    block += '\0';
    block += as_text(cid);
  }
  return block;
}

// Two trees that share a leaf; one more leaf each, and a node between in the first.
std::string shared_leaf() { return text("shared leaf", 0); }
std::string own_leaf(int tree) { return text("own leaf", tree); }
Link link_to(const std::string& leaf) { return raw(ObjectId::of(as_bytes(leaf))); }
std::string inner_node() { return node_block("inner", {link_to(own_leaf(1))}); }
std::string first_tree() {
  return node_block("first", {link_to(shared_leaf()), node(ObjectId::of(as_bytes(inner_node())))});
}
std::string second_tree() {
  return node_block("second", {link_to(shared_leaf()), link_to(own_leaf(2))});
}

Status plant(World& world) {
  RETURN_IF_ERROR(world.commit_batch({own_leaf(1), inner_node(), second_tree(), own_leaf(2)}));
  RETURN_IF_ERROR(world.put(shared_leaf()));
  RETURN_IF_ERROR(world.put(first_tree(), kPacked));
  RETURN_IF_ERROR(world.put(text("never referenced", 0)));
  RETURN_IF_ERROR(world.move_ref("head", first_tree(), NodeKind::kDagCbor));
  return world.checkpoint();
}

// Tree after tree; the old one goes with each move, and is put again.
Status release_trees(World& world) {
  for (const std::string& part : {shared_leaf(), own_leaf(2), second_tree()}) {
    RETURN_IF_ERROR(world.put(part));
  }
  RETURN_IF_ERROR(world.release("head", second_tree(), {first_tree(), inner_node(), own_leaf(1)}));
  RETURN_IF_ERROR(world.commit_batch({own_leaf(1), inner_node()}));
  RETURN_IF_ERROR(world.put(first_tree()));
  RETURN_IF_ERROR(world.put(shared_leaf()));
  RETURN_IF_ERROR(world.release("other", first_tree(), {}));
  RETURN_IF_ERROR(world.release("head", std::nullopt, {second_tree(), own_leaf(2)}));
  return world.release("other", std::nullopt,
                       {first_tree(), inner_node(), own_leaf(1), shared_leaf()});
}

// The first tree loses its last reference.
Status release_first_tree(World& world) {
  return world.release("head", std::nullopt,
                       {first_tree(), inner_node(), own_leaf(1), shared_leaf()});
}

// A pin has kept everything from going until the store was closed.
Status leave_releases(World& world) {
  RETURN_IF_ERROR(plant(world));
  {
    ASSIGN_OR_RETURN(Pin pin, world.store().pin());
    RETURN_IF_ERROR(pin.add(node(ObjectId::of(as_bytes(first_tree())))));
    RETURN_IF_ERROR(release_first_tree(world));
  }
  world.close();
  return {};
}

// Opening the store releases it; what is gone then stays away.
Status resume_releases(World& world) {
  RETURN_IF_ERROR(world.open());
  return release_first_tree(world);
}

Status do_nothing(World&) { return {}; }

}  // namespace

std::vector<Scenario> scenarios() {
  const auto repack_with = [](const RepackOptions& options) {
    return [options](World& world) { return world.repack(options); };
  };
  const auto pack_loose = [](World& world) { return world.pack_loose(); };
  const auto clean = [](World& world) -> Status {
    if (!world.is_open()) RETURN_IF_ERROR(world.open());
    return world.clean();
  };
  const auto backup = [](World& world) { return world.backup(); };
  return {
      {.name = "create", .act = [](World& world) { return world.create(); }},
      {.name = "put_first",
       .prepare = do_nothing,
       .act = [](World& world) { return world.put(text("first", 0)); }},
      {.name = "put_small", .prepare = fill_and_rest, .act = put_small},
      {.name = "put_streamed", .prepare = fill_and_rest, .act = put_streamed},
      {.name = "put_duplicate", .prepare = fill, .act = put_duplicates},
      {.name = "put_packed", .prepare = fill_and_rest, .act = put_packed},
      {.name = "put_buffered", .prepare = fill, .act = put_buffered},
      {.name = "batch_commit", .prepare = fill_and_rest, .act = commit_batches},
      {.name = "batch_abort", .prepare = fill, .act = drop_a_batch},
      {.name = "ref_moves", .prepare = fill, .act = move_refs},
      {.name = "reference_counts",
       .counts = ReferenceCounts::kExact,
       .prepare = plant,
       .act = release_trees},
      {.name = "releases_resumed",
       .counts = ReferenceCounts::kExact,
       .prepare = leave_releases,
       .act = resume_releases},
      {.name = "remove", .prepare = fill, .act = remove_objects},
      {.name = "collect", .prepare = fill_with_trees, .act = collect_garbage},
      {.name = "add", .prepare = fill_and_rest, .act = add_trees},
      {.name = "car_import", .prepare = fill_and_rest, .act = import_trees},
      {.name = "pack_loose", .prepare = fill, .act = pack_loose},
      {.name = "pack_some", .prepare = fill_and_rest, .act = pack_prefix},
      {.name = "repack", .prepare = fill, .act = repack_with({})},
      {.name = "repack_partial", .prepare = fill, .act = repack_with({.dead_ratio_min = 0.1})},
      {.name = "repack_compressing",
       .prepare = fill_and_rest,
       .act = repack_with({.compression = Compression::zlib()})},
      {.name = "churn", .prepare = fill_and_rest, .act = churn},
      {.name = "clean", .prepare = fill_and_leave_garbage, .act = clean},
      {.name = "checkpoint", .prepare = fill, .act = checkpoint},
      {.name = "backup", .prepare = fill, .act = backup},
      {.name = "backup_again", .prepare = fill_and_back_up, .act = backup},
      {.name = "recover",
       .prepare = lose_index,
       .act = [](World& world) { return world.recover(); },
       .opens_after_recovery = true},
  };
}

Scenario find_scenario(std::string_view name) {
  const std::vector<Scenario> all = scenarios();
  return *std::ranges::find(all, name, &Scenario::name);
}

Status prepare(const Scenario& scenario, World& world) {
  if (!scenario.prepare) return {};
  RETURN_IF_ERROR(world.create(scenario.counts));
  RETURN_IF_ERROR(world.open());
  RETURN_IF_ERROR(scenario.prepare(world));
  if (world.is_open()) RETURN_IF_ERROR(world.open());
  return {};
}

Status reopen(const Scenario& scenario, World& world) {
  Status opened = world.open();
  if (opened || !scenario.opens_after_recovery) return opened;
  return world.recover();
}

}  // namespace packstore::crash
