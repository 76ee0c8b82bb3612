// One command of the program: its options, and what it does.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "exit_status.h"
#include "packstore/result.h"
#include "packstore/store.h"
#include "parser.h"
#include "session.h"

namespace packstore::cli {

// The parser writes straight into the command's members, so a command stays where it is from
// add_options() to the end of run().
class Command {
 public:
  virtual ~Command() = default;

  virtual void add_options(CLI::App& app) = 0;

  // Turns words into values and refuses what is wrong, before any store is touched.
  virtual Status prepare() { return {}; }

  // What the shell is told. An error is printed by the caller and gives its own status.
  virtual Result<ExitStatus> run(Session& session) = 0;
};

// A command on an open store. A store that does not open is ExitStatus::kError whatever the reason:
// "not found" is the answer to a question about objects.
class StoreCommand : public Command {
 public:
  Result<ExitStatus> run(Session& session) final;

 protected:
  virtual Result<ExitStatus> run_on(Store& store, Session& session) = 0;
};

// A row of the program's table. A name of two words is a command in a group: "ref set".
struct CommandEntry {
  std::string_view name;
  std::string_view summary;
  std::string_view example;
  std::unique_ptr<Command> (*make)();
};

std::span<const CommandEntry> command_table();

// What `name` says about its group: "ref" has a summary of its own.
std::string_view group_summary(std::string_view group);

}  // namespace packstore::cli
