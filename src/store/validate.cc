// 1. The index checks itself: beside the next step, where there is a second thread.
// 2. Packs with their rows, then loose files, are gone through by all threads.
// 3. Refs, reference counts and the sandbox are looked at.
// 4. Objects that were reported may have moved since: those whose row or file is not what it was
//    are left out. Whoever moved one has hashed it on the way.
// 5. The findings are sorted, so that their order does not tell of threads.
#include "store/validate.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "store/lookup.h"
#include "store/store_core.h"
#include "store/validate_counts.h"
#include "store/validate_loose.h"
#include "store/validate_packs.h"
#include "store/validate_run.h"

namespace packstore {
namespace {

struct KindText {
  FindingKind kind;
  std::string_view text;
};

constexpr std::array<KindText, 19> kKindTexts = {{
    {FindingKind::kContentMismatch, "content-mismatch"},
    {FindingKind::kRecordDamaged, "record-damaged"},
    {FindingKind::kRowInvalid, "row-invalid"},
    {FindingKind::kRowsOverlap, "rows-overlap"},
    {FindingKind::kBeyondEnd, "beyond-end"},
    {FindingKind::kPackMissing, "pack-missing"},
    {FindingKind::kPackHeaderDamaged, "pack-header-damaged"},
    {FindingKind::kPackForeign, "pack-foreign"},
    {FindingKind::kPackUnindexed, "pack-unindexed"},
    {FindingKind::kUnindexedRecords, "unindexed-records"},
    {FindingKind::kGapDamaged, "gap-damaged"},
    {FindingKind::kDeadBytesWrong, "dead-bytes-wrong"},
    {FindingKind::kLooseMisplaced, "loose-misplaced"},
    {FindingKind::kIndexDamaged, "index-damaged"},
    {FindingKind::kRefBroken, "ref-broken"},
    {FindingKind::kReferenceCountWrong, "reference-count-wrong"},
    {FindingKind::kTornTail, "torn-tail"},
    {FindingKind::kSandboxLeftover, "sandbox-leftover"},
    {FindingKind::kLooseRedundant, "loose-redundant"},
}};

consteval bool texts_stand_in_order() {
  for (std::size_t i = 0; i < kKindTexts.size(); ++i) {
    if (static_cast<std::size_t>(kKindTexts[i].kind) != i) return false;
  }
  return true;
}
static_assert(texts_stand_in_order());

}  // namespace

std::string_view to_string(FindingKind kind) {
  return kKindTexts[static_cast<std::size_t>(kind)].text;
}

bool is_garbage(FindingKind kind) {
  switch (kind) {
    case FindingKind::kPackUnindexed:
    case FindingKind::kUnindexedRecords:
    case FindingKind::kTornTail:
    case FindingKind::kSandboxLeftover:
    case FindingKind::kLooseRedundant:
      return true;
    default:
      return false;
  }
}

namespace store {
namespace {

Status validate_index(ValidateRun& run) {
  const auto complaints = run.core().index->integrity_complaints();
  if (!complaints) return run.report_index_error(complaints.error());
  for (const std::string& complaint : *complaints) {
    run.report({.kind = FindingKind::kIndexDamaged, .message = "index: " + complaint});
  }
  return run.advance(0);
}

// The rows are copied by one thread before there is work for all.
Status validate_index_and_packs(ValidateRun& run) {
  const unsigned workers = std::clamp(run.threads(), 1U, 2U);
  return run_on_threads(workers, [&](unsigned worker) -> Status {
    if (worker + 1 == workers) RETURN_IF_ERROR(validate_index(run));
    return worker == 0 ? validate_packs(run) : Status();
  });
}

// True when the object is in the store, or its row is there and damaged, which is a finding itself.
Result<bool> has_target(const StoreCore& core, const ObjectId& id) {
  const auto located = locate(core, id);
  if (located) return located->has_value();
  if (located.error().code == ErrorCode::kCorrupt) return true;
  return located.error();
}

Status validate_ref(ValidateRun& run, const Ref& ref) {
  ASSIGN_OR_RETURN(const bool present, has_target(run.core(), ref.id));
  if (present) return run.advance(0);
  // It may have moved on, and its old object been removed.
  ASSIGN_OR_RETURN(const auto now, run.core().index->find_ref(ref.name));
  if (now != ref.id) return {};
  run.report({.kind = FindingKind::kRefBroken,
              .object = ref.id,
              .message = fmt::format("ref {}: points at object {}, which is not in the store",
                                     ref.name, ref.id.to_hex())});
  return {};
}

Status validate_refs(ValidateRun& run) {
  const auto refs = run.core().index->list_refs("");
  if (!refs) return run.report_index_error(refs.error());
  for (const Ref& ref : *refs) RETURN_IF_ERROR(validate_ref(run, ref));
  return {};
}

Status validate_sandbox(ValidateRun& run) {
  ASSIGN_OR_RETURN(const auto names, run.core().sandbox.find_leftovers());
  for (const std::string& name : names) {
    run.report({.kind = FindingKind::kSandboxLeftover,
                .message = fmt::format("{}/{}: its writer is gone", kSandboxDirectory, name)});
  }
  return {};
}

// Whether the row, or the loose file, that a finding is about is still where it was.
Result<bool> still_stands(const StoreCore& core, const Finding& finding) {
  const bool is_of_refs =
      finding.kind == FindingKind::kRefBroken || finding.kind == FindingKind::kReferenceCountWrong;
  if (!finding.object || is_of_refs) return true;
  if (finding.kind != FindingKind::kRowInvalid && !finding.pack) {
    ASSIGN_OR_RETURN(const auto file, core.loose.find_size(*finding.object));
    return file.has_value();
  }
  const auto row = core.index->find(*finding.object);
  if (!row) return true;  // The row itself is the damage.
  if (!*row) return false;
  return (*row)->pack == finding.pack && (*row)->offset == finding.offset;
}

Status drop_outdated(const StoreCore& core, std::vector<Finding>& findings) {
  std::vector<Finding> standing;
  for (Finding& finding : findings) {
    ASSIGN_OR_RETURN(const bool stands, still_stands(core, finding));
    if (stands) standing.push_back(std::move(finding));
  }
  findings = std::move(standing);
  return {};
}

bool comes_before(const Finding& a, const Finding& b) {
  return std::tie(a.kind, a.pack, a.offset, a.object, a.message) <
         std::tie(b.kind, b.pack, b.offset, b.object, b.message);
}

}  // namespace

Result<ValidationReport> validate(const StoreCore& core, const ValidateOptions& options) {
  ValidateRun run(core, options);
  RETURN_IF_ERROR(expect_loose(run));
  RETURN_IF_ERROR(validate_index_and_packs(run));
  RETURN_IF_ERROR(validate_loose(run));
  RETURN_IF_ERROR(validate_refs(run));
  RETURN_IF_ERROR(validate_counts(run));
  RETURN_IF_ERROR(validate_sandbox(run));
  run.show_end();
  ValidationReport report = run.take_report();
  RETURN_IF_ERROR(drop_outdated(core, report.findings));
  std::sort(report.findings.begin(), report.findings.end(), comes_before);
  return report;
}

}  // namespace store
}  // namespace packstore
