#include "policy/internal/index_cost.h"

#include <algorithm>

#include "policy/index_sentences.h"
#include "policy/internal/index_diff.h"

namespace coffer::policy {
namespace {

constexpr std::uint16_t kExactBits = 128;

void Join(std::string& reasons, std::string_view one) {
  if (!reasons.empty()) reasons += "; ";
  reasons += one;
}

AppliedIndex AsApplied(const CatalogLock& lock, const LockedIndex& index) {
  const LockedIndexVersion& last = index.Declared();
  const LockedDomain* domain = lock.FindDomain(last.domain);
  COFFER_CHECK(domain != nullptr && domain->Find(last.profile) != nullptr);
  return {index, *domain, *domain->Find(last.profile)};
}

bool TellsAllApart(const TokenForm& form) { return !form.IsArray() && form.bits >= kExactBits && form.partitions == 1; }

}  // namespace

bool ShowsNoMore(const CatalogLock& lock, const std::vector<PresentIndex*>& present, const CatalogIndex& wanted) {
  bool beside_exact = false;
  for (PresentIndex* one : present) {
    const AppliedIndex applied = AsApplied(lock, *one->index);
    const std::vector<IndexKeyChange> changes = CompareIndexKeys(applied, wanted);
    if (std::any_of(changes.begin(), changes.end(), [](const IndexKeyChange& change) { return change.weaker; })) {
      continue;
    }
    if (one->leaves) {
      one->leaves = false;
      return true;
    }
    beside_exact = beside_exact || TellsAllApart(applied.profile.definition.form);
  }
  return beside_exact;
}

std::string CostOfAcceptance(const CatalogIndex& index, const IndexAssessment& assessment) {
  std::string reasons;
  if (index.accept_leak.empty()) return reasons;
  Join(reasons, RuleOf(IndexKey::kAcceptLeak).weaker);
  for (const IndexRefusal refusal : assessment.refusals) Join(reasons, CauseOf(refusal));
  for (const IndexLeak leak : assessment.leaks) Join(reasons, SentenceOf(leak, assessment));
  return reasons;
}

std::string CostOfShowing(const IndexAssessment& assessment, bool beside_others) {
  std::string reasons;
  for (const IndexLeak leak : assessment.leaks) Join(reasons, SentenceOf(leak, assessment));
  if (beside_others) Join(reasons, "together with the tokens of the field's other indexes it tells more values apart");
  return reasons;
}

}  // namespace coffer::policy
