// Carries out jobs on records, in bounded memory, wherever LayerStorage keeps them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "compaction/layer_set.h"
#include "compaction/layer_storage.h"
#include "compaction/page_merge.h"
#include "packstore/compaction_runner.h"

namespace packstore {

using MakePageBuilder = std::function<std::unique_ptr<PageBuilder>()>;

// Thread safety: as JobExecutor says; flush() and settle() only while no plan is carried out.
class RecordExecutor final : public JobExecutor {
 public:
  // Goes on with `layers`, which `storage` has published. `make_builder` is called by any thread.
  RecordExecutor(LayerSet layers, LayerStorage& storage, MakePageBuilder make_builder);

  // A new layer of all keys. kCorrupt: a record lies outside of `lsns`.
  Status flush(RecordStream& records, const LsnRange& lsns);

  Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job,
                                           const JobControl& control) override;
  Status publish(const CompactionJob& job, JobOutputs& outputs) override;

  // After a plan: layers that lost parts are divided, as policies want to see them.
  void settle();
  LayerSet& layers() { return layers_; }

  // Every page of `keys` in use at `lsn`; see visit_pages(). Any thread.
  Status read_pages(const KeyRange& keys, Lsn lsn,
                    const std::function<Status(const LayerRecord&)>& visit);

 private:
  struct Outputs;

  Result<LayerShape> find(LayerId id) const;
  std::shared_ptr<const LayerSet> published() const;
  Status make_part(const CompactionJob& job, const JobPart& part, Outputs& outputs,
                   const JobControl& control);
  Status merge_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status copy_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status image_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status cut_part(const JobPart& part, Outputs& outputs) const;
  Status publish(LayerSet next, Outputs& outputs);

  LayerStorage& storage_;
  MakePageBuilder make_builder_;
  mutable std::mutex mutex_;  // Guards what follows.
  LayerSet layers_;           // Ids as the plan found them.
  // As storage has it. Shared with reads and jobs that began before the last edit.
  std::shared_ptr<const LayerSet> published_;
};

}  // namespace packstore
