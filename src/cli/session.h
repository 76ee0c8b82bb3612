// What every command is given: the options that all share, and the ways to the outside.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "exit_status.h"
#include "interrupt.h"
#include "output.h"
#include "packstore/maintenance.h"
#include "packstore/run_control.h"
#include "packstore/store.h"
#include "progress_bar.h"

namespace packstore::cli {

struct SharedOptions {
  std::string store;
  bool as_json = false;
};

// Thread safety: control().on_progress by one thread at a time, like the rest.
class Session {
 public:
  // Reads `options` when it is asked: they are complete only after the command line was parsed.
  explicit Session(const SharedOptions& options) : options_(options) {}

  bool as_json() const { return options_.as_json; }
  Output& out() { return out_; }

  // kInvalidArgument: neither --store nor PACKSTORE_STORE.
  Result<std::filesystem::path> store_path() const;

  // For calls that may run long: draws progress, and stops after Ctrl-C.
  RunControl control();
  void progress(const Progress& progress) { bar_.update(progress); }

  // One line on standard error.
  void note(std::string_view line);
  // "packstore: <code>: <message>" on standard error.
  void report(const Error& error);
  // The same for a failure that is not the caller's question answered with no.
  ExitStatus give_up(const Error& error);

  // Writes out everything, and clears the progress bar.
  Status finish();

 private:
  const SharedOptions& options_;
  Output out_{stdout};
  ProgressBar bar_;
  std::optional<StopOnInterrupt> stop_;
};

}  // namespace packstore::cli
