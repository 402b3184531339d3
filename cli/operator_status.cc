// coffer operator status.
#include <algorithm>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "io/clock.h"

namespace coffer::cli {
namespace {

std::string_view StateName(v1::ServiceState state) {
  switch (state) {
    case v1::SERVICE_STATE_UNINITIALISED:
      return "uninitialised";
    case v1::SERVICE_STATE_SEALED:
      return "sealed";
    case v1::SERVICE_STATE_UNSEALED:
      return "unsealed";
    case v1::SERVICE_STATE_COMPROMISED:
      return "compromised";
    case v1::SERVICE_STATE_ROLLED_BACK:
      return "rolled-back";
    default:
      return "unknown";
  }
}

Color ColorOf(v1::ServiceState state) {
  if (state == v1::SERVICE_STATE_UNSEALED) return Color::kGreen;
  const bool damaged = state == v1::SERVICE_STATE_COMPROMISED || state == v1::SERVICE_STATE_ROLLED_BACK;
  return damaged ? Color::kRed : Color::kYellow;
}

Json WitnessesJson(const v1::GetStatusResponse& status) {
  Json witnesses = Json::array();
  for (const v1::AuditWitness& witness : status.audit_witnesses()) {
    witnesses.push_back(
        {{"name", witness.name()},
         {"size", witness.size()},
         {"cosigned_at", witness.cosigned_us() == 0 ? Json(nullptr) : Json(FormatTime(witness.cosigned_us(), true))},
         {"trouble", witness.trouble()}});
  }
  return witnesses;
}

// One line on who watches the log, then one for each witness.
void AddWitnessLines(const v1::GetStatusResponse& status, bool colors,
                     std::vector<std::pair<std::string, std::string>>& lines) {
  const Color color = status.audit_witnessed() ? Color::kGreen : Color::kYellow;
  const std::string_view claim = status.audit_witnessed() ? "tamper-evident, against this host as well"
                                                          : "tamper-evident against others, not against this host";
  lines.emplace_back("audit log", Colored(claim, color, colors));
  const std::int64_t now = SystemClock().UnixMicros();
  for (const v1::AuditWitness& witness : status.audit_witnesses()) {
    std::string said = witness.name();
    if (witness.cosigned_us() != 0) {
      const std::int64_t age = std::max<std::int64_t>(now - witness.cosigned_us(), 0);
      said += ": cosigned " + std::to_string(witness.size()) + " records " + FormatDuration(age) + " ago";
    }
    if (!witness.trouble().empty()) said += (witness.cosigned_us() != 0 ? "; " : ": ") + witness.trouble();
    lines.emplace_back("witness", Colored(said, witness.trouble().empty() ? Color::kNone : Color::kRed, colors));
  }
}

Json StatusJson(const v1::GetStatusResponse& status) {
  Json slots = Json::array();
  for (const std::string& slot : status.seal_slots()) slots.push_back(slot);
  return {{"state", StateName(status.state())},
          {"version", status.version()},
          {"store_uuid", status.store_uuid()},
          {"store_epoch", status.store_epoch()},
          {"keyrings", status.keyrings()},
          {"tenants", status.tenants()},
          {"data_keys", status.data_keys()},
          {"scopes", status.scopes()},
          {"started_at", FormatTime(status.started_us(), true)},
          {"memory_locked", status.memory_locked()},
          {"principal", status.principal()},
          {"seal_slots", slots},
          {"rollback", status.rollback()},
          {"audit_witnessed", status.audit_witnessed()},
          {"audit_witnesses", WitnessesJson(status)}};
}

std::string StatusText(const v1::GetStatusResponse& status, bool colors) {
  std::string slots;
  for (const std::string& slot : status.seal_slots()) slots += (slots.empty() ? "" : ", ") + slot;
  const auto dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  std::vector<std::pair<std::string, std::string>> lines = {
      {"state", Colored(StateName(status.state()), ColorOf(status.state()), colors)}};
  if (!status.rollback().empty()) lines.emplace_back("because", status.rollback());
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"version", status.version()},
      {"store", dash(status.store_uuid())},
      {"epoch", std::to_string(status.store_epoch())},
      {"keyrings", std::to_string(status.keyrings())},
      {"tenants", std::to_string(status.tenants())},
      {"data keys", std::to_string(status.data_keys())},
      {"scopes", std::to_string(status.scopes())},
      {"started", FormatTime(status.started_us())},
      {"memory", status.memory_locked() ? "locked" : "could be swapped out"},
      {"you are", dash(status.principal())},
      {"seal slots", dash(slots)}};
  lines.insert(lines.end(), facts.begin(), facts.end());
  AddWitnessLines(status, colors, lines);
  return AlignedLines(lines);
}

Outcome<int> Status(Session& session, bool check) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto status, client->GetStatus({}));
  if (session.json()) {
    COFFER_TRY(PrintJson(StatusJson(status)));
  } else {
    COFFER_TRY(Print(StatusText(status, session.Colors(STDOUT_FILENO))));
  }
  return check && status.state() != v1::SERVICE_STATE_UNSEALED ? kExitFailed : kExitOk;
}

}  // namespace

void AddOperatorStatusCommand(CommandTree& tree, CLI::App& group) {
  auto check = std::make_shared<bool>(false);
  CLI::App& status =
      tree.AddCommand(group, "status", "What state the service is in",
                      "  coffer operator status\n  coffer operator status --check && start-the-application",
                      [check](Session& session) { return Status(session, *check); });
  status.add_flag("--check", *check, "Exit 1 when the service is not unsealed");
}

}  // namespace coffer::cli
