#include "session.h"

#include <cstdio>

#include "text.h"

namespace packstore::cli {

Result<std::filesystem::path> Session::store_path() const {
  if (options_.store.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no store: give --store DIR or set PACKSTORE_STORE");
  }
  return std::filesystem::path(options_.store);
}

RunControl Session::control() {
  if (!stop_) stop_.emplace();
  RunControl control;
  control.on_progress = [this](const Progress& progress) { bar_.update(progress); };
  control.stop = stop_->token();
  return control;
}

void Session::note(std::string_view line) {
  bar_.clear();
  std::fputs(fmt::format("packstore: {}\n", printable(line)).c_str(), stderr);
}

void Session::report(const Error& error) {
  note(fmt::format("{}: {}", to_string(error.code), error.message));
}

ExitStatus Session::give_up(const Error& error) {
  report(error);
  return ExitStatus::kError;
}

Status Session::finish() {
  bar_.clear();
  return out_.finish();
}

}  // namespace packstore::cli
