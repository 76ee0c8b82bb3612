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

// The records of a flush whose keys are in `keys`: any number of times, by any thread.
using OpenFlush = std::function<Result<std::unique_ptr<RecordStream>>(const KeyRange& keys,
                                                                      const JobControl& control)>;
using MakePageBuilder = std::function<std::unique_ptr<PageBuilder>()>;

// Thread safety: as JobExecutor says; flushes and settle() only while no plan is carried out.
class RecordExecutor final : public JobExecutor {
 public:
  // Goes on with `layers`, which `storage` has published. `make_builder` is called by any thread.
  RecordExecutor(LayerSet layers, LayerStorage& storage, MakePageBuilder make_builder);

  // A new layer of all keys. kCorrupt: a record lies outside of `lsns`.
  Status flush(RecordStream& records, const LsnRange& lsns);

  // The same, in memory: one plan may take from it, finish_flush() writes what that has left. Until
  // then nothing is published, of that plan neither, so that a crash leaves what was before the
  // flush. After an error the flush cannot go on: take up what `storage` has listed.
  // kInvalidArgument: another flush is in memory. kCorrupt: as flush().
  Status begin_flush(OpenFlush open, const LsnRange& lsns);
  Status finish_flush();

  Result<std::unique_ptr<JobOutputs>> make(const CompactionJob& job,
                                           const JobControl& control) override;
  Status publish(const CompactionJob& job, JobOutputs& outputs) override;

  // After a plan, and while nobody reads pages: layers that lost parts are divided, as policies
  // want to see them, and files give back what is dead in them.
  Status settle();
  LayerSet& layers() { return layers_; }

  // Every page of `keys` in use at `lsn`, a flush in memory included; see visit_pages(). Any
  // thread.
  Status read_pages(const KeyRange& keys, Lsn lsn,
                    const std::function<Status(const LayerRecord&)>& visit);

 private:
  struct Outputs;

  struct MadeFile {
    FileId id = 0;
    std::unique_ptr<LayerFile> file;
  };

  // What reads and jobs see that begin now. They share it, whatever is published meanwhile.
  struct View {
    LayerSet layers;  // As storage has it, and a flush in memory.
    OpenFlush flush;  // That; none: nothing is in memory.
  };

  Result<LayerShape> find(LayerId id) const;
  std::shared_ptr<const View> view() const;
  Result<std::unique_ptr<RecordStream>> open(const View& view, const LayerShape& layer,
                                             const KeyRange& keys, const JobControl& control);
  Status make_part(const CompactionJob& job, const JobPart& part, Outputs& outputs,
                   const JobControl& control);
  Status merge_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status copy_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status read_pages(const KeyRange& keys, Lsn lsn, const JobControl& control,
                    const std::function<Status(const LayerRecord&)>& visit);
  Status image_part(const JobPart& part, Outputs& outputs, const JobControl& control);
  Status cut_part(const JobPart& part, Outputs& outputs) const;
  // Adds what was made to `next`.
  void take(Outputs& outputs, LayerSet& next);
  // All that was taken since the last time.
  Status publish(LayerSet next);

  LayerStorage& storage_;
  MakePageBuilder make_builder_;
  std::vector<MadeFile> taken_;  // Made, and not published.
  mutable std::mutex mutex_;     // Guards what follows.
  LayerSet layers_;              // Ids as the plan found them.
  std::shared_ptr<const View> view_;
};

}  // namespace packstore
