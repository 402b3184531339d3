// What a new index costs where values are stored already: it makes tokens of them that were not there.
#pragma once

#include "policy/catalog.h"
#include "policy/catalog_lock.h"
#include "policy/index_planner.h"

namespace coffer::policy {

// A live index of the field as it was applied, while the next apply is planned.
struct PresentIndex {
  const LockedIndex* index = nullptr;
  bool leaves = false;  // it is no longer declared, and no new index has been counted in its place yet
};

// Whether `wanted` shows no more than one of `present`, which are indexes of `lock` with the same parts. It is judged
// as a change of that index would be (index_diff.h), and then either takes the place of one that leaves, which is used
// up by that, or stands beside one whose tokens tell every two values apart. Beside any other it shows more: two
// tokens of 16 bits tell as much as one of 32.
bool ShowsNoMore(const CatalogLock& lock, const std::vector<PresentIndex*>& present, const CatalogIndex& wanted);

// What was accepted with a new index; empty when nothing was.
std::string CostOfAcceptance(const CatalogIndex& index, const IndexAssessment& assessment);

// What a new index shows of values that are stored, in words; `beside_others`: the field has other live ones.
std::string CostOfShowing(const IndexAssessment& assessment, bool beside_others);

}  // namespace coffer::policy
