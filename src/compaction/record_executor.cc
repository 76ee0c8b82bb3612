// A job's outputs are written and made durable by make(), which any number of threads do side by
// side. publish() then lists them and forgets the inputs, in one step of the storage.
//
// While a flush is in memory, publish() only takes what was made; finish_flush() writes what is
// left of the flush and lists all of it in one step.
//
// Inputs are looked up as the plan found them; pages of images are read from what is published when
// the job begins, which other jobs of the plan may change, but not in its rectangle.
#include "compaction/record_executor.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "compaction/layer_writer.h"

namespace packstore {

namespace {

// What reads have paid for looking into a run is not forgotten where the run is copied.
void add_visits(const LayerShape& from, LayerShape& to) {
  for (CellShare& share : to.cells) {
    const auto paid = std::ranges::lower_bound(from.cells, share.cell, {}, &CellShare::cell);
    if (paid == from.cells.end() || paid->cell != share.cell) continue;
    share.visits_even += paid->visits_even;
    share.visits_hot += paid->visits_hot;
  }
}

}  // namespace

struct RecordExecutor::Outputs final : JobOutputs {
  Outputs(const OutputCuts& cuts, const Grid& grid, LayerStorage& storage,
          const JobControl& control)
      : written(cuts, grid, storage, control) {}

