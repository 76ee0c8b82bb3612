// From the command line to the exit status:
//   1. Build the parser from the table of commands; options of each write into the command itself.
//   2. Parse; what is wrong ends here with the status for usage.
//   3. The command checks its words (prepare) and does its work (run).
//   4. Flush what it printed: output that cannot be written turns success into an error.
#include "program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "command.h"
#include "output.h"
#include "packstore/dag.h"
#include "packstore/version.h"
#include "session.h"

namespace packstore::cli {

namespace {

struct BoundCommand {
  CLI::App* app;
  std::unique_ptr<Command> command;
};

constexpr std::string_view kSharedFooter =
    "Every command also takes --store DIR (or PACKSTORE_STORE) and --json.";

// The parser of the group "ref" for "ref set", the whole program's for "put".
CLI::App& parent_of(CLI::App& program, std::string_view name) {
  const std::size_t space = name.find(' ');
  if (space == std::string_view::npos) return program;
  const std::string group(name.substr(0, space));
  for (CLI::App* known : program.get_subcommands([](CLI::App*) { return true; })) {
    if (known->get_name() == group) return *known;
  }

  CLI::App* app = program.add_subcommand(group, std::string(group_summary(group)));
  app->require_subcommand(0, 1);
  app->fallthrough();
  app->footer(std::string(kSharedFooter));
  return *app;
}

BoundCommand bind(CLI::App& program, const CommandEntry& entry) {
  const std::string name(entry.name.substr(entry.name.find(' ') + 1));
  CLI::App* app = parent_of(program, entry.name).add_subcommand(name, std::string(entry.summary));
  app->footer(fmt::format("{}\nExample:\n  {}", kSharedFooter, entry.example));
  // Shared options are accepted behind the command too.
  app->fallthrough();
  BoundCommand bound{app, entry.make()};
  bound.command->add_options(*app);
  return bound;
}

void add_shared_options(CLI::App& program, SharedOptions& options) {
  program.add_option("--store", options.store, "The directory of the store")
      ->envname("PACKSTORE_STORE")
      ->type_name("DIR");
  program.add_flag("--json", options.as_json, "Print JSON");
  program.set_version_flag("--version", fmt::format("packstore {}", kVersion),
                           "Print the version and exit");
  program.set_help_flag("-h,--help", "Print this help and exit");
  // None is an error too, but ours: the parser's would hide the word that is no command.
  program.require_subcommand(0, 1);
  program.footer(
      "Exit status: 0 done; 1 absent, not found or damage found; 2 wrong usage; 3 error.\n"
      "Example:\n"
      "  packstore init --store results && packstore put --store results report.csv");
}

ExitStatus refuse(std::string_view reason, Session& session) {
  session.report({ErrorCode::kInvalidArgument, std::string(reason)});
  session.note("try --help");
  return ExitStatus::kUsage;
}

ExitStatus explain(const CLI::App& program, const CLI::ParseError& error, Session& session) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    // Help or version: the parser throws them as well.
    std::ostringstream text;
    program.exit(error, text, text);
    session.out().write(text.str());
    return ExitStatus::kOk;
  }
  return refuse(error.what(), session);
}

ExitStatus report_failure(const Error& error, Session& session) {
  session.report(error);
  return exit_status_of(error.code);
}

ExitStatus execute(Command& command, Session& session) {
  if (const Status ready = command.prepare(); !ready) {
    return report_failure(ready.error(), session);
  }
  const Result<ExitStatus> status = command.run(session);
  return status ? *status : report_failure(status.error(), session);
}

ExitStatus parse_and_execute(CLI::App& program, const std::vector<BoundCommand>& commands,
                             std::vector<std::string> words, Session& session) {
  try {
    program.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return explain(program, error, session);
  }
  for (const BoundCommand& bound : commands) {
    if (bound.app->parsed()) return execute(*bound.command, session);
  }
  return refuse("no command", session);
}

}  // namespace

Result<ExitStatus> StoreCommand::run(Session& session) {
  const Result<std::filesystem::path> path = session.store_path();
  if (!path) return path.error();
  Result<Store> store = Store::open(*path, {.children_of = object_links});
  if (!store) return session.give_up(store.error());
  return run_on(*store, session);
}

ExitStatus run_program(int argc, const char* const* argv) {
  SharedOptions options;
  CLI::App program("A store for data that never changes once written.", "packstore");
  add_shared_options(program, options);
  std::vector<BoundCommand> commands;
  for (const CommandEntry& entry : command_table()) commands.push_back(bind(program, entry));

  // The parser takes its words from the end.
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  std::reverse(words.begin(), words.end());

  Session session(options);
  ExitStatus status = ExitStatus::kError;
  try {
    status = parse_and_execute(program, commands, std::move(words), session);
  } catch (const std::exception& error) {
    session.report({ErrorCode::kIo, error.what()});
  }
  if (const Status written = session.finish(); !written) {
    // A closed pipe says it once: the command may have stopped with this very error.
    if (status != ExitStatus::kError) session.report(written.error());
    return ExitStatus::kError;
  }
  return status;
}

}  // namespace packstore::cli
