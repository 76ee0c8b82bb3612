// dag stat, dag ls, dag verify: what is below a CID.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "options.h"
#include "packstore/dag.h"
#include "packstore/directory.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

// stat and verify differ in whether leaves are read.
class DagCheckCommand final : public StoreCommand {
 public:
  explicit DagCheckCommand(LeafCheck leaves) : leaves_(leaves) {}

  void add_options(CLI::App& app) override { path_.add_option(app, "The root"); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store);
    const Result<Cid> root = path_.resolve(store, blocks);
    if (!root) return root.error();
    const Result<DagReport> found =
        check_dag(blocks, *root, {.leaves = leaves_, .control = session.control()});
    if (!found) return found.error();

    Report report;
    report.text({"", "result"}, found->is_whole() ? "whole" : "incomplete or damaged");
    report.json("whole", found->is_whole());
    report.text({"root", "root"}, root->to_text());
    add_size(blocks, *root, report);
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
  static void add_size(const BlockStore& blocks, const Cid& root, Report& report) {
    if (const Result<std::uint64_t> size = size_of(blocks, root)) {
      report.bytes({"file_bytes", "size of the file"}, *size);
    }
  }

  LeafCheck leaves_;
  PathWord path_;
};

class DagListCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    path_.add_option(app, "The node");
    app.add_flag("--links", links_,
                 "The links of this one block also where it is a directory in shards");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const StoreBlocks blocks(store);
    const Result<Cid> cid = path_.resolve(store, blocks);
    if (!cid) return cid.error();
    JsonList list(session.out());
    const Status listed = print_all(blocks, *cid, session, list);
    if (!listed) return listed.error();
    if (session.as_json()) list.close();
    return ExitStatus::kOk;
  }

 private:
  // An object without links may be of any size: it is not read.
  Status print_all(const BlockStore& blocks, const Cid& cid, Session& session,
                   JsonList& list) const {
    if (cid.kind() == NodeKind::kRaw) {
      const Result<std::uint64_t> size = blocks.size(cid);
      return size ? Status() : Status(size.error());
    }
    const Result<EntryType> type = type_of(blocks, cid);
    if (!links_ && type && *type == EntryType::kDirectory) {
      return for_each_entry(blocks, cid, [&](const DirectoryEntry& entry) {
        print({.cid = entry.cid, .name = entry.name}, session, list);
        return session.out().status();
      });
    }
    const Result<Bytes> block = blocks.get(cid);
    if (!block) return block.error();
    const Result<std::vector<DagLink>> links = links_of(cid, *block);
    if (!links) return links.error();
    for (const DagLink& link : *links) print(link, session, list);
    return session.out().status();
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

  bool links_ = false;
  PathWord path_;
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
