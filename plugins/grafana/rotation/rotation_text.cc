#include "plugins/grafana/rotation/rotation_text.h"

#include <algorithm>

#include "plugins/grafana/database/printable_text.h"
#include "plugins/grafana/default_secret_key.h"
#include "plugins/grafana/rotation/report_lines.h"

namespace coffer::grafana {
namespace {

std::string Amount(const RotationReport& report) {
  return CountText(report.data_keys, "data key", "data keys") + " and " +
         CountText(report.ValueCount(), "value", "values") + " in " + CountText(report.rows, "row", "rows");
}

std::string_view DoingOf(RotationKind kind) {
  switch (kind) {
    case RotationKind::kFresh:
      return "";
    case RotationKind::kResume:
      return "going on with the rotation that was interrupted: ";
    case RotationKind::kToVault:
      return "to the vault's key: ";
    case RotationKind::kBack:
      return "back to the key before: ";
    case RotationKind::kGiveUp:
      return "giving up the rotation that was interrupted: ";
  }
  return "";
}

std::string Headline(const RotationReport& report, const RotationOccasion& occasion) {
  switch (report.refusal) {
    case RotationRefusal::kNone:
      break;
    case RotationRefusal::kOpensNothing:
      return "nothing was changed: the key is not this database's";
    case RotationRefusal::kUnproven:
      return "nothing was changed: there is too little in the database to tell whether the key is right";
    case RotationRefusal::kOldKeyUnneeded:
      return "nothing was changed: the key that was given opens nothing here; what there is, the vault's key opens";
    case RotationRefusal::kUnreadable:
      return "nothing was changed: " +
             CountText(report.unreadable.size(), "place does not open under the key",
                       "places do not open under the key") +
             ", and would be left behind";
  }
  const std::string doing(DoingOf(occasion.kind));
  if (occasion.is_plan) return doing + "would change " + Amount(report) + "; nothing was changed";
  if (report.rows == 0) return doing + "everything is under the key already: nothing was to change in the database";
  return doing + "rotated " + Amount(report) + ": each opens under the key, and was decrypted to make sure";
}

std::vector<std::string> ChangedIn(const RotationReport& report) {
  std::vector<std::string> lines = ValueLines(report.values);
  if (report.data_keys == 0) return lines;
  std::string data_keys = CountText(report.data_keys, "data key", "data keys") + ", wrapped anew";
  if (report.untested_data_keys > 0) {
    data_keys += "; no value tells the key of " + std::to_string(report.untested_data_keys) + " of them";
  }
  lines.insert(lines.begin(), std::move(data_keys));
  return lines;
}

std::vector<std::string> UnchangedIn(const RotationReport& report) {
  std::vector<std::string> lines;
  if (report.envelopes > 0) lines.push_back(CountText(report.envelopes, "value", "values") + " under data keys");
  if (report.already_under_target > 0) {
    lines.push_back(std::to_string(report.already_under_target) + " under the key already");
  }
  if (report.data_keys_of_others > 0) {
    lines.push_back(CountText(report.data_keys_of_others, "data key", "data keys") + " that another key wraps");
  }
  return lines;
}

// Nobody knows whose mistake it is: the key's, the backup's or the vault's.
std::vector<std::string> StepsWithoutKey(const RotationOccasion& occasion) {
  const bool goes_back = occasion.kind == RotationKind::kBack || occasion.kind == RotationKind::kGiveUp;
  const std::string path = KeyPath(occasion.which).text();
  return {goes_back ? "--undo tries the vault's keys alone: without it, give the key that this Grafana runs with, in "
                      "--old-key-file FILE"
                    : "give the key that this Grafana runs with: --old-key-file FILE",
          "an older backup, put back, is under an older version: `coffer secret history " + path +
              "` lists them, `coffer secret get " + path +
              " --version N >FILE` has one, and --dry-run --old-key-file FILE tells whether it opens this database; or "
              "it is under Grafana's public default (`printf " +
              std::string(kDefaultSecretKey) + " >FILE`)",
          "the vault's key may be another Grafana's: each has a tenant of its own (`coffer tenant add NAME`, --tenant "
          "NAME)"};
}

// Where something says too little for one of several keys.
std::vector<std::string> UnsureSteps(const RotationReport& report) {
  const bool is_unsure = std::any_of(report.unreadable.begin(), report.unreadable.end(),
                                     [](const auto& cell) { return cell.reason == UnreadableReason::kUnsure; });
  if (!is_unsure) return {};
  return {
      "not everything is under one key, and what is too little to tell may be under either: save it again in Grafana, "
      "or be sure and say --accept-unproven, which takes it for the first key that fits"};
}

std::vector<std::string> RefusalSteps(const RotationReport& report, const RotationOccasion& occasion) {
  switch (report.refusal) {
    case RotationRefusal::kNone:
      return {};
    case RotationRefusal::kOpensNothing: {
      std::vector<std::string> steps = StepsWithoutKey(occasion);
      if (occasion.is_plan) {
        steps.emplace_back(
            "a rotation that was interrupted may have changed it already: --dry-run without --old-key-file asks the "
            "vault");
      }
      return steps;
    }
    case RotationRefusal::kOldKeyUnneeded:
      return {"the database is under the vault's key already: leave --old-key-file out to give it a new one"};
    case RotationRefusal::kUnproven:
      return {"save a password of 20 letters or more in Grafana and try again, or be sure and say --accept-unproven"};
    case RotationRefusal::kUnreadable: {
      std::vector<std::string> steps = UnsureSteps(report);
      steps.insert(steps.begin(),
                   "see `coffer grafana scan`: save them again in Grafana, or leave them as they are with "
                   "--accept-unreadable; if they are under an older key, give that with --old-key-file");
      return steps;
    }
  }
  return {};
}

std::string Destroying(const SecretPath& path, std::uint64_t version, const RotationOccasion& occasion) {
  return "coffer secret destroy " + path.text() + " --version " + std::to_string(version) +
         (occasion.tenant.empty() ? "" : " --tenant " + occasion.tenant);
}

// Whether the version before the newest is the key before.
bool HasKeyBefore(const RotationOccasion& occasion) {
  return occasion.kind != RotationKind::kToVault && occasion.kind != RotationKind::kGiveUp && occasion.key_version > 1;
}

std::string KeyOfBackup(const RotationOccasion& occasion) {
  if (occasion.from_default) return "Grafana's public default, which everybody has, and is the only way back to it";
  if (!HasKeyBefore(occasion)) return "the old key";
  return "version " + std::to_string(occasion.key_version - 1) + " of " + KeyPath(occasion.which).text();
}

std::vector<std::string> StartSteps(const RotationOccasion& occasion) {
  const std::string tenant = occasion.tenant.empty() ? "" : " --tenant " + occasion.tenant;
  std::vector<std::string> steps;
  if (occasion.lacks_manager_key) {
    steps.push_back(
        "make the key of Grafana's secrets manager too, which has nothing yet: `coffer grafana secret-key "
        "create --which secrets-manager" +
        tenant + "`; where the scan shows secret_data_key it has: `import` it instead");
  }
  steps.push_back(
      "start Grafana with the vault's key: `coffer grafana run" + tenant +
      "`. One that runs goes on with the old key, for what it keeps in memory and for new data keys: stop it");
  return steps;
}

std::vector<std::string> DoneSteps(const RotationReport& report, const RotationOccasion& occasion) {
  std::vector<std::string> steps = StartSteps(occasion);
  if (report.sessions > 0 && report.rows > 0) {
    steps.push_back(CountText(report.sessions, "session ends", "sessions end") +
                    ": everybody logs in again. Links to reset a password that were mailed end too");
  }
  if (!occasion.backup.empty()) {
    steps.push_back("the backup " + PrintableText(occasion.backup) + " opens with " + KeyOfBackup(occasion) +
                    ": destroy it when Grafana was seen to work");
  }
  if (HasKeyBefore(occasion) && report.rows > 0) {
    steps.push_back("then, with others' approval, destroy the old key: " +
                    Destroying(KeyPath(occasion.which), occasion.key_version - 1, occasion) +
                    (occasion.next_version > 1
                         ? ", and " + Destroying(NextKeyPath(occasion.which), occasion.next_version - 1, occasion)
                         : ""));
  }
  if (report.data_keys > 0) {
    steps.emplace_back(
        "the data keys are the ones they were: who had the old key and a copy of the database has them. "
        "Where that may be, rotate them in Grafana, and the passwords themselves");
  }
  return steps;
}

}  // namespace

RotationText TextOf(const RotationReport& report, const RotationOccasion& occasion) {
  RotationText text;
  text.headline = Headline(report, occasion);
  // Where no key fits, that is all there is to say.
  if (report.refusal == RotationRefusal::kNone || report.refusal == RotationRefusal::kUnreadable) {
    text.unreadable = UnreadableLines(report.unreadable);
  }
  if (report.refusal != RotationRefusal::kNone) {
    text.steps = RefusalSteps(report, occasion);
    return text;
  }
  text.changed = ChangedIn(report);
  text.unchanged = UnchangedIn(report);
  if (occasion.is_plan) {
    text.steps = {"stop Grafana, then run it without --dry-run"};
    if (occasion.from_default) {
      text.steps.emplace_back("it is under Grafana's public default: --undo will not lead back to that, a backup does");
    }
    if (report.sessions > 0) {
      text.steps.push_back(CountText(report.sessions, "session", "sessions") + " will end: everybody logs in again");
    }
  } else {
    text.steps = DoneSteps(report, occasion);
  }
  return text;
}

std::string_view RotationRefusalName(RotationRefusal refusal) {
  switch (refusal) {
    case RotationRefusal::kNone:
      return "";
    case RotationRefusal::kOpensNothing:
      return "opens-nothing";
    case RotationRefusal::kUnproven:
      return "unproven";
    case RotationRefusal::kUnreadable:
      return "unreadable";
    case RotationRefusal::kOldKeyUnneeded:
      return "old-key-unneeded";
  }
  return "unknown";
}

}  // namespace coffer::grafana
