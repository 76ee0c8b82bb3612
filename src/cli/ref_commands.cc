// ref set, get, list and rm: names that point at objects.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "files.h"
#include "packstore/refs.h"
#include "report.h"
#include "text.h"

namespace packstore::cli {

namespace {

// What --expect takes for a ref that must not be there yet.
constexpr std::string_view kAbsent = "absent";

void add_name_option(CLI::App& app, std::string& name) {
  app.add_option("name", name, "The ref")->required()->type_name("NAME");
}

Error no_such_ref(std::string_view name) {
  return fail(ErrorCode::kNotFound, "no ref {}", quote(name));
}

Json id_or_null(const std::optional<ObjectId>& id) { return id ? Json(id->to_hex()) : Json(); }

class RefSetCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    add_name_option(app, name_);
    app.add_option("id", id_word_,
                   "The object that it is to point at: a CID says what it is, an id means raw")
        ->required()
        ->type_name("ID|CID");
    app.add_option("--expect", expected_word_,
                   "Move it only from there; 'absent' for a ref that is not there yet")
        ->type_name("ID|absent");
  }

  Status prepare() override {
    const Result<Link> target = parse_link(id_word_);
    if (!target) return target.error();
    step_.to = target->id;
    step_.kind = target->kind;
    if (expected_word_.empty() || expected_word_ == kAbsent) return {};
    const Result<ObjectId> expected = parse_id(expected_word_);
    if (!expected) return expected.error();
    step_.from = *expected;
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Refs refs = store.refs();
    if (expected_word_.empty()) {
      const Result<std::optional<ObjectId>> current = refs.find(name_);
      if (!current) return current.error();
      step_.from = *current;
    }
    if (const Status moved = refs.move(name_, step_); !moved) return moved.error();

    Report report;
    report.text({"name", ""}, name_);
    report.text({"id", ""}, step_.to->to_hex());
    report.json("previous", id_or_null(step_.from));
    report.drawing(fmt::format("{}  {}\n", step_.to->to_hex(), name_));
    report.print(session);
    return ExitStatus::kOk;
  }

 private:
  std::string name_;
  std::string id_word_;
  std::string expected_word_;
  RefMove step_;
};

class RefGetCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { add_name_option(app, name_); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<std::optional<ObjectId>> id = store.refs().find(name_);
    if (!id) return id.error();
    if (!*id) return no_such_ref(name_);

    Report report;
    report.text({"name", ""}, name_);
    report.text({"id", ""}, (*id)->to_hex());
    report.drawing((*id)->to_hex() + "\n");
    report.print(session);
    return ExitStatus::kOk;
  }

 private:
  std::string name_;
};

class RefListCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    app.add_option("prefix", prefix_, "Only names that begin so")->type_name("PREFIX");
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<std::vector<Ref>> refs = store.refs().list(prefix_);
    if (!refs) return refs.error();

    JsonList list(session.out());
    for (const Ref& ref : *refs) {
      if (session.as_json()) {
        list.add(to_json(ref));
      } else {
        session.out().line(fmt::format("{}  {}", ref.id.to_hex(), ref.name));
      }
    }
    if (session.as_json()) list.close();
    return ExitStatus::kOk;
  }

 private:
  std::string prefix_;
};

class RefRmCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { add_name_option(app, name_); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    Refs refs = store.refs();
    const Result<std::optional<ObjectId>> id = refs.find(name_);
    if (!id) return id.error();
    if (!*id) return no_such_ref(name_);
    const Status moved = refs.move(name_, {.from = *id, .to = std::nullopt});
    if (!moved) return moved.error();

    Report report;
    report.text({"name", "deleted"}, name_);
    report.json("previous", id_or_null(*id));
    report.print(session);
    return ExitStatus::kOk;
  }

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Command> make_ref_set() { return std::make_unique<RefSetCommand>(); }
std::unique_ptr<Command> make_ref_get() { return std::make_unique<RefGetCommand>(); }
std::unique_ptr<Command> make_ref_list() { return std::make_unique<RefListCommand>(); }
std::unique_ptr<Command> make_ref_rm() { return std::make_unique<RefRmCommand>(); }

}  // namespace packstore::cli
