#include "policy/internal/declaration_diff.h"

#include <algorithm>

namespace coffer::policy {
namespace {

using MaybeChange = Result<std::optional<KeyChange>>;

MaybeChange Same() { return std::optional<KeyChange>(); }

MaybeChange Changed(CatalogKey key, std::string_view from, std::string_view to, bool weaker) {
  KeyChange change{key, std::string(RuleOf(key).name), weaker, {}};
  change.what.append(": ").append(from).append(" -> ").append(to);
  return std::optional(std::move(change));
}

Error Frozen(Literal message) { return Error(ErrorCode::kFailedPrecondition, message); }

std::string_view BoolWord(bool value) { return value ? "true" : "false"; }
std::string PadWord(std::uint8_t multiple) { return multiple == 0 ? "none" : std::to_string(multiple); }
std::string SuiteWord(Suite suite) { return std::to_string(static_cast<unsigned>(suite)); }

MaybeChange CompareClass(FieldClass before, FieldClass wanted) {
  if (before == wanted) return Same();
  return Changed(CatalogKey::kClass, FieldClassName(before), FieldClassName(wanted), wanted < before);
}

MaybeChange CompareRow(const FieldDeclaration& before, const FieldDeclaration& wanted) {
  if (before.row == wanted.row || wanted.row.empty())
    return Same();  // bind_row = false keeps the types that older values need
  if (before.row.empty()) return Changed(CatalogKey::kRow, "not declared", "declared", false);
  return Frozen("is frozen since the field was applied: declare a new field and re-encrypt");
}

MaybeChange CompareBind(const FieldDeclaration& before, const FieldDeclaration& wanted) {
  if (before.bind == wanted.bind) return Same();
  return Frozen("is frozen since the field was applied: declare a new field and re-encrypt");
}

// How much a suite protects: the deterministic one shows equality, the committing one also says which key it is of.
int RankOf(Suite suite) { return suite == Suite::kAes256Siv ? 0 : static_cast<int>(suite); }

MaybeChange CompareSuite(Suite before, Suite wanted) {
  if (before == wanted) return Same();
  MaybeChange change =
      Changed(CatalogKey::kSuite, SuiteWord(before), SuiteWord(wanted), RankOf(wanted) < RankOf(before));
  if (wanted == Suite::kAes256Siv) (*change)->why = "equal values have equal ciphertexts";
  return change;
}

MaybeChange ComparePad(const LockedField& before, const FieldForm& form) {
  const std::uint8_t wanted = form.pad_multiple;
  const std::uint8_t now = before.now.form.pad_multiple;
  if (now == wanted) return Same();
  if (form.suite == Suite::kAes256Siv && before.now.form.suite == Suite::kAes256Siv) {
    return Frozen("is frozen with suite 4: equal values would no longer have equal ciphertexts");
  }
  const std::uint8_t frozen = before.PadMultiple();
  if (wanted != 0 && frozen != 0 && wanted != frozen) {
    return Frozen("keeps the multiple that values were padded to: declare a new field and re-encrypt")
        .WithLimit(frozen);
  }
  return Changed(CatalogKey::kPad, PadWord(now), PadWord(wanted), wanted == 0);
}

MaybeChange CompareUnbound(const std::string& before, const std::string& wanted) {
  if (before == wanted) return Same();
  const std::string_view from = before.empty() ? "not given" : "given";
  const std::string_view to = wanted.empty() ? "not given" : before.empty() ? "given" : "another reason";
  return Changed(CatalogKey::kUnbound, from, to, before.empty());
}

// How long values that bind no row are accepted under the lock, when the present declaration binds rows; nothing when
// there are none.
std::optional<std::int64_t> UnboundDeadline(const LockedField& field) {
  std::optional<std::int64_t> deadline;
  for (const FormerDeclaration& former : field.former) {
    if (!former.form.row_bound) deadline = std::max(deadline.value_or(0), former.until_unix_s.value_or(0));
  }
  return deadline;
}

MaybeChange CompareDeadline(const LockedField& before, const CatalogField& wanted) {
  if (!wanted.declaration.form.row_bound) return Same();
  const std::int64_t until = wanted.accept_unbound_until_unix_s.value_or(0);
  if (!before.now.form.row_bound) {  // until now they were accepted without end
    return until == 0 ? Same() : Changed(CatalogKey::kAcceptUnboundUntil, "without end", std::to_string(until), false);
  }
  const auto now = UnboundDeadline(before);
  if (!now || *now == until) return Same();
  const std::string from = *now == 0 ? "never" : std::to_string(*now);
  return Changed(CatalogKey::kAcceptUnboundUntil, from, until == 0 ? "never" : std::to_string(until), until > *now);
}

MaybeChange CompareExpectation(const std::optional<Expectation>& before, const std::optional<Expectation>& wanted) {
  if (before == wanted) return Same();
  return Changed(CatalogKey::kExpect, before ? "given" : "not given", wanted ? "as it is now" : "not given", false);
}

MaybeChange CompareKey(CatalogKey key, const LockedField& before, const CatalogField& wanted) {
  const FieldDeclaration& was = before.now;
  const FieldDeclaration& will = wanted.declaration;
  switch (key) {
    case CatalogKey::kClass:
      return CompareClass(was.field_class, will.field_class);
    case CatalogKey::kKeyring:
      return was.keyring == will.keyring ? Same() : Changed(key, was.keyring, will.keyring, true);
    case CatalogKey::kRow:
      return CompareRow(was, will);
    case CatalogKey::kBind:
      return CompareBind(was, will);
    case CatalogKey::kSuite:
      return CompareSuite(was.form.suite, will.form.suite);
    case CatalogKey::kPad:
      return ComparePad(before, will.form);
    case CatalogKey::kBindRow:
      if (was.form.row_bound == will.form.row_bound) return Same();
      return Changed(key, BoolWord(was.form.row_bound), BoolWord(will.form.row_bound), !will.form.row_bound);
    case CatalogKey::kUnbound:
      return CompareUnbound(was.unbound, will.unbound);
    case CatalogKey::kRenamedFrom:
      return Same();  // names are the plan's
    case CatalogKey::kAcceptUnboundUntil:
      return CompareDeadline(before, wanted);
    case CatalogKey::kExpect:
      return CompareExpectation(before.expect, wanted.expect);
    case CatalogKey::kIndex:
      return Same();  // has a plan of its own
  }
  return Same();
}

}  // namespace

Result<std::vector<KeyChange>> CompareKeys(const LockedField& before, const CatalogField& wanted) {
  std::vector<KeyChange> changes;
  for (const CatalogKeyRule& rule : kCatalogKeys) {
    MaybeChange change = CompareKey(rule.key, before, wanted);
    if (!change.ok()) return std::move(change).error().At(rule.name).AtLine(wanted.line);
    if (*change) changes.push_back(std::move(**change));
  }
  return changes;
}

}  // namespace coffer::policy
