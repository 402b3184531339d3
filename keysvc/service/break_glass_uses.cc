#include "keysvc/service/break_glass_uses.h"

#include <algorithm>

#include "io/clock.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecondsPerMinute = 60;

Error Altered() { return Error(ErrorCode::kIntegrity, "holds what was never used").At("break_glass"); }

Error Refused(Literal message) { return Error(ErrorCode::kPermissionDenied, message).At("statement"); }

std::int64_t EndOf(const policy::BreakGlassStatement& statement) {
  return statement.not_after_unix_s * kMicrosPerSecond;
}

std::int64_t LongestOf(const policy::BreakGlass& break_glass) {
  return std::min(std::int64_t{break_glass.minutes} * kSecondsPerMinute, policy::BreakGlassStatement::kMaxAhead) *
         kMicrosPerSecond;
}

// Of an earlier policy only the form is known.
bool CouldBe(const BreakGlassUse& use, const policy::AccessPolicy& base) {
  if (use.statement.policy_serial != base.serial()) return true;
  const std::optional<policy::BreakGlass>& break_glass = base.break_glass();
  return break_glass && break_glass->rule.principals.contains(use.statement.principal) &&
         use.record.activated_us < EndOf(use.statement) &&
         EndOf(use.statement) - use.record.activated_us <= LongestOf(*break_glass) &&
         break_glass->key.VerifiesLine(use.record.statement, use.record.signature);
}

Status CheckEnd(const policy::BreakGlass& break_glass, const policy::BreakGlassStatement& statement,
                std::int64_t now_us) {
  const std::int64_t left_us = EndOf(statement) - now_us;
  if (left_us <= 0) return Refused("has run out");
  if (left_us <= LongestOf(break_glass)) return {};
  return Refused("ends later than the policy allows, counted in minutes from now").WithLimit(break_glass.minutes);
}

}  // namespace

bool BreakGlassUse::IsOn(const policy::AccessPolicy& base, std::int64_t now_us) const {
  return statement.policy_serial == base.serial() && !record.ended_us && !record.reviewed_us &&
         now_us < EndOf(statement);
}

policy::AccessRule BreakGlassUse::Rule(const policy::BreakGlass& break_glass) const {
  policy::AccessRule rule = break_glass.rule;
  rule.roles = {policy::ParsePrincipal(statement.principal)->role};
  rule.principals = {statement.principal};
  rule.not_before_unix_s = record.activated_us / kMicrosPerSecond;
  rule.not_after_unix_s = statement.not_after_unix_s;
  return rule;
}

Result<std::vector<BreakGlassUse>> BreakGlassUses(const std::vector<Row>& rows, StoreUuid store,
                                                  const policy::AccessPolicy& base) {
  std::vector<BreakGlassUse> uses;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(BreakGlassRecord record, BreakGlassFromRow(row));
    Result<policy::BreakGlassStatement> statement = policy::BreakGlassStatement::Parse(record.statement);
    if (!statement.ok() || statement->id.bytes != record.id.bytes || statement->store != store) {
      return Altered();
    }
    BreakGlassUse use{.record = std::move(record), .statement = std::move(statement).value()};
    if (!CouldBe(use, base)) return Altered();
    uses.push_back(std::move(use));
  }
  const auto is_older = [](const BreakGlassUse& a, const BreakGlassUse& b) {
    return std::pair(a.record.activated_us, a.record.id.bytes) < std::pair(b.record.activated_us, b.record.id.bytes);
  };
  std::sort(uses.begin(), uses.end(), is_older);
  return uses;
}

Result<policy::BreakGlassStatement> CheckBreakGlass(const policy::AccessPolicy& under, StoreUuid store,
                                                    const std::string& text, const std::string& signature,
                                                    const std::string& caller) {
  const std::optional<policy::BreakGlass>& break_glass = under.break_glass();
  if (!break_glass) {
    return Error(ErrorCode::kFailedPrecondition, "the policy that holds keeps nothing for an emergency");
  }
  Result<policy::BreakGlassStatement> statement = policy::BreakGlassStatement::Parse(text);
  if (!statement.ok()) return std::move(statement).error().At("statement");
  if (!break_glass->key.VerifiesLine(text, signature)) {
    return Error(ErrorCode::kPermissionDenied,
                 "is no signature over this statement by the offline key that the policy names")
        .At("signature");
  }
  if (statement->id.IsZero()) return Refused("has no id");
  if (statement->store != store) return Refused("is for another store");
  if (statement->policy_serial != under.serial()) return Refused("is for another policy than the one that holds");
  if (statement->principal != caller) return Refused("is for another principal than the caller");
  if (!break_glass->rule.principals.contains(caller))
    return Refused("is for a principal that the policy does not name");
  return statement;
}

Status CheckBeginning(const policy::BreakGlass& break_glass, const policy::BreakGlassStatement& statement,
                      const std::vector<BreakGlassUse>& before, std::int64_t now_us) {
  COFFER_TRY(CheckEnd(break_glass, statement, now_us));
  for (const BreakGlassUse& use : before) {
    if (use.statement.id == statement.id) {
      return Error(ErrorCode::kAlreadyExists, "was used already: every emergency needs a statement of its own")
          .At("statement");
    }
  }
  for (const BreakGlassUse& use : before) {
    if (use.record.reviewed_us) continue;
    return Error(ErrorCode::kFailedPrecondition,
                 "an emergency before was not reviewed yet: an auditor has to do that first")
        .At("emergency " + use.record.id.ToText());
  }
  // Those of other policies are off whatever the clock says.
  for (const BreakGlassUse& use : before) {
    if (use.statement.policy_serial == statement.policy_serial) COFFER_TRY(CheckClock(now_us, use.record.activated_us));
  }
  return {};
}

Status CheckClock(std::int64_t now_us, std::int64_t newest_us) {
  if (now_us >= newest_us) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "the service's clock stands before the last grant or emergency: set it right");
}

}  // namespace coffer::keysvc
