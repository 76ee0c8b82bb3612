// has and ls: which objects there are, without reading any.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands.h"
#include "options.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

class HasCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { add_id_options(app, words_); }

  Status prepare() override {
    Result<std::vector<ObjectId>> ids = words_.parse();
    if (!ids) return std::move(ids).error();
    ids_ = std::move(*ids);
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<std::vector<bool>> present = store.contains(ids_);
    if (!present) return present.error();

    JsonList list(session.out());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const std::string hex = ids_[i].to_hex();
      if (session.as_json()) {
        list.add({{"id", hex}, {"present", bool{(*present)[i]}}});
      } else {
        session.out().line(fmt::format("{}  {}", hex, (*present)[i] ? "present" : "absent"));
      }
    }
    if (session.as_json()) list.close();
    const bool has_all = std::find(present->begin(), present->end(), false) == present->end();
    return has_all ? ExitStatus::kOk : ExitStatus::kFindings;
  }

 private:
  IdWords words_;
  std::vector<ObjectId> ids_;
};

class LsCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("--prefix", prefix_, "Only ids that begin so")->type_name("HEX");
    app.add_flag("-l,--long", show_details_, "Size, codec and place as well");
  }

  Status prepare() override {
    const bool is_hex = prefix_.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (is_hex && prefix_.size() <= ObjectId::kHexSize) return {};
    return fail(ErrorCode::kInvalidArgument, "--prefix {}: needs up to {} digits of 0-9 and a-f",
                quote(prefix_), ObjectId::kHexSize);
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    JsonList list(session.out());
    bool is_past_prefix = false;
    const Status listed = store.for_each_object([&](const ObjectInfo& info) -> Status {
      if (interrupted()) return fail(ErrorCode::kCancelled, "ls: interrupted");
      const std::string hex = info.id.to_hex();
      const int order = hex.compare(0, prefix_.size(), prefix_);
      // Ids ascend: nothing with the prefix can follow, so an error of ours ends the walk.
      is_past_prefix = order > 0;
      if (is_past_prefix) return fail(ErrorCode::kCancelled, "ls: past the prefix");
      if (order < 0) return {};

      if (session.as_json()) {
        list.add(json_of(info));
      } else {
        session.out().line(show_details_ ? details_of(info) : hex);
      }
      return session.out().status();
    });
    if (!listed && !is_past_prefix) return listed.error();
    if (session.as_json()) list.close();
    return ExitStatus::kOk;
  }

 private:
  static Json json_of(const ObjectInfo& info) {
    Json json = {{"id", info.id.to_hex()},
                 {"size", info.size},
                 {"stored_size", info.stored_size},
                 {"codec", to_string(info.codec)}};
    json["pack"] = info.pack ? Json(*info.pack) : Json();
    return json;
  }

  static std::string details_of(const ObjectInfo& info) {
    return fmt::format("{}  {:>10}  {:>10}  {:<4}  {}", info.id.to_hex(), format_size(info.size),
                       format_size(info.stored_size), to_string(info.codec),
                       info.pack ? fmt::format("pack {}", *info.pack) : "loose");
  }

  std::string prefix_;
  bool show_details_ = false;
};

}  // namespace

std::unique_ptr<Command> make_has() { return std::make_unique<HasCommand>(); }
std::unique_ptr<Command> make_ls() { return std::make_unique<LsCommand>(); }

}  // namespace packstore::cli