  LayerWriter written;
  std::vector<LayerShape> cut;  // In files that are there already.
};

RecordExecutor::RecordExecutor(LayerSet layers, LayerStorage& storage, MakePageBuilder make_builder)
    : storage_(storage),
      make_builder_(std::move(make_builder)),
      layers_(std::move(layers)),
      view_(std::make_shared<const View>(View{layers_, nullptr})) {}

Status RecordExecutor::flush(RecordStream& records, const LsnRange& lsns) {
  const JobControl control({}, {}, {});
  const OutputCuts cuts;
  Outputs outputs(cuts, layers_.grid(), storage_, control);
  outputs.written.begin_layer(LayerKind::kDelta, KeyRange::all(), lsns);
  for (;;) {
    ASSIGN_OR_RETURN(const LayerRecord* record, records.next());
    if (record == nullptr) break;
    RETURN_IF_ERROR(outputs.written.append(*record));
  }
  outputs.written.end_layer();
  RETURN_IF_ERROR(outputs.written.finish());
  LayerSet next = layers_;
  take(outputs, next);
  return publish(std::move(next));
}

Status RecordExecutor::begin_flush(OpenFlush open, const LsnRange& lsns) {
  if (view()->flush) {
    return fail(ErrorCode::kInvalidArgument, "flush of LSNs {} to {}: another one is in memory",
                lsns.begin, lsns.end);
  }
  const JobControl control({}, {}, {});
  LayerMeter meter(layers_.grid());
  meter.begin(LayerKind::kDelta, KeyRange::all(), lsns);
  ASSIGN_OR_RETURN(const auto records, open(KeyRange::all(), control));
  for (;;) {
    ASSIGN_OR_RETURN(const LayerRecord* record, records->next());
    if (record == nullptr) break;
    RETURN_IF_ERROR(meter.check(*record));
    meter.add(*record);
  }
  meter.layer.file = kInMemory;
  const std::lock_guard lock(mutex_);
  if (!meter.layer.cells.empty()) layers_.add(std::move(meter.layer));
  view_ = std::make_shared<const View>(View{layers_, std::move(open)});
  return {};
}

Status RecordExecutor::finish_flush() {
  const JobControl control({}, {}, {});
  const OutputCuts cuts;
  Outputs outputs(cuts, layers_.grid(), storage_, control);
  {
    const std::lock_guard lock(mutex_);
    layers_.settle();
  }
  LayerSet next = layers_;
  for (const LayerShape& layer : layers_.layers()) {
    if (!layer.is_in_memory()) continue;
    const JobInput all{layer.id, layer.keys};
    RETURN_IF_ERROR(
        merge_part({.keys = layer.keys, .lsns = layer.lsns, .inputs = {all}}, outputs, control));
    RETURN_IF_ERROR(next.remove(all));
  }
  RETURN_IF_ERROR(outputs.written.finish());
  take(outputs, next);
  next.settle();
  return publish(std::move(next));
}

Result<std::unique_ptr<RecordStream>> RecordExecutor::open(const View& view,
                                                           const LayerShape& layer,
                                                           const KeyRange& keys,
                                                           const JobControl& control) {
  if (!layer.is_in_memory()) return storage_.open(layer, keys, control);
  return view.flush({std::max(keys.begin, layer.keys.begin), std::min(keys.end, layer.keys.end)},
                    control);
}

Result<LayerShape> RecordExecutor::find(LayerId id) const {
  const std::lock_guard lock(mutex_);
  const LayerShape* layer = layers_.find(id);
  if (layer != nullptr) return *layer;
  return fail(ErrorCode::kInvalidArgument, "job input: layer {} is not there", id);
}

std::shared_ptr<const RecordExecutor::View> RecordExecutor::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

Result<std::unique_ptr<JobOutputs>> RecordExecutor::make(const CompactionJob& job,
                                                         const JobControl& control) {
  auto outputs = std::make_unique<Outputs>(job.cuts, view()->layers.grid(), storage_, control);
  for (const JobPart& part : job.parts) {
    RETURN_IF_ERROR(make_part(job, part, *outputs, control));
  }
  RETURN_IF_ERROR(outputs->written.finish());
  return std::unique_ptr<JobOutputs>(std::move(outputs));
}

Status RecordExecutor::make_part(const CompactionJob& job, const JobPart& part, Outputs& outputs,
                                 const JobControl& control) {
  switch (job.kind) {
    case JobKind::kDrop:
      return {};
    case JobKind::kCut:
    case JobKind::kMove:
      return cut_part(part, outputs);
    case JobKind::kImage:
      return image_part(part, outputs, control);
    case JobKind::kReclaim:
      return copy_part(part, outputs, control);
    case JobKind::kMerge:
      break;
  }
  return merge_part(part, outputs, control);
}

Status RecordExecutor::merge_part(const JobPart& part, Outputs& outputs,
                                  const JobControl& control) {
  LayerKind kind = LayerKind::kDelta;
  const auto seen = view();
  std::vector<std::unique_ptr<RecordStream>> streams;
  for (const JobInput& input : part.inputs) {
    ASSIGN_OR_RETURN(const LayerShape layer, find(input.layer));
    if (!layer.is_delta() && part.inputs.size() != 1) {
      return fail(ErrorCode::kInvalidArgument, "job input: image {} is to be merged", layer.id);
    }
    kind = layer.kind;
    ASSIGN_OR_RETURN(auto stream, open(*seen, layer, input.keys, control));
    streams.push_back(std::move(stream));
  }
  outputs.written.begin_layer(kind, part.keys, part.lsns);
  RETURN_IF_ERROR(merge_records(
      streams, [&](const LayerRecord& record) { return outputs.written.append(record); }));
  outputs.written.end_layer();
  return {};
}

Status RecordExecutor::copy_part(const JobPart& part, Outputs& outputs, const JobControl& control) {
  const std::size_t first = outputs.written.layers.size();
  RETURN_IF_ERROR(merge_part(part, outputs, control));
  for (const JobInput& input : part.inputs) {
    ASSIGN_OR_RETURN(const LayerShape from, find(input.layer));
    for (std::size_t i = first; i < outputs.written.layers.size(); ++i) {
      add_visits(from, outputs.written.layers[i]);
    }
  }
  return {};
}

Status RecordExecutor::image_part(const JobPart& part, Outputs& outputs,
                                  const JobControl& control) {
  outputs.written.begin_layer(LayerKind::kImage, part.keys, part.lsns);
  RETURN_IF_ERROR(read_pages(part.keys, part.lsns.end, control, [&](const LayerRecord& page) {
    return outputs.written.append(page);
  }));
  outputs.written.end_layer();
  return {};
}

Status RecordExecutor::cut_part(const JobPart& part, Outputs& outputs) const {
  if (part.inputs.size() != 1) {
    return fail(ErrorCode::kInvalidArgument, "job: a cut of {} layers", part.inputs.size());
  }
  const JobInput& input = part.inputs.front();
  ASSIGN_OR_RETURN(const LayerShape from, find(input.layer));
  LayerShape layer = part_of_layer(from, input.keys);
  layer.keys = part.keys;
  layer.lsns = part.lsns;
  if (!layer.cells.empty()) outputs.cut.push_back(std::move(layer));
  return {};
}

Status RecordExecutor::publish(const CompactionJob& job, JobOutputs& outputs) {
  LayerSet next = [&] {
    const std::lock_guard lock(mutex_);
    return layers_;
  }();
  if (job.kind != JobKind::kImage) {  // What is under an image stays.
    for (const JobPart& part : job.parts) {
      for (const JobInput& input : part.inputs) RETURN_IF_ERROR(next.remove(input));
    }
  }
  take(static_cast<Outputs&>(outputs), next);
  if (!view()->flush) return publish(std::move(next));
  const std::lock_guard lock(mutex_);
  layers_ = std::move(next);
  return {};
}

void RecordExecutor::take(Outputs& outputs, LayerSet& next) {
  const std::size_t first = taken_.size();
  for (std::size_t i = 0; i < outputs.written.files.size(); ++i) {
    taken_.push_back(
        {next.add_file(outputs.written.file_bytes[i]), std::move(outputs.written.files[i])});
  }
  for (LayerShape& layer : outputs.written.layers) {
    layer.file = taken_[first + layer.file].id;
    next.add(std::move(layer));
  }
  for (LayerShape& layer : outputs.cut) next.add(std::move(layer));
}

Status RecordExecutor::publish(LayerSet next) {
  const std::vector<MadeFile> files = std::exchange(taken_, {});
  std::vector<NewLayerFile> added;
  for (const MadeFile& file : files) added.push_back({file.id, file.file.get()});
  auto seen = std::make_shared<View>(View{next, nullptr});
  seen->layers.settle();
  RETURN_IF_ERROR(storage_.publish(
      {.layers = seen->layers.layers(), .files = seen->layers.files(), .added = added}));
  const std::lock_guard lock(mutex_);
  layers_ = std::move(next);
  view_ = std::move(seen);
  return {};
}

Status RecordExecutor::settle() {
  {
    const std::lock_guard lock(mutex_);
    layers_.settle();
  }
  const auto seen = view();
  // With a flush in memory nothing was listed since it began.
  return seen->flush ? Status() : storage_.give_back_dead_bytes(seen->layers.layers());
}

Status RecordExecutor::read_pages(const KeyRange& keys, Lsn lsn,
                                  const std::function<Status(const LayerRecord&)>& visit) {
  return read_pages(keys, lsn, JobControl({}, {}, {}), visit);
}

Status RecordExecutor::read_pages(const KeyRange& keys, Lsn lsn, const JobControl& control,
                                  const std::function<Status(const LayerRecord&)>& visit) {
  const auto seen = view();
  const auto open_layer = [&](const LayerShape& layer, const KeyRange& range,
                              const JobControl& layer_control) {
    return open(*seen, layer, range, layer_control);
  };
  return visit_pages(seen->layers.layers(), open_layer, keys, lsn, *make_builder_(), control,
                     visit);
}

}  // namespace packstore
