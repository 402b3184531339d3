#include "plugins/grafana/transfer/transfer_report.h"

#include <algorithm>

namespace coffer::grafana {

std::string_view TransferOutcomeName(TransferOutcome outcome) {
  switch (outcome) {
    case TransferOutcome::kCreated:
      return "created";
    case TransferOutcome::kUnchanged:
      return "unchanged";
    case TransferOutcome::kUpdated:
      return "updated";
    case TransferOutcome::kAdded:
      return "added";
    case TransferOutcome::kSkipped:
      return "skipped";
    case TransferOutcome::kHeld:
      return "held";
  }
  return "unknown";
}

std::string_view TransferRefusalName(TransferRefusal refusal) {
  switch (refusal) {
    case TransferRefusal::kNone:
      return "";
    case TransferRefusal::kOpensNothing:
      return "opens-nothing";
    case TransferRefusal::kUnproven:
      return "unproven";
    case TransferRefusal::kUnreadable:
      return "unreadable";
    case TransferRefusal::kOtherValue:
      return "other-value";
  }
  return "unknown";
}

TransferRefusal RefusalOf(KeyRefusal refusal) {
  switch (refusal) {
    case KeyRefusal::kNone:
      return TransferRefusal::kNone;
    case KeyRefusal::kOpensNothing:
      return TransferRefusal::kOpensNothing;
    case KeyRefusal::kUnproven:
      return TransferRefusal::kUnproven;
  }
  return TransferRefusal::kOpensNothing;
}

void TransferReport::Add(const CredentialRows& rows, const Credential& credential, TransferOutcome outcome) {
  TransferredCredential& line = credentials.emplace_back();
  line.kind = credential.kind;
  if (credential.path) line.path = credential.path->text();
  for (const CredentialSite& site : credential.sites) line.places.push_back(rows.PlaceOf(site));
  line.reason = credential.problem;
  const bool is_held = refusal != TransferRefusal::kNone && line.reason == SkipReason::kNone;
  line.outcome = is_held ? TransferOutcome::kHeld : outcome;
}

std::size_t TransferReport::Count(TransferOutcome outcome) const {
  return static_cast<std::size_t>(
      std::count_if(credentials.begin(), credentials.end(),
                    [outcome](const TransferredCredential& each) { return each.outcome == outcome; }));
}

bool IsObstacle(SkipReason reason) {
  return reason != SkipReason::kNone && reason != SkipReason::kReference && reason != SkipReason::kSuperseded &&
         reason != SkipReason::kNotInVault;
}

}  // namespace coffer::grafana
