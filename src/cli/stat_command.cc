// stat: how full the store is, in numbers and as a picture.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "files.h"
#include "pack_picture.h"
#include "packstore/stats.h"
#include "report.h"

namespace packstore::cli {

namespace {

Json to_json(const PackStats& pack) {
  return {{"pack", pack.pack},
          {"sealed", pack.sealed},
          {"objects", pack.objects},
          {"content_bytes", pack.content_bytes},
          {"stored_bytes", pack.stored_bytes},
          {"file_bytes", pack.file_bytes},
          {"dead_bytes", pack.dead_bytes}};
}

class StatCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("--svg", svg_, "Draw the packs into a picture as well")->type_name("FILE");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<StoreStats> stats = store.stats();
    if (!stats) return stats.error();
    if (!svg_.empty()) {
      const Status written = write_file(svg_, draw_packs_as_svg(stats->packs));
      if (!written) return written.error();
    }
    print(store, *stats, session);
    return ExitStatus::kOk;
  }

 private:
  static void print(const Store& store, const StoreStats& stats, Session& session) {
    Report report;
    report.text({"uuid", "uuid"}, store.uuid());
    report.count({"loose_objects", "loose objects"}, stats.loose_objects);
    report.bytes({"loose_bytes", "loose content"}, stats.loose_bytes);
    report.count({"packed_objects", "packed objects"}, stats.packed_objects);
    report.bytes({"packed_content_bytes", "packed content"}, stats.packed_content_bytes);
    report.bytes({"packed_stored_bytes", "stored as"}, stats.packed_stored_bytes);
    report.share({"", "stored / content"}, stats.compression_ratio());
    report.json("compression_ratio", stats.compression_ratio());
    report.bytes({"pack_file_bytes", "pack files"}, stats.pack_file_bytes);
    report.bytes({"dead_bytes", "dead in packs"}, stats.dead_bytes);
    report.bytes({"index_bytes", "index"}, stats.index_bytes);
    report.text({"", "index per object"}, fmt::format("{:.0f} B", stats.index_bytes_per_object()));
    report.json("index_bytes_per_object", stats.index_bytes_per_object());
    report.count({"refs", "refs"}, stats.refs);
    report.count({"sandbox_files", "sandbox files"}, stats.sandbox_files);
    Json packs = Json::array();
    for (const PackStats& pack : stats.packs) packs.push_back(to_json(pack));
    report.json("packs", std::move(packs));
    report.drawing(draw_packs(stats.packs));
    report.print(session);
  }

  std::string svg_;
};

}  // namespace

std::unique_ptr<Command> make_stat() { return std::make_unique<StatCommand>(); }

}  // namespace packstore::cli
