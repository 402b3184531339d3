// BreakGlassUses: what the rows of table break_glass say, checked against the policy that holds, and what a new use of
// what it keeps for an emergency has to be. Thread-safe.
#pragma once

#include "keysvc/store/records.h"
#include "policy/access_policy.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

// One row.
struct BreakGlassUse {
  BreakGlassRecord record;
  policy::BreakGlassStatement statement;

  // It is of this policy, and neither over nor reviewed.
  bool IsOn(const policy::AccessPolicy& base, std::int64_t now_us) const;
  // What its policy keeps, for the one who uses it, from its activation to its end.
  policy::AccessRule Rule(const policy::BreakGlass& break_glass) const;
};

// By age. kIntegrity: a row of this store and this policy is none that Grants writes. Of other policies only the form
// is known.
Result<std::vector<BreakGlassUse>> BreakGlassUses(const std::vector<Row>& rows, StoreUuid store,
                                                  const policy::AccessPolicy& base);

// That the policy's offline key has signed just this, for this caller, store and policy. kFailedPrecondition: the
// policy keeps nothing; kInvalidArgument: no statement; kPermissionDenied.
Result<policy::BreakGlassStatement> CheckBreakGlass(const policy::AccessPolicy& under, StoreUuid store,
                                                    const std::string& text, const std::string& signature,
                                                    const std::string& caller);
// That it may begin now, after those. kPermissionDenied: its end; kAlreadyExists: it was used; kFailedPrecondition: one
// before was not reviewed, or the clock went back.
Status CheckBeginning(const policy::BreakGlass& break_glass, const policy::BreakGlassStatement& statement,
                      const std::vector<BreakGlassUse>& before, std::int64_t now_us);

// kFailedPrecondition: the clock stands before what was issued or activated at `newest_us`. One that went back would
// bring back what has ended.
Status CheckClock(std::int64_t now_us, std::int64_t newest_us);

}  // namespace coffer::keysvc
