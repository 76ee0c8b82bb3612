// dag stat, dag ls, dag verify: what is below a CID.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "options.h"
#include "packstore/dag.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

// stat and verify differ in whether leaves are read.
class DagCheckCommand final : public StoreCommand {
 public:
  explicit DagCheckCommand(LeafCheck leaves) : leaves_(leaves) {}

  void add_options(CLI::App& app) override { cid_.add_option(app, "The root"); }
  Status prepare() override { return cid_.prepare(); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store);
    const Result<DagReport> found =
        check_dag(blocks, *cid_, {.leaves = leaves_, .control = session.control()});
    if (!found) return found.error();

    Report report;
    report.text({"", "result"}, found->is_whole() ? "whole" : "incomplete or damaged");
    report.json("whole", found->is_whole());
    report.text({"root", "root"}, cid_->to_text());
    add_size(blocks, report);
    report.count({"nodes", "nodes"}, found->nodes);
    report.count({"leaves", "leaves"}, found->leaves);
    report.bytes({"block_bytes", "content of blocks"}, found->block_bytes);
    report.count({"depth", "depth"}, found->depth);
    report.count({"faults", "faults"}, found->faults);
    report.faults({"listed", "fault"}, found->listed);
    report.print(session);
    return found->is_whole() ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  // Directories and other nodes have no size.
  void add_size(const BlockStore& blocks, Report& report) const {
    if (const Result<std::uint64_t> size = size_of(blocks, *cid_)) {
      report.bytes({"file_bytes", "size of the file"}, *size);
    }
  }

  LeafCheck leaves_;
  CidWord cid_;
};

class DagListCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { cid_.add_option(app, "The node"); }
  Status prepare() override { return cid_.prepare(); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store);
    const Result<std::vector<DagLink>> links = find_links(blocks);
    if (!links) return links.error();
    JsonList list(session.out());
    for (const DagLink& link : *links) print(link, session, list);
    if (session.as_json()) list.close();
    return ExitStatus::kOk;
  }

 private:
  // An object without links may be of any size: it is not read.
  Result<std::vector<DagLink>> find_links(const BlockStore& blocks) const {
    if (cid_->kind() == NodeKind::kRaw) {
      const Result<std::uint64_t> size = blocks.size(*cid_);
      return size ? Result<std::vector<DagLink>>(std::vector<DagLink>()) : size.error();
    }
    const Result<Bytes> block = blocks.get(*cid_);
    if (!block) return block.error();
    return links_of(*cid_, *block);
  }

  static void print(const DagLink& link, Session& session, JsonList& list) {
    if (session.as_json()) {
      list.add({{"cid", link.cid.to_text()},
                {"name", link.name},
                {"size", link.size ? Json(*link.size) : Json()}});
      return;
    }
    const LineName name = line_name(link.name);
    session.out().line(fmt::format("{}{}  {:>14}  {}", name.is_escaped ? "\\" : "",
                                   link.cid.to_text(),
                                   link.size ? fmt::format("{}", *link.size) : "-", name.text));
  }

  CidWord cid_;
};

}  // namespace

std::unique_ptr<Command> make_dag_stat() {
  return std::make_unique<DagCheckCommand>(LeafCheck::kPresence);
}
std::unique_ptr<Command> make_dag_ls() { return std::make_unique<DagListCommand>(); }
std::unique_ptr<Command> make_dag_verify() {
  return std::make_unique<DagCheckCommand>(LeafCheck::kContent);
}

}  // namespace packstore::cli
