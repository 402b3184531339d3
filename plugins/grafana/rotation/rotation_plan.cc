#include "plugins/grafana/rotation/rotation_plan.h"

#include <algorithm>
#include <atomic>

#include "plugins/grafana/cells/cell_rewriter.h"
#include "plugins/grafana/database/in_parallel.h"
#include "plugins/grafana/rotation/encrypt_again.h"

namespace coffer::grafana {
namespace {

UnreadableReason ReasonOf(bool is_doubtful) {
  return is_doubtful ? UnreadableReason::kUnsure : UnreadableReason::kNotUnderKey;
}

Error NotWritten() { return {ErrorCode::kInternal, "the database does not hold what was written to it"}; }

}  // namespace

RotationPlan::RotationPlan(const KeyedCells& cells, const RotationKeys& keys, const RotationOptions& options)
    : cells_(cells), keys_(keys), options_(options) {
  if (keys.target_may_be_in_use) candidates_.push_back(&keys.target);
  first_old_ = candidates_.size();
  for (const SecretBytes& old : keys.old) candidates_.push_back(&old);
  assignment_ = AssignKeys(cells, candidates_, ThreadsFor(options_.threads),
                           [this](std::size_t done, std::size_t total) { Show(RotationStep::kTrying, done, total); });
  if (!options.accept_unproven) assignment_.LeaveDoubtful();
  if (options.accept_unproven && !assignment_.possible.empty()) {
    // Of two, the one that Grafana was handed until now.
    const std::size_t candidate = assignment_.possible.back();
    assignment_.AcceptUnproven(cells, *candidates_[candidate], candidate);
  }
  Assess();
  Refuse();
}

void RotationPlan::Show(RotationStep step, std::uint64_t done, std::uint64_t total) const {
  if (options_.on_progress) options_.on_progress(step, done, total);
}

void RotationPlan::Assess() {
  report_.data_keys_of_others = cells_.other_data_keys();
  report_.envelopes = cells_.census().envelopes;
  report_.sessions = cells_.sessions();
  for (const std::string& place : cells_.damaged()) report_.unreadable.push_back({place, UnreadableReason::kDamaged});
  AssessDataKeys();
  for (const LegacyRow& row : cells_.legacy_rows()) AssessRow(row);
}

void RotationPlan::AssessDataKeys() {
  for (std::size_t i = 0; i < cells_.data_keys().size(); ++i) {
    const auto& candidate = assignment_.of_data_key[i];
    if (!candidate) {
      report_.unreadable.push_back(
          {PlaceText(ColumnOfDataKeys(TableOf(options_.which)), cells_.data_keys()[i].names, {}),
           ReasonOf(assignment_.is_data_key_doubtful[i])});
    } else if (Moves(candidate)) {
      ++report_.data_keys;
      if (assignment_.data_key_trials[i].outcome == TrialOutcome::kUntested) ++report_.untested_data_keys;
      ++report_.rows;
    } else {
      ++report_.already_under_target;
    }
  }
}

// As if it were rewritten, each blob to itself.
void RotationPlan::AssessRow(const LegacyRow& row) {
  bool changes = false;
  for (const LegacyCell& cell : row.cells) {
    std::uint64_t moving = 0;
    const auto rewritten =
        RewriteCell(SensitiveColumns()[cell.column].encoding, cell.content,
                    [&](ByteView blob, std::string_view path) -> std::optional<Bytes> {
                      const std::optional<std::size_t> value = cells_.ValueOf(blob);
                      if (!value) return std::nullopt;  // under a data key
                      const auto& candidate = assignment_.of_value[*value];
                      if (!candidate) {
                        report_.unreadable.push_back(
                            {PlaceText(cell.column, row.names, path), ReasonOf(assignment_.is_value_doubtful[*value])});
                      } else if (!Moves(candidate)) {
                        ++report_.already_under_target;
                      }
                      if (!Moves(candidate)) return std::nullopt;
                      ++moving;
                      return CopyOf(blob);
                    });
    if (!rewritten.ok()) {
      report_.unreadable.push_back({PlaceText(cell.column, row.names, {}), UnreadableReason::kDuplicateKeys});
    } else if (moving > 0 && *rewritten) {
      report_.values[cell.column] += moving;
      changes = true;
    }
  }
  report_.rows += changes ? 1 : 0;
}

bool RotationPlan::OpensWithOld() const {
  const auto moves = [this](const std::optional<std::size_t>& candidate) { return Moves(candidate); };
  return std::any_of(assignment_.of_data_key.begin(), assignment_.of_data_key.end(), moves) ||
         std::any_of(assignment_.of_value.begin(), assignment_.of_value.end(), moves);
}

void RotationPlan::Refuse() {
  const bool is_proven = assignment_.AnyProven();
  const bool is_accepted = options_.accept_unproven && assignment_.IsComplete();
  if (!is_proven && !is_accepted) {
    const bool opens_nothing = assignment_.possible.empty() && !assignment_.IsComplete();
    report_.refusal = opens_nothing ? RotationRefusal::kOpensNothing : RotationRefusal::kUnproven;
  } else if (!report_.unreadable.empty() && !options_.accept_unreadable) {
    report_.refusal = RotationRefusal::kUnreadable;
  } else if (keys_.needs_old && is_proven && !OpensWithOld()) {
    report_.refusal = RotationRefusal::kOldKeyUnneeded;
  }
}

// Units are data keys, then values.
Status RotationPlan::EncryptUnit(std::size_t unit) {
  if (unit < data_keys_.size()) {
    const auto& candidate = assignment_.of_data_key[unit];
    if (!Moves(candidate)) return {};
    const SecretBlob& wrapped = *cells_.data_keys()[unit].key->wrapped;
    COFFER_ASSIGN_OR_RETURN(const SecretBytes data_key, wrapped.Decrypt(*candidates_[*candidate]));
    COFFER_ASSIGN_OR_RETURN(data_keys_[unit], EncryptAgain(wrapped, data_key, keys_.target));
    return {};
  }
  const std::size_t value = unit - data_keys_.size();
  if (!Moves(assignment_.of_value[value])) return {};
  COFFER_ASSIGN_OR_RETURN(values_[value],
                          EncryptAgain(cells_.values()[value].blob, assignment_.plaintexts[value], keys_.target));
  return {};
}

Result<std::vector<RowChange>> RotationPlan::MakeChanges() {
  COFFER_CHECK(report_.refusal == RotationRefusal::kNone);
  data_keys_.assign(cells_.data_keys().size(), {});
  values_.assign(cells_.values().size(), {});
  new_ones_.assign(values_.size(), false);
  old_ones_.assign(values_.size(), false);
  const std::size_t units = data_keys_.size() + values_.size();
  std::atomic<bool> failed{false};
  InParallel(
      units, ThreadsFor(options_.threads),
      [this, &failed](std::size_t unit) {
        if (!EncryptUnit(unit).ok()) failed = true;
      },
      [this, units](std::size_t done) { Show(RotationStep::kEncrypting, done, units); });
  if (failed) return Error(ErrorCode::kInternal, "a value does not come back from its new encryption");

  std::vector<RowChange> changes;
  for (std::size_t i = 0; i < data_keys_.size(); ++i) {
    if (data_keys_[i].empty()) continue;
    const DataKeyRow& row = cells_.data_keys()[i];
    const SensitiveColumn& column = SensitiveColumns()[ColumnOfDataKeys(TableOf(options_.which))];
    changes.push_back(
        {column.table, row.row_id, row.names, {{column.column, row.cell, data_keys_[i]}}, cells_.Stamps(column.table)});
  }
  for (const LegacyRow& row : cells_.legacy_rows()) {
    RowChange change = ChangeOf(row);
    if (!change.cells.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

// A cell that cannot be rewritten was accepted, and stays.
RowChange RotationPlan::ChangeOf(const LegacyRow& row) {
  RowChange change{row.table, row.row_id, row.names, {}, cells_.Stamps(row.table)};
  for (const LegacyCell& cell : row.cells) {
    const SensitiveColumn& column = SensitiveColumns()[cell.column];
    std::vector<std::size_t> values;
    auto rewritten = RewriteCell(column.encoding, cell.content,
                                 [this, &values](ByteView blob, std::string_view) -> std::optional<Bytes> {
                                   const std::optional<std::size_t> value = cells_.ValueOf(blob);
                                   if (!value) return std::nullopt;
                                   values.push_back(*value);
                                   if (values_[*value].empty()) return std::nullopt;
                                   return values_[*value];
                                 });
    for (const std::size_t value : values) {
      const bool is_new = rewritten.ok() && *rewritten && !values_[value].empty();
      (is_new ? new_ones_ : old_ones_)[value] = true;
    }
    if (rewritten.ok() && *rewritten) {
      change.cells.push_back({column.column, cell.content, std::move(**rewritten)});
    }
  }
  return change;
}

Status RotationPlan::CheckWritten(const KeyedCells& after) const {
  const bool same_size = after.census() == cells_.census() && after.data_keys().size() == data_keys_.size();
  if (!same_size) return NotWritten();
  std::map<std::string_view, const Bytes*> cells;
  for (const DataKeyRow& row : after.data_keys()) cells[row.key->id] = &row.cell;
  for (std::size_t i = 0; i < data_keys_.size(); ++i) {
    const DataKeyRow& before = cells_.data_keys()[i];
    const auto found = cells.find(before.key->id);
    const Bytes& expected = data_keys_[i].empty() ? before.cell : data_keys_[i];
    if (found == cells.end() || *found->second != expected) return NotWritten();
  }
  // Each of those that should be there, and as many as those: so no other.
  std::size_t expected = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (new_ones_[i] && !after.ValueOf(values_[i])) return NotWritten();
    if (old_ones_[i] && !after.ValueOf(cells_.values()[i].blob.ToBytes())) return NotWritten();
    expected += (new_ones_[i] ? 1U : 0U) + (old_ones_[i] ? 1U : 0U);
  }
  if (after.values().size() != expected) return NotWritten();
  return {};
}

}  // namespace coffer::grafana
