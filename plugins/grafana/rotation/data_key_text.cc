#include "plugins/grafana/rotation/data_key_text.h"

#include "plugins/grafana/database/printable_text.h"
#include "plugins/grafana/rotation/report_lines.h"

namespace coffer::grafana {
namespace {

std::string Values(std::uint64_t count) { return CountText(count, "value", "values"); }

std::string Target(const DataKeyReport& report) {
  for (const DataKeyCount& key : report.data_keys) {
    if (key.is_target) return PrintableText(key.id);
  }
  return {};
}

std::string Headline(const DataKeyReport& report, const DataKeyOccasion& occasion) {
  switch (report.refusal) {
    case DataKeyRefusal::kNone:
      break;
    case DataKeyRefusal::kNoActiveKey:
      return "nothing was changed: no data key of this database is active and under secret_key";
    case DataKeyRefusal::kOpensNothing:
      return "nothing was changed: the secret_key does not open the newest active data key";
    case DataKeyRefusal::kUnproven:
      return "nothing was changed: there is too little under the newest active data key to tell whether the "
             "secret_key is right";
    case DataKeyRefusal::kUnreadable:
      return "nothing was changed: " +
             CountText(report.unreadable.size(), "place does not open", "places do not open") +
             ", and would be left behind";
  }
  const std::string amount = Values(report.ValueCount()) + " in " + CountText(report.rows, "row", "rows") +
                             " to the data key " + Target(report);
  if (occasion.is_plan) return "would move " + amount + "; nothing was changed";
  if (report.rows == 0) return "nothing was to change: no value of these columns is under an older data key";
  return "moved " + amount + ": each opens under it, and was decrypted to make sure";
}

std::vector<std::string> UnchangedIn(const DataKeyReport& report) {
  std::vector<std::string> lines;
  if (report.already > 0) lines.push_back(Values(report.already) + " under that data key already");
  if (report.legacy > 0) lines.push_back(Values(report.legacy) + " under secret_key itself");
  if (report.of_others > 0) lines.push_back(Values(report.of_others) + " under data keys that another key wraps");
  return lines;
}

std::string LineOf(const DataKeyCount& key) {
  std::string line = PrintableText(key.id);
  if (!key.label.empty()) line += " (" + PrintableText(key.label) + ")";
  if (key.provider.empty()) line += ", which has no row";
  if (key.values > 0) return line + ": " + Values(key.values) + " of this database under it";
  return line + (key.unneeded ? ": nothing in this database is under it any more"
                              : ": nothing that could be read is under it");
}

std::vector<std::string> OldDataKeysIn(const DataKeyReport& report) {
  std::vector<std::string> lines;
  for (const DataKeyCount& key : report.data_keys) {
    if (!key.is_target) lines.push_back(LineOf(key));
  }
  return lines;
}

std::vector<std::string> RefusalSteps(DataKeyRefusal refusal) {
  switch (refusal) {
    case DataKeyRefusal::kNone:
      return {};
    case DataKeyRefusal::kNoActiveKey:
      return {
          "rotate in Grafana first: POST /api/admin/encryption/rotate-data-keys, then POST "
          "/api/admin/encryption/reencrypt-secrets, which makes a new data key"};
    case DataKeyRefusal::kOpensNothing:
      return {"give the key that this Grafana runs with: --secret-key-file FILE"};
    case DataKeyRefusal::kUnproven:
      return {"save a password of 20 letters or more in Grafana, and try again"};
    case DataKeyRefusal::kUnreadable:
      return {
          "see `coffer grafana scan`: save them again in Grafana, or leave them as they are with "
          "--accept-unreadable"};
  }
  return {};
}

std::vector<std::string> StepsAfter(const DataKeyReport& report, const DataKeyOccasion& occasion) {
  std::vector<std::string> steps;
  if (occasion.is_plan) steps.emplace_back("run it without --dry-run");
  if (!occasion.backup.empty()) {
    steps.push_back("the backup " + occasion.backup +
                    " holds the values under the old data keys: destroy it when "
                    "Grafana was seen to work");
  }
  bool any_left = false;
  bool any_unneeded = false;
  for (const DataKeyCount& key : report.data_keys) {
    any_left = any_left || (!key.is_target && key.values > 0);
    any_unneeded = any_unneeded || key.unneeded;
  }
  if (any_left && !occasion.all) {
    steps.emplace_back(
        "what is still under old data keys, POST /api/admin/encryption/reencrypt-secrets moves in Grafana, or --all "
        "here");
  }
  if (report.unread > 0) {
    steps.push_back(CountText(report.unread, "cell cannot be read", "cells cannot be read") +
                    ", of the columns left out maybe: nobody can tell which data key they need");
  }
  if (any_unneeded) {
    steps.emplace_back(
        "keep the rows of data_keys all the same: backups, dumps and what replicas keep of before may hold values "
        "under the old ones, and nothing else opens them");
  }
  return steps;
}

}  // namespace

DataKeyText TextOf(const DataKeyReport& report, const DataKeyOccasion& occasion) {
  DataKeyText text;
  text.headline = Headline(report, occasion);
  text.unreadable = UnreadableLines(report.unreadable);
  if (report.refusal != DataKeyRefusal::kNone) {
    text.steps = RefusalSteps(report.refusal);
    return text;
  }
  text.changed = ValueLines(report.values);
  text.unchanged = UnchangedIn(report);
  text.data_keys = OldDataKeysIn(report);
  text.steps = StepsAfter(report, occasion);
  return text;
}

}  // namespace coffer::grafana
