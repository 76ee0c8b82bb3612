// ref set, get, list and rm: names that point at objects.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "files.h"
#include "options.h"
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

// `ref` as `ref set` and `ref get` tell of it.
Report describe(const Ref& ref) {
  Report report;
  report.text({"name", ""}, ref.name);
  report.text({"id", ""}, ref.id.to_hex());
  report.text({"cid", ""}, Cid::of(ref.kind, ref.id).to_text());
  report.text({"kind", ""}, to_text(ref.kind));
  return report;
}

class RefSetCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override {
    add_name_option(app, name_);
    target_.add_option(app, "What it is to point at");
    app.add_option("--expect", expected_word_,
                   "Move it only from there; 'absent' for a ref that is not there yet")
        ->type_name("ID|absent");
  }

  Status prepare() override {
    if (expected_word_.empty() || expected_word_ == kAbsent) return {};
    const Result<ObjectId> expected = parse_id(expected_word_);
    if (!expected) return expected.error();
    expected_ = *expected;
    return {};
  }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<Ref> ref = resolve(store);
    if (!ref) return ref.error();
    Refs refs = store.refs();
    RefMove step{.from = expected_, .to = ref->id, .kind = ref->kind};
    if (expected_word_.empty()) {
      const Result<std::optional<ObjectId>> current = refs.find(name_);
      if (!current) return current.error();
      step.from = *current;
    }
    if (target_.is_bare_id()) {
      if (const Status warned = warn_of_node(refs, *ref, session); !warned) return warned.error();
    }
    if (const Status moved = refs.move(name_, step); !moved) return moved.error();

    Report report = describe(*ref);
    report.json("previous", id_or_null(step.from));
    report.drawing(line_of(*ref) + "\n");
    report.print(session);
    return ExitStatus::kOk;
  }

 private:
  Result<Ref> resolve(const Store& store) const {
    const Result<Cid> cid = target_.resolve(store);
    if (!cid) return cid.error();
    const std::optional<ObjectId> id = cid->object_id();
    const std::optional<NodeKind> kind = cid->kind();
    if (!id || !kind) {
      return fail(ErrorCode::kInvalidArgument, "{}: no object of a store has that CID",
                  cid->to_text());
    }
    return Ref{.name = name_, .id = *id, .kind = *kind};
  }

  // Digits say nothing of links. Whoever has called the object a node before meant more than it.
  static Status warn_of_node(const Refs& refs, const Ref& made, Session& session) {
    const Result<std::vector<Ref>> all = refs.list();
    if (!all) return all.error();
    for (const Ref& each : *all) {
      if (each.id != made.id || each.kind == made.kind) continue;
      session.note(
          fmt::format("{}: set to an object without links, for a bare id says nothing of any; {} "
                      "has it as {}: {}",
                      quote(made.name), quote(each.name), to_text(each.kind),
                      Cid::of(each.kind, each.id).to_text()));
      break;
    }
    return {};
  }

  std::string name_;
  CidWord target_;
  std::string expected_word_;
  std::optional<ObjectId> expected_;
};

class RefGetCommand final : public StoreCommand {
 public:
  void add_options(CLI::App& app) override { add_name_option(app, name_); }

  Result<ExitStatus> run_on(Store& store, Session& session) override {
    const Result<std::optional<Ref>> ref = find_ref(store, name_);
    if (!ref) return ref.error();
    if (!*ref) return no_such_ref(name_);

    Report report = describe(**ref);
    report.drawing(to_text(Link{.id = (*ref)->id, .kind = (*ref)->kind}) + "\n");
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
        session.out().line(line_of(ref));
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
